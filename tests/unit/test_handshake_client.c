/* SPDX-License-Identifier: BSD-2-Clause */
/* The client's URL, its handshake request, and which responses are accepted. */
#include "client/connector.h"
#include "client/handshake.h"
#include "client/proxy.h"
#include "websocket/deflate_offer.h"
#include "websocket/negotiate.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

/* RFC 6455, section 1.3. */
static const char key[] = "dGhlIHNhbXBsZSBub25jZQ==";
#define ACCEPT "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n"
#define UPGRADE                                                                                \
	"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"

static char *const protocols[] = {"chat.v2", "chat"};
static const struct deflate_settings no_deflate;
static const struct deflate_settings some_deflate = {
    .on = true, .takeover = true, .window = 11, .level = 4};
static const struct deflate_settings all_deflate = {.on = true, .window = 15, .level = 4};

static struct handshake_offer
offer_for(const char *text)
{
	struct handshake_offer offer = {.deflate = &no_deflate};

	assert_null(url_parse(text, &offer.url));
	return offer;
}

static void
test_urls(void **state)
{
	static const struct {
		const char *text;
		const char *host;
		const char *target;
		const char *user;
		int port;
		bool secure;
	} rows[] = {
	    {"ws://a", "a", "", NULL, 80, false},
	    {"WSS://a/", "a", "/", NULL, 443, true},
	    {"ws://a:81/b?c=d&e", "a", "/b?c=d&e", NULL, 81, false},
	    {"ws://a?b", "a", "?b", NULL, 80, false},
	    {"wss://[::1]:9/%20", "::1", "/%20", NULL, 9, true},
	    {"ws://u:p%40@a/@", "a", "/@", "u:p%40", 80, false},
	};
	struct url url;

	(void)state;
	for (size_t i = 0; i < UTIL_LEN(rows); i++) {
		assert_null(url_parse(rows[i].text, &url));
		assert_true(span_equal(url.host, span_of(rows[i].host)));
		assert_true(span_equal(url.target, span_of(rows[i].target)));
		assert_int_equal(url.has_user, rows[i].user != NULL);
		if (rows[i].user)
			assert_true(span_equal(url.user, span_of(rows[i].user)));
		assert_int_equal(url.port, rows[i].port);
		assert_int_equal(url.secure, rows[i].secure);
	}
}

static void
test_urls_that_are_rejected(void **state)
{
	static const char *const rows[] = {"", "a", "http://a", "ws:/a", "ws://", "ws:///",
	    "ws://a:0", "ws://a:65536", "ws://a:x", "ws://a b", "ws://a/b c", "ws://a/#x",
	    "ws://a/%", "ws://a/%4", "ws://a/%zz", "ws://[::1", "ws://u@", "ws://a/\x7f",
	    "ws://a/\r\nX: y", "ws://a/<", "ws://\xc3\xbc/"};
	struct url url;

	(void)state;
	for (size_t i = 0; i < UTIL_LEN(rows); i++)
		assert_non_null(url_parse(rows[i], &url));
}

static void
test_the_user_loses_its_escapes(void **state)
{
	struct buffer out = {0};

	(void)state;
	assert_true(url_put_user(SPAN("u%3a:p%40%00"), &out));
	assert_int_equal(buffer_len(&out), 6);
	assert_memory_equal(buffer_data(&out), "u::p@\0", 6);
	buffer_clear(&out);
}

static void
assert_request(const struct handshake_offer *offer, const char *expected)
{
	struct buffer out = {0};

	assert_true(handshake_put_request(offer, key, &out));
	assert_true(buffer_append(&out, "", 1));
	assert_string_equal((char *)buffer_data(&out), expected);
	buffer_clear(&out);
}

static void
test_the_request(void **state)
{
	char *const headers[] = {"X-A: b", "host: other"};
	struct handshake_offer offer = offer_for("ws://h:81?q");

	(void)state;
	assert_request(&offer,
	    "GET /?q HTTP/1.1\r\nHost: h:81\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
	    "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n");
	offer = offer_for("wss://u@h/p");
	offer.headers = headers;
	offer.header_count = 2;
	offer.authorization = "Authorization: Basic dTo=\r\n";
	offer.subprotocols = protocols;
	offer.subprotocol_count = 2;
	offer.deflate = &some_deflate;
	assert_request(&offer,
	    "GET /p HTTP/1.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
	    "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
	    "Sec-WebSocket-Protocol: chat.v2, chat\r\n"
	    "Sec-WebSocket-Extensions: permessage-deflate; server_max_window_bits=11; "
	    "client_max_window_bits=11\r\n"
	    "Authorization: Basic dTo=\r\nX-A: b\r\nhost: other\r\n\r\n");
}

/* The response in any two pieces. NULL: it is accepted; else the reason. */
static const char *
check(const struct handshake_offer *offer, const char *response, struct handshake_agreed *out)
{
	static char why[HANDSHAKE_WHY_MAX];
	size_t len = strlen(response);
	struct head head;
	bool ok = false;

	for (size_t cut = 0; cut < len; cut++) {
		head_init_response(&head);
		if (head_parse(&head, response, cut) == HEAD_MORE)
			(void)head_parse(&head, response, len);
		if (head.result != HEAD_DONE)
			return head_reason(&head) ? head_reason(&head) : "not complete";
		ok = handshake_check(offer, key, &head, out, why);
	}
	return ok ? NULL : why;
}

static void
test_responses_that_are_accepted(void **state)
{
	static const char *const rows[] = {
	    UPGRADE ACCEPT "\r\n",
	    "HTTP/1.1 101\r\nupgrade: WebSocket\r\nconnection: keep-alive, upgrade\r\n" ACCEPT
	    "\r\n",
	    "HTTP/1.1 101 \r\nUpgrade: a, websocket\r\nConnection: UPGRADE\r\n" ACCEPT
	    "X: y\r\n\r\n",
	};
	struct handshake_offer offer = offer_for("ws://h");
	struct handshake_agreed agreed;

	(void)state;
	for (size_t i = 0; i < UTIL_LEN(rows); i++)
		assert_null(check(&offer, rows[i], &agreed));
	assert_false(agreed.deflates);
	assert_int_equal(agreed.subprotocol.len, 0);
}

static void
test_responses_that_are_rejected(void **state)
{
	static const char *const rows[] = {
	    /* RFC 6455, section 4.1, items 2 to 6 of the response. */
	    UPGRADE "\r\n",
	    UPGRADE "Sec-WebSocket-Accept: x3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n",
	    UPGRADE "Sec-WebSocket-Accept: s3pplmbitxaq9kygzzhzrbk+xoo=\r\n\r\n",
	    UPGRADE ACCEPT ACCEPT "\r\n",
	    "HTTP/1.1 101 x\r\nConnection: Upgrade\r\n" ACCEPT "\r\n",
	    "HTTP/1.1 101 x\r\nUpgrade: websocket\r\n" ACCEPT "\r\n",
	    "HTTP/1.1 101 x\r\nUpgrade: h2c\r\nConnection: Upgrade\r\n" ACCEPT "\r\n",
	    "HTTP/1.0 101 x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n" ACCEPT "\r\n",
	    UPGRADE ACCEPT "Sec-WebSocket-Extensions: permessage-deflate\r\n\r\n",
	    UPGRADE ACCEPT "Sec-WebSocket-Protocol: chat\r\n\r\n",
	    UPGRADE ACCEPT "Sec-WebSocket-Protocol: \r\n\r\n",
	    /* The status line and the fields. */
	    "HTTP/2.0 101 x\r\n\r\n",
	    "HTTP/1.m 101 x\r\n\r\n",
	    "HTTP/1.1 099 x\r\n\r\n",
	    "HTTP/1.1 600 x\r\n\r\n",
	    "HTTP/1.1 1011 x\r\n\r\n",
	    "HTTP/1.1  101 x\r\n\r\n",
	    "HTTP/1.1 101x\r\n\r\n",
	    "http/1.1 101 x\r\n\r\n",
	    " HTTP/1.1 101 x\r\n\r\n",
	    "\r\nHTTP/1.1 101 x\r\n\r\n",
	    "HTTP/1.1 101 x\n\r\n",
	    "HTTP/1.1 101 \x1b[31m\r\n\r\n",
	    "SSH-2.0-OpenSSH\r\n",
	    UPGRADE " folded: x\r\n" ACCEPT "\r\n",
	    UPGRADE "bad : x\r\n" ACCEPT "\r\n",
	    UPGRADE "bad\r\n" ACCEPT "\r\n",
	};
	struct handshake_offer offer = offer_for("ws://h");
	struct handshake_agreed agreed;

	(void)state;
	for (size_t i = 0; i < UTIL_LEN(rows); i++)
		assert_non_null(check(&offer, rows[i], &agreed));
}

static void
test_the_subprotocol_is_one_that_was_offered(void **state)
{
	struct handshake_offer offer = offer_for("ws://h");
	struct handshake_agreed agreed;

	(void)state;
	offer.subprotocols = protocols;
	offer.subprotocol_count = 2;
	assert_null(
	    check(&offer, UPGRADE ACCEPT "Sec-WebSocket-Protocol: chat\r\n\r\n", &agreed));
	assert_true(span_equal(agreed.subprotocol, SPAN("chat")));
	assert_null(check(&offer, UPGRADE ACCEPT "\r\n", &agreed));
	assert_non_null(
	    check(&offer, UPGRADE ACCEPT "Sec-WebSocket-Protocol: Chat\r\n\r\n", &agreed));
	assert_non_null(check(
	    &offer, UPGRADE ACCEPT "Sec-WebSocket-Protocol: chat, chat.v2\r\n\r\n", &agreed));
	assert_non_null(check(&offer,
	    UPGRADE ACCEPT "Sec-WebSocket-Protocol: chat\r\nSec-WebSocket-Protocol: "
			   "chat\r\n\r\n",
	    &agreed));
	offer.require_subprotocol = true;
	assert_non_null(check(&offer, UPGRADE ACCEPT "\r\n", &agreed));
}

static void
test_compression_fits_the_offer(void **state)
{
	static const struct {
		const struct deflate_settings *settings;
		const char *value;
		int sends, reads; /* the windows; 0: rejected */
		bool sends_takeover, reads_takeover;
	} rows[] = {
	    {&some_deflate, "permessage-deflate", 11, 15, true, true},
	    {&some_deflate, " permessage-deflate; server_max_window_bits=10", 11, 10, true,
		true},
	    {&some_deflate, "permessage-deflate;client_max_window_bits=9", 9, 15, true, true},
	    {&some_deflate, "permessage-deflate; server_no_context_takeover", 11, 15, true,
		false},
	    {&some_deflate, "permessage-deflate; client_no_context_takeover", 11, 15, false,
		true},
	    {&all_deflate, "permessage-deflate; server_max_window_bits=\"15\"", 15, 15, false,
		true},
	    {&some_deflate, "permessage-deflate; server_max_window_bits=12", 0, 0, false,
		false},
	    {&some_deflate, "permessage-deflate; client_max_window_bits=12", 0, 0, false,
		false},
	    {&some_deflate, "permessage-deflate; client_max_window_bits", 0, 0, false, false},
	    {&some_deflate, "permessage-deflate; client_max_window_bits=8", 0, 0, false, false},
	    {&some_deflate, "permessage-deflate; server_max_window_bits", 0, 0, false, false},
	    {&some_deflate, "permessage-deflate; x", 0, 0, false, false},
	    {&some_deflate, "permessage-deflate, permessage-deflate", 0, 0, false, false},
	    {&some_deflate, "x-other", 0, 0, false, false},
	    {&some_deflate, "", 0, 0, false, false},
	};
	struct deflate_agreed agreed;

	(void)state;
	for (size_t i = 0; i < UTIL_LEN(rows); i++) {
		bool ok = deflate_accept(rows[i].settings, span_of(rows[i].value), &agreed);

		assert_int_equal(ok, rows[i].sends != 0);
		if (!ok)
			continue;
		assert_int_equal(agreed.server_bits, rows[i].sends);
		assert_int_equal(agreed.client_bits, rows[i].reads);
		assert_int_equal(agreed.server_takeover, rows[i].sends_takeover);
		assert_int_equal(agreed.client_takeover, rows[i].reads_takeover);
	}
}

static void
test_texts_of_the_server_do_not_control_the_terminal(void **state)
{
	static const struct {
		const char *text;
		const char *shown;
	} rows[] = {
	    {"plain", "plain"},
	    {"a\x1b[31m\a\tb", "a?[31m??b"},
	    {"gr\xc3\xbc\xc3\x9f", "gr\xc3\xbc\xc3\x9f"},
	    {"\xc2\x9b"
	     "31m \xc2\xa7",
		"?31m \xc2\xa7"},
	    {"\xff\xc3\xbc", "???"},
	    {"\xc2", "?"},
	    {"0123456789abcde\xc3\xbc", "0123456789abcde"},
	};
	char out[17];

	(void)state;
	for (size_t i = 0; i < UTIL_LEN(rows); i++) {
		handshake_show(span_of(rows[i].text), out, sizeof(out));
		assert_string_equal(out, rows[i].shown);
	}
}

static void
test_a_response_is_described(void **state)
{
	static const struct {
		const char *response;
		const char *text;
	} rows[] = {
	    {"HTTP/1.1 403 Forbidden\r\n\r\n", "HTTP 403 Forbidden"},
	    {"HTTP/1.1 500\r\n\r\n", "HTTP 500"},
	    {"HTTP/1.0 302 Found\r\nLocation: wss://a/\r\n\r\n",
		"HTTP 302 Found; redirects are not followed: connect to wss://a/"},
	    {"HTTP/1.1 302 Found\r\nLocation: wss://joe:secret@a/b?token=secret#c\r\n\r\n",
		"HTTP 302 Found; redirects are not followed: connect to wss://*@a/b?*"},
	    {"HTTP/1.1 307\r\nLocation: /b@c?secret\r\n\r\n",
		"HTTP 307; redirects are not followed: connect to /b@c?*"},
	    {"HTTP/1.1 307\r\nLocation: //se@cret@a?\r\n\r\n",
		"HTTP 307; redirects are not followed: connect to //*@a?*"},
	};
	char text[HANDSHAKE_WHY_MAX];
	struct head head;

	(void)state;
	for (size_t i = 0; i < UTIL_LEN(rows); i++) {
		head_init_response(&head);
		assert_int_equal(
		    head_parse(&head, rows[i].response, strlen(rows[i].response)), HEAD_DONE);
		handshake_describe(&head, text);
		assert_string_equal(text, rows[i].text);
	}
}

static void
test_a_head_of_a_response_is_bounded(void **state)
{
	static char response[HEAD_MAX_BYTES + 1];
	struct head head;

	(void)state;
	memset(response, 'x', sizeof(response));
	memcpy(response, "HTTP/1.1 101 ", 13);
	head_init_response(&head);
	assert_int_equal(head_parse(&head, response, sizeof(response)), HEAD_BAD);
	assert_string_equal(head_reason(&head), "status line longer than 8192 bytes");
	memcpy(response, "HTTP/1.1 101\r\nX: ", 17);
	head_init_response(&head);
	assert_int_equal(head_parse(&head, response, sizeof(response)), HEAD_BAD);
	assert_string_equal(head_reason(&head), "response headers larger than 16384 bytes");
}

/* The environment of the next row. */
static const char *const *variables;

static char *
get(const char *name)
{
	for (const char *const *v = variables; *v; v += 2) {
		if (strcmp(v[0], name) == 0)
			return (char *)(uintptr_t)v[1];
	}
	return NULL;
}

static void
test_the_proxy_is_that_of_the_environment(void **state)
{
	static const struct {
		const char *url;
		const char *variables[7];
		const char *host; /* NULL: none */
		int port;
	} rows[] = {
	    {"ws://a", {NULL}, NULL, 0},
	    {"ws://a", {"http_proxy", "http://p"}, "p", 1080},
	    {"ws://a", {"http_proxy", "p:3128"}, "p", 3128},
	    {"ws://a", {"http_proxy", "HTTP://u:p@[::1]:1/"}, "::1", 1},
	    {"ws://a", {"HTTP_PROXY", "p"}, NULL, 0},
	    {"ws://a", {"https_proxy", "p"}, NULL, 0},
	    {"wss://a", {"http_proxy", "p"}, NULL, 0},
	    {"wss://a", {"https_proxy", "p"}, "p", 1080},
	    {"wss://a", {"HTTPS_PROXY", "p"}, "p", 1080},
	    {"wss://a", {"https_proxy", "p", "HTTPS_PROXY", "q"}, "p", 1080},
	    {"wss://a", {"https_proxy", "", "all_proxy", "q"}, "q", 1080},
	    {"ws://a", {"ALL_PROXY", "q"}, "q", 1080},
	    {"ws://a", {"all_proxy", "p", "no_proxy", "*"}, NULL, 0},
	    {"ws://a", {"all_proxy", "p", "no_proxy", "b,A"}, NULL, 0},
	    {"ws://a", {"all_proxy", "p", "NO_PROXY", "b a"}, NULL, 0},
	    {"ws://a", {"all_proxy", "p", "no_proxy", "aa,a.b,.,:80,"}, "p", 1080},
	    {"ws://x.a.b", {"all_proxy", "p", "no_proxy", "a.b"}, NULL, 0},
	    {"ws://x.a.b", {"all_proxy", "p", "no_proxy", ".a.b"}, NULL, 0},
	    {"ws://xa.b", {"all_proxy", "p", "no_proxy", "a.b"}, "p", 1080},
	    {"ws://a:81", {"all_proxy", "p", "no_proxy", "a:81"}, NULL, 0},
	    {"ws://a:81", {"all_proxy", "p", "no_proxy", "a:80"}, "p", 1080},
	    {"wss://[::1]", {"all_proxy", "p", "no_proxy", "::1"}, NULL, 0},
	    {"wss://[::1]", {"all_proxy", "p", "no_proxy", "[::1]:443"}, NULL, 0},
	    {"wss://[::1]", {"all_proxy", "p", "no_proxy", "::2,[::1]:80"}, "p", 1080},
	    {"ws://127.0.0.1", {"all_proxy", "p", "no_proxy", "127.0.0.1"}, NULL, 0},
	};
	static const char *const bad[] = {"https://p", "socks5://p", "p:0", "a b", "http://"};
	const char *name, *why;
	struct url url, proxy;

	(void)state;
	for (size_t i = 0; i < UTIL_LEN(rows); i++) {
		variables = rows[i].variables;
		assert_null(url_parse(rows[i].url, &url));
		assert_int_equal(proxy_find(&url, get, &proxy, &name, &why),
		    rows[i].host ? PROXY_FOUND : PROXY_NONE);
		if (!rows[i].host)
			continue;
		assert_true(span_equal(proxy.host, span_of(rows[i].host)));
		assert_int_equal(proxy.port, rows[i].port);
	}
	for (size_t i = 0; i < UTIL_LEN(bad); i++) {
		const char *row[] = {"all_proxy", bad[i], NULL};

		variables = row;
		assert_int_equal(proxy_find(&url, get, &proxy, &name, &why), PROXY_BAD);
		assert_string_equal(name, "all_proxy");
	}
}

/* The table of the manual. */
static void
test_the_status_follows_from_the_code(void **state)
{
	static const struct {
		uint16_t code;
		int status;
	} rows[] = {{1000, 0}, {4000, 0}, {4003, 3}, {4255, 255}, {4256, -1}, {4257, 129},
	    {4271, 143}, {4256 + 64, 192}, {4256 + 65, -1}, {4999, -1}, {1001, -1}, {1005, -1},
	    {1006, -1}, {1011, -1}, {3000, -1}};

	(void)state;
	for (size_t i = 0; i < UTIL_LEN(rows); i++)
		assert_int_equal(connector_status_of_code(rows[i].code), rows[i].status);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_urls),
	    cmocka_unit_test(test_urls_that_are_rejected),
	    cmocka_unit_test(test_the_user_loses_its_escapes),
	    cmocka_unit_test(test_the_request),
	    cmocka_unit_test(test_responses_that_are_accepted),
	    cmocka_unit_test(test_responses_that_are_rejected),
	    cmocka_unit_test(test_the_subprotocol_is_one_that_was_offered),
	    cmocka_unit_test(test_compression_fits_the_offer),
	    cmocka_unit_test(test_texts_of_the_server_do_not_control_the_terminal),
	    cmocka_unit_test(test_a_response_is_described),
	    cmocka_unit_test(test_a_head_of_a_response_is_bounded),
	    cmocka_unit_test(test_the_proxy_is_that_of_the_environment),
	    cmocka_unit_test(test_the_status_follows_from_the_code),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
