/* SPDX-License-Identifier: BSD-2-Clause */
/* The names of sockets, and the header of the PROXY protocol; connecting itself is tested with
 * the program (tests/it/test_socket_backend.py). */
#include "net/connect.h"
#include "net/proxy_protocol.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static void
test_names_of_sockets(void **state)
{
	static const struct {
		const char *text;
		enum connect_kind kind;
		const char *host;
		uint16_t port;
		bool lookup;
	} rows[] = {
	    {"tcp:localhost:80", CONNECT_TCP, "localhost", 80, true},
	    {"tcp:127.0.0.1:65535", CONNECT_TCP, "127.0.0.1", 65535, false},
	    {"tcp:[::1]:1", CONNECT_TCP, "::1", 1, false},
	    {"tcp:[fe80::1%lo]:1", CONNECT_TCP, "fe80::1%lo", 1, true},
	    {"unix:/run/x:1", CONNECT_UNIX, "/run/x:1", 0, false},
	    {"unix:x", CONNECT_UNIX, "x", 0, false},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct connect_target target;

		assert_true(connect_is_target(rows[i].text));
		assert_null(connect_parse(rows[i].text, &target));
		assert_int_equal(target.kind, rows[i].kind);
		assert_string_equal(target.host, rows[i].host);
		assert_int_equal(target.port, rows[i].port);
		assert_int_equal(connect_needs_lookup(&target), rows[i].lookup);
	}
	assert_false(connect_is_target("tcp"));
	assert_false(connect_is_target("./tcp:x:1"));
	assert_false(connect_is_target("TCP:x:1"));
}

static void
test_names_that_are_none(void **state)
{
	static const char *const texts[] = {"tcp:", "tcp:80", "tcp::80", "tcp:x:", "tcp:x:0",
	    "tcp:x:65536", "tcp:x:+1", "tcp:x: 1", "tcp:::1:80", "tcp:[]:80", "tcp:[::1:80",
	    "unix:"};
	struct connect_target target;
	char text[400];

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		assert_non_null(connect_parse(texts[i], &target));
	memset(text, 'x', sizeof(text));
	memcpy(text, "unix:", 5);
	text[5 + 107] = '\0';
	assert_null(connect_parse(text, &target));
	text[5 + 107] = 'x';
	text[5 + 108] = '\0';
	assert_non_null(connect_parse(text, &target));
	memcpy(text, "tcp:xx", 6);
	text[5 + 108] = 'x';
	strcpy(text + 4 + 253, ":1");
	assert_null(connect_parse(text, &target));
	text[4 + 253] = 'x';
	strcpy(text + 4 + 254, ":1");
	assert_non_null(connect_parse(text, &target));
}

static struct sockaddr_storage
address(const char *host, uint16_t port)
{
	struct sockaddr_storage result = {0};
	struct sockaddr_in *four = (struct sockaddr_in *)&result;
	struct sockaddr_in6 *six = (struct sockaddr_in6 *)&result;

	if (inet_pton(AF_INET, host, &four->sin_addr) == 1) {
		four->sin_family = AF_INET;
		four->sin_port = htons(port);
	} else if (inet_pton(AF_INET6, host, &six->sin6_addr) == 1) {
		six->sin6_family = AF_INET6;
		six->sin6_port = htons(port);
	} else {
		result.ss_family = AF_UNIX;
	}
	return result;
}

static void
test_headers_of_the_proxy_protocol(void **state)
{
#define SIGNATURE "\r\n\r\n\0\r\nQUIT\n"
	static const struct {
		const char *client;
		const char *local;
		const char *header;
		size_t len;
	} rows[] = {
	    {"192.0.2.7", "127.0.0.1",
		SIGNATURE "\x21\x11\0\x0c\xc0\0\2\7\x7f\0\0\1\x12\x34\x1f\x90", 28},
	    {"2001:db8::1", "::1",
		SIGNATURE "\x21\x21\0\x24"
			  "\x20\1\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\1"
			  "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\1\x12\x34\x1f\x90",
		52},
	    {"192.0.2.7", "::1",
		SIGNATURE "\x21\x21\0\x24"
			  "\0\0\0\0\0\0\0\0\0\0\xff\xff\xc0\0\2\7"
			  "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\1\x12\x34\x1f\x90",
		52},
	    {"", "", SIGNATURE "\x20\0\0\0", 16},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct sockaddr_storage client = address(rows[i].client, 0x1234);
		struct sockaddr_storage local = address(rows[i].local, 8080);
		uint8_t header[PROXY_PROTOCOL_MAX];

		assert_int_equal(proxy_protocol_put(header, &client, &local), rows[i].len);
		assert_memory_equal(header, rows[i].header, rows[i].len);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_names_of_sockets),
	    cmocka_unit_test(test_names_that_are_none),
	    cmocka_unit_test(test_headers_of_the_proxy_protocol),
	};

	return cmocka_run_group_tests_name("connect", tests, NULL, NULL);
}
