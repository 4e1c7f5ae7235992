/* SPDX-License-Identifier: BSD-2-Clause */
/* The queue of guesses, over a thread that is played by the test. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "auth/hasher.h"
#include "net/offload.h"

#include <string.h>

static struct offload_job *submitted; /* that the thread has */
static size_t hashes; /* that were computed */

struct offload *
offload_new(struct loop *loop, size_t count, int nice)
{
	(void)loop;
	assert_int_equal(count, 1);
	assert_true(nice > 0);
	return (struct offload *)(void *)&submitted;
}

void
offload_free(struct offload *offload)
{
	(void)offload;
}

bool
offload_submit(struct offload *offload, struct offload_job *job)
{
	(void)offload;
	assert_null(submitted);
	submitted = job;
	return true;
}

bool __wrap_passwords_match(const char *hash, const char *password);

bool
__wrap_passwords_match(const char *hash, const char *password)
{
	(void)hash;
	hashes++;
	return strcmp(password, "right") == 0;
}

/* The thread finishes its job. */
static void
finish(void)
{
	struct offload_job *job = submitted;

	assert_non_null(job);
	submitted = NULL;
	job->run(job);
	job->done(job);
}

/* A client. */
struct guess {
	struct hasher_wait wait;
	unsigned int results;
	bool matched;
};

static void
on_done(void *arg, bool matched)
{
	struct guess *guess = arg;

	guess->results++;
	guess->matched = matched;
}

static struct hasher *hasher;
static struct passwords *passwords;

static enum hasher_result
try(struct guess *guess, const char *user, const char *password, uint64_t address)
{
	*guess = (struct guess){.wait = {.done = on_done, .arg = guess}};
	list_init(&guess->wait.node);
	return hasher_check(hasher, passwords, user, password, address, &guess->wait);
}

static int
set_up(void **state)
{
	static const char text[] =
	    "ann:$2y$04$QcZ8PZnpPlk/YAeZ620izeSlJmCrfZkQ8rA7r8sI5brGMKdltRsVW\n";
	char why[PASSWORDS_WHY_MAX];
	unsigned int line;

	(void)state;
	hashes = 0;
	submitted = NULL;
	passwords = passwords_parse(SPAN(text), &line, why);
	hasher = hasher_new(NULL);
	return passwords && hasher ? 0 : -1;
}

static int
tear_down(void **state)
{
	(void)state;
	hasher_free(hasher);
	passwords_unref(passwords);
	return 0;
}

static void
test_one_after_the_other(void **state)
{
	struct guess a, b, c;

	(void)state;
	assert_int_equal(try(&a, "ann", "wrong", 1), HASHER_QUEUED);
	assert_int_equal(try(&b, "ann", "right", 2), HASHER_QUEUED);
	assert_int_equal(try(&c, "bob", "right", 3), HASHER_QUEUED);
	finish();
	assert_int_equal(a.results, 1);
	assert_false(a.matched);
	assert_int_equal(b.results, 0);
	finish();
	assert_true(b.matched);
	finish();
	/* It is the hash of another user that matched. */
	assert_int_equal(c.results, 1);
	assert_false(c.matched);
	assert_null(submitted);
	assert_int_equal(hashes, 3);
}

static void
test_equal_pairs_cost_one_hash(void **state)
{
	struct guess page[10], later;

	(void)state;
	for (size_t i = 0; i < 10; i++)
		assert_int_equal(try(&page[i], "ann", "right", 1), HASHER_QUEUED);
	hasher_cancel(&page[3].wait);
	finish();
	for (size_t i = 0; i < 10; i++)
		assert_int_equal(page[i].matched, i != 3);
	assert_int_equal(page[3].results, 0);
	assert_int_equal(try(&later, "ann", "right", 2), HASHER_MATCHED);
	assert_int_equal(try(&later, "ann", "right ", 2), HASHER_QUEUED);
	finish();
	assert_false(later.matched);
	assert_int_equal(hashes, 2);
}

static void
test_a_wrong_pair_is_not_remembered(void **state)
{
	struct guess guess;

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		assert_int_equal(try(&guess, "ann", "wrong", 1), HASHER_QUEUED);
		finish();
		assert_int_equal(try(&guess, "nobody", "right", 1), HASHER_QUEUED);
		finish();
	}
	assert_int_equal(hashes, 6);
}

static void
test_an_address_has_few_places(void **state)
{
	struct guess flood[HASHER_ADDRESS_MAX + 2], other;
	char password[16];

	(void)state;
	for (size_t i = 0; i < UTIL_LEN(flood); i++) {
		snprintf(password, sizeof(password), "guess%zu", i);
		/* The first one does not wait. */
		assert_int_equal(try(&flood[i], "ann", password, 1),
		    i <= HASHER_ADDRESS_MAX ? HASHER_QUEUED : HASHER_FULL);
	}
	assert_int_equal(try(&other, "ann", "right", 2), HASHER_QUEUED);
	for (size_t i = 0; i <= HASHER_ADDRESS_MAX + 1; i++)
		finish();
	assert_true(other.matched);
}

static void
test_the_queue_is_bounded(void **state)
{
	struct guess all[HASHER_QUEUE_MAX + 1], more;

	(void)state;
	for (size_t i = 0; i < UTIL_LEN(all); i++)
		assert_int_equal(try(&all[i], "ann", "wrong", 100 + i), HASHER_QUEUED);
	/* They are all the same pair. */
	finish();
	assert_null(submitted);
	for (size_t i = 0; i < UTIL_LEN(all); i++) {
		char password[16];

		snprintf(password, sizeof(password), "guess%zu", i);
		assert_int_equal(try(&all[i], "ann", password, 100 + i), HASHER_QUEUED);
	}
	assert_int_equal(try(&more, "ann", "right", 1), HASHER_FULL);
	/* Those that have disconnected make room, and cost no hash. */
	hashes = 0;
	for (size_t i = 1; i < UTIL_LEN(all); i++)
		hasher_cancel(&all[i].wait);
	assert_int_equal(try(&more, "ann", "right", 1), HASHER_QUEUED);
	finish();
	finish();
	assert_true(more.matched);
	assert_int_equal(hashes, 2);
	assert_null(submitted);
}

static void
test_what_is_queued_is_freed(void **state)
{
	struct guess running, queued;

	(void)state;
	assert_int_equal(try(&running, "ann", "a", 1), HASHER_QUEUED);
	assert_int_equal(try(&queued, "ann", "b", 1), HASHER_QUEUED);
	hasher_cancel(&queued.wait);
	finish();
	assert_null(submitted);
	assert_int_equal(try(&running, "ann", "a", 1), HASHER_QUEUED);
	assert_int_equal(try(&queued, "ann", "b", 1), HASHER_QUEUED);
	hasher_cancel(&running.wait);
	hasher_cancel(&queued.wait);
	finish();
	assert_null(submitted);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(test_one_after_the_other, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(test_equal_pairs_cost_one_hash, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(
		test_a_wrong_pair_is_not_remembered, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(test_an_address_has_few_places, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(test_the_queue_is_bounded, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(test_what_is_queued_is_freed, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
