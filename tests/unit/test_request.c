/* SPDX-License-Identifier: BSD-2-Clause */
/* Requests as values: above all, how long they are. */
#include "http/request.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define HOST "Host: example.com\r\n"

/* The status of a request, 200 when it is valid. */
static int
status_of(const char *line, const char *fields, struct request *request)
{
	static char input[1024];
	static struct head head;
	const char *reason;
	int status = 200;
	int len = snprintf(input, sizeof(input), "%s\r\n%s\r\n", line, fields);

	head_init(&head);
	if (head_parse(&head, input, (size_t)len) != HEAD_DONE)
		return head_status(&head);
	if (!request_init(request, &head, &status, &reason))
		return status;
	return 200;
}

/* RFC 9112, section 6.3. */
static void
test_framings_that_are_rejected(void **state)
{
	static const struct {
		const char *fields;
		int status;
	} rows[] = {
	    {"Content-Length: 3\r\nTransfer-Encoding: chunked\r\n", 400},
	    {"Transfer-Encoding: chunked\r\nContent-Length: 0\r\n", 400},
	    {"Content-Length: 3\r\nContent-Length: 4\r\n", 400},
	    {"Content-Length: 3\r\nContent-Length: 3\r\n", 400},
	    {"Content-Length: 0\r\nX: y\r\ncontent-length: 0\r\n", 400},
	    {"Content-Length: 3, 3\r\n", 400},
	    {"Transfer-Encoding : chunked\r\n", 400},
	    {"Transfer-Encoding: chunked, identity\r\n", 400},
	    {"Transfer-Encoding: chunked, gzip\r\n", 400},
	    {"Transfer-Encoding: identity\r\n", 400},
	    {"Transfer-Encoding: gzip\r\n", 400},
	    {"Transfer-Encoding: xchunked\r\n", 400},
	    {"Transfer-Encoding: chunked;q=1\r\n", 400},
	    {"Transfer-Encoding: \"chunked\"\r\n", 400},
	    {"Transfer-Encoding: \vchunked\r\n", 400},
	    {"Transfer-Encoding:\r\n", 400},
	    {"Transfer-Encoding: ,chunked\r\n", 400},
	    {"Transfer-Encoding: chunked,\r\n", 400},
	    {"Transfer-Encoding: chunked, chunked\r\n", 400},
	    {"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n", 400},
	    {"Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n", 400},
	    {"Transfer-Encoding: identity, chunked\r\n", 501},
	    {"Transfer-Encoding: gzip, chunked\r\n", 501},
	    {"Transfer-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n", 501},
	    {"Content-Length: +3\r\n", 400},
	    {"Content-Length: -3\r\n", 400},
	    {"Content-Length: -0\r\n", 400},
	    {"Content-Length: 3 3\r\n", 400},
	    {"Content-Length: 0x3\r\n", 400},
	    {"Content-Length: 3.0\r\n", 400},
	    {"Content-Length: 3a\r\n", 400},
	    {"Content-Length:\r\n", 400},
	    {"Content-Length: 9223372036854775808\r\n", 400},
	    {"Content-Length: 18446744073709551616\r\n", 400},
	    {"Content-Length: 99999999999999999999999999999999999999\r\n", 400},
	};
	char fields[256];
	struct request request;

	(void)state;
	for (size_t i = 0; i < UTIL_LEN(rows); i++) {
		snprintf(fields, sizeof(fields), HOST "%s", rows[i].fields);
		if (status_of("POST / HTTP/1.1", fields, &request) != rows[i].status)
			fail_msg("%s", fields);
	}
	assert_int_equal(
	    status_of("POST / HTTP/1.0", "Transfer-Encoding: chunked\r\n", &request), 400);
}

static void
test_framings(void **state)
{
	static const struct {
		const char *fields;
		enum body_kind body;
		int64_t length;
	} rows[] = {
	    {"", BODY_NONE, 0},
	    {"Content-Length: 0\r\n", BODY_NONE, 0},
	    {"Content-Length: 000\r\n", BODY_NONE, 0},
	    {"Content-Length: 1\r\n", BODY_LENGTH, 1},
	    {"content-length: 9223372036854775807\r\n", BODY_LENGTH, INT64_MAX},
	    {"Transfer-Encoding: chunked\r\n", BODY_CHUNKED, 0},
	    {"transfer-encoding:  Chunked \r\n", BODY_CHUNKED, 0},
	};
	char fields[256];
	struct request request;

	(void)state;
	for (size_t i = 0; i < UTIL_LEN(rows); i++) {
		snprintf(fields, sizeof(fields), HOST "%s", rows[i].fields);
		assert_int_equal(status_of("POST / HTTP/1.1", fields, &request), 200);
		assert_int_equal(request.body, rows[i].body);
		assert_int_equal(request.length, rows[i].length);
	}
	assert_int_equal(status_of("POST / HTTP/1.0", "Content-Length: 3\r\n", &request), 200);
	assert_int_equal(request.length, 3);
}

/* RFC 9112, section 9.3. */
static void
test_persistence(void **state)
{
	static const struct {
		const char *line;
		const char *fields;
		bool keeps_alive;
	} rows[] = {
	    {"GET / HTTP/1.1", HOST, true},
	    {"GET / HTTP/1.2", HOST, true},
	    {"GET / HTTP/1.1", HOST "Connection: keep-alive\r\n", true},
	    {"GET / HTTP/1.1", HOST "Connection: a, Close\r\n", false},
	    {"GET / HTTP/1.1", HOST "Connection: keep-alive\r\nConnection: close\r\n", false},
	    {"GET / HTTP/1.1", HOST "Upgrade: x\r\n", false},
	    {"GET / HTTP/1.1", HOST "Connection: Upgrade\r\n", false},
	    {"GET / HTTP/1.0", HOST, false},
	    {"GET / HTTP/1.0", "Connection: keep-alive\r\n", false},
	};
	struct request request;

	(void)state;
	for (size_t i = 0; i < UTIL_LEN(rows); i++) {
		assert_int_equal(status_of(rows[i].line, rows[i].fields, &request), 200);
		assert_int_equal(request.keeps_alive, rows[i].keeps_alive);
	}
}

static void
test_expectation(void **state)
{
	struct request request;

	(void)state;
	assert_int_equal(status_of("POST / HTTP/1.1",
			     HOST "Content-Length: 1\r\nExpect: 100-Continue\r\n", &request),
	    200);
	assert_true(request.expects_continue);
	assert_int_equal(
	    status_of("POST / HTTP/1.1", HOST "Expect: 100-continue\r\n", &request), 200);
	assert_false(request.expects_continue);
	assert_int_equal(status_of("POST / HTTP/1.0",
			     "Content-Length: 1\r\nExpect: 100-continue\r\n", &request),
	    200);
	assert_false(request.expects_continue);
}

/* RFC 9112, sections 3.2.2 and 3.3. */
static void
test_target(void **state)
{
	struct request request;

	(void)state;
	assert_int_equal(status_of("HEAD /a?b HTTP/1.1", HOST, &request), 200);
	assert_true(request.is_head);
	assert_true(span_equal(request.method, SPAN("HEAD")));
	assert_true(span_equal(request.host, SPAN("example.com")));
	assert_true(span_equal(request.uri.path, SPAN("/a")));
	assert_true(span_equal(request.uri.query, SPAN("b")));
	assert_int_equal(status_of("GET http://other/a HTTP/1.1", HOST, &request), 200);
	assert_false(request.is_head);
	assert_true(span_equal(request.host, SPAN("other")));
	assert_int_equal(status_of("GET / HTTP/1.0", "", &request), 200);
	assert_int_equal(request.host.len, 0);
	assert_int_equal(status_of("OPTIONS * HTTP/1.1", HOST, &request), 400);
}

/* RFC 3875, section 6.2.2. */
static void
test_redirect(void **state)
{
	static const char fields[] =
	    HOST "X-A: 1\r\nContent-Length: 3\r\nContent-Type: a\r\n"
		 "Expect: 100-continue\r\nConnection: close\r\nX-A: 2\r\n";
	static const char *const bad[] = {
	    "", "x", "/a b", "/a\r\nX: y", "/a#b", "*", "/a\r\n\r\nGET /"};
	struct request_redirect to = {0};
	struct request request;
	struct span value;

	(void)state;
	assert_int_equal(status_of("POST http://other/x HTTP/1.1", fields, &request), 200);
	assert_true(request_redirect(&to, &request, SPAN("/a?b")));
	assert_true(span_equal(to.request.method, SPAN("GET")));
	assert_true(span_equal(to.request.host, SPAN("other")));
	assert_true(span_equal(to.request.uri.path, SPAN("/a")));
	assert_true(span_equal(to.request.uri.query, SPAN("b")));
	assert_int_equal(to.request.body, BODY_NONE);
	assert_false(to.request.expects_continue);
	assert_int_equal(head_find(&to.head, "X-A", &value), 2);
	assert_int_equal(head_find(&to.head, "Content-Type", NULL), 0);
	buffer_clear(&to.bytes);
	assert_int_equal(status_of("HEAD / HTTP/1.0", "", &request), 200);
	to = (struct request_redirect){0};
	assert_true(request_redirect(&to, &request, SPAN("/")));
	assert_true(to.request.is_head);
	assert_int_equal(head_minor(&to.head), 0);
	buffer_clear(&to.bytes);
	for (size_t i = 0; i < UTIL_LEN(bad); i++) {
		to = (struct request_redirect){0};
		assert_false(request_redirect(&to, &request, span_of(bad[i])));
		buffer_clear(&to.bytes);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_framings_that_are_rejected),
	    cmocka_unit_test(test_framings),
	    cmocka_unit_test(test_persistence),
	    cmocka_unit_test(test_expectation),
	    cmocka_unit_test(test_target),
	    cmocka_unit_test(test_redirect),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
