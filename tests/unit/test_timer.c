/* SPDX-License-Identifier: BSD-2-Clause */
/* Timers under a clock of the test's: libevent's are played by a table. */
#include "net/loop.h"

#include "base/util.h"

#include <event2/event.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { ALARMS = 500 };

struct alarm {
	struct timer timer;
	int64_t due_ms; /* 0: it must not ring */
	unsigned int rang;
	struct alarm *stops; /* another, when it rings; NULL: none */
	int64_t again_ms; /* it asks for the next call, so much later */
	int64_t event_ms; /* when its event comes; 0: it is not pending */
};

static struct {
	int64_t now_ms;
	struct alarm *alarms;
	size_t count;
	unsigned int adds; /* calls of event_add() */
	bool no_memory; /* they fail */
} world;

static struct loop loop;

int64_t __wrap_util_clock_ms(void);
int __wrap_event_add(struct event *event, const struct timeval *wait);
int __wrap_event_del(struct event *event);
void __wrap_event_active(struct event *event, int what, short calls);

static struct alarm *
alarm_of(struct event *event)
{
	return LIST_ENTRY_OF(event, struct alarm, timer.event);
}

int64_t
__wrap_util_clock_ms(void)
{
	return world.now_ms;
}

int
__wrap_event_add(struct event *event, const struct timeval *wait)
{
	world.adds++;
	if (world.no_memory)
		return -1;
	assert_in_range(wait->tv_usec, 0, 999999);
	alarm_of(event)->event_ms =
	    world.now_ms + (int64_t)wait->tv_sec * 1000 + wait->tv_usec / 1000;
	return 0;
}

int
__wrap_event_del(struct event *event)
{
	alarm_of(event)->event_ms = 0;
	return 0;
}

void
__wrap_event_active(struct event *event, int what, short calls)
{
	(void)calls;
	assert_int_equal(what, EV_TIMEOUT);
	alarm_of(event)->event_ms = world.now_ms;
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
	world.count = ALARMS;
	world.alarms = calloc(ALARMS, sizeof(*world.alarms));
	loop.base = event_base_new();
	for (size_t i = 0; world.alarms && i < ALARMS; i++)
		timer_init(&world.alarms[i].timer, &loop, ring, &world.alarms[i]);
	return world.alarms && loop.base ? 0 : -1;
}

static int
tear_down(void **state)
{
	(void)state;
	event_base_free(loop.base);
	free(world.alarms);
	return 0;
}

static struct alarm *
alarms_next(void)
{
	struct alarm *next = NULL;

	for (size_t i = 0; i < world.count; i++) {
		struct alarm *alarm = &world.alarms[i];

		if (alarm->event_ms != 0 && (!next || alarm->event_ms < next->event_ms))
			next = alarm;
	}
	return next;
}

/* Lets time pass to the next event, which comes LATE ms too late. False: there is none. */
static bool
wake(int64_t late)
{
	struct alarm *next = alarms_next();

	if (!next)
		return false;
	if (world.now_ms < next->event_ms + late)
		world.now_ms = next->event_ms + late;
	next->event_ms = 0;
	event_get_callback (&next->timer.event)(
	    -1, EV_TIMEOUT, event_get_callback_arg(&next->timer.event));
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
	int64_t now = world.now_ms;

	(void)state;
	for (int64_t due = now - 1000; due <= now; due += 500) {
		at(alarm, due);
		assert_int_equal(alarm->rang, 0);
		assert_true(wake(0));
		assert_int_equal(alarm->rang, 1);
		assert_int_equal(world.now_ms, now);
		alarm->rang = 0;
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
	assert_int_equal(world.adds, 1);
	for (int i = 1; i < 100; i++)
		timer_at(&alarm->timer, due + i);
	assert_int_equal(world.adds, 1);
	assert_int_equal(alarm->timer.due_ms, due);
	at(alarm, due - 900);
	assert_true(wake(0));
	assert_int_equal(alarm->rang, 1);
	assert_int_equal(world.now_ms, due - 900);
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
	at(second, world.now_ms + 100);
	while (first->rang < 10)
		assert_true(wake(0));
	assert_int_equal(second->rang, 0);
	timer_stop(&first->timer);
	timer_stop(&first->timer);
	assert_false(wake(0));
}

/* It asks again and again, and is on time as soon as there is memory. */
static void
without_memory_it_is_early_never_lost(void **state)
{
	struct alarm *alarm = &world.alarms[0];
	int64_t due = world.now_ms + 1000;

	(void)state;
	world.no_memory = true;
	at(alarm, due);
	for (int i = 0; i < 3; i++)
		assert_true(wake(1));
	world.no_memory = false;
	assert_true(wake(1));
	assert_int_equal(alarm->rang, 4);
	assert_true(alarm->due_ms == due && alarm->event_ms == due);
	assert_true(wake(0));
	assert_int_equal(alarm->due_ms, 0);
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
		int64_t due = world.now_ms + (next_random(&seed) >> (next_random(&seed) % 24));
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
		alarm = alarms_next();
		for (size_t i = 0; i < ALARMS; i++)
			assert_true(world.alarms[i].due_ms == 0 ||
				    world.alarms[i].due_ms >= alarm->event_ms);
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
	    cmocka_unit_test_setup_teardown(
		one_that_rings_may_stop_another_that_is_due, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(
		without_memory_it_is_early_never_lost, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(many_that_move_and_stop, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
