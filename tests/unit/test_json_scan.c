/* SPDX-License-Identifier: BSD-2-Clause */
/* Looking into a text of JSON that nobody has checked. */
#include "base/json_scan.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* Reads a copy that ends where its memory does. */
static bool
reads(struct span text)
{
	char *copy = malloc(text.len + 1);
	struct span value = {0};
	bool ok;

	assert_non_null(copy);
	memcpy(copy, text.data, text.len);
	ok = json_read((struct span){copy, text.len}, &value);
	assert_true(!ok || (value.len > 0 && value.len <= text.len));
	free(copy);
	return ok;
}

static void
what_the_rfc_allows_is_read(void **state)
{
	static const char *const rows[] = {"{}", "[]", "0", "-0", "-1.5e+10", "1E2", "\"\"",
	    "true", "false", "null", " [ 1 , { \"a\" : [ ] } ] ", "\t{\"a\":1,\"a\":2}\r\n",
	    "\"\\u0000\\ud800\\\"\\\\\\/\\b\\f\\n\\r\\t\"", "\"\xc3\xa4\xf0\x9f\x98\x80\"",
	    "[[],{},\"]\",\"}\"]"};

	(void)state;
	for (size_t i = 0; i < UTIL_LEN(rows); i++)
		assert_true(reads(span_of(rows[i])));
}

static void
all_else_is_not(void **state)
{
	static const char *const rows[] = {"", " ", "{", "}", "[", "]", "[1", "[1,", "[1,]",
	    "[,1]", "[1 2]", "{\"a\"}", "{\"a\":}", "{\"a\":1,}", "{,}", "{a:1}", "{1:1}",
	    "{\"a\" 1}", "{\"a\":1 \"b\":2}", "[}", "{]", "\"", "\"\\\"", "\"\\x\"",
	    "\"\\u12\"", "\"\\u12g4\"", "\"\n\"", "\"\\", "01", "-", "1.", ".5", "1e", "1e+",
	    "+1", "0x1", "NaN", "Infinity", "tru", "truee", "nul", "True", "1 1", "{}{}",
	    "[] x", "'a'", "\xef\xbb\xbf{}", "\"\xff\"", "\"\xc3\"", "\"\xed\xa0\x80\"",
	    "//\n1", "[1]\v"};

	(void)state;
	for (size_t i = 0; i < UTIL_LEN(rows); i++)
		assert_false(reads(span_of(rows[i])));
	assert_false(reads((struct span){"\0", 1}));
	assert_false(reads((struct span){"\"\0\"", 3}));
	assert_false(reads((struct span){"\"\\\0\"", 4}));
	assert_false(reads((struct span){"1\0", 2}));
}

static void
every_beginning_of_a_text_is_rejected(void **state)
{
	static const char text[] =
	    "{\"jsonrpc\":\"2.0\",\"id\":\"\\u00e4\",\"params\":{\"a\":[true,null,-1.5e3]}}";

	(void)state;
	for (size_t len = 0; len < sizeof(text) - 1; len++)
		assert_false(reads((struct span){text, len}));
	assert_true(reads(SPAN(text)));
}

static void
depth_is_limited(void **state)
{
	char text[2 * (JSON_DEPTH_MAX + 1)];

	(void)state;
	memset(text, '[', JSON_DEPTH_MAX + 1);
	memset(text + JSON_DEPTH_MAX + 1, ']', JSON_DEPTH_MAX + 1);
	assert_true(reads((struct span){text + 1, 2 * JSON_DEPTH_MAX}));
	assert_false(reads((struct span){text, sizeof(text)}));
	memset(text, '[', sizeof(text));
	assert_false(reads((struct span){text, sizeof(text)}));
}

static void
members_are_found_by_what_their_names_mean(void **state)
{
	struct json_member members[] = {
	    {.name = "id"}, {.name = "params"}, {.name = "none"}, {.name = "last"}};
	struct span value;

	(void)state;
	assert_true(
	    json_read(SPAN(" {\"params\":{\"id\":[{\"id\":9}],\"x\":\"}\"} , \"i\\u0064\" "
			   ": 1 ,\"id\":\"two\",\"last\":null} "),
		&value));
	json_find(value, members, UTIL_LEN(members));
	assert_int_equal(members[0].count, 2);
	assert_true(span_equal(members[0].value, SPAN("\"two\"")));
	assert_int_equal(members[1].count, 1);
	assert_true(span_equal(members[1].value, SPAN("{\"id\":[{\"id\":9}],\"x\":\"}\"}")));
	assert_int_equal(members[2].count, 0);
	assert_int_equal(json_type(members[2].value), JSON_NOTHING);
	assert_int_equal(json_type(members[3].value), JSON_NULL);
	json_find(SPAN("[1]"), members, UTIL_LEN(members));
	assert_int_equal(members[0].count, 0);
}

static void
items_are_walked_in_order(void **state)
{
	static const char *const expected[] = {"1", "[2,[3]]", "{\"a\":[]}", "\",]\"", "true"};
	struct span value, item;
	size_t cursor = 0;

	(void)state;
	assert_true(json_read(SPAN("[1,[2,[3]] , {\"a\":[]},\",]\", true ]"), &value));
	for (size_t i = 0; i < UTIL_LEN(expected); i++) {
		assert_true(json_next_item(value, &cursor, &item));
		assert_true(span_equal(item, span_of(expected[i])));
	}
	assert_false(json_next_item(value, &cursor, &item));
	cursor = 0;
	assert_false(json_next_item(SPAN("[ ]"), &cursor, &item));
	assert_false(json_next_item(SPAN("{\"a\":1}"), &cursor, &item));
	assert_false(json_next_item((struct span){0}, &cursor, &item));
}

static void
strings_mean_what_their_escapes_say(void **state)
{
	static const struct {
		const char *string;
		const char *text;
	} rows[] = {
	    {"\"\"", ""},
	    {"\"a/b\"", "a/b"},
	    {"\"\\\"\\\\\\/\\b\\f\\n\\r\\t\"", "\"\\/\b\f\n\r\t"},
	    {"\"\\u0041\\u00e4\\u20AC\\ud83d\\ude00\"",
		"A\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80"},
	    {"\"\\ud83d\"", "\xef\xbf\xbd"},
	    {"\"\\ud83dx\"", "\xef\xbf\xbdx"},
	    {"\"\\ude00\\ud83d\"", "\xef\xbf\xbd\xef\xbf\xbd"},
	    {"\"\\ud83d\\u0041\"", "\xef\xbf\xbd"
				   "A"},
	};

	(void)state;
	for (size_t i = 0; i < UTIL_LEN(rows); i++) {
		struct span string = span_of(rows[i].string), text = span_of(rows[i].text);
		struct buffer out = {0};

		assert_true(reads(string));
		assert_true(json_is_text(string, text));
		assert_false(json_is_text(string, SPAN("another")));
		assert_true(json_get_text(string, &out));
		assert_true(span_equal(
		    text, (struct span){(char *)buffer_data(&out), buffer_len(&out)}));
		buffer_clear(&out);
	}
	assert_false(json_is_text((struct span){0}, SPAN("1")));
	assert_true(json_get_text((struct span){0}, &(struct buffer){0}));
	assert_false(json_is_text(SPAN("1"), SPAN("1")));
	assert_false(json_is_text(SPAN("\"ab\""), SPAN("a")));
	assert_false(json_is_text(SPAN("\"a\""), SPAN("ab")));
}

static void
names_in_another_case_resemble_theirs(void **state)
{
	static const struct {
		const char *name;
		bool resembles;
	} rows[] = {
	    {"\"tasks\"", true},
	    {"\"TASKS\"", true},
	    {"\"\\u0054as\\u006bs\"", true},
	    {"\"ta\xc5\xbf\\u212a\\u017f\"", true},
	    {"\"ta\xc5\xbf\xe2\x84\xaa\xc5\xbf\"", true},
	    {"\"task\"", false},
	    {"\"taskss\"", false},
	    {"\"tas\xc5\xbe"
	     "s\"",
		false},
	    {"\"\"", false},
	    {"1", false},
	};

	(void)state;
	for (size_t i = 0; i < UTIL_LEN(rows); i++)
		assert_int_equal(
		    json_resembles(span_of(rows[i].name), SPAN("tasks")), rows[i].resembles);
	assert_true(json_resembles(SPAN("\"\""), SPAN("")));
	assert_false(json_resembles((struct span){0}, SPAN("")));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(what_the_rfc_allows_is_read),
	    cmocka_unit_test(all_else_is_not),
	    cmocka_unit_test(every_beginning_of_a_text_is_rejected),
	    cmocka_unit_test(depth_is_limited),
	    cmocka_unit_test(members_are_found_by_what_their_names_mean),
	    cmocka_unit_test(items_are_walked_in_order),
	    cmocka_unit_test(strings_mean_what_their_escapes_say),
	    cmocka_unit_test(names_in_another_case_resemble_theirs),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
