/* SPDX-License-Identifier: BSD-2-Clause */
/* Token buckets: rate and burst of an address, and a table that is full. */
#include "net/bucket.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

static int
set_up(void **state)
{
	*state = calloc(1, sizeof(struct buckets));
	return *state ? 0 : -1;
}

static int
tear_down(void **state)
{
	free(*state);
	return 0;
}

/* How many tokens of ADDRESS are left at a time. */
static int
empty(struct buckets *buckets, uint64_t address, const struct bucket_rate *rate, int64_t now_ms)
{
	int taken = 0;

	while (taken < 1000 && bucket_take(buckets, address, rate, now_ms))
		taken++;
	return taken;
}

static void
test_a_burst_and_then_the_rate(void **state)
{
	static const struct bucket_rate rate = {.interval_us = 200 * 1000, .burst = 3};
	struct buckets *buckets = *state;

	assert_int_equal(empty(buckets, 1, &rate, 5000), 3);
	assert_int_equal(empty(buckets, 1, &rate, 5199), 0);
	assert_int_equal(empty(buckets, 1, &rate, 5200), 1);
	assert_int_equal(empty(buckets, 1, &rate, 5650), 2);
	/* It remembers when it was emptied, not when it was asked. */
	assert_int_equal(empty(buckets, 1, &rate, 5800), 1);
	assert_int_equal(empty(buckets, 1, &rate, 1000000), 3);
}

static void
test_addresses_are_independent(void **state)
{
	static const struct bucket_rate rate = {.interval_us = 1000, .burst = 1};
	struct buckets *buckets = *state;

	for (uint64_t address = 0; address < 400; address++)
		assert_int_equal(empty(buckets, address << 32, &rate, 7), 1);
	for (uint64_t address = 0; address < 400; address++)
		assert_int_equal(empty(buckets, address << 32, &rate, 7), 0);
}

static void
test_no_limit(void **state)
{
	static const struct bucket_rate rate = {.interval_us = 0};

	assert_int_equal(empty(*state, 1, &rate, 7), 1000);
}

/* However many addresses come, the memory does not grow, a new address is served, and those
 * that came last are still limited. */
static void
test_a_full_table_drops_what_is_nearly_full(void **state)
{
	static const struct bucket_rate rate = {.interval_us = 1000 * 1000, .burst = 2};
	struct buckets *buckets = *state;
	int limited = 0;

	for (uint64_t address = 0; address < 4 * BUCKET_ROWS; address++)
		assert_int_equal(empty(buckets, address, &rate, 7 + (int64_t)address), 2);
	for (uint64_t address = 4 * BUCKET_ROWS - 1000; address < 4 * BUCKET_ROWS; address++)
		limited += empty(buckets, address, &rate, 7 + 4 * BUCKET_ROWS) <= 1;
	assert_true(limited > 900);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(test_a_burst_and_then_the_rate, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(test_addresses_are_independent, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(test_no_limit, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(
		test_a_full_table_drops_what_is_nearly_full, set_up, tear_down),
	};

	return cmocka_run_group_tests_name("bucket", tests, NULL, NULL);
}
