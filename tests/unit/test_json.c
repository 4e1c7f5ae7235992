/* SPDX-License-Identifier: BSD-2-Clause */
/* Strings of JSON. */
#include "base/json.h"

#include "base/util.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static void
check(const char *in, size_t len, enum json_escape_style style, const char *expected)
{
	struct buffer out = {0};

	assert_true(json_escape(&out, (const uint8_t *)in, len, style));
	assert_int_equal(buffer_len(&out), strlen(expected));
	if (*expected)
		assert_memory_equal(buffer_data(&out), expected, strlen(expected));
	buffer_clear(&out);
}

static void
what_must_be_escaped_is(void **state)
{
	(void)state;
	check("", 0, JSON_ESCAPE_MINIMAL, "");
	check("plain \xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80 /", 17, JSON_ESCAPE_MINIMAL,
	    "plain \xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80 /");
	check("\"\\\b\f\n\r\t", 7, JSON_ESCAPE_MINIMAL, "\\\"\\\\\\b\\f\\n\\r\\t");
	check("\0\x1f\x7f", 3, JSON_ESCAPE_MINIMAL, "\\u0000\\u001f\x7f");
	check("<&>\xe2\x80\xa8\xe2\x80\xa9", 9, JSON_ESCAPE_MINIMAL,
	    "<&>\xe2\x80\xa8\xe2\x80\xa9");
}

static void
for_pages_as_go_does(void **state)
{
	(void)state;
	check("<&>", 3, JSON_ESCAPE_HTML, "\\u003c\\u0026\\u003e");
	check("\xe2\x80\xa7\xe2\x80\xa8\xe2\x80\xa9\xe2\x80\xaa", 12, JSON_ESCAPE_HTML,
	    "\xe2\x80\xa7\\u2028\\u2029\xe2\x80\xaa");
	check("a\0b", 3, JSON_ESCAPE_HTML, "a\\u0000b");
}

static void
what_is_not_utf8_is_replaced(void **state)
{
	(void)state;
	check("a\xff"
	      "b\xe2\x82",
	    5, JSON_ESCAPE_MINIMAL, "a\\ufffdb\\ufffd\\ufffd");
}

/* Beyond one step, with characters across its border. */
static void
long_texts_are_quoted_whole(void **state)
{
	enum { COUNT = 5000 };

	(void)state;
	for (size_t before = 0; before < 4; before++) {
		struct buffer in = {0}, out = {0};

		assert_true(buffer_append(&in, "xxx", before));
		for (int i = 0; i < COUNT; i++)
			assert_true(buffer_append(&in, "\xf0\x9f\x98\x80", 4));
		assert_true(
		    json_escape(&out, buffer_data(&in), buffer_len(&in), JSON_ESCAPE_MINIMAL));
		assert_int_equal(buffer_len(&out), buffer_len(&in));
		assert_memory_equal(buffer_data(&out), buffer_data(&in), buffer_len(&in));
		buffer_clear(&out);
		memset(buffer_data(&in), 0, buffer_len(&in));
		assert_true(
		    json_escape(&out, buffer_data(&in), buffer_len(&in), JSON_ESCAPE_MINIMAL));
		assert_int_equal(buffer_len(&out), 6 * buffer_len(&in));
		buffer_clear(&out);
		buffer_clear(&in);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(what_must_be_escaped_is),
	    cmocka_unit_test(for_pages_as_go_does),
	    cmocka_unit_test(what_is_not_utf8_is_replaced),
	    cmocka_unit_test(long_texts_are_quoted_whole),
	};

	return cmocka_run_group_tests_name("quote", tests, NULL, NULL);
}
