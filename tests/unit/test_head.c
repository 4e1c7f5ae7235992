/* SPDX-License-Identifier: BSD-2-Clause */
/* The parser of request heads, fed whole, byte by byte, and cut in two everywhere. */
#include "http/head.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define HOST "Host: example.com\r\n"
#define GET "GET / HTTP/1.1\r\n"

struct row {
	const char *name;
	const char *input;
	enum head_result result;
	int status; /* 0 unless HEAD_BAD */
};

/* A copy in a block of exactly its size, so that a sanitizer sees a read behind it. */
static char *
copy_of(const char *bytes, size_t len)
{
	char *copy = malloc(len ? len : 1);

	assert_non_null(copy);
	memcpy(copy, bytes, len);
	return copy;
}

/* What a parser found, as text, so that two of them can be compared and shown. */
static void
describe(const struct head *head, enum head_result result, char *out, size_t size)
{
	size_t len = 0;

#define PUT(...) len += (size_t)snprintf(out + len, len < size ? size - len : 0, __VA_ARGS__)
	PUT("result %d", result);
	if (result == HEAD_BAD)
		PUT(" status %d (%s)", head_status(head), head_reason(head));
	if (result == HEAD_DONE) {
		PUT(" len %zu minor %d", head_len(head), head_minor(head));
		PUT(" [%.*s]", (int)head_method(head).len, head_method(head).data);
		PUT(" [%.*s]", (int)head_target(head).len, head_target(head).data);
		for (size_t i = 0; i < head_field_count(head); i++) {
			struct head_field field = head_field(head, i);

			PUT(" [%.*s=%.*s]", (int)field.name.len, field.name.data,
			    (int)field.value.len, field.value.data);
		}
	}
#undef PUT
	assert_true(len < size);
}

static enum head_result
parse_whole(struct head *head, const char *input, size_t len)
{
	head_init(head);
	return head_parse(head, input, len);
}

/* Feeds INPUT up to CUT and then all of it, each time at another place in memory. */
static void
parse_in_two(const char *input, size_t len, size_t cut, char *out, size_t size)
{
	struct head head;
	char *first = copy_of(input, cut);
	char *second;

	head_init(&head);
	(void)head_parse(&head, first, cut);
	free(first);
	second = copy_of(input, len);
	describe(&head, head_parse(&head, second, len), out, size);
	free(second);
}

/*
 * Feeds one byte more at a time. What was looked at before is overwritten until
 * byte LAST, which decides; so a parser that looks twice finds NULs and fails.
 */
static void
parse_byte_by_byte(const char *input, size_t len, size_t last, char *out, size_t size)
{
	struct head head;
	enum head_result result = HEAD_MORE;
	char *bytes = calloc(1, len ? len : 1);

	assert_non_null(bytes);
	head_init(&head);
	for (size_t i = 0; i < len && result == HEAD_MORE; i++) {
		bytes[i] = input[i];
		if (i > 0)
			bytes[i - 1] = '\0';
		if (i == last)
			memcpy(bytes, input, len);
		result = head_parse(&head, bytes, i + 1);
	}
	memcpy(bytes, input, len);
	describe(&head, result, out, size);
	free(bytes);
}

static void
check_bytes(
    const char *name, const char *input, size_t len, enum head_result result, int status)
{
	static char whole[64 * 1024], parts[64 * 1024];
	struct head head;
	size_t step = len < 1000 ? 1 : 61;
	char *copy = copy_of(input, len);
	enum head_result got = parse_whole(&head, copy, len);

	describe(&head, got, whole, sizeof(whole));
	if (got != result || (got == HEAD_BAD && head_status(&head) != status))
		fail_msg("%s: %.2000s", name, whole);
	/* What was decided stays decided, however often it is asked. */
	assert_int_equal(head_parse(&head, copy, len), got);
	free(copy);
	for (size_t cut = 0; cut <= len; cut += step) {
		parse_in_two(input, len, cut, parts, sizeof(parts));
		if (strcmp(whole, parts) != 0)
			fail_msg(
			    "%s, cut at %zu: %.1000s, not %.1000s", name, cut, parts, whole);
	}
	parse_byte_by_byte(input, len, head_len(&head) - 1, parts, sizeof(parts));
	if (strcmp(whole, parts) != 0)
		fail_msg("%s, byte by byte: %.1000s, not %.1000s", name, parts, whole);
}

static void
check_rows(const struct row *rows, size_t count)
{
	for (size_t i = 0; i < count; i++)
		check_bytes(rows[i].name, rows[i].input, strlen(rows[i].input), rows[i].result,
		    rows[i].status);
}

static void
test_facts_of_a_head(void **state)
{
	static const char input[] = "GET /chat?room=1 HTTP/1.1\r\n"
				    "Host: server.example.com:8080\r\n"
				    "upgrade: \t websocket \t\r\n"
				    "X-Empty:\r\n"
				    "X-Blank: \t \r\n"
				    "X-Inner:a  b\tc\r\n"
				    "X-High: \xc3\xa4\x80\xff\r\n"
				    "\r\n"
				    "rest";
	struct head head;
	struct span value = {NULL, 0};

	(void)state;
	check_bytes("facts", input, sizeof(input) - 1, HEAD_DONE, 0);
	assert_int_equal(parse_whole(&head, input, sizeof(input) - 1), HEAD_DONE);
	assert_int_equal(head_len(&head), sizeof(input) - 1 - 4);
	assert_true(span_equal(head_method(&head), SPAN("GET")));
	assert_true(span_equal(head_target(&head), SPAN("/chat?room=1")));
	assert_int_equal(head_minor(&head), 1);
	assert_int_equal(head_field_count(&head), 6);
	assert_true(span_equal(head_field(&head, 0).name, SPAN("Host")));
	assert_true(span_equal(head_field(&head, 0).value, SPAN("server.example.com:8080")));
	assert_true(span_equal(head_field(&head, 1).name, SPAN("upgrade")));
	assert_int_equal(head_find(&head, "Upgrade", &value), 1);
	assert_true(span_equal(value, SPAN("websocket")));
	assert_int_equal(head_find(&head, "x-empty", &value), 1);
	assert_int_equal(value.len, 0);
	assert_int_equal(head_find(&head, "x-blank", &value), 1);
	assert_int_equal(value.len, 0);
	assert_int_equal(head_find(&head, "x-inner", &value), 1);
	assert_true(span_equal(value, SPAN("a  b\tc")));
	assert_int_equal(head_find(&head, "x-high", NULL), 1);
	value = SPAN("untouched");
	assert_int_equal(head_find(&head, "X-None", &value), 0);
	assert_true(span_equal(value, SPAN("untouched")));
}

/* Every front of a good head wants more, and nothing behind it is looked at. */
static void
test_fronts_of_a_head_want_more(void **state)
{
	static const char input[] = "\r\nPOST /a HTTP/1.1\r\n" HOST "Content-Length: 3\r\n\r\n";
	char longer[sizeof(input) + 1];
	struct head head;
	size_t len = sizeof(input) - 1;

	(void)state;
	for (size_t i = 0; i < len; i++)
		assert_int_equal(parse_whole(&head, input, i), HEAD_MORE);
	assert_int_equal(parse_whole(&head, input, len), HEAD_DONE);
	assert_int_equal(head_len(&head), len);
	memcpy(longer, input, len);
	longer[len] = '\0';
	longer[len + 1] = '\n';
	assert_int_equal(parse_whole(&head, longer, len + 2), HEAD_DONE);
	assert_int_equal(head_len(&head), len);
}

static void
test_request_line(void **state)
{
	static const struct row rows[] = {
	    {"nothing", "", HEAD_MORE, 0},
	    {"plain", GET HOST "\r\n", HEAD_DONE, 0},
	    {"one empty line first", "\r\n" GET HOST "\r\n", HEAD_DONE, 0},
	    {"two empty lines first", "\r\n\r\n" GET HOST "\r\n", HEAD_BAD, 400},
	    {"LF first", "\n" GET HOST "\r\n", HEAD_BAD, 400},
	    {"CR and no LF first", "\rGET / HTTP/1.1\r\n" HOST "\r\n", HEAD_BAD, 400},
	    {"blank first", " " GET HOST "\r\n", HEAD_BAD, 400},
	    {"a method of our own", "m-search!#$%&'*+.^_`|~09 / HTTP/1.1\r\n" HOST "\r\n",
		HEAD_DONE, 0},
	    {"method no token", "GE(T / HTTP/1.1\r\n", HEAD_BAD, 400},
	    {"method empty", " / HTTP/1.1\r\n", HEAD_BAD, 400},
	    {"tab behind the method", "GET\t/ HTTP/1.1\r\n", HEAD_BAD, 400},
	    {"two blanks before the target", "GET  / HTTP/1.1\r\n", HEAD_BAD, 400},
	    {"two blanks behind the target", "GET /  HTTP/1.1\r\n", HEAD_BAD, 400},
	    {"tab behind the target", "GET /\tHTTP/1.1\r\n", HEAD_BAD, 400},
	    {"blank in the target", "GET /a b HTTP/1.1\r\n", HEAD_BAD, 400},
	    {"blank behind the version", "GET / HTTP/1.1 \r\n", HEAD_BAD, 400},
	    {"DEL in the target", "GET /\x7f HTTP/1.1\r\n", HEAD_BAD, 400},
	    {"byte above 0x7e in the target", "GET /\xc3\xa4 HTTP/1.1\r\n", HEAD_BAD, 400},
	    {"a TLS ClientHello", "\x16\x03\x01", HEAD_BAD, 400},
	    {"absolute-form", "GET http://other/ HTTP/1.1\r\n" HOST "\r\n", HEAD_DONE, 0},
	    {"asterisk-form", "OPTIONS * HTTP/1.1\r\n" HOST "\r\n", HEAD_DONE, 0},
	};

	(void)state;
	check_rows(rows, UTIL_LEN(rows));
}

static void
test_S_HS_2_versions(void **state)
{
	static const struct row rows[] = {
	    {"HTTP/1.0", "GET / HTTP/1.0\r\n\r\n", HEAD_DONE, 0},
	    {"HTTP/0.9, without a version", "GET /\r\n", HEAD_BAD, 400},
	    {"HTTP/0.9, without a version, blank", "GET / \r\n", HEAD_BAD, 400},
	    {"HTTP/0.9, spelled out", "GET / HTTP/0.9\r\n", HEAD_BAD, 505},
	    {"HTTP/1.10", "GET / HTTP/1.10\r\n", HEAD_BAD, 400},
	    {"HTTP/1.01", "GET / HTTP/1.01\r\n", HEAD_BAD, 400},
	    {"HTTP/01.1", "GET / HTTP/01.1\r\n", HEAD_BAD, 400},
	    {"HTTP/1.", "GET / HTTP/1.\r\n", HEAD_BAD, 400},
	    {"HTTP/1", "GET / HTTP/1\r\n", HEAD_BAD, 400},
	    {"HTTP/1,1", "GET / HTTP/1,1\r\n", HEAD_BAD, 400},
	    {"HTTP/M.m", "GET / HTTP/M.m\r\n", HEAD_BAD, 400},
	    {"HTTP/1.m", "GET / HTTP/1.m\r\n", HEAD_BAD, 400},
	    {"http/1.1", "GET / http/1.1\r\n", HEAD_BAD, 400},
	    {"Http/1.1", "GET / Http/1.1\r\n", HEAD_BAD, 400},
	    {"FTP/1.1", "GET / FTP/1.1\r\n", HEAD_BAD, 400},
	    {"HTTP/2.0", "GET / HTTP/2.0\r\n", HEAD_BAD, 505},
	    {"HTTP/3.0", "GET / HTTP/3.0\r\n", HEAD_BAD, 505},
	    {"HTTP/2", "GET / HTTP/2\r\n", HEAD_BAD, 400},
	    {"h2 preface", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", HEAD_HTTP2, 0},
	    {"h2 preface, its first line", "PRI * HTTP/2.0\r\n", HEAD_HTTP2, 0},
	    {"h2 preface, not all of its first line", "PRI * HTTP/2.0\r", HEAD_MORE, 0},
	    {"PRI with another target", "PRI / HTTP/2.0\r\n", HEAD_BAD, 505},
	    {"PRI with another version", "PRI * HTTP/2.1\r\n", HEAD_BAD, 505},
	    {"another method with *", "GET * HTTP/2.0\r\n", HEAD_BAD, 505},
	};
	static const struct {
		const char *input;
		int minor;
	} minors[] = {
	    {"GET / HTTP/1.0\r\n" HOST "\r\n", 0},
	    {"GET / HTTP/1.1\r\n" HOST "\r\n", 1},
	    {"GET / HTTP/1.2\r\n" HOST "\r\n", 1},
	    {"GET / HTTP/1.9\r\n" HOST "\r\n", 1},
	};
	struct head head;

	(void)state;
	check_rows(rows, UTIL_LEN(rows));
	for (size_t i = 0; i < UTIL_LEN(minors); i++) {
		assert_int_equal(
		    parse_whole(&head, minors[i].input, strlen(minors[i].input)), HEAD_DONE);
		assert_int_equal(head_minor(&head), minors[i].minor);
	}
}

static void
test_S_HS_3_host(void **state)
{
	static const struct row rows[] = {
	    {"none", GET "\r\n", HEAD_BAD, 400},
	    {"none, HTTP/1.2", "GET / HTTP/1.2\r\n\r\n", HEAD_BAD, 400},
	    {"none, HTTP/1.0", "GET / HTTP/1.0\r\n\r\n", HEAD_DONE, 0},
	    {"none, absolute-form", "GET http://example.com/ HTTP/1.1\r\n\r\n", HEAD_BAD, 400},
	    {"two", GET HOST "Host: other\r\n\r\n", HEAD_BAD, 400},
	    {"two that are equal", GET HOST "host: example.com\r\n\r\n", HEAD_BAD, 400},
	    {"two, HTTP/1.0", "GET / HTTP/1.0\r\n" HOST HOST "\r\n", HEAD_BAD, 400},
	    {"empty", GET "Host:\r\n\r\n", HEAD_BAD, 400},
	    {"empty, HTTP/1.0", "GET / HTTP/1.0\r\nHost:\r\n\r\n", HEAD_BAD, 400},
	    {"list", GET "Host: a, b\r\n\r\n", HEAD_BAD, 400},
	    {"user", GET "Host: user@a\r\n\r\n", HEAD_BAD, 400},
	    {"path", GET "Host: a/b\r\n\r\n", HEAD_BAD, 400},
	    {"port 0", GET "Host: a:0\r\n\r\n", HEAD_BAD, 400},
	    {"port above 65535", GET "Host: a:65536\r\n\r\n", HEAD_BAD, 400},
	    {"port no number", GET "Host: a:b\r\n\r\n", HEAD_BAD, 400},
	    {"invalid beside an absolute-form", "GET http://a/ HTTP/1.1\r\nHost: a b\r\n\r\n",
		HEAD_BAD, 400},
	    {"port", GET "Host: a:65535\r\n\r\n", HEAD_DONE, 0},
	    {"port empty", GET "Host: a:\r\n\r\n", HEAD_DONE, 0},
	    {"IPv4", GET "Host: 127.0.0.1:80\r\n\r\n", HEAD_DONE, 0},
	    {"IPv6", GET "Host: [::1]:80\r\n\r\n", HEAD_DONE, 0},
	    {"IPv6 without brackets", GET "Host: ::1\r\n\r\n", HEAD_BAD, 400},
	    {"other than that of the target", "GET http://a/ HTTP/1.1\r\nHost: b\r\n\r\n",
		HEAD_DONE, 0},
	};

	(void)state;
	check_rows(rows, UTIL_LEN(rows));
}

static void
test_S_HTTP_2_lines_and_names(void **state)
{
	static const struct row rows[] = {
	    {"blank before the colon", GET HOST "X : y\r\n\r\n", HEAD_BAD, 400},
	    {"tab before the colon", GET HOST "X\t: y\r\n\r\n", HEAD_BAD, 400},
	    {"obs-fold with a blank", GET HOST "X: y\r\n z\r\n\r\n", HEAD_BAD, 400},
	    {"obs-fold with a tab", GET HOST "X: y\r\n\tz\r\n\r\n", HEAD_BAD, 400},
	    {"blank before the first field", GET " " HOST "\r\n", HEAD_BAD, 400},
	    {"blank in the empty line", GET HOST " \r\n\r\n", HEAD_BAD, 400},
	    {"bare CR in a value", GET HOST "X: a\rb\r\n\r\n", HEAD_BAD, 400},
	    {"two CRs", GET HOST "X: a\r\r\n\r\n", HEAD_BAD, 400},
	    {"bare CR before a name", GET HOST "\rX: a\r\n\r\n", HEAD_BAD, 400},
	    {"bare CR behind a name", GET HOST "X\r: a\r\n\r\n", HEAD_BAD, 400},
	    {"bare CR behind the request line", "GET / HTTP/1.1\r" HOST "\r\n", HEAD_BAD, 400},
	    {"bare CR in the target", "GET /\r HTTP/1.1\r\n" HOST "\r\n", HEAD_BAD, 400},
	    {"bare LF behind the request line", "GET / HTTP/1.1\n" HOST "\r\n", HEAD_BAD, 400},
	    {"bare LF behind a value", GET HOST "X: a\nY: b\r\n\r\n", HEAD_BAD, 400},
	    {"bare LF behind the colon", GET HOST "X:\nY: b\r\n\r\n", HEAD_BAD, 400},
	    {"bare LF as the empty line", GET HOST "\n", HEAD_BAD, 400},
	    {"bare LF in the target", "GET /\n HTTP/1.1\r\n" HOST "\r\n", HEAD_BAD, 400},
	    {"empty name", GET HOST ": a\r\n\r\n", HEAD_BAD, 400},
	    {"no colon", GET HOST "X\r\n\r\n", HEAD_BAD, 400},
	    {"name no token", GET HOST "X@Y: a\r\n\r\n", HEAD_BAD, 400},
	    {"name with a quote", GET HOST "\"X\": a\r\n\r\n", HEAD_BAD, 400},
	    {"name with a byte above 0x7f", GET HOST "X\xc3\xa4: a\r\n\r\n", HEAD_BAD, 400},
	    {"all of a token", GET HOST "!#$%&'*+-.^_`|~09azAZ: a\r\n\r\n", HEAD_DONE, 0},
	    {"tab in a value", GET HOST "X: a\tb\r\n\r\n", HEAD_DONE, 0},
	};

	(void)state;
	check_rows(rows, UTIL_LEN(rows));
}

/* NUL and the other control bytes, everywhere: only CR LF ends a line, and only HTAB may stand
 * in a value. */
static void
test_S_HTTP_2_control_bytes(void **state)
{
	static const char *const places[] = {
	    "?GET / HTTP/1.1\r\n" HOST "\r\n",
	    "G?ET / HTTP/1.1\r\n" HOST "\r\n",
	    "GET /? HTTP/1.1\r\n" HOST "\r\n",
	    "GET / HTT?P/1.1\r\n" HOST "\r\n",
	    "GET / HTTP/1.1?\r\n" HOST "\r\n",
	    GET HOST "X?Y: a\r\n\r\n",
	    GET HOST "X:?a\r\n\r\n",
	    GET HOST "X: a?b\r\n\r\n",
	    GET HOST "X: a?\r\n\r\n",
	    GET HOST "X: a\r\n?\r\n",
	};

	(void)state;
	for (size_t i = 0; i < UTIL_LEN(places); i++) {
		for (int c = 0; c < 0x80; c++) {
			char input[128], name[160];
			size_t len = strlen(places[i]);
			/* A tab may stand around a value, and a CR before CR LF is what makes
			 * two of them. */
			bool is_tab_in_value = c == '\t' && i >= 6 && i <= 8;

			if (c >= 0x20 && c != 0x7f)
				continue;
			memcpy(input, places[i], len);
			*(char *)memchr(input, '?', len) = (char)c;
			snprintf(
			    name, sizeof(name), "0x%02x in %s", (unsigned int)c, places[i]);
			check_bytes(
			    name, input, len, is_tab_in_value ? HEAD_DONE : HEAD_BAD, 400);
		}
	}
}

/* Puts COUNT bytes C behind what *LEN counts. */
static void
put_many(char *input, size_t *len, char c, size_t count)
{
	memset(input + *len, c, count);
	*len += count;
}

static void
put(char *input, size_t *len, const char *text)
{
	memcpy(input + *len, text, strlen(text));
	*len += strlen(text);
}

static void
test_S_HTTP_4_request_line_limit(void **state)
{
	static char input[3 * HEAD_MAX_BYTES];
	const size_t around = strlen("GET / HTTP/1.1");
	struct head head;
	size_t len;

	(void)state;
	for (size_t over = 0; over < 3; over++) {
		len = 0;
		put(input, &len, "GET /");
		put_many(input, &len, 'a', HEAD_MAX_LINE - around + over);
		put(input, &len, " HTTP/1.1\r\n" HOST "\r\n");
		check_bytes(
		    "a line at the limit", input, len, over == 0 ? HEAD_DONE : HEAD_BAD, 414);
	}
	/* An empty line before it does not count. */
	len = 0;
	put(input, &len, "\r\nGET /");
	put_many(input, &len, 'a', HEAD_MAX_LINE - around);
	put(input, &len, " HTTP/1.1\r\n" HOST "\r\n");
	check_bytes("a line at the limit behind an empty one", input, len, HEAD_DONE, 0);
	/* The answer comes with the first byte too many. */
	len = 0;
	put(input, &len, "GET /");
	put_many(input, &len, 'a', HEAD_MAX_LINE);
	assert_int_equal(parse_whole(&head, input, HEAD_MAX_LINE), HEAD_MORE);
	assert_int_equal(head_parse(&head, input, HEAD_MAX_LINE + 1), HEAD_BAD);
	assert_int_equal(head_status(&head), 414);
	len = 0;
	put_many(input, &len, 'A', sizeof(input));
	check_bytes("a method that does not end", input, len, HEAD_BAD, 414);
}

static void
test_S_HTTP_4_head_limit(void **state)
{
	static char input[3 * HEAD_MAX_BYTES];
	const size_t around = strlen(GET HOST "X: \r\n\r\n");
	struct head head;
	size_t len;

	(void)state;
	for (size_t over = 0; over < 6; over++) {
		len = 0;
		put(input, &len, GET HOST "X: ");
		put_many(input, &len, 'a', HEAD_MAX_BYTES - around + over);
		put(input, &len, "\r\n\r\n");
		check_bytes(
		    "a head at the limit", input, len, over == 0 ? HEAD_DONE : HEAD_BAD, 431);
	}
	/* A body behind a head of the full length does not make it longer. */
	len = 0;
	put(input, &len, GET HOST "X: ");
	put_many(input, &len, ' ', HEAD_MAX_BYTES - around);
	put(input, &len, "\r\n\r\n");
	put_many(input, &len, 'b', HEAD_MAX_BYTES);
	assert_int_equal(parse_whole(&head, input, len), HEAD_DONE);
	assert_int_equal(head_len(&head), HEAD_MAX_BYTES);
	len = 0;
	put(input, &len, GET);
	put_many(input, &len, 'X', sizeof(input) - len);
	check_bytes("a name that does not end", input, len, HEAD_BAD, 431);
}

static void
test_S_HTTP_4_field_limit(void **state)
{
	static char input[HEAD_MAX_BYTES];

	(void)state;
	for (size_t count = HEAD_MAX_FIELDS - 1; count <= HEAD_MAX_FIELDS + 1; count++) {
		size_t len = 0;

		put(input, &len, GET HOST);
		for (size_t i = 1; i < count; i++)
			put(input, &len, "X: y\r\n");
		put(input, &len, "\r\n");
		check_bytes("many fields", input, len,
		    count <= HEAD_MAX_FIELDS ? HEAD_DONE : HEAD_BAD, 431);
	}
}

/* The forms of a target are for uri_split() to judge; what can't be in any is refused here. */
static void
test_S_HTTP_7_targets(void **state)
{
	static const struct row rows[] = {
	    {"absolute-form", "GET ws://example.com/a HTTP/1.1\r\n" HOST "\r\n", HEAD_DONE, 0},
	    {"absolute-form without Host", "GET ws://example.com/a HTTP/1.1\r\n\r\n", HEAD_BAD,
		400},
	    {"authority-form", "CONNECT a:443 HTTP/1.1\r\n" HOST "\r\n", HEAD_DONE, 0},
	    {"two slashes", "GET //evil.com/ HTTP/1.1\r\n" HOST "\r\n", HEAD_DONE, 0},
	};

	(void)state;
	check_rows(rows, UTIL_LEN(rows));
}

static void
test_elements_of_lists(void **state)
{
	static const char input[] = GET HOST "Connection: keep-alive, Upgrade\r\n"
					     "X: a , b,,\t\"c,\\\",d\" ;e=\"f,g\" ,\r\n"
					     "Xx: no\r\n"
					     "Y:\r\n"
					     "x:\r\n"
					     "X:\"open, \\\r\n"
					     "X: z\r\n"
					     "connection: FOO\r\n\r\n";
	static const char *const elements[] = {
	    "a", "b", "", "\"c,\\\",d\" ;e=\"f,g\"", "", "", "\"open, \\", "z"};
	struct head head;
	struct span element;
	size_t cursor = 0;

	(void)state;
	assert_int_equal(parse_whole(&head, input, sizeof(input) - 1), HEAD_DONE);
	for (size_t i = 0; i < UTIL_LEN(elements); i++) {
		assert_true(head_next_element(&head, "X", &cursor, &element));
		if (!span_equal(element, span_of(elements[i])))
			fail_msg("element %zu is [%.*s]", i, (int)element.len, element.data);
	}
	assert_false(head_next_element(&head, "X", &cursor, &element));
	assert_false(head_next_element(&head, "X", &cursor, &element));
	cursor = 0;
	assert_true(head_next_element(&head, "y", &cursor, &element));
	assert_int_equal(element.len, 0);
	assert_false(head_next_element(&head, "y", &cursor, &element));
	cursor = 0;
	assert_false(head_next_element(&head, "Z", &cursor, &element));

	assert_true(head_has_token(&head, "Connection", "upgrade"));
	assert_true(head_has_token(&head, "Connection", "keep-alive"));
	assert_true(head_has_token(&head, "CONNECTION", "foo"));
	assert_false(head_has_token(&head, "Connection", "up"));
	assert_false(head_has_token(&head, "Connection", "keep"));
	assert_false(head_has_token(&head, "Upgrade", "websocket"));
}

static size_t comparisons; /* of names and elements */

bool __real_span_equal_nocase(struct span a, struct span b);
bool __wrap_span_equal_nocase(struct span a, struct span b);

bool
__wrap_span_equal_nocase(struct span a, struct span b)
{
	comparisons++;
	return __real_span_equal_nocase(a, b);
}

/* How many comparisons a walk over COUNT elements needs, behind 50 other fields. */
static size_t
comparisons_of_a_walk(size_t count)
{
	static char input[HEAD_MAX_BYTES];
	struct head head;
	struct span element;
	size_t cursor = 0;
	size_t len = 0;

	put(input, &len, GET HOST);
	for (size_t i = 0; i < 50; i++)
		put(input, &len, "X: y\r\n");
	put(input, &len, "List: ");
	for (size_t i = 1; i < count; i++)
		put(input, &len, "a,");
	put(input, &len, "a\r\n\r\n");
	assert_int_equal(parse_whole(&head, input, len), HEAD_DONE);
	comparisons = 0;
	for (size_t i = 0; i < count; i++)
		assert_true(head_next_element(&head, "list", &cursor, &element));
	assert_false(head_next_element(&head, "list", &cursor, &element));
	return comparisons;
}

static void
test_S_HTTP_4_a_walk_looks_at_each_field_once(void **state)
{
	size_t few = comparisons_of_a_walk(1);

	(void)state;
	assert_true(few <= HEAD_MAX_FIELDS);
	assert_int_equal(comparisons_of_a_walk(1000), few);
	assert_int_equal(comparisons_of_a_walk(4000), few);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_facts_of_a_head),
	    cmocka_unit_test(test_fronts_of_a_head_want_more),
	    cmocka_unit_test(test_request_line),
	    cmocka_unit_test(test_S_HS_2_versions),
	    cmocka_unit_test(test_S_HS_3_host),
	    cmocka_unit_test(test_S_HTTP_2_lines_and_names),
	    cmocka_unit_test(test_S_HTTP_2_control_bytes),
	    cmocka_unit_test(test_S_HTTP_4_request_line_limit),
	    cmocka_unit_test(test_S_HTTP_4_head_limit),
	    cmocka_unit_test(test_S_HTTP_4_field_limit),
	    cmocka_unit_test(test_S_HTTP_4_a_walk_looks_at_each_field_once),
	    cmocka_unit_test(test_S_HTTP_7_targets),
	    cmocka_unit_test(test_elements_of_lists),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
