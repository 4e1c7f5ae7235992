/* SPDX-License-Identifier: BSD-2-Clause */
/* Request targets: their forms, their paths, their authorities. */
#include "http/uri.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void
check_span(const char *name, const char *what, struct span got, const char *wanted)
{
	if (!span_equal(got, span_of(wanted)))
		fail_msg(
		    "%s: %s is [%.*s], not [%s]", name, what, (int)got.len, got.data, wanted);
}

static void
test_S_HTTP_7_targets_that_are_taken(void **state)
{
	static const struct {
		const char *target, *authority, *path, *query;
		bool has_query;
	} rows[] = {
	    {"/", "", "/", "", false},
	    {"/a/b", "", "/a/b", "", false},
	    {"/a?b", "", "/a", "b", true},
	    {"/a?", "", "/a", "", true},
	    {"/?a?b/c:d@e", "", "/", "a?b/c:d@e", true},
	    {"/a:b@c", "", "/a:b@c", "", false},
	    {"/http://b/", "", "/http://b/", "", false},
	    {"//host/path", "", "//host/path", "", false},
	    {"/%zz", "", "/%zz", "", false},
	    {"/a|b^{c}", "", "/a|b^{c}", "", false},
	    {"http://a", "a", "/", "", false},
	    {"http://a/", "a", "/", "", false},
	    {"http://a?q", "a", "/", "q", true},
	    {"HTTP://A:80/b?c", "A:80", "/b", "c", true},
	    {"https://[::1]:8443/b", "[::1]:8443", "/b", "", false},
	    {"ws://a/b", "a", "/b", "", false},
	    {"wSs://a:1/b?c//d", "a:1", "/b", "c//d", true},
	    {"http://a:/b", "a:", "/b", "", false},
	    {"http://a//b", "a", "//b", "", false},
	};

	(void)state;
	for (size_t i = 0; i < UTIL_LEN(rows); i++) {
		struct uri uri;

		if (!uri_split(span_of(rows[i].target), &uri))
			fail_msg("%s was refused", rows[i].target);
		check_span(rows[i].target, "authority", uri.authority, rows[i].authority);
		check_span(rows[i].target, "path", uri.path, rows[i].path);
		check_span(rows[i].target, "query", uri.query, rows[i].query);
		assert_int_equal(uri.has_query, rows[i].has_query);
		assert_int_equal(uri.authority.data == NULL, rows[i].authority[0] == '\0');
	}
}

static void
test_S_HTTP_7_targets_that_are_refused(void **state)
{
	static const char *const rows[] = {
	    "",
	    "*",
	    "a",
	    "a/b",
	    "?a",
	    "example.com:443",
	    "example.com",
	    "#",
	    "/a#b",
	    "/#",
	    "/?a#b",
	    "http:",
	    "http:/",
	    "http:/a",
	    "http://",
	    "http:///a",
	    "http://?a",
	    "http://a#b",
	    "http//a",
	    "ftp://a/",
	    "file:///etc/passwd",
	    "javascript:alert(1)",
	    "xhttp://a/",
	    "httpx://a/",
	    "://a/",
	    "http://user@a/",
	    "http://user:word@a/",
	    "http://@a/",
	    "http://a:0/",
	    "http://a:65536/",
	    "http://a:b/",
	    "http://[::1/",
	    "http://::1/",
	    "http://a\\b/",
	    "http://a,b:1:2/",
	    "/a b",
	    " /",
	    "/ ",
	    "/\t",
	    "/a\r",
	    "/a\n",
	    "/\x01",
	    "/\x7f",
	    "/\x80",
	    "/\xc3\xa4",
	    "/?\xff",
	    "http://a/\xff",
	};
	struct uri uri;

	(void)state;
	for (size_t i = 0; i < UTIL_LEN(rows); i++) {
		if (uri_split(span_of(rows[i]), &uri))
			fail_msg("%s was taken", rows[i]);
	}
	assert_false(uri_split((struct span){"/\0a", 3}, &uri));
	assert_false(uri_split((struct span){NULL, 0}, &uri));
}

/* No byte outside 0x21 to 0x7e and no '#' passes, at no place of a target. */
static void
test_bytes_of_a_target(void **state)
{
	(void)state;
	for (int c = 0; c < 256; c++) {
		char target[] = "/abc?def";
		struct uri uri;
		bool fits = c > 0x20 && c < 0x7f && c != '#';

		for (size_t i = 1; i < sizeof(target) - 1; i++) {
			char saved = target[i];

			target[i] = (char)c;
			assert_int_equal(
			    uri_split((struct span){target, sizeof(target) - 1}, &uri), fits);
			target[i] = saved;
		}
	}
}

static void
check_path(struct span path, enum uri_path_result wanted, const char *decoded)
{
	/* Blocks of exactly the sizes that the contract names. */
	char *in = malloc(path.len ? path.len : 1);
	char *out = malloc(path.len + 1);
	enum uri_path_result got;

	assert_non_null(in);
	assert_non_null(out);
	if (path.len > 0)
		memcpy(in, path.data, path.len);
	got = uri_decode_path((struct span){in, path.len}, out);
	if (got != wanted)
		fail_msg("[%.*s] gives %d, not %d", (int)path.len, path.data, got, wanted);
	if (wanted != URI_PATH_BAD && decoded)
		assert_string_equal(out, decoded);
	free(in);
	free(out);
}

static void
test_S_PATH_1_paths_that_are_taken(void **state)
{
	static const char *const rows[][2] = {
	    {"/", "/"},
	    {"/a", "/a"},
	    {"/a/", "/a/"},
	    {"/a/b.c", "/a/b.c"},
	    {"/%61%2Db", "/a-b"},
	    {"/%c3%a4\xe2\x82\xac%F0%9F%98%80", "/\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80"},
	    {"/a+b%20c", "/a+b c"},
	    {"/a%3fb%23c", "/a?b#c"},
	    {"/...", "/..."},
	    {"/..a/b../.c/d.", "/..a/b../.c/d."},
	    {"/%2e%2e%2e/", "/.../"},
	    {"/%252e%252e/", "/%2e%2e/"},
	    {"/%252f", "/%2f"},
	    {"/%2500", "/%00"},
	    {"/%25", "/%"},
	    {"/~a", "/~a"},
	};

	(void)state;
	for (size_t i = 0; i < UTIL_LEN(rows); i++)
		check_path(span_of(rows[i][0]), URI_PATH_OK, rows[i][1]);
}

static void
test_paths_are_cleaned(void **state)
{
	static const char *const rows[][2] = {
	    {"/", "/"},
	    {"//", "/"},
	    {"///a///b", "/a/b"},
	    {"/a//", "/a/"},
	    {"/.", "/"},
	    {"/./", "/"},
	    {"/a/./b/.", "/a/b"},
	    {"/..", "/"},
	    {"/../..//a", "/a"},
	    {"/a/b/../c", "/a/c"},
	    {"/a/b/../../", "/"},
	    {"/a/..b/...", "/a/..b/..."},
	    {"/aa/bb/../../cc/../dd", "/dd"},
	};

	(void)state;
	for (size_t i = 0; i < UTIL_LEN(rows); i++) {
		char path[32];

		strcpy(path, rows[i][0]);
		uri_clean_path(path);
		assert_string_equal(path, rows[i][1]);
	}
}

static void
test_S_PATH_1_paths_that_are_refused(void **state)
{
	static const struct {
		const char *path;
		enum uri_path_result result;
	} rows[] = {
	    {"/..", URI_PATH_UNCLEAN},
	    {"/../", URI_PATH_UNCLEAN},
	    {"/../a", URI_PATH_UNCLEAN},
	    {"/a/..", URI_PATH_UNCLEAN},
	    {"/a/../b", URI_PATH_UNCLEAN},
	    {"/%2e%2e", URI_PATH_UNCLEAN},
	    {"/%2e%2E/a", URI_PATH_UNCLEAN},
	    {"/.%2e/a", URI_PATH_UNCLEAN},
	    {"/%2e./a", URI_PATH_UNCLEAN},
	    {"/.", URI_PATH_UNCLEAN},
	    {"/./", URI_PATH_UNCLEAN},
	    {"/a/./b", URI_PATH_UNCLEAN},
	    {"/%2e/a", URI_PATH_UNCLEAN},
	    {"//", URI_PATH_UNCLEAN},
	    {"//a", URI_PATH_UNCLEAN},
	    {"/a//b", URI_PATH_UNCLEAN},
	    {"/a//", URI_PATH_UNCLEAN},
	    {"", URI_PATH_BAD},
	    {"a", URI_PATH_BAD},
	    {"%2fa", URI_PATH_BAD},
	    {"/a%2fb", URI_PATH_ODD},
	    {"/%2F", URI_PATH_UNCLEAN},
	    {"/..%2f..", URI_PATH_UNCLEAN},
	    {"/..%2fa", URI_PATH_UNCLEAN},
	    {"/\\", URI_PATH_ODD},
	    {"/..\\a", URI_PATH_ODD},
	    {"/a%5cb", URI_PATH_ODD},
	    {"/%5C", URI_PATH_ODD},
	    {"/%00", URI_PATH_BAD},
	    {"/a%00.html", URI_PATH_BAD},
	    {"/%0a", URI_PATH_BAD},
	    {"/%0d%0aX:%20y", URI_PATH_BAD},
	    {"/%1b[31m", URI_PATH_BAD},
	    {"/%7f", URI_PATH_BAD},
	    {"/\x7f", URI_PATH_BAD},
	    {"/\x1f", URI_PATH_BAD},
	    {"/%", URI_PATH_BAD},
	    {"/%2", URI_PATH_BAD},
	    {"/%2%65", URI_PATH_BAD},
	    {"/%g0", URI_PATH_BAD},
	    {"/%0g", URI_PATH_BAD},
	    {"/%%61", URI_PATH_BAD},
	    {"/%u0041", URI_PATH_BAD},
	    {"/% 1", URI_PATH_BAD},
	    {"/%+1", URI_PATH_BAD},
	    {"/%ff", URI_PATH_BAD},
	    {"/%c3", URI_PATH_BAD},
	    {"/%c3/%a4", URI_PATH_BAD},
	    {"/%c0%ae%c0%ae/", URI_PATH_BAD}, /* overlong dots */
	    {"/%c0%af", URI_PATH_BAD}, /* an overlong slash */
	    {"/%ed%a0%80", URI_PATH_BAD}, /* a surrogate */
	    {"/%f4%90%80%80", URI_PATH_BAD}, /* above U+10FFFF */
	    /* What can't be decoded is the worse of the two. */
	    {"/../%zz", URI_PATH_BAD},
	    {"//a/%00", URI_PATH_BAD},
	    {"//%ff", URI_PATH_BAD},
	};

	(void)state;
	for (size_t i = 0; i < UTIL_LEN(rows); i++)
		check_path(span_of(rows[i].path), rows[i].result, NULL);
	check_path((struct span){"/a\0b", 4}, URI_PATH_BAD, NULL);
}

/* Each byte, escaped and not, as a segment of its own. */
static void
test_S_PATH_1_all_bytes(void **state)
{
	(void)state;
	for (int c = 0; c < 256; c++) {
		char escaped[8], plain[] = "/xa", decoded[] = "/xa";
		enum uri_path_result wanted = URI_PATH_OK;

		snprintf(escaped, sizeof(escaped), "/%%%02xa", (unsigned int)c);
		plain[1] = (char)c;
		decoded[1] = (char)c;
		if (c < 0x20 || c >= 0x7f)
			wanted = URI_PATH_BAD;
		else if (c == '\\')
			wanted = URI_PATH_ODD;
		else if (c == '/')
			wanted = URI_PATH_UNCLEAN; /* an empty segment in front */
		check_path(span_of(escaped), wanted, decoded);
		if (c == '/')
			wanted = URI_PATH_UNCLEAN;
		else if (c == '%')
			wanted = URI_PATH_BAD;
		check_path((struct span){plain, 3}, wanted, decoded);
	}
}

static void
test_authorities_that_are_taken(void **state)
{
	static const struct {
		const char *text, *host;
		bool is_ipv6, is_ipv4;
		int port;
	} rows[] = {
	    {"a", "a", false, false, 0},
	    {"Example.COM:8080", "Example.COM", false, false, 8080},
	    {"a:", "a", false, false, 0},
	    {"a:1", "a", false, false, 1},
	    {"a:65535", "a", false, false, 65535},
	    {"a.", "a.", false, false, 0},
	    {"a-b_c~d!$&'()*+,;=", "a-b_c~d!$&'()*+,;=", false, false, 0},
	    {"%61", "%61", false, false, 0},
	    {"127.0.0.1", "127.0.0.1", false, true, 0},
	    {"255.255.255.255:80", "255.255.255.255", false, true, 80},
	    {"[::1]", "::1", true, false, 0},
	    {"[::]:80", "::", true, false, 80},
	    {"[2001:DB8::1]:", "2001:DB8::1", true, false, 0},
	    {"[::ffff:1.2.3.4]:1", "::ffff:1.2.3.4", true, false, 1},
	    /* Names, whatever some resolvers make of them. */
	    {"127.1", "127.1", false, false, 0},
	    {"2130706433", "2130706433", false, false, 0},
	    {"0x7f.0.0.1", "0x7f.0.0.1", false, false, 0},
	    {"0127.0.0.1", "0127.0.0.1", false, false, 0},
	    {"256.0.0.1", "256.0.0.1", false, false, 0},
	    {"1.2.3.4.", "1.2.3.4.", false, false, 0},
	    {"1.2.3.4.5", "1.2.3.4.5", false, false, 0},
	};

	(void)state;
	for (size_t i = 0; i < UTIL_LEN(rows); i++) {
		struct uri_authority authority;

		if (!uri_parse_authority(span_of(rows[i].text), &authority))
			fail_msg("%s was refused", rows[i].text);
		check_span(rows[i].text, "host", authority.host, rows[i].host);
		if (authority.is_ipv6 != rows[i].is_ipv6 ||
		    authority.is_ipv4 != rows[i].is_ipv4)
			fail_msg("%s: ipv6 %d ipv4 %d", rows[i].text, authority.is_ipv6,
			    authority.is_ipv4);
		assert_int_equal(authority.port, rows[i].port);
	}
}

static void
test_authorities_that_are_refused(void **state)
{
	static const char *const rows[] = {
	    "",
	    ":",
	    ":80",
	    "a:0",
	    "a:65536",
	    "a:99999999999999999999",
	    "a:-1",
	    "a:+1",
	    "a: 1",
	    "a:1 ",
	    "a:1a",
	    "a:b",
	    "a:b:1",
	    "a::1",
	    "user@a",
	    "user:word@a",
	    "@a",
	    "a/b",
	    "a?b",
	    "a#b",
	    "a\\b",
	    "a b",
	    " a",
	    "a\t",
	    "a\"",
	    "<a>",
	    "a^",
	    "a|b",
	    "{a}",
	    "`a`",
	    "a\x7f",
	    "a\x80",
	    "\xc3\xa4",
	    "a%",
	    "a%2",
	    "a%zz",
	    "%zza",
	    "::1",
	    "[]",
	    "[",
	    "]",
	    "[]:80",
	    "[::1",
	    "::1]",
	    "[::1]a",
	    "[::1]80",
	    "[::1]:0",
	    "[::1]:x",
	    "[1.2.3.4]",
	    "[a]",
	    "[v1.a]",
	    "[::1%eth0]",
	    "[::1%25eth0]",
	    "[:::1]",
	    "[1:2:3:4:5:6:7:8:9]",
	    "[12345::]",
	    "[::1]]",
	    "[[::1]]",
	    "a[::1]",
	    "[0000:0000:0000:0000:0000:0000:0000:0000:0000:0000:0000:0000]",
	};
	struct uri_authority authority;

	(void)state;
	for (size_t i = 0; i < UTIL_LEN(rows); i++) {
		if (uri_parse_authority(span_of(rows[i]), &authority))
			fail_msg("%s was taken", rows[i]);
	}
	assert_false(uri_parse_authority((struct span){"a\0b", 3}, &authority));
	assert_false(uri_parse_authority((struct span){"[::1\0]", 6}, &authority));
	assert_false(uri_parse_authority((struct span){NULL, 0}, &authority));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_S_HTTP_7_targets_that_are_taken),
	    cmocka_unit_test(test_S_HTTP_7_targets_that_are_refused),
	    cmocka_unit_test(test_bytes_of_a_target),
	    cmocka_unit_test(test_S_PATH_1_paths_that_are_taken),
	    cmocka_unit_test(test_paths_are_cleaned),
	    cmocka_unit_test(test_S_PATH_1_paths_that_are_refused),
	    cmocka_unit_test(test_S_PATH_1_all_bytes),
	    cmocka_unit_test(test_authorities_that_are_taken),
	    cmocka_unit_test(test_authorities_that_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
