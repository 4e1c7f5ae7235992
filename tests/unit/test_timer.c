/* SPDX-License-Identifier: BSD-2-Clause */
/* Timers under a clock of the test's, which also plays the timerfd. */
#include "net/timer.h"

#include "base/util.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/timerfd.h>

#include <cmocka.h>

enum { ALARMS = 500 };

struct alarm {
	struct timer timer;
	int64_t due_ms; /* 0: it must not ring */
	unsigned int rang;
	struct alarm *stops; /* another, when it rings; NULL: none */
	int64_t again_ms; /* it requests the next call, so much later */
};

static struct {
	int64_t now_ms;
	int64_t armed_ms; /* when the timerfd becomes readable; 0: never */
	struct alarm *alarms;
	unsigned int sets; /* calls of timerfd_settime() */
} world;

static struct timers timers;

int64_t __wrap_util_clock_ms(void);
int __wrap_timerfd_settime(
    int fd, int flags, const struct itimerspec *when, struct itimerspec *old);

int64_t
__wrap_util_clock_ms(void)
{
	return world.now_ms;
}

int
__wrap_timerfd_settime(int fd, int flags, const struct itimerspec *when, struct itimerspec *old)
{
	int64_t ns = when->it_value.tv_sec * INT64_C(1000000000) + when->it_value.tv_nsec;

	assert_int_equal(fd, timers.fd);
	assert_int_equal(flags, 0);
	assert_null(old);
	assert_in_range(when->it_value.tv_nsec, 0, 999999999);
	world.sets++;
	world.armed_ms = ns == 0 ? 0 : world.now_ms + ns / 1000000;
	return 0;
}

static void
ring(void *arg)
{
	struct alarm *alarm = arg;

	assert_true(alarm->due_ms != 0);
	assert_int_equal(alarm->timer.due_ms, 0);
	alarm->rang++;
	if (world.now_ms < alarm->due_ms) {
		timer_at(&alarm->timer, alarm->due_ms);
		return;
	}
	alarm->due_ms = 0;
	if (alarm->stops) {
		timer_stop(&alarm->stops->timer);
		alarm->stops->due_ms = 0;
	}
	if (alarm->again_ms != 0) {
		alarm->due_ms = world.now_ms + alarm->again_ms;
		timer_at(&alarm->timer, alarm->due_ms);
	}
}

static int
set_up(void **state)
{
	(void)state;
	memset(&world, 0, sizeof(world));
	world.now_ms = 123456789;
	world.alarms = calloc(ALARMS, sizeof(*world.alarms));
	if (!world.alarms || !timers_init(&timers))
		return -1;
	for (size_t i = 0; i < ALARMS; i++)
		timer_init(&world.alarms[i].timer, &timers, ring, &world.alarms[i]);
	return 0;
}

static int
tear_down(void **state)
{
	(void)state;
	timers_clear(&timers);
	free(world.alarms);
	return 0;
}

/* Lets time pass until the descriptor is readable, and LATE ms more. False: it never is. */
static bool
wake(int64_t late)
{
	if (world.armed_ms == 0)
		return false;
	if (world.now_ms < world.armed_ms + late)
		world.now_ms = world.armed_ms + late;
	timers_run(&timers);
	return true;
}

static void
at(struct alarm *alarm, int64_t due_ms)
{
	alarm->due_ms = due_ms;
	timer_at(&alarm->timer, due_ms);
}

static void
each_distance_is_kept_to_the_millisecond(void **state)
{
	struct alarm *alarm = &world.alarms[0];

	(void)state;
	for (int64_t distance = 1; distance < INT64_C(400) * 24 * 3600 * 1000;
	     distance += distance / 7 + 1) {
		int64_t due = world.now_ms + distance;

		at(alarm, due);
		alarm->rang = 0;
		assert_true(wake(0));
		assert_int_equal(alarm->rang, 1);
		assert_int_equal(world.now_ms, due);
	}
}

static void
the_past_rings_by_the_loop_and_at_once(void **state)
{
	struct alarm *alarm = &world.alarms[0];
	int64_t begun = world.now_ms;

	(void)state;
	/* What was called already is not called again in the same millisecond. */
	for (int i = 0; i < 3; i++) {
		at(alarm, begun - 1000 + 500 * i);
		assert_int_equal(alarm->rang, i);
		assert_true(wake(0));
		assert_int_equal(alarm->rang, i + 1);
		assert_int_equal(world.now_ms, begun + i);
	}
	assert_false(wake(0));
}

static void
later_costs_nothing_and_earlier_is_kept(void **state)
{
	struct alarm *alarm = &world.alarms[0];
	int64_t due = world.now_ms + 1000;

	(void)state;
	at(alarm, due);
	assert_int_equal(world.sets, 1);
	for (int i = 1; i < 100; i++)
		timer_at(&alarm->timer, due + i);
	for (int i = 1; i < 100; i++)
		at(&world.alarms[i], due + i);
	assert_int_equal(world.sets, 1);
	assert_int_equal(alarm->timer.due_ms, due);
	for (int i = 1; i < 100; i++)
		timer_stop(&world.alarms[i].timer);
	at(alarm, due - 900);
	assert_int_equal(world.sets, 2);
	assert_true(wake(0));
	assert_int_equal(alarm->rang, 1);
	assert_int_equal(world.now_ms, due - 900);
	assert_false(wake(0));
}

/* The descriptor stays as it is, and is readable once for nothing. */
static void
stopping_costs_nothing(void **state)
{
	(void)state;
	at(&world.alarms[0], world.now_ms + 100);
	timer_stop(&world.alarms[0].timer);
	assert_int_equal(world.sets, 1);
	assert_true(wake(0));
	assert_false(wake(0));
}

static void
one_that_rings_may_stop_another_that_is_due(void **state)
{
	struct alarm *first = &world.alarms[0];
	struct alarm *second = &world.alarms[1];

	(void)state;
	first->stops = second;
	first->again_ms = 50;
	at(first, world.now_ms + 100);
	at(second, world.now_ms + 101);
	while (first->rang < 10)
		assert_true(wake(1));
	assert_int_equal(second->rang, 0);
	timer_stop(&first->timer);
	timer_stop(&first->timer);
	(void)wake(0);
	assert_false(wake(0));
}

static void
one_that_is_always_due_keeps_nobody_waiting(void **state)
{
	struct alarm *alarm = &world.alarms[0];

	(void)state;
	alarm->again_ms = -1000;
	at(alarm, world.now_ms);
	at(&world.alarms[1], world.now_ms + 10);
	for (unsigned int i = 1; i <= 11; i++) {
		assert_true(wake(0));
		assert_int_equal(alarm->rang, i);
	}
	assert_int_equal(world.alarms[1].rang, 1);
}

static void
of_many_that_are_due_some_wait_for_the_next_call(void **state)
{
	enum { MANY = TIMERS_RUN_MAX + 100 };
	struct alarm *many = calloc(MANY, sizeof(*many));
	size_t rang = 0;

	(void)state;
	assert_non_null(many);
	for (size_t i = 0; i < MANY; i++) {
		timer_init(&many[i].timer, &timers, ring, &many[i]);
		at(&many[i], world.now_ms + 5);
	}
	assert_true(wake(0));
	for (size_t i = 0; i < MANY; i++)
		rang += many[i].rang;
	assert_int_equal(rang, TIMERS_RUN_MAX);
	assert_int_equal(world.armed_ms, world.now_ms);
	assert_true(wake(0));
	for (size_t i = 0; i < MANY; i++)
		assert_int_equal(many[i].rang, 1);
	free(many);
}

static uint32_t
next_random(uint32_t *seed)
{
	*seed = *seed * 1664525u + 1013904223u;
	return *seed >> 8;
}

/* None rings early, none is late by more than the loop is, none is lost. */
static void
many_that_move_and_stop(void **state)
{
	enum { STEPS = 20000 };
	uint32_t seed = 1;

	(void)state;
	for (int step = 0; step < STEPS; step++) {
		struct alarm *alarm = &world.alarms[next_random(&seed) % ALARMS];
		int64_t due =
		    world.now_ms + 1 + (next_random(&seed) >> (next_random(&seed) % 24));
		bool late = next_random(&seed) % 8 == 0;

		switch (next_random(&seed) % 4) {
		case 0:
			timer_stop(&alarm->timer);
			alarm->due_ms = 0;
			break;
		case 1:
		case 2:
			if (alarm->due_ms == 0 || due < alarm->due_ms)
				at(alarm, due);
			break;
		default:
			(void)wake(late ? next_random(&seed) % 100000 : 0);
			break;
		}
		for (size_t i = 0; i < ALARMS; i++) {
			alarm = &world.alarms[i];
			assert_int_equal(alarm->timer.due_ms, alarm->due_ms);
			assert_true(alarm->due_ms == 0 ||
				    (world.armed_ms != 0 && alarm->due_ms >= world.armed_ms));
		}
	}
	while (wake(0))
		continue;
	for (size_t i = 0; i < ALARMS; i++)
		assert_int_equal(world.alarms[i].due_ms, 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(
		each_distance_is_kept_to_the_millisecond, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(
		the_past_rings_by_the_loop_and_at_once, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(
		later_costs_nothing_and_earlier_is_kept, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(stopping_costs_nothing, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(
		one_that_rings_may_stop_another_that_is_due, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(
		one_that_is_always_due_keeps_nobody_waiting, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(
		of_many_that_are_due_some_wait_for_the_next_call, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(many_that_move_and_stop, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
