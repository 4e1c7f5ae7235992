/* SPDX-License-Identifier: BSD-2-Clause */
/* YAML as JSON. */
#include "base/yaml.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* TEXT as JSON in one line; NULL: *ERROR is set. The caller frees it. */
static char *
convert(const char *text, struct yaml_error *error)
{
	json_t *value = yaml_parse(span_of(text), error);
	char *result = value ? json_dumps(value, JSON_ENCODE_ANY | JSON_COMPACT) : NULL;

	json_decref(value);
	return result;
}

static void
values_are_those_of_the_core_schema(void **state)
{
	static const char *const rows[][2] = {
	    {"~", "null"},
	    {"a:", "{\"a\":null}"},
	    {"[null, Null, NULL, nULL]", "[null,null,null,\"nULL\"]"},
	    {"[true, True, TRUE, false, yes, no, on]",
		"[true,true,true,false,\"yes\",\"no\",\"on\"]"},
	    {"[0, -7, +7, 010, 0x1F, 0o17, 0x, 0o8]", "[0,-7,7,10,31,15,\"0x\",\"0o8\"]"},
	    {"[1.5, .5, 2., 1e3, 1.e-1, -.]",
		"[1.5,0.5,2.0,1000.0,0.10000000000000001,\"-.\"]"},
	    {"[1e, 1.2.3, 1_000, 2026-01-01, 12:30]",
		"[\"1e\",\"1.2.3\",\"1_000\",\"2026-01-01\",\"12:30\"]"},
	    {"9223372036854775807", "9223372036854775807"},
	    {"9223372036854775808", "9.2233720368547758e18"},
	    {"['1', \"true\", !!str 2, ! 3]", "[\"1\",\"true\",\"2\",\"3\"]"},
	    {"\"a\\0b\"", "\"a\\u0000b\""},
	    {"a: |\n  x\n  y\nb: >\n  x\n  y\n", "{\"a\":\"x\\ny\\n\",\"b\":\"x y\\n\"}"},
	    {"a: &x {b: [1]}\nc: *x\nd: &x 2\ne: *x",
		"{\"a\":{\"b\":[1]},\"c\":{\"b\":[1]},\"d\":2,\"e\":2}"},
	    {"1: a\ntrue: b", "{\"1\":\"a\",\"true\":\"b\"}"},
	    {"# nothing else\n--- {a: 1}\n...\n", "{\"a\":1}"},
	};
	struct yaml_error error;

	(void)state;
	for (size_t i = 0; i < UTIL_LEN(rows); i++) {
		char *got = convert(rows[i][0], &error);

		if (!got)
			fail_msg("%s: %s", rows[i][0], error.why);
		assert_string_equal(got, rows[i][1]);
		free(got);
	}
}

static void
what_json_does_not_have_is_an_error(void **state)
{
	static const struct {
		const char *text;
		size_t line;
		const char *why;
	} rows[] = {
	    {"", 1, "it is empty"},
	    {"a: 1\n---\nb: 2", 2, "it has more than one document"},
	    {"a: 1\nb: .NaN", 2, "JSON has no .NaN"},
	    {"a: 1e999", 1, "the number 1e999 is too large"},
	    {"[a]: 1", 1, "a key must be text"},
	    {"? \"a\\0\"\n: 1", 1, "a key must be text"},
	    {"a: 1\nb: 2\na: 3", 3, "duplicate key 'a'"},
	    {"<<: {a: 1}", 1, "merge keys (<<) are not supported"},
	    {"a: !x 1", 1, "the tag !x is not supported"},
	    {"a: !x {}", 1, "the tag !x is not supported"},
	    {"- &a [*a]", 1, "the alias *a has no anchor before it"},
	};
	struct yaml_error error;

	(void)state;
	for (size_t i = 0; i < UTIL_LEN(rows); i++) {
		assert_null(convert(rows[i].text, &error));
		assert_string_equal(error.why, rows[i].why);
		assert_int_equal(error.line, rows[i].line);
	}
}

/* COUNT times FIRST and then COUNT times LAST; the caller frees it. */
static char *
repeat(const char *first, const char *last, size_t count)
{
	size_t a = strlen(first), b = strlen(last);
	char *text = calloc(1, (a + b) * count + 1);

	assert_non_null(text);
	for (size_t i = 0; i < count; i++) {
		memcpy(text + i * a, first, a);
		memcpy(text + count * a + i * b, last, b);
	}
	return text;
}

static void
depth_and_size_are_limited(void **state)
{
	struct yaml_error error;
	char *text, *got;

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		text = repeat("[", "]", YAML_DEPTH_MAX + i);
		got = convert(text, &error);
		assert_int_equal(got != NULL, i == 0);
		free(got);
		free(text);
	}
	for (size_t i = 0; i < 2; i++) {
		text = repeat("- 1\n", "", YAML_NODES_MAX - 1 + i);
		got = convert(text, &error);
		assert_int_equal(got != NULL, i == 0);
		free(got);
		free(text);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(values_are_those_of_the_core_schema),
	    cmocka_unit_test(what_json_does_not_have_is_an_error),
	    cmocka_unit_test(depth_and_size_are_limited),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
