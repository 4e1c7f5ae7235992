/* SPDX-License-Identifier: BSD-2-Clause */
/* Preconditions and ranges of RFC 9110, as tables. */
#include "http/conditional.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define TAG "\"abc\""
#define DATE "Sun, 06 Nov 1994 08:49:37 GMT"
#define LATER "Sun, 06 Nov 1994 08:49:38 GMT"
#define EARLIER "Sun, 06 Nov 1994 08:49:36 GMT"

static const struct row {
	const char *fields;
	int status;
	int64_t first;
	int64_t length;
} rows[] = {
    {"", 200, 0, 10},
    /* Section 13.1.2. */
    {"If-None-Match: " TAG "\r\n", 304, 0, 10},
    {"If-None-Match: W/" TAG "\r\n", 304, 0, 10},
    {"If-None-Match: \"x\", \"a,b\", " TAG "\r\n", 304, 0, 10},
    {"If-None-Match: \"x\"\r\nIf-None-Match: " TAG "\r\n", 304, 0, 10},
    {"If-None-Match: *\r\n", 304, 0, 10},
    {"If-None-Match: \"x\"\r\n", 200, 0, 10},
    {"If-None-Match: abc\r\n", 200, 0, 10},
    {"If-None-Match:\r\n", 200, 0, 10},
    /* Section 13.1.3, in each form of a date, and what takes precedence. */
    {"If-Modified-Since: " DATE "\r\n", 304, 0, 10},
    {"If-Modified-Since: " LATER "\r\n", 304, 0, 10},
    {"If-Modified-Since: " EARLIER "\r\n", 200, 0, 10},
    {"If-Modified-Since: Sunday, 06-Nov-94 08:49:37 GMT\r\n", 304, 0, 10},
    {"If-Modified-Since: Sun Nov  6 08:49:37 1994\r\n", 304, 0, 10},
    {"If-Modified-Since: Sun Nov  6 08:49:36 1994\r\n", 200, 0, 10},
    {"If-Modified-Since: yesterday\r\n", 200, 0, 10},
    {"If-Modified-Since: " DATE "x\r\n", 200, 0, 10},
    {"If-Modified-Since: " LATER "\r\nIf-None-Match: \"x\"\r\n", 200, 0, 10},
    {"If-Modified-Since: " EARLIER "\r\nIf-None-Match: " TAG "\r\n", 304, 0, 10},
    /* Sections 13.1.1 and 13.1.4. */
    {"If-Match: " TAG "\r\n", 200, 0, 10},
    {"If-Match: *\r\n", 200, 0, 10},
    {"If-Match: \"x\"\r\n", 412, 0, 10},
    {"If-Match: W/" TAG "\r\n", 412, 0, 10},
    {"If-Unmodified-Since: " DATE "\r\n", 200, 0, 10},
    {"If-Unmodified-Since: " EARLIER "\r\n", 412, 0, 10},
    {"If-Unmodified-Since: " EARLIER "\r\nIf-Match: " TAG "\r\n", 200, 0, 10},
    /* Section 14.1.2. */
    {"Range: bytes=0-0\r\n", 206, 0, 1},
    {"Range: bytes=0-\r\n", 206, 0, 10},
    {"Range: bytes=9-\r\n", 206, 9, 1},
    {"Range: BYTES=2-4\r\n", 206, 2, 3},
    {"Range: bytes=2-99999999999999999999\r\n", 206, 2, 8},
    {"Range: bytes=-1\r\n", 206, 9, 1},
    {"Range: bytes=-10\r\n", 206, 0, 10},
    {"Range: bytes=-99999999999999999999\r\n", 206, 0, 10},
    {"Range: bytes=-0\r\n", 416, 0, 10},
    {"Range: bytes=10-\r\n", 416, 0, 10},
    {"Range: bytes=99999999999999999999-\r\n", 416, 0, 10},
    {"Range: bytes=4-2\r\n", 200, 0, 10},
    {"Range: bytes=\r\n", 200, 0, 10},
    {"Range: bytes=-\r\n", 200, 0, 10},
    {"Range: bytes=1\r\n", 200, 0, 10},
    {"Range: bytes=+1-2\r\n", 200, 0, 10},
    {"Range: bytes=1-2x\r\n", 200, 0, 10},
    {"Range: bytes=--1\r\n", 200, 0, 10},
    {"Range: bytes 0-1\r\n", 200, 0, 10},
    {"Range: lines=0-1\r\n", 200, 0, 10},
    {"Range: bytes=0-1,4-5\r\n", 200, 0, 10},
    {"Range: bytes=0-1\r\nRange: bytes=0-1\r\n", 200, 0, 10},
    {"Range: bytes=0-1\r\nIf-None-Match: " TAG "\r\n", 304, 0, 10},
    /* Section 13.1.5. */
    {"Range: bytes=0-1\r\nIf-Range: " TAG "\r\n", 206, 0, 2},
    {"Range: bytes=0-1\r\nIf-Range: \"x\"\r\n", 200, 0, 10},
    {"Range: bytes=0-1\r\nIf-Range: W/" TAG "\r\n", 200, 0, 10},
    {"Range: bytes=0-1\r\nIf-Range: " DATE "\r\n", 206, 0, 2},
    {"Range: bytes=0-1\r\nIf-Range: " LATER "\r\n", 200, 0, 10},
    {"Range: bytes=99-\r\nIf-Range: \"x\"\r\n", 200, 0, 10},
};

static struct conditional
check(const char *method, const char *fields, int64_t size)
{
	struct conditional_file file = {.size = size, .modified = 784111777, .tag = TAG};
	static char input[512];
	static struct head head;
	struct request request;
	const char *reason;
	int status;
	int len = snprintf(
	    input, sizeof(input), "%s / HTTP/1.1\r\nHost: a\r\n%s\r\n", method, fields);

	head_init(&head);
	assert_int_equal(head_parse(&head, input, (size_t)len), HEAD_DONE);
	assert_true(request_init(&request, &head, &status, &reason));
	return conditional_check(&request, &file);
}

static void
test_tables(void **state)
{
	(void)state;
	for (size_t i = 0; i < UTIL_LEN(rows); i++) {
		struct conditional got = check("GET", rows[i].fields, 10);

		if (got.status != rows[i].status || got.first != rows[i].first ||
		    got.length != rows[i].length)
			fail_msg("%s: %d", rows[i].fields, got.status);
	}
}

static void
test_range_of_other_requests(void **state)
{
	(void)state;
	assert_int_equal(check("HEAD", "Range: bytes=0-1\r\n", 10).status, 200);
	assert_int_equal(check("GET", "Range: bytes=0-1\r\n", 0).status, 416);
	assert_int_equal(check("GET", "Range: bytes=-5\r\n", 0).status, 200);
}

static void
test_validators(void **state)
{
	char tag[CONDITIONAL_TAG_MAX];
	char date[CONDITIONAL_DATE_MAX];

	(void)state;
	conditional_put_date(date, 784111777);
	assert_string_equal(date, DATE);
	conditional_make_tag(
	    tag, INT64_MAX, (struct timespec){INT64_MAX, 999999999}, UINT64_MAX);
	assert_string_equal(tag, "\"7fffffffffffffff-ffffffffffffffff-ffffffffffffffff\"");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_tables),
	    cmocka_unit_test(test_range_of_other_requests),
	    cmocka_unit_test(test_validators),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
