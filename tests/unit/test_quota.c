/* SPDX-License-Identifier: BSD-2-Clause */
/* How many programs may run: the limit, who holds how many, and the death of a holder. */
#include "process/quota.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

static struct quota *quota;

static int
set_up(void **state)
{
	(void)state;
	quota = mmap(
	    NULL, sizeof(*quota), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	return quota == MAP_FAILED ? -1 : 0;
}

static int
tear_down(void **state)
{
	(void)state;
	return munmap(quota, sizeof(*quota));
}

static void
test_limit_is_of_all_holders(void **state)
{
	(void)state;
	quota_init(quota, 3, 2);
	assert_true(quota_take(quota, 0));
	assert_true(quota_take(quota, 1));
	assert_false(quota_is_full(quota));
	assert_true(quota_take(quota, 1));
	assert_true(quota_is_full(quota));
	assert_false(quota_take(quota, 0));
	assert_false(quota_take(quota, 1));
	quota_give(quota, 0);
	assert_false(quota_is_full(quota));
	assert_true(quota_take(quota, 1));
	assert_int_equal(quota_held(quota, 0), 0);
	assert_int_equal(quota_held(quota, 1), 3);
}

static void
test_no_limit_counts_all_the_same(void **state)
{
	(void)state;
	quota_init(quota, 0, 1);
	for (int i = 0; i < 1000; i++)
		assert_true(quota_take(quota, 0));
	assert_false(quota_is_full(quota));
	assert_int_equal(quota_held(quota, 0), 1000);
	quota_give(quota, 0);
	assert_int_equal(quota_held(quota, 0), 999);
}

static void
test_share_of_the_dead_counts_until_it_is_cleared(void **state)
{
	(void)state;
	quota_init(quota, 2, 3);
	assert_true(quota_take(quota, 0));
	assert_true(quota_take(quota, 0));
	quota_move(quota, 0, 2);
	assert_int_equal(quota_held(quota, 0), 0);
	assert_int_equal(quota_held(quota, 2), 2);
	assert_false(quota_take(quota, 0));
	quota_clear(quota, 2);
	assert_true(quota_take(quota, 0));
}

/* Eight processes take and give as fast as they can: never more than the limit, and in the end
 * all of it. */
static void
test_processes_at_once(void **state)
{
	enum { HOLDERS = 8, LIMIT = 5, ROUNDS = 20000 };
	atomic_int *together =
	    mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	size_t sum = 0;

	(void)state;
	assert_true(together != MAP_FAILED);
	quota_init(quota, LIMIT, HOLDERS);
	for (size_t i = 0; i < HOLDERS; i++) {
		if (fork() != 0)
			continue;
		for (int round = 0; round < ROUNDS; round++) {
			if (!quota_take(quota, i))
				continue;
			if (atomic_fetch_add(together, 1) >= LIMIT)
				_exit(1);
			atomic_fetch_sub(together, 1);
			quota_give(quota, i);
		}
		_exit(0);
	}
	for (size_t i = 0; i < HOLDERS; i++) {
		int status = -1;

		assert_true(wait(&status) > 0);
		assert_int_equal(status, 0);
	}
	while (quota_take(quota, 0))
		continue;
	for (size_t i = 0; i < HOLDERS; i++)
		sum += quota_held(quota, i);
	assert_int_equal(sum, LIMIT);
	munmap(together, 4096);
}

/* Wherever one is stopped: the others get what is free. */
static void
test_a_holder_that_stands_still_stops_nobody(void **state)
{
	enum { LIMIT = 4, TRIES = 200 };
	size_t taken;

	(void)state;
	for (int i = 0; i < TRIES; i++) {
		pid_t pid;

		memset(quota, 0, sizeof(*quota));
		quota_init(quota, LIMIT, 2);
		pid = fork();
		assert_true(pid != -1);
		if (pid == 0) {
			for (;;) {
				if (quota_take(quota, 0))
					quota_give(quota, 0);
			}
		}
		usleep((useconds_t)(i % 50));
		kill(pid, SIGSTOP);
		taken = 0;
		while (quota_take(quota, 1))
			taken++;
		assert_true(taken >= LIMIT - 1 && taken <= LIMIT);
		kill(pid, SIGKILL);
		assert_int_equal(waitpid(pid, NULL, 0), pid);
		quota_clear(quota, 0);
		assert_int_equal(quota_take(quota, 1), taken < LIMIT);
	}
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(test_limit_is_of_all_holders),
	    TEST(test_no_limit_counts_all_the_same),
	    TEST(test_share_of_the_dead_counts_until_it_is_cleared),
	    TEST(test_processes_at_once),
	    TEST(test_a_holder_that_stands_still_stops_nobody),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
