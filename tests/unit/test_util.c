/* SPDX-License-Identifier: BSD-2-Clause */
/* The small helpers, and the list. */
#include "base/util.h"

#include "base/list.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static void
test_spans(void **state)
{
	static const struct span none = {NULL, 0};
	char *copy;

	(void)state;
	assert_int_equal(span_of("abc").len, 3);
	assert_int_equal(SPAN("a\0c").len, 3);
	assert_true(span_equal(span_of(""), none));
	assert_true(span_equal(none, none));
	assert_true(span_equal(SPAN("abc"), span_of("abc")));
	assert_false(span_equal(SPAN("abc"), SPAN("abC")));
	assert_false(span_equal(SPAN("abc"), SPAN("ab")));
	assert_false(span_equal(SPAN("a\0c"), SPAN("a\0d")));
	assert_true(span_equal_nocase(SPAN("aBz-Z09"), SPAN("AbZ-z09")));
	assert_true(span_equal_nocase(none, SPAN("")));
	assert_false(span_equal_nocase(SPAN("abc"), SPAN("abcd")));
	/* Only letters have two cases, and only those of ASCII. */
	assert_false(span_equal_nocase(SPAN("@[`{"), SPAN("`{@[")));
	assert_false(span_equal_nocase(SPAN("\xc4"), SPAN("\xe4")));

	copy = span_dup(SPAN("a\0c"));
	assert_non_null(copy);
	assert_memory_equal(copy, "a\0c", 4);
	free(copy);
	copy = span_dup(none);
	assert_non_null(copy);
	assert_string_equal(copy, "");
	free(copy);
}

static void
test_span_trim(void **state)
{
	static const char *const rows[][2] = {
	    {"", ""},
	    {" ", ""},
	    {" \t ", ""},
	    {"a", "a"},
	    {" a", "a"},
	    {"a\t", "a"},
	    {"\t a b\tc \t", "a b\tc"},
	    {"\na\r", "\na\r"},
	    {"\va\f", "\va\f"},
	};

	(void)state;
	for (size_t i = 0; i < UTIL_LEN(rows); i++)
		assert_true(span_equal(span_trim(span_of(rows[i][0])), span_of(rows[i][1])));
	assert_int_equal(span_trim((struct span){NULL, 0}).len, 0);
}

static void
test_numbers(void **state)
{
	static const struct {
		const char *text;
		int64_t min, max, value;
		bool good;
	} rows[] = {
	    {"0", 0, 10, 0, true},
	    {"10", 0, 10, 10, true},
	    {"11", 0, 10, 0, false},
	    {"007", 0, 10, 7, true},
	    {"-1", 0, 10, 0, false},
	    {"-1", -1, 10, -1, true},
	    {"-2", -1, 10, 0, false},
	    {"-0", 0, 10, 0, true},
	    {"", 0, 10, 0, false},
	    {"-", -10, 10, 0, false},
	    {"--1", -10, 10, 0, false},
	    {"+1", 0, 10, 0, false},
	    {" 1", 0, 10, 0, false},
	    {"1 ", 0, 10, 0, false},
	    {"1a", 0, 10, 0, false},
	    {"0x1", 0, 10, 0, false},
	    {"1.0", 0, 10, 0, false},
	    {"1,0", 0, 10, 0, false},
	    {"9223372036854775807", 0, INT64_MAX, INT64_MAX, true},
	    {"9223372036854775808", 0, INT64_MAX, 0, false},
	    {"-9223372036854775808", INT64_MIN, INT64_MAX, INT64_MIN, true},
	    {"-9223372036854775809", INT64_MIN, INT64_MAX, 0, false},
	    {"18446744073709551617", INT64_MIN, INT64_MAX, 0, false},
	    {"99999999999999999999999999999999", INT64_MIN, INT64_MAX, 0, false},
	    {"-99999999999999999999999999999999", INT64_MIN, INT64_MAX, 0, false},
	};
	int64_t value;

	(void)state;
	for (size_t i = 0; i < UTIL_LEN(rows); i++) {
		const char *wrong;

		value = 4711;
		wrong =
		    util_parse_number(span_of(rows[i].text), rows[i].min, rows[i].max, &value);
		if ((wrong == NULL) != rows[i].good)
			fail_msg("[%s] %s", rows[i].text, wrong ? wrong : "was taken");
		assert_int_equal(value, rows[i].good ? rows[i].value : 4711);
	}
	assert_non_null(util_parse_number((struct span){"1\0", 2}, 0, 10, &value));
	assert_non_null(util_parse_number((struct span){NULL, 0}, 0, 10, &value));
	assert_string_equal(
	    util_parse_number(SPAN("x"), 0, 65535, &value), "must be a number from 0 to 65535");
	assert_string_equal(util_parse_number(SPAN("x"), INT64_MIN, INT64_MAX, &value),
	    "must be a number from -9223372036854775808 to 9223372036854775807");
}

static void
test_numbers_are_written_in_decimal(void **state)
{
	static const struct {
		uint64_t number;
		size_t width;
		const char *text;
	} rows[] = {
	    {0, 1, "0"},
	    {7, 1, "7"},
	    {10, 1, "10"},
	    {5, 2, "05"},
	    {12, 2, "12"},
	    {123, 2, "123"},
	    {42, 3, "042"},
	    {UINT64_MAX, 1, "18446744073709551615"},
	    {1, UTIL_NUMBER_MAX, "00000000000000000001"},
	};
	char text[UTIL_NUMBER_MAX + 1];

	(void)state;
	for (size_t i = 0; i < UTIL_LEN(rows); i++) {
		*util_put_number(text, rows[i].number, rows[i].width) = '\0';
		assert_string_equal(text, rows[i].text);
	}
}

static void
test_characters(void **state)
{
	static const char token[] =
	    "!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";

	(void)state;
	for (int c = 0; c < 256; c++) {
		unsigned char byte = (unsigned char)c;
		bool is_upper = c >= 'A' && c <= 'Z';
		bool is_lower = c >= 'a' && c <= 'z';

		assert_int_equal(
		    util_is_token_char(byte), memchr(token, c, sizeof(token) - 1) != NULL);
		assert_int_equal(util_is_alpha(byte), is_upper || is_lower);
		assert_int_equal(util_is_digit(byte), c >= '0' && c <= '9');
		assert_int_equal((unsigned char)util_lower((char)c), is_upper ? c + 32 : c);
		if (c >= '0' && c <= '9')
			assert_int_equal(util_hex_value(byte), c - '0');
		else if ((c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F'))
			assert_int_equal(util_hex_value(byte), (c | 0x20) - 'a' + 10);
		else
			assert_int_equal(util_hex_value(byte), -1);
	}
	assert_true(util_is_token(SPAN("Sec-WebSocket-Key")));
	assert_false(util_is_token(SPAN("")));
	assert_false(util_is_token(SPAN("a b")));
	assert_false(util_is_token(SPAN("a\0")));
	assert_false(util_is_token(SPAN("a,b")));
}

static void
test_clock_does_not_go_back(void **state)
{
	int64_t last = util_clock_ms();

	(void)state;
	for (int i = 0; i < 1000; i++) {
		int64_t now = util_clock_ms();

		assert_true(now >= last);
		last = now;
	}
}

struct item {
	int number;
	struct list node;
};

static void
test_list(void **state)
{
	struct list head;
	struct item items[3] = {{.number = 0}, {.number = 1}, {.number = 2}};
	int sum = 0;

	(void)state;
	list_init(&head);
	assert_true(list_empty(&head));
	for (size_t i = 0; i < UTIL_LEN(items); i++)
		list_append(&head, &items[i].node);
	assert_false(list_empty(&head));
	for (struct list *p = head.next; p != &head; p = p->next) {
		assert_int_equal(LIST_ENTRY_OF(p, struct item, node)->number, sum);
		sum++;
	}
	assert_int_equal(sum, 3);
	list_remove(&items[1].node);
	list_remove(&items[1].node);
	assert_true(list_empty(&items[1].node));
	assert_ptr_equal(head.next, &items[0].node);
	assert_ptr_equal(head.next->next, &items[2].node);
	assert_ptr_equal(head.prev, &items[2].node);
	list_remove(&items[0].node);
	list_remove(&items[2].node);
	assert_true(list_empty(&head));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_spans),
	    cmocka_unit_test(test_span_trim),
	    cmocka_unit_test(test_numbers),
	    cmocka_unit_test(test_numbers_are_written_in_decimal),
	    cmocka_unit_test(test_characters),
	    cmocka_unit_test(test_clock_does_not_go_back),
	    cmocka_unit_test(test_list),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
