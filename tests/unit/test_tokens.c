/* SPDX-License-Identifier: BSD-2-Clause */
/* Files of tokens, and how much is compared to find one. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "auth/digest.h"
#include "auth/tokens.h"
#include "count_compared.h"

#include <string.h>

static struct tokens *
parse(const char *text)
{
	unsigned int line;
	const char *why;
	struct tokens *tokens = tokens_parse(span_of(text), &line, &why);

	if (!tokens)
		fail_msg("%u: %s", line, why);
	return tokens;
}

static void
test_file(void **state)
{
	struct tokens *tokens = parse("# comment\r\n\n  \nabc\tann b\n  d.e-f_~+/== \r\nlast");
	const char *name = NULL;

	(void)state;
	assert_true(tokens_find(tokens, SPAN("abc"), &name));
	assert_string_equal(name, "ann b");
	assert_true(tokens_find(tokens, SPAN("d.e-f_~+/=="), &name));
	assert_string_equal(name, "");
	assert_true(tokens_find(tokens, SPAN("last"), NULL));
	assert_false(tokens_find(tokens, SPAN(""), NULL));
	assert_false(tokens_find(tokens, SPAN("ab"), NULL));
	assert_false(tokens_find(tokens, SPAN("abcd"), NULL));
	assert_false(tokens_find(tokens, SPAN("ABC"), NULL));
	assert_false(tokens_find(tokens, SPAN("abc ann b"), NULL));
	assert_false(tokens_find(tokens, SPAN("#"), NULL));
	assert_int_equal(tokens_shortest(tokens), 3);
	tokens_unref(tokens_ref(tokens));
	tokens_unref(tokens);
	tokens_unref(NULL);
}

static void
test_mistakes(void **state)
{
	static const struct {
		const char *text;
		unsigned int line;
		const char *why;
	} rows[] = {
	    {"", 0, "contains no token"},
	    {"# only\n\n", 0, "contains no token"},
	    {"abc\n\nd\"e\n", 3, "a token has"},
	    {"abc\n====\n", 2, "a token has"},
	    {"a=b\n", 1, "a token has"},
	    {"abc na\x01me\n", 1, "the name of a token"},
	    {"\xc3\xa9\n", 1, "a token has"},
	};

	(void)state;
	for (size_t i = 0; i < UTIL_LEN(rows); i++) {
		unsigned int line;
		const char *why;

		assert_null(tokens_parse(span_of(rows[i].text), &line, &why));
		assert_int_equal(line, rows[i].line);
		assert_non_null(strstr(why, rows[i].why));
	}
}

/* 10,000 guesses, equal to a token in its first 0 to 32 bytes, and the tokens themselves: each
 * costs the same number of compared bytes. */
static void
test_constant_time(void **state)
{
	static const char token[] = "0123456789abcdef0123456789abcdef";
	struct tokens *tokens = parse("first-of-the-file\n0123456789abcdef0123456789abcdef x\n"
				      "last-of-the-file\n");

	(void)state;
	for (unsigned int i = 0; i < 10000; i++) {
		char guess[sizeof(token)];
		size_t same = i % sizeof(token);
		bool found;

		memcpy(guess, token, sizeof(token));
		if (same < sizeof(token) - 1)
			memset(guess + same, '!', sizeof(token) - 1 - same);
		count_compared = 0;
		found = tokens_find(tokens, span_of(guess), NULL);
		assert_int_equal(found, same == sizeof(token) - 1);
		assert_int_equal(count_compared, 3 * DIGEST_LEN);
		count_compared = 0;
		(void)tokens_find(tokens, (struct span){guess, same}, NULL);
		assert_int_equal(count_compared, 3 * DIGEST_LEN);
	}
	tokens_unref(tokens);
}

static void
test_digest_separates_parts(void **state)
{
	struct span one[] = {SPAN("ab"), SPAN("c")}, two[] = {SPAN("a"), SPAN("bc")};
	uint8_t a[DIGEST_LEN], b[DIGEST_LEN];

	(void)state;
	digest_of(a, one, 2);
	digest_of(b, two, 2);
	assert_memory_not_equal(a, b, DIGEST_LEN);
	digest_of(b, one, 2);
	assert_memory_equal(a, b, DIGEST_LEN);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_file),
	    cmocka_unit_test(test_mistakes),
	    cmocka_unit_test(test_constant_time),
	    cmocka_unit_test(test_digest_separates_parts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
