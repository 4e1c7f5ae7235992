/* SPDX-License-Identifier: BSD-2-Clause */
/* The header of CGI responses, cut everywhere. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "base/util.h"
#include "http/cgi_head.h"

#include <stdlib.h>
#include <string.h>

#define TYPE "Content-Type: text/plain\n"

#define BAD(input, why)                                                                        \
	{                                                                                      \
		.bytes = input, .reason = (why)                                                \
	}

static const struct {
	struct span bytes;
	const char *reason; /* NULL: it is complete, and the rest holds */
	int status;
	int64_t length;
	const char *phrase;
	const char *type;
	const char *location;
	const char *fields;
	bool local;
	const char *body;
} rows[] = {
    {SPAN(TYPE "\nbody"), NULL, 200, -1, NULL, "text/plain", NULL, "", false, "body"},
    {SPAN("Content-Type:text/plain \r\n\r\n\n"), NULL, 200, -1, NULL, "text/plain", NULL, "",
	false, "\n"},
    {SPAN("CONTENT-type: a\nX-A:\n\n"), NULL, 200, -1, NULL, "a", NULL, "X-A: \r\n", false, ""},
    {SPAN("Status: 404\n\n"), NULL, 404, -1, NULL, NULL, NULL, "", false, ""},
    {SPAN("Status: 404 \n\n"), NULL, 404, -1, NULL, NULL, NULL, "", false, ""},
    {SPAN("Status: 599 a  b \n\n"), NULL, 599, -1, "a  b", NULL, NULL, "", false, ""},
    {SPAN(TYPE "X-A: b\r\nx-a:\tc:d\t\n\n"), NULL, 200, -1, NULL, "text/plain", NULL,
	"X-A: b\r\nx-a: c:d\r\n", false, ""},
    {SPAN(TYPE "Content-Length: 012\n\n"), NULL, 200, 12, NULL, "text/plain", NULL, "", false,
	""},
    {SPAN("Location: /a?b\n\n"), NULL, 302, -1, NULL, NULL, "/a?b", "", true, ""},
    {SPAN("Location: /a\nConnection: x\n\n"), NULL, 302, -1, NULL, NULL, "/a", "", true, ""},
    {SPAN("Location: //a\n\n"), NULL, 302, -1, NULL, NULL, "//a", "", false, ""},
    {SPAN("Location: http://a/\n\n"), NULL, 302, -1, NULL, NULL, "http://a/", "", false, ""},
    {SPAN("Location: /a\nStatus: 301\n\n"), NULL, 301, -1, NULL, NULL, "/a", "", false, ""},
    {SPAN("Location: /a\n" TYPE "\n"), NULL, 302, -1, NULL, "text/plain", "/a", "", false, ""},
    {SPAN("Location: /a\nX-A: b\n\n"), NULL, 302, -1, NULL, NULL, "/a", "X-A: b\r\n", false,
	""},
    {SPAN(TYPE "connection: a\nKEEP-ALIVE: a\nTransfer-Encoding: a\nUpgrade: a\nTE: a\n"
	       "Trailer: a\nProxy-Connection: a\nDate: a\nX-CGI-a: a\nX-Cgi: a\n"
	       "X-Content-Type-Options: a\n\n"),
	NULL, 200, -1, NULL, "text/plain", NULL, "X-Cgi: a\r\n", false, ""},
    {SPAN(TYPE "X-A: \x80\xff\n\n"), NULL, 200, -1, NULL, "text/plain", NULL,
	"X-A: \x80\xff\r\n", false, ""},
    BAD(SPAN("\n"), "the header has no Content-Type, Location or Status"),
    BAD(SPAN("X-A: b\n\n"), "the header has no Content-Type, Location or Status"),
    BAD(SPAN("Content-Length: 1\n\n"), "the header has no Content-Type, Location or Status"),
    BAD(SPAN("hello\n"),
	"line without a colon in the header; is the empty line after the header "
	"missing?"),
    BAD(SPAN(": a\n"), "invalid field name in the header"),
    BAD(SPAN("X A: a\n"), "invalid field name in the header"),
    BAD(SPAN("X-A : a\n"), "invalid field name in the header"),
    BAD(SPAN("\x80: a\n"), "invalid field name in the header"),
    BAD(SPAN(TYPE " a: b\n"), "folded line in the header"),
    BAD(SPAN(TYPE "\ta: b\n"), "folded line in the header"),
    BAD(SPAN("X-A: a\rb\n"), "control character in the header"),
    BAD(SPAN("X-A: a\r\r\n"), "control character in the header"),
    BAD(SPAN("X-A: a\0b\n"), "control character in the header"),
    BAD(SPAN("X-A: \x7f\n"), "control character in the header"),
    BAD(SPAN(TYPE TYPE), "repeated Content-Type"),
    BAD(SPAN("Content-Type:\n"), "empty Content-Type"),
    BAD(SPAN("Location: a\nlocation: b\n"), "repeated Location"),
    BAD(SPAN("Location: \n"), "empty Location"),
    BAD(SPAN("Status: 200\nStatus: 200\n"), "repeated Status"),
    BAD(SPAN("Status: 199\n"), "Status does not begin with a number from 200 to 599"),
    BAD(SPAN("Status: 600\n"), "Status does not begin with a number from 200 to 599"),
    BAD(SPAN("Status: 2000\n"), "Status does not begin with a number from 200 to 599"),
    BAD(SPAN("Status: 20\n"), "Status does not begin with a number from 200 to 599"),
    BAD(SPAN("Status: +20\n"), "Status does not begin with a number from 200 to 599"),
    BAD(SPAN("Status:\n"), "Status does not begin with a number from 200 to 599"),
    BAD(SPAN("Content-Length: 1\nContent-Length: 1\n"), "repeated Content-Length"),
    BAD(SPAN("Content-Length: +1\n"), "Content-Length is not a number"),
    BAD(SPAN("Content-Length: -1\n"), "Content-Length is not a number"),
    BAD(SPAN("Content-Length: 1 1\n"), "Content-Length is not a number"),
    BAD(SPAN("Content-Length:\n"), "Content-Length is not a number"),
    BAD(SPAN("Content-Length: 9223372036854775808\n"), "Content-Length is not a number"),
};

static void
assert_text(const char *text, const char *expected)
{
	if (expected)
		assert_string_equal(text, expected);
	else
		assert_null(text);
}

static void
assert_row(const struct cgi_head *head, size_t row, enum cgi_head_result result, size_t used)
{
	if (rows[row].reason) {
		assert_int_equal(result, CGI_HEAD_BAD);
		assert_string_equal(head->reason, rows[row].reason);
		return;
	}
	assert_int_equal(result, CGI_HEAD_DONE);
	assert_int_equal(cgi_head_status(head), rows[row].status);
	assert_int_equal(head->length, rows[row].length);
	assert_text(head->phrase && *head->phrase ? head->phrase : NULL, rows[row].phrase);
	assert_text(head->type, rows[row].type);
	assert_text(head->location, rows[row].location);
	assert_int_equal(buffer_len(&head->fields), strlen(rows[row].fields));
	if (*rows[row].fields)
		assert_memory_equal(
		    buffer_data(&head->fields), rows[row].fields, strlen(rows[row].fields));
	assert_int_equal(cgi_head_is_local_redirect(head), rows[row].local);
	assert_int_equal(rows[row].bytes.len - used, strlen(rows[row].body));
}

/* Parses BYTES in pieces that end at CUT and then after each STEP. */
static enum cgi_head_result
parse(struct cgi_head *head, struct span bytes, size_t cut, size_t step, size_t *used)
{
	enum cgi_head_result result = CGI_HEAD_MORE;
	size_t end = cut;

	*used = 0;
	cgi_head_init(head);
	while (result == CGI_HEAD_MORE && *used < bytes.len) {
		size_t n;
		size_t len;
		char *piece;

		if (end > bytes.len)
			end = bytes.len;
		len = end - *used;
		piece = malloc(len + (len == 0));
		assert_non_null(piece);
		memcpy(piece, bytes.data + *used, len);
		result = cgi_head_parse(head, piece, len, &n);
		assert_true(n <= len && (n == len || result != CGI_HEAD_MORE));
		free(piece);
		*used += n;
		end += step;
	}
	return result;
}

static void
test_each_row_whole_and_cut_at_each_byte(void **state)
{
	struct cgi_head head;
	size_t used;

	(void)state;
	for (size_t i = 0; i < UTIL_LEN(rows); i++) {
		enum cgi_head_result result = parse(&head, rows[i].bytes, 1, 1, &used);

		assert_row(&head, i, result, used);
		cgi_head_clear(&head);
		for (size_t cut = 0; cut <= rows[i].bytes.len; cut++) {
			result = parse(&head, rows[i].bytes, cut, rows[i].bytes.len, &used);
			assert_row(&head, i, result, used);
			cgi_head_clear(&head);
		}
	}
}

static void
test_an_incomplete_header_is_no_error(void **state)
{
	struct span whole = SPAN(TYPE "Status: 200\r\n\r\n");
	struct cgi_head head;
	size_t used;

	(void)state;
	for (size_t len = 0; len < whole.len; len++) {
		assert_int_equal(
		    parse(&head, (struct span){whole.data, len}, len, 1, &used), CGI_HEAD_MORE);
		assert_int_equal(head.len, len);
		cgi_head_clear(&head);
	}
}

static void
test_the_size_is_bounded(void **state)
{
	static char bytes[2 * CGI_HEAD_MAX];
	struct cgi_head head;
	size_t used;

	(void)state;
	memset(bytes, 'a', sizeof(bytes));
	memcpy(bytes, "Status: 200 ", 12);
	memcpy(bytes + CGI_HEAD_MAX - 2, "\n\nbody", 6);
	assert_int_equal(
	    parse(&head, (struct span){bytes, CGI_HEAD_MAX + 4}, 1000, 1000, &used),
	    CGI_HEAD_DONE);
	assert_int_equal(used, CGI_HEAD_MAX);
	cgi_head_clear(&head);
	memcpy(bytes + CGI_HEAD_MAX - 2, "a\n\nb", 4);
	for (size_t step = 1; step <= sizeof(bytes); step *= 2) {
		assert_int_equal(
		    parse(&head, (struct span){bytes, sizeof(bytes)}, step, step, &used),
		    CGI_HEAD_BAD);
		assert_string_equal(head.reason, "the header is larger than 16 KiB");
		cgi_head_clear(&head);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_each_row_whole_and_cut_at_each_byte),
	    cmocka_unit_test(test_an_incomplete_header_is_no_error),
	    cmocka_unit_test(test_the_size_is_bounded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
