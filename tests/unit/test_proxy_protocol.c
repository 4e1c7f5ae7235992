/* SPDX-License-Identifier: BSD-2-Clause */
/* The PROXY header that is read: whole, byte by byte, and malformed. */
#include "net/proxy_protocol.h"

#include "net/listener.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#define V2 "\r\n\r\n\0\r\nQUIT\n"
#define TCP4 "\x11\0\x0c"
#define ADDRESSES4 "\xc0\x00\x02\x07\xc0\x00\x02\x01\x12\x67\x01\xbb"
#define ADDRESSES6                                                                             \
	"\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\7\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\1"     \
	"\x12\x67\x01\xbb"
/* PP2_TYPE_SSL with the flags, the result of the verification and the common name "joe". */
#define SSL(flags, verify) "\x20\0\x0b" flags verify "\x22\0\x03joe"
#define ONE(bytes) bytes, sizeof(bytes) - 1

static const struct {
	const char *bytes;
	size_t len;
	const char *client; /* NULL: the other side of the connection */
	bool secure;
	const char *name;
} good[] = {
    {ONE("PROXY TCP4 192.0.2.7 192.0.2.1 4711 443\r\n"), "192.0.2.7:4711", false, ""},
    {ONE("PROXY TCP4 255.255.255.255 255.255.255.255 65535 65535\r\n"), "255.255.255.255:65535",
	false, ""},
    {ONE("PROXY TCP4 192.0.2.7 192.0.2.1 0 0\r\n"), "192.0.2.7", false, ""},
    {ONE("PROXY TCP6 2001:db8::7 2001:db8::1 4711 443\r\n"), "[2001:db8::7]:4711", false, ""},
    {ONE("PROXY TCP6 ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff "
	 "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff 65535 65535\r\n"),
	"[ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff]:65535", false, ""},
    {ONE("PROXY UNKNOWN\r\n"), NULL, false, ""},
    {ONE("PROXY UNKNOWN ffff:: whatever \x01\xff 1\r\n"), NULL, false, ""},
    {ONE(V2 "\x20\x00\0\0"), NULL, false, ""},
    {ONE(V2 "\x20\x11\0\x0c" ADDRESSES4), NULL, false, ""},
    {ONE(V2 "\x20\xff\0\x03\xff\xff\xff"), NULL, false, ""},
    {ONE(V2 "\x21\x00\0\0"), NULL, false, ""},
    {ONE(V2 "\x21" TCP4 ADDRESSES4), "192.0.2.7:4711", false, ""},
    {ONE(V2 "\x21\x21\0\x24" ADDRESSES6), "[2001:db8::7]:4711", false, ""},
    {ONE(V2 "\x21\x11\0\x0f" ADDRESSES4 "\4\0\0"), "192.0.2.7:4711", false, ""},
    {ONE(V2 "\x21\x11\0\x1a" ADDRESSES4 SSL("\7", "\0\0\0\0")), "192.0.2.7:4711", true, "joe"},
    {ONE(V2 "\x21\x11\0\x1a" ADDRESSES4 SSL("\3", "\0\0\0\0")), "192.0.2.7:4711", true, "joe"},
    {ONE(V2 "\x21\x11\0\x1a" ADDRESSES4 SSL("\5", "\0\0\0\0")), "192.0.2.7:4711", true, "joe"},
    /* No certificate, one that is not valid, and no TLS. */
    {ONE(V2 "\x21\x11\0\x1a" ADDRESSES4 SSL("\1", "\0\0\0\0")), "192.0.2.7:4711", true, ""},
    {ONE(V2 "\x21\x11\0\x1a" ADDRESSES4 SSL("\7", "\0\0\0\x12")), "192.0.2.7:4711", true, ""},
    {ONE(V2 "\x21\x11\0\x1a" ADDRESSES4 SSL("\7", "\1\0\0\0")), "192.0.2.7:4711", true, ""},
    {ONE(V2 "\x21\x11\0\x1a" ADDRESSES4 SSL("\6", "\0\0\0\0")), "192.0.2.7:4711", false, ""},
    {ONE(V2 "\x21\x11\0\x14" ADDRESSES4 "\x20\0\5\1\0\0\0\0"), "192.0.2.7:4711", true, ""},
    {ONE(V2 "\x21\x11\0\x1d" ADDRESSES4 "\4\0\0" SSL("\7", "\0\0\0\0")), "192.0.2.7:4711", true,
	"joe"},
};

static const struct {
	const char *bytes;
	size_t len;
} bad[] = {
    {ONE("GET / HTTP/1.1\r\n")},
    {ONE("proxy TCP4 192.0.2.7 192.0.2.1 4711 443\r\n")},
    {ONE(" PROXY TCP4 192.0.2.7 192.0.2.1 4711 443\r\n")},
    {ONE("PROXY\r\n")},
    {ONE("PROXY \r\n")},
    {ONE("PROXY  TCP4 192.0.2.7 192.0.2.1 4711 443\r\n")},
    {ONE("PROXY TCP4\r\n")},
    {ONE("PROXY TCP4 192.0.2.7 192.0.2.1 4711\r\n")},
    {ONE("PROXY TCP4 192.0.2.7  192.0.2.1 4711 443\r\n")},
    {ONE("PROXY TCP4 192.0.2.7 192.0.2.1 4711 443 \r\n")},
    {ONE("PROXY TCP4 192.0.2.7 192.0.2.1 4711 443 1\r\n")},
    {ONE("PROXY TCP4 192.0.2.7 192.0.2.1 4711 443\n")},
    {ONE("PROXY TCP4 192.0.2.7\t192.0.2.1 4711 443\r\n")},
    {ONE("PROXY TCP4 192.0.2.7 192.0.2.1 04711 443\r\n")},
    {ONE("PROXY TCP4 192.0.2.7 192.0.2.1 +471 443\r\n")},
    {ONE("PROXY TCP4 192.0.2.7 192.0.2.1 65536 443\r\n")},
    {ONE("PROXY TCP4 192.0.2.7 192.0.2.1 4711 -1\r\n")},
    {ONE("PROXY TCP4 192.0.2.7 192.0.2.1 4711 x\r\n")},
    {ONE("PROXY TCP4 192.0.2.07 192.0.2.1 4711 443\r\n")},
    {ONE("PROXY TCP4 192.0.2 192.0.2.1 4711 443\r\n")},
    {ONE("PROXY TCP4 localhost 192.0.2.1 4711 443\r\n")},
    {ONE("PROXY TCP4 2001:db8::7 2001:db8::1 4711 443\r\n")},
    {ONE("PROXY TCP6 192.0.2.7 192.0.2.1 4711 443\r\n")},
    {ONE("PROXY TCP6 2001:db8::7 192.0.2.1 4711 443\r\n")},
    {ONE("PROXY TCP6 [2001:db8::7] [2001:db8::1] 4711 443\r\n")},
    {ONE("PROXY TCP5 192.0.2.7 192.0.2.1 4711 443\r\n")},
    {ONE("PROXY UDP4 192.0.2.7 192.0.2.1 4711 443\r\n")},
    {ONE("PROXY UNKNOWN\n")},
    {ONE("PROXY UNKNOWNS\r\n")},
    {ONE("PROXY UNKNOWN 12345678901234567890123456789012345678901234567890123456789012345678901"
	 "2345678901234567890123\r\n")},
    {ONE("PROXY TCP4 192.0.2.7 192.0.2.1 4711 443\0\r\n")},
    {ONE("\r\n\r\n\0\r\nQUIT\r")},
    {ONE("\r\n\r\n\r\n")},
    {ONE(V2 "\x10\x11\0\x0c" ADDRESSES4)},
    {ONE(V2 "\x31\x11\0\x0c" ADDRESSES4)},
    {ONE(V2 "\x22\x11\0\x0c" ADDRESSES4)},
    {ONE(V2 "\x01\x11\0\x0c" ADDRESSES4)},
    {ONE(V2 "\x21\x12\0\x0c" ADDRESSES4)}, /* UDP */
    {ONE(V2 "\x21\x10\0\x0c" ADDRESSES4)},
    {ONE(V2 "\x21\x01\0\x0c" ADDRESSES4)},
    {ONE(V2 "\x21\x41\0\x0c" ADDRESSES4)},
    {ONE(V2 "\x21\x11\0\0")},
    {ONE(V2 "\x21\x11\0\x0b" ADDRESSES4)},
    {ONE(V2 "\x21\x21\0\x0c" ADDRESSES4)},
    {ONE(V2 "\x21\x31\0\x0c" ADDRESSES4)},
    {ONE(V2 "\x21\x11\0\x0d" ADDRESSES4 "\4")},
    {ONE(V2 "\x21\x11\0\x0e" ADDRESSES4 "\4\0")},
    {ONE(V2 "\x21\x11\0\x0f" ADDRESSES4 "\4\0\1")},
    {ONE(V2 "\x21\x11\0\x0f" ADDRESSES4 "\4\xff\xff")},
    {ONE(V2 "\x21\x11\0\x13" ADDRESSES4 "\x20\0\4\1\0\0\0")},
    {ONE(V2 "\x21\x11\0\x16" ADDRESSES4 "\x20\0\7\1\0\0\0\0\x22\0")},
    {ONE(V2 "\x21\x11\0\x17" ADDRESSES4 "\x20\0\x08\1\0\0\0\0\x22\0\1")},
    {ONE(V2 "\x21\x11\x10\0")}, /* too long */
    {ONE(V2 "\x20\x11\xff\xff")},
};

static void
S_PRX_2_headers_are_read(void **state)
{
	struct proxy_protocol header;
	char text[LISTENER_TEXT_MAX];
	uint8_t bytes[256];

	(void)state;
	for (size_t i = 0; i < UTIL_LEN(good); i++) {
		size_t len = good[i].len;

		/* What follows is left alone. */
		memcpy(bytes, good[i].bytes, len);
		memcpy(bytes + len, "PROXY\r\n\r\n", 9);
		for (size_t n = 0; n < len; n++) {
			if (proxy_protocol_parse(bytes, n, &header) != PROXY_PROTOCOL_MORE)
				fail_msg("row %zu: %zu bytes", i, n);
		}
		for (size_t n = len; n < len + 9; n++) {
			if (proxy_protocol_parse(bytes, n, &header) != PROXY_PROTOCOL_DONE)
				fail_msg("row %zu", i);
			assert_int_equal(header.len, len);
		}
		if (good[i].client) {
			listener_text(&header.client, text);
			assert_string_equal(text, good[i].client);
		} else {
			assert_int_equal(header.client.ss_family, AF_UNSPEC);
		}
		assert_int_equal(header.secure, good[i].secure);
		assert_true(span_equal(header.name, span_of(good[i].name)));
	}
}

/* A row is bad as a whole, and no byte earlier is it good. */
static void
S_PRX_2_anything_else_is_rejected(void **state)
{
	struct proxy_protocol header;

	(void)state;
	for (size_t i = 0; i < UTIL_LEN(bad); i++) {
		const uint8_t *bytes = (const uint8_t *)bad[i].bytes;

		for (size_t n = 0; n < bad[i].len; n++)
			assert_int_not_equal(
			    proxy_protocol_parse(bytes, n, &header), PROXY_PROTOCOL_DONE);
		if (proxy_protocol_parse(bytes, bad[i].len, &header) != PROXY_PROTOCOL_BAD)
			fail_msg("row %zu", i);
	}
}

static void
a_client_may_have_no_address(void **state)
{
	uint8_t bytes[16 + 216] = V2 "\x21\x31\0\xd8/run/a";
	struct proxy_protocol header;

	(void)state;
	assert_int_equal(
	    proxy_protocol_parse(bytes, sizeof(bytes), &header), PROXY_PROTOCOL_DONE);
	assert_int_equal(header.client.ss_family, AF_UNSPEC);
	assert_true(header.anonymous);
	for (size_t i = 0; i < UTIL_LEN(good); i++) {
		bool is_local = good[i].bytes[12] == 0x20;

		assert_int_equal(
		    proxy_protocol_parse((const uint8_t *)good[i].bytes, good[i].len, &header),
		    PROXY_PROTOCOL_DONE);
		assert_int_equal(header.anonymous, !good[i].client && !is_local);
	}
}

static void
what_is_written_can_be_read(void **state)
{
	static const char *const lines[] = {"PROXY TCP4 192.0.2.7 192.0.2.1 4711 0\r\n",
	    "PROXY TCP6 2001:db8::7 2001:db8::1 4711 0\r\n"};

	(void)state;
	for (size_t i = 0; i < UTIL_LEN(lines); i++) {
		uint8_t out[PROXY_PROTOCOL_MAX];
		struct proxy_protocol first, second;
		size_t len;

		assert_int_equal(
		    proxy_protocol_parse((const uint8_t *)lines[i], strlen(lines[i]), &first),
		    PROXY_PROTOCOL_DONE);
		len = proxy_protocol_put(out, &first.client, &first.client);
		assert_int_equal(proxy_protocol_parse(out, len, &second), PROXY_PROTOCOL_DONE);
		assert_int_equal(second.len, len);
		assert_memory_equal(&first.client, &second.client, sizeof(first.client));
	}
}

static void
nothing_but_the_header_is_received(void **state)
{
	static const char line[] = "PROXY TCP4 192.0.2.7 192.0.2.1 4711 443\r\n";
	uint8_t bytes[PROXY_PROTOCOL_V2_MAX];
	struct proxy_protocol header;
	char rest[8];
	int fds[2];

	(void)state;
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds), 0);
	assert_int_equal(proxy_protocol_receive(fds[0], bytes, &header), PROXY_PROTOCOL_MORE);
	for (size_t i = 0; i < sizeof(line) - 2; i++) {
		assert_int_equal(write(fds[1], line + i, 1), 1);
		assert_int_equal(
		    proxy_protocol_receive(fds[0], bytes, &header), PROXY_PROTOCOL_MORE);
	}
	assert_int_equal(write(fds[1], "\nrest", 5), 5);
	assert_int_equal(proxy_protocol_receive(fds[0], bytes, &header), PROXY_PROTOCOL_DONE);
	assert_int_equal(read(fds[0], rest, sizeof(rest)), 4);
	assert_memory_equal(rest, "rest", 4);
	close(fds[1]);
	assert_int_equal(proxy_protocol_receive(fds[0], bytes, &header), PROXY_PROTOCOL_BAD);
	close(fds[0]);
}

static void
a_name_becomes_a_subject(void **state)
{
	static const struct {
		struct span name;
		const char *subject;
	} rows[] = {
	    {{"joe", 3}, "CN=joe"},
	    {{"", 0}, "CN="},
	    {{"a b", 3}, "CN=a b"},
	    {{" a ", 3}, "CN=\\ a\\ "},
	    {{" ", 1}, "CN=\\ "},
	    {{"#1", 2}, "CN=\\#1"},
	    {{"a#", 2}, "CN=a#"},
	    {{"joe,O=root", 10}, "CN=joe\\,O=root"},
	    {{"a+\"\\<>;b", 8}, "CN=a\\+\\\"\\\\\\<\\>\\;b"},
	    {{"a\0b\r\n\x7f\xc3\xa4", 8}, "CN=a\\00b\\0D\\0A\\7F\\C3\\A4"},
	};

	(void)state;
	for (size_t i = 0; i < UTIL_LEN(rows); i++) {
		char *subject = proxy_protocol_subject(rows[i].name);

		assert_non_null(subject);
		assert_string_equal(subject, rows[i].subject);
		free(subject);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(S_PRX_2_headers_are_read),
	    cmocka_unit_test(S_PRX_2_anything_else_is_rejected),
	    cmocka_unit_test(a_client_may_have_no_address),
	    cmocka_unit_test(what_is_written_can_be_read),
	    cmocka_unit_test(nothing_but_the_header_is_received),
	    cmocka_unit_test(a_name_becomes_a_subject),
	};

	return cmocka_run_group_tests_name("proxy_protocol", tests, NULL, NULL);
}
