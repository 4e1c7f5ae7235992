/* SPDX-License-Identifier: BSD-2-Clause */
/* Files of passwords: what is accepted, and what a guess costs. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "auth/passwords.h"
#include "count_compared.h"

#include <stdlib.h>
#include <string.h>

#define BCRYPT "$2y$04$QcZ8PZnpPlk/YAeZ620izeSlJmCrfZkQ8rA7r8sI5brGMKdltRsVW"
#define BCRYPT_B "$2b$04$5DbGfEPSwUv93erf0qCDC.9bWt9fD2tAa5r4kZqtRquSegBMmRJcu"
#define YESCRYPT "$y$j75$bSfE3IR6oU8IutFG36EiS0$j5ZsHP2TatuLskU/lulLabT29SnD7914vaEQefld.L5"
#define SHA512                                                                                 \
	"$6$rounds=1000$Nb7dPqtXkua4NQtd$"                                                     \
	"owhKjxBE9COiHlv9HSp8HpTrM13nDn1EJCMfsnUYYB2Rn855VQ.JPH.hsHQLQDaPmz9o0DOw9mCSDY4R1NNZ" \
	"q0"

static struct passwords *
parse(const char *text)
{
	unsigned int line;
	char why[PASSWORDS_WHY_MAX];
	struct passwords *passwords = passwords_parse(span_of(text), &line, why);

	if (!passwords)
		fail_msg("%u: %s", line, why);
	return passwords;
}

static bool
matches(const struct passwords *passwords, const char *user, const char *password)
{
	bool known;
	bool matched = passwords_match(passwords_hash(passwords, user, &known), password);

	return matched && known;
}

static void
test_kinds_of_hashes(void **state)
{
	struct passwords *passwords = parse(
	    "# comment\n\nann:" BCRYPT "\r\nbob:" SHA512 "\n  c d:" YESCRYPT "\ne:" BCRYPT_B);

	(void)state;
	assert_true(matches(passwords, "ann", "correct horse"));
	assert_true(matches(passwords, "bob", "pass6"));
	assert_true(matches(passwords, "c d", "p\xc3\xa4ssword"));
	assert_true(matches(passwords, "e", "x"));
	assert_false(matches(passwords, "ann", "correct hors"));
	assert_false(matches(passwords, "ann", ""));
	assert_false(matches(passwords, "ann", "pass6"));
	assert_false(matches(passwords, "Ann", "correct horse"));
	assert_false(matches(passwords, "", ""));
	assert_false(matches(passwords, "nobody", "correct horse"));
	passwords_unref(passwords_ref(passwords));
	passwords_unref(passwords);
	passwords_unref(NULL);
}

static void
test_mistakes(void **state)
{
	static const struct {
		const char *text;
		unsigned int line;
		const char *why;
	} rows[] = {
	    {"", 0, "contains no user"},
	    {"# ann:x\n", 0, "contains no user"},
	    {"ann\n", 1, "must be USER:HASH"},
	    {":" BCRYPT "\n", 1, "must be USER:HASH"},
	    {"a\x01:" BCRYPT "\n", 1, "must be USER:HASH"},
	    {"ann:" BCRYPT "\n\nbob:$apr1$0q8Dlpgl$dYAe31M6bqbWS8x4Fw/Gt0\n", 3,
		"'bob' is MD5"},
	    {"ann:$1$0q8Dlpgl$dYAe31M6bqbWS8x4Fw/Gt0\n", 1, "is MD5"},
	    {"ann:{SHA}nU4eI71bcnBGqeO0t9tXvY1u5oQ=\n", 1, "is SHA-1"},
	    {"ann:BP/9S348HO1d2\n", 1, "is a plain password or DES"},
	    {"ann:secret\n", 1, "is a plain password or DES"},
	    {"ann:\n", 1, "is a plain password or DES"},
	    {"ann:$5$rounds=1000$dSK/"
	     "zVqIlWHjUDBS$.3baBLIV5..hdysmWEDbm0w2SyZvzBcYIvJT3ygZgJ4\n",
		1, "is of a kind that is not supported"},
	    {"ann:$2x$04$QcZ8PZnpPlk/YAeZ620izeSlJmCrfZkQ8rA7r8sI5brGMKdltRsVW\n", 1,
		"is of a kind that is not supported"},
	    {"ann:$2y$04$QcZ8PZnpPlk/YAeZ620izeSlJmCrfZkQ8rA7r8sI5brGMKdltRsV\n", 1,
		"is cut off or altered"},
	    {"ann:$2y$04$QcZ8PZnpPlk/YAeZ620izeSlJmCrfZkQ8rA7r8sI5brGMKdltRsV:\n", 1,
		"is cut off or altered"},
	    {"ann:$2y$00$QcZ8PZnpPlk/YAeZ620izeSlJmCrfZkQ8rA7r8sI5brGMKdltRsVW\n", 1,
		"is cut off or altered"},
	    {"ann:$2y$16$QcZ8PZnpPlk/YAeZ620izeSlJmCrfZkQ8rA7r8sI5brGMKdltRsVW\n", 1,
		"has a cost above 15"},
	    {"ann:$6$rounds=1000$Nb7dPqtXkua4NQtd$owhK\n", 1, "is cut off or altered"},
	    {"ann:$y$j75$bSfE3IR6oU8IutFG36EiS0\n", 1, "is cut off or altered"},
	    {"ann:" BCRYPT "\nbob:" BCRYPT "\nann:" BCRYPT "\n", 3,
		"'ann' is in line 1 already"},
	};

	(void)state;
	for (size_t i = 0; i < UTIL_LEN(rows); i++) {
		unsigned int line;
		char why[PASSWORDS_WHY_MAX];

		assert_null(passwords_parse(span_of(rows[i].text), &line, why));
		if (line != rows[i].line || !strstr(why, rows[i].why))
			fail_msg("row %zu: %u: %s", i, line, why);
		assert_null(strstr(why, "secret"));
	}
}

static void
test_too_many_rounds(void **state)
{
	unsigned int line;
	char why[PASSWORDS_WHY_MAX], text[512];

	(void)state;
	snprintf(text, sizeof(text), "ann:$6$rounds=5000001$%s", &SHA512[15]);
	assert_null(passwords_parse(span_of(text), &line, why));
	assert_non_null(strstr(why, "has more than 5000000 rounds"));
}

static void
test_long_lines(void **state)
{
	unsigned int line;
	char why[PASSWORDS_WHY_MAX], text[1024];

	(void)state;
	memset(text, 'u', 300);
	strcpy(text + 300, ":" BCRYPT);
	assert_null(passwords_parse(span_of(text), &line, why));
	assert_non_null(strstr(why, "1 to 255 bytes"));
	passwords_unref(parse(text + 300 - PASSWORDS_USER_MAX));
	strcpy(text, "ann:$6$");
	memset(text + 7, 'a', 300);
	text[307] = '\0';
	assert_null(passwords_parse(span_of(text), &line, why));
	assert_non_null(strstr(why, "is too long"));
}

/* 10,000 users that do not exist: the hash of a user is computed for each, for the same name
 * the same one, and all users are chosen about equally often. */
static void
test_unknown_users_cost_the_same(void **state)
{
	struct passwords *passwords =
	    parse("ann:" BCRYPT "\nbob:" SHA512 "\nc:" YESCRYPT "\nd:" BCRYPT_B "\n");
	static const char *const hashes[] = {BCRYPT, SHA512, YESCRYPT, BCRYPT_B};
	size_t counts[UTIL_LEN(hashes)] = {0};

	(void)state;
	for (unsigned int i = 0; i < 10000; i++) {
		char user[16];
		const char *hash;
		bool known;

		snprintf(user, sizeof(user), "user%u", i);
		hash = passwords_hash(passwords, user, &known);
		assert_false(known);
		assert_ptr_equal(passwords_hash(passwords, user, &known), hash);
		for (size_t k = 0; k < UTIL_LEN(hashes); k++)
			counts[k] += strcmp(hash, hashes[k]) == 0;
	}
	for (size_t k = 0; k < UTIL_LEN(hashes); k++)
		assert_in_range(counts[k], 2200, 2800);
	passwords_unref(passwords);
}

/* All of two hashes is compared, wherever they differ first. */
static void
test_constant_time(void **state)
{
	static const char *const guesses[] = {
	    "correct horse", "", "x", "correct hors", "Correct"};

	(void)state;
	for (size_t i = 0; i < UTIL_LEN(guesses); i++) {
		count_compared = 0;
		assert_int_equal(passwords_match(BCRYPT, guesses[i]), i == 0);
		assert_int_equal(count_compared, strlen(BCRYPT));
	}
}

static void
test_cache(void **state)
{
	struct passwords *passwords = parse("ann:" BCRYPT "\n"), *again = parse("ann:" BCRYPT);
	uint8_t digest[DIGEST_LEN], other[DIGEST_LEN];

	(void)state;
	passwords_digest(passwords, "ann", "correct horse", digest);
	assert_false(passwords_has(passwords, digest));
	passwords_add(passwords, digest);
	assert_true(passwords_has(passwords, digest));
	passwords_digest(passwords, "ann", "correct hors", other);
	assert_false(passwords_has(passwords, other));
	passwords_digest(passwords, "annc", "orrect horse", other);
	assert_false(passwords_has(passwords, other));
	/* It depends on a secret of the file. */
	passwords_digest(again, "ann", "correct horse", other);
	assert_memory_not_equal(digest, other, DIGEST_LEN);
	assert_false(passwords_has(again, other));
	passwords_unref(passwords);
	passwords_unref(again);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_kinds_of_hashes),
	    cmocka_unit_test(test_mistakes),
	    cmocka_unit_test(test_too_many_rounds),
	    cmocka_unit_test(test_long_lines),
	    cmocka_unit_test(test_unknown_users_cost_the_same),
	    cmocka_unit_test(test_constant_time),
	    cmocka_unit_test(test_cache),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
