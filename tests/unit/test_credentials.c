/* SPDX-License-Identifier: BSD-2-Clause */
/* Credentials in requests, and requests without them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "http/credentials.h"

#include <string.h>

/* The head of a request with these lines. */
static void
parse(struct head *head, char text[HEAD_MAX_BYTES], const char *lines)
{
	int len = snprintf(text, HEAD_MAX_BYTES, "GET / HTTP/1.1\r\nHost: a\r\n%s\r\n", lines);

	head_init(head);
	assert_int_equal(head_parse(head, text, (size_t)len), HEAD_DONE);
}

static void
test_basic(void **state)
{
	static const struct {
		const char *lines;
		enum credentials_result result;
		const char *user;
		const char *password;
	} rows[] = {
	    {"", CREDENTIALS_NONE, "", ""},
	    /* RFC 7617, section 2 and 2.1. */
	    {"Authorization: Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==\r\n", CREDENTIALS_FOUND,
		"Aladdin", "open sesame"},
	    {"Authorization: Basic dGVzdDoxMjPCow==\r\n", CREDENTIALS_FOUND, "test",
		"123\xc2\xa3"},
	    {"authorization: bAsIc   dGVzdDoxMjPCow==\r\n", CREDENTIALS_FOUND, "test",
		"123\xc2\xa3"},
	    {"Authorization: Basic YTpiOmM=\r\n", CREDENTIALS_FOUND, "a", "b:c"},
	    {"Authorization: Basic Og==\r\n", CREDENTIALS_FOUND, "", ""},
	    {"Authorization: Bearer YTpi\r\n", CREDENTIALS_NONE, "", ""},
	    {"Authorization: Basicx YTpi\r\n", CREDENTIALS_NONE, "", ""},
	    {"Authorization: Basic\r\n", CREDENTIALS_MALFORMED, "", ""},
	    {"Authorization: Basic YWI=\r\n", CREDENTIALS_MALFORMED, "", ""}, /* "ab" */
	    {"Authorization: Basic YTpi=\r\n", CREDENTIALS_MALFORMED, "", ""},
	    {"Authorization: Basic YTp\r\n", CREDENTIALS_MALFORMED, "", ""},
	    {"Authorization: Basic YTpiY\r\n", CREDENTIALS_MALFORMED, "", ""},
	    {"Authorization: Basic YT pi\r\n", CREDENTIALS_MALFORMED, "", ""},
	    {"Authorization: Basic YT-i\r\n", CREDENTIALS_MALFORMED, "", ""},
	    {"Authorization: Basic YToA\r\n", CREDENTIALS_MALFORMED, "", ""}, /* "a:\0" */
	    {"Authorization: Basic YQo6Yg==\r\n", CREDENTIALS_MALFORMED, "", ""}, /* "a\n:b" */
	    {"Authorization: Basic YTpi\r\nAuthorization: Basic YTpi\r\n",
		CREDENTIALS_MALFORMED, "", ""},
	};
	char text[HEAD_MAX_BYTES];
	struct head head;

	(void)state;
	for (size_t i = 0; i < UTIL_LEN(rows); i++) {
		struct credentials_basic basic = {.user = ""};

		parse(&head, text, rows[i].lines);
		if (credentials_basic(&head, &basic) != rows[i].result ||
		    strcmp(basic.user, rows[i].user) != 0 ||
		    strcmp(basic.password, rows[i].password) != 0)
			fail_msg("%s: '%s' '%s'", rows[i].lines, basic.user, basic.password);
	}
}

/* "a:" and COUNT times "AAA": 3 bytes each of 4 characters of base64. */
static enum credentials_result
basic_of_length(size_t triples)
{
	char lines[HEAD_MAX_BYTES] = "Authorization: Basic YTpB", text[HEAD_MAX_BYTES];
	size_t len = strlen(lines);
	struct credentials_basic basic;
	struct head head;

	for (size_t i = 0; i < triples; i++, len += 4)
		memcpy(lines + len, "QUFB", 4);
	memcpy(lines + len, "\r\n", 3);
	parse(&head, text, lines);
	return credentials_basic(&head, &basic);
}

static void
test_basic_is_bounded(void **state)
{
	(void)state;
	assert_int_equal(
	    basic_of_length((CREDENTIALS_PASSWORD_MAX - 1) / 3), CREDENTIALS_FOUND);
	assert_int_equal(
	    basic_of_length((CREDENTIALS_PASSWORD_MAX - 1) / 3 + 1), CREDENTIALS_MALFORMED);
	assert_int_equal(basic_of_length(1000), CREDENTIALS_MALFORMED);
}

static void
test_tokens(void **state)
{
	static const struct {
		const char *lines;
		const char *query;
		const char *found; /* each with a blank */
	} rows[] = {
	    {"", "", ""},
	    {"Authorization: Bearer abc\r\n", "", "abc "},
	    {"Authorization: bearer  a.b-c_d~e+f/g==\r\n", "", "a.b-c_d~e+f/g== "},
	    {"Authorization: Basic abc\r\n", "", ""},
	    {"Authorization: Bearer a\r\nAuthorization: Bearer b\r\n", "", ""},
	    {"Cookie: a=b; wspipe_token=c1; d=e\r\n", "", "c1 "},
	    {"Cookie: a=b\r\nCookie: wspipe_token=\"c2\"\r\n", "", "c2 "},
	    {"Cookie: xwspipe_token=c; wspipe_tokenx=d; WSPIPE_TOKEN=e\r\n", "", ""},
	    {"Sec-WebSocket-Protocol: bearer, s1\r\n", "", "s1 "},
	    {"Sec-WebSocket-Protocol: chat\r\nSec-WebSocket-Protocol: bearer,, s2, x\r\n", "",
		"s2 "},
	    {"Sec-WebSocket-Protocol: s1, bearer\r\n", "", ""},
	    {"Sec-WebSocket-Protocol: Bearer, s1\r\n", "", ""},
	    {"", "token=q1", "q1 "},
	    {"", "a=b&token=q%2B2&c", "q+2 "},
	    {"", "%74oken=q3", "q3 "},
	    {"", "xtoken=q&tokenx=q&token", " "},
	    {"Authorization: Bearer a1\r\nCookie: wspipe_token=a2\r\n"
	     "Sec-WebSocket-Protocol: bearer, a3\r\n",
		"token=a4", "a1 a2 a3 a4 "},
	};
	char text[HEAD_MAX_BYTES], room[CREDENTIALS_TOKEN_MAX];
	struct head head;

	(void)state;
	for (size_t i = 0; i < UTIL_LEN(rows); i++) {
		struct span tokens[CREDENTIALS_TOKENS_MAX];
		char found[64] = "";
		size_t count;

		parse(&head, text, rows[i].lines);
		count = credentials_tokens(&head, span_of(rows[i].query), tokens, room);
		for (size_t k = 0; k < count; k++) {
			strncat(found, tokens[k].data, tokens[k].len);
			strcat(found, " ");
		}
		if (strcmp(found, rows[i].found) != 0)
			fail_msg("row %zu: '%s'", i, found);
	}
}

static void
test_long_tokens_are_none(void **state)
{
	char lines[HEAD_MAX_BYTES], query[4096], text[HEAD_MAX_BYTES];
	char room[CREDENTIALS_TOKEN_MAX], longest[CREDENTIALS_TOKEN_MAX + 2];
	struct span tokens[CREDENTIALS_TOKENS_MAX];
	struct head head;

	(void)state;
	for (size_t len = CREDENTIALS_TOKEN_MAX; len <= CREDENTIALS_TOKEN_MAX + 1; len++) {
		memset(longest, 'x', len);
		longest[len] = '\0';
		snprintf(lines, sizeof(lines),
		    "Authorization: Bearer %s\r\nCookie: wspipe_token=%s\r\n"
		    "Sec-WebSocket-Protocol: bearer, %s\r\n",
		    longest, longest, longest);
		snprintf(query, sizeof(query), "token=%s", longest);
		parse(&head, text, lines);
		assert_int_equal(credentials_tokens(&head, span_of(query), tokens, room), 4);
		for (size_t i = 0; i < 4; i++)
			assert_int_equal(tokens[i].len, len > CREDENTIALS_TOKEN_MAX ? 0 : len);
	}
}

static void
test_protocols_without_the_pair(void **state)
{
	static const struct {
		const char *offered;
		const char *left;
		bool paired;
	} rows[] = {
	    {"a, b", "a b ", false},
	    {"bearer, t", "", true},
	    {"bearer, t, a", "a ", true},
	    {"a, bearer, t, b", "a b ", true},
	    {"a, bearer", "a bearer ", false},
	    {"bearer, ,t,, a", "a ", true},
	};
	char lines[256], text[HEAD_MAX_BYTES];
	struct head head;

	(void)state;
	for (size_t i = 0; i < UTIL_LEN(rows); i++) {
		char left[64] = "";
		struct span element;
		size_t cursor = 0;
		bool paired = false;

		snprintf(
		    lines, sizeof(lines), "Sec-WebSocket-Protocol: %s\r\n", rows[i].offered);
		parse(&head, text, lines);
		while (credentials_next_protocol(&head, &cursor, &element, &paired)) {
			strncat(left, element.data, element.len);
			strcat(left, " ");
		}
		assert_string_equal(left, rows[i].left);
		assert_int_equal(paired, rows[i].paired);
	}
}

static void
test_hide(void **state)
{
	static const struct {
		size_t (*hide)(char *text, size_t len);
		const char *text;
		const char *left;
	} rows[] = {
	    {credentials_hide_query, "", ""},
	    {credentials_hide_query, "a=b&c", "a=b&c"},
	    {credentials_hide_query, "token=x", ""},
	    {credentials_hide_query, "token", ""},
	    {credentials_hide_query, "a=1&token=x&b=2", "a=1&b=2"},
	    {credentials_hide_query, "token=x&b=2&token=y", "b=2"},
	    {credentials_hide_query, "%74%6Fken=x&mytoken=2", "mytoken=2"},
	    {credentials_hide_url, "/a", "/a"},
	    {credentials_hide_url, "/a?token=x", "/a"},
	    {credentials_hide_url, "/a?", "/a?"},
	    {credentials_hide_url, "/a?b=token=x", "/a?b=token=x"},
	    {credentials_hide_url, "https://h/a?token=x&b#token=f", "https://h/a?b#token=f"},
	    {credentials_hide_url, "/a?token=x#f", "/a#f"},
	    {credentials_hide_url, "/a?token=x#f?token=y", "/a#f?token=y"},
	    {credentials_hide_url, "/a#f?token=y", "/a#f?token=y"},
	    {credentials_hide_cookie, "wspipe_token=x", ""},
	    {credentials_hide_cookie, "a=b; wspipe_token=x; c=d", "a=b; c=d"},
	    {credentials_hide_cookie, "wspipe_token=x; c=d", "c=d"},
	    {credentials_hide_cookie, "a=b;wspipe_token=\"x\"", "a=b"},
	    {credentials_hide_cookie, "a=wspipe_token=x", "a=wspipe_token=x"},
	    {credentials_hide_protocol, "bearer, x", ""},
	    {credentials_hide_protocol, "a, bearer, x, b", "a,b"},
	    {credentials_hide_protocol, "bearer", ""},
	    {credentials_hide_protocol, "a,b", "a,b"},
	};

	(void)state;
	for (size_t i = 0; i < UTIL_LEN(rows); i++) {
		char text[64];
		size_t len = (size_t)snprintf(text, sizeof(text), "%s", rows[i].text);

		text[rows[i].hide(text, len)] = '\0';
		if (strcmp(text, rows[i].left) != 0)
			fail_msg("%s: '%s'", rows[i].text, text);
	}
}

static void
test_contain(void **state)
{
	static const struct {
		const char *text;
		bool contains;
	} rows[] = {
	    {"", false},
	    {"a+b=", true},
	    {"x=a+b=&y", true},
	    {"a%2bb%3D", true},
	    {"/?token=%61%2B%62%3d", true},
	    {"a%2bb%3", false},
	    {"a%252Bb%3D", false},
	    {"a+b%", false},
	    {"%a+b=", true},
	    {"%a%2Bb=", true},
	};

	(void)state;
	for (size_t i = 0; i < UTIL_LEN(rows); i++) {
		if (credentials_contain(span_of(rows[i].text), SPAN("a+b=")) !=
		    rows[i].contains)
			fail_msg("%s", rows[i].text);
	}
}

static void
test_log_target(void **state)
{
	static const struct {
		const char *target;
		const char *logged;
	} rows[] = {
	    {"/a?b=c", "/a?b=c"},
	    {"/a?token=secret", "/a?token=***"},
	    {"/a?token=s&b=c", "/a?token=*&b=c"},
	    {"/a?b&token=secret&token=other&c", "/a?b&token=***&token=***&c"},
	    {"/a?poll&session=0123&after=1", "/a?poll&session=***&after=1"},
	    {"/a?sessions=1&session=", "/a?sessions=1&session="},
	    {"/a?&b&&c&", "/a?&b&&c&"},
	    {"/token=secret", "/token=secret"},
	    {"/a?token=", "/a?token="},
	    {"/a#b?token=secret", "/a#b?token=***"},
	};
	char room[16];

	(void)state;
	for (size_t i = 0; i < UTIL_LEN(rows); i++) {
		char large[64];
		struct span logged =
		    credentials_log_target(span_of(rows[i].target), large, sizeof(large));

		assert_memory_equal(logged.data, rows[i].logged, strlen(rows[i].logged));
		assert_int_equal(logged.len, strlen(rows[i].logged));
	}
	/* Cut in the middle of a token. */
	assert_int_equal(
	    credentials_log_target(SPAN("/a?token=secretsecret"), room, sizeof(room)).len, 12);
	assert_memory_equal(room, "/a?token=***", 12);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_basic),
	    cmocka_unit_test(test_basic_is_bounded),
	    cmocka_unit_test(test_tokens),
	    cmocka_unit_test(test_long_tokens_are_none),
	    cmocka_unit_test(test_protocols_without_the_pair),
	    cmocka_unit_test(test_hide),
	    cmocka_unit_test(test_contain),
	    cmocka_unit_test(test_log_target),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
