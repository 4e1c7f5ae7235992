/* SPDX-License-Identifier: BSD-2-Clause */
/* The decoder of request bodies, whole and cut in two everywhere. */
#include "http/body.h"

#include "base/util.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const struct row {
	const char *input;
	enum body_result result;
	const char *content;
	size_t rest; /* bytes that follow the body */
} rows[] = {
    {"0\r\n\r\n", BODY_DONE, "", 0},
    {"0\r\n\r\nGET /", BODY_DONE, "", 5},
    {"4\r\nWiki\r\n5\r\npedia\r\n0\r\n\r\n", BODY_DONE, "Wikipedia", 0},
    {"A\r\n0123456789\r\na\r\n0123456789\r\n00\r\n\r\nx", BODY_DONE, "01234567890123456789", 1},
    {"003\r\nabc\r\n0\r\n\r\n", BODY_DONE, "abc", 0},
    {"3;a=b\r\nabc\r\n0;c=\"d;e\"\r\n\r\n", BODY_DONE, "abc", 0},
    {"3 \t ;a\r\nabc\r\n0\r\n\r\n", BODY_DONE, "abc", 0},
    {"3\r\nabc\r\n0\r\nX: a\r\nY:\r\n\r\n", BODY_DONE, "abc", 0},
    {"3\r\n\r\n0\r\n0\r\n\r\n", BODY_DONE, "\r\n0", 0},
    {"3\r\nabc\r\n", BODY_MORE, "abc", 0},
    {"3\r\nab", BODY_MORE, "ab", 0},
    {"", BODY_MORE, "", 0},
    {"\r\n", BODY_BAD, "", 0},
    {" 3\r\nabc", BODY_BAD, "", 0},
    {";a\r\n", BODY_BAD, "", 0},
    {"3 \r\nabc", BODY_BAD, "", 0},
    {"3\nabc", BODY_BAD, "", 0},
    {"3\rabc", BODY_BAD, "", 0},
    {"3,\r\nabc", BODY_BAD, "", 0},
    {"+3\r\nabc", BODY_BAD, "", 0},
    {"-3\r\nabc", BODY_BAD, "", 0},
    {"0x3\r\nabc", BODY_BAD, "", 0},
    {"3;a\rb\r\nabc", BODY_BAD, "", 0},
    {"3;a\nb\r\nabc", BODY_BAD, "", 0},
    {"3;\x7f\r\nabc", BODY_BAD, "", 0},
    {"3\r\nabcd\r\n", BODY_BAD, "abc", 0},
    {"3\r\nabc\n0\r\n\r\n", BODY_BAD, "abc", 0},
    {"3\r\nabc\r0\r\n\r\n", BODY_BAD, "abc", 0},
    {"3\r\nabc0\r\n\r\n", BODY_BAD, "abc", 0},
    {"0\r\n\n", BODY_BAD, "", 0},
    {"0\r\n X: a\r\n\r\n", BODY_BAD, "", 0},
    {"0\r\nX: a\r\n b\r\n\r\n", BODY_BAD, "", 0},
    {"0\r\nX : a\r\n\r\n", BODY_BAD, "", 0},
    {"0\r\n: a\r\n\r\n", BODY_BAD, "", 0},
    {"0\r\nX: a\nY: b\r\n\r\n", BODY_BAD, "", 0},
    {"7fffffffffffffff\r\n", BODY_MORE, "", 0},
    {"8000000000000000\r\n", BODY_BAD, "", 0},
    {"10000000000000003\r\nabc\r\n", BODY_BAD, "", 0},
    {"fffffffffffffffffff\r\n", BODY_BAD, "", 0},
};

/* Decodes in two pieces. */
static enum body_result
decode(
    struct body *body, const char *input, size_t len, size_t cut, char *content, size_t *used)
{
	enum body_result result = BODY_MORE;
	size_t ends[] = {cut, len};

	*used = 0;
	*content = '\0';
	for (size_t i = 0; i < UTIL_LEN(ends) && result == BODY_MORE; i++) {
		size_t part = ends[i] - *used;
		uint8_t *bytes = malloc(part + (part == 0));
		size_t taken;
		size_t n;

		assert_non_null(bytes);
		memcpy(bytes, input + *used, part);
		result = body_decode(body, bytes, part, &taken, &n);
		strncat(content, (char *)bytes, n);
		*used += taken;
		free(bytes);
	}
	return result;
}

static void
test_chunks(void **state)
{
	(void)state;
	for (size_t i = 0; i < UTIL_LEN(rows); i++) {
		size_t len = strlen(rows[i].input);

		for (size_t cut = 0; cut <= len; cut++) {
			char content[64];
			struct body body;
			size_t used;
			enum body_result result;

			body_init(&body, BODY_CHUNKED, 0);
			result = decode(&body, rows[i].input, len, cut, content, &used);
			if (result != rows[i].result || strcmp(content, rows[i].content) != 0)
				fail_msg("%s cut at %zu: %d %s", rows[i].input, cut, result,
				    content);
			if (result == BODY_DONE)
				assert_int_equal(len - used, rows[i].rest);
			assert_true((result == BODY_BAD) == (body.reason != NULL));
		}
	}
}

static void
test_length(void **state)
{
	static const char input[] = "hello, more";

	(void)state;
	for (size_t length = 0; length <= 12; length++) {
		for (size_t cut = 0; cut < sizeof(input); cut++) {
			char content[64];
			struct body body;
			size_t used;
			enum body_result result;

			body_init(&body, length > 0 ? BODY_LENGTH : BODY_NONE, length);
			result = decode(&body, input, sizeof(input) - 1, cut, content, &used);
			assert_int_equal(result, length <= 11 ? BODY_DONE : BODY_MORE);
			assert_int_equal(used, length <= 11 ? length : 11);
			assert_int_equal(strlen(content), used);
			assert_memory_equal(content, input, used);
		}
	}
}

/* FILL before a line that ends with END: as long as the limit, and longer by one. */
static void
check_limit(const char *start, char fill, size_t most)
{
	static uint8_t bytes[2 * BODY_TRAILER_MAX];

	for (size_t excess = 0; excess < 2; excess++) {
		struct body body;
		size_t used;
		size_t content;
		size_t skipped = strcspn(start, "|");
		size_t len = skipped + most + excess;

		memcpy(bytes, start, skipped);
		memset(bytes + skipped, fill, sizeof(bytes) - skipped);
		memcpy(bytes + skipped, start + skipped + 1, strlen(start + skipped + 1));
		body_init(&body, BODY_CHUNKED, 0);
		assert_int_equal(body_decode(&body, bytes, len, &used, &content),
		    excess ? BODY_BAD : BODY_MORE);
	}
}

static void
test_limits(void **state)
{
	(void)state;
	check_limit("|1;", 'x', BODY_LINE_MAX);
	check_limit("1\r\na\r\n|1;", ' ', BODY_LINE_MAX);
	check_limit("|", '0', BODY_LINE_MAX);
	check_limit("0\r\n|X:", 'x', BODY_TRAILER_MAX);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_chunks),
	    cmocka_unit_test(test_length),
	    cmocka_unit_test(test_limits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
