/* SPDX-License-Identifier: BSD-2-Clause */
/* The wheel of timers under a clock of the test's: its event comes when it was asked for. */
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
#include <sys/timerfd.h>

#include <cmocka.h>

static struct {
	int64_t now_ms;
	int64_t wake_ms; /* when the clock rings; 0: never */
	bool active; /* it was asked for without the clock */
	event_callback_fn fn;
	void *arg;
	unsigned int wakes;
} world;

int64_t __wrap_util_clock_ms(void);
struct event *__wrap_event_new(
    struct event_base *base, evutil_socket_t fd, short what, event_callback_fn fn, void *arg);
int __wrap_event_add(struct event *event, const struct timeval *wait);
int __wrap_timerfd_settime(
    int fd, int flags, const struct itimerspec *when, struct itimerspec *old);
void __wrap_event_active(struct event *event, int what, short calls);
void __wrap_event_free(struct event *event);

int64_t
__wrap_util_clock_ms(void)
{
	return world.now_ms;
}

struct event *
__wrap_event_new(
    struct event_base *base, evutil_socket_t fd, short what, event_callback_fn fn, void *arg)
{
	(void)base;
	(void)fd;
	(void)what;
	world.fn = fn;
	world.arg = arg;
	return (struct event *)(void *)&world;
}

int
__wrap_event_add(struct event *event, const struct timeval *wait)
{
	(void)event;
	assert_null(wait);
	return 0;
}

int
__wrap_timerfd_settime(int fd, int flags, const struct itimerspec *when, struct itimerspec *old)
{
	(void)fd;
	assert_int_equal(flags, TFD_TIMER_ABSTIME);
	assert_null(old);
	world.wake_ms =
	    (int64_t)when->it_value.tv_sec * 1000 + when->it_value.tv_nsec / 1000000;
	return 0;
}

void
__wrap_event_free(struct event *event)
{
	(void)event;
}

void
__wrap_event_active(struct event *event, int what, short calls)
{
	(void)event;
	(void)what;
	(void)calls;
	world.active = true;
}

static struct loop loop;

static int
set_up(void **state)
{
	(void)state;
	memset(&world, 0, sizeof(world));
	world.now_ms = 123456789;
	loop.timers = timers_new(NULL);
	return loop.timers ? 0 : -1;
}

static int
tear_down(void **state)
{
	(void)state;
	timers_free(loop.timers);
	return 0;
}

/* Lets time pass to the next wake-up, which comes LATE ms too late. */
static void
wake(int64_t late)
{
	if (!world.active) {
		assert_true(world.wake_ms != 0);
		if (world.now_ms < world.wake_ms)
			world.now_ms = world.wake_ms;
	}
	world.active = false;
	world.now_ms += late;
	if (world.wake_ms <= world.now_ms)
		world.wake_ms = 0;
	world.wakes++;
	world.fn(-1, EV_TIMEOUT, world.arg);
}

struct alarm {
	struct timer timer;
	int64_t due_ms; /* 0: it must not ring */
	unsigned int rang;
	struct alarm *stops; /* another, when it rings; NULL: none */
	int64_t again_ms; /* it arms itself anew, so much later */
};

static void
ring(void *arg)
{
	struct alarm *alarm = arg;

	assert_true(alarm->due_ms != 0);
	assert_true(alarm->due_ms <= world.now_ms);
	alarm->due_ms = 0;
	alarm->rang++;
	if (alarm->stops) {
		timer_stop(&alarm->stops->timer);
		alarm->stops->due_ms = 0;
	}
	if (alarm->again_ms != 0) {
		alarm->due_ms = world.now_ms + alarm->again_ms;
		timer_at(&alarm->timer, alarm->due_ms);
	}
}

static void
init(struct alarm *alarm)
{
	memset(alarm, 0, sizeof(*alarm));
	timer_init(&alarm->timer, &loop, ring, alarm);
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
	(void)state;
	for (int64_t distance = 1; distance < INT64_C(400) * 24 * 3600 * 1000;
	     distance += distance / 7 + 1) {
		struct alarm alarm;
		int64_t due = world.now_ms + distance;

		init(&alarm);
		at(&alarm, due);
		world.wakes = 0;
		while (alarm.rang == 0)
			wake(0);
		assert_in_range(world.now_ms, due, due + 1);
		/* One for each ring. */
		assert_true(world.wakes <= 7);
	}
}

static void
the_past_rings_by_the_loop_and_at_once(void **state)
{
	struct alarm alarm;

	(void)state;
	init(&alarm);
	at(&alarm, world.now_ms - 1000);
	assert_int_equal(alarm.rang, 0);
	assert_true(world.active);
	wake(0);
	assert_int_equal(alarm.rang, 1);
	assert_int_equal(alarm.timer.due_ms, 0);
}

static void
later_costs_nothing_and_earlier_is_kept(void **state)
{
	struct alarm alarm;
	int64_t due = world.now_ms + 1000;
	int64_t wake_ms;

	(void)state;
	init(&alarm);
	at(&alarm, due);
	wake_ms = world.wake_ms;
	for (int i = 1; i < 100; i++)
		timer_at(&alarm.timer, due + i);
	assert_int_equal(world.wake_ms, wake_ms);
	assert_int_equal(alarm.timer.due_ms, due);
	at(&alarm, due - 900);
	while (alarm.rang == 0)
		wake(0);
	assert_int_equal(world.now_ms, due - 900);
}

static void
one_that_rings_may_stop_another_that_is_due(void **state)
{
	struct alarm first;
	struct alarm second;

	(void)state;
	init(&first);
	init(&second);
	first.stops = &second;
	first.again_ms = 50;
	at(&first, world.now_ms + 100);
	at(&second, world.now_ms + 100);
	while (first.rang < 10)
		wake(0);
	assert_int_equal(second.rang, 0);
	timer_stop(&first.timer);
	first.due_ms = 0;
	timer_stop(&first.timer);
	wake(1000); /* what is left behind wakes once, for nothing */
	assert_int_equal(world.wake_ms, 0);
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
	enum { COUNT = 500, STEPS = 20000 };
	struct alarm *alarms = calloc(COUNT, sizeof(*alarms));
	uint32_t seed = 1;
	int64_t late = 0;

	(void)state;
	assert_non_null(alarms);
	for (size_t i = 0; i < COUNT; i++)
		init(&alarms[i]);
	for (int step = 0; step < STEPS; step++) {
		struct alarm *alarm = &alarms[next_random(&seed) % COUNT];
		int64_t due = world.now_ms + (next_random(&seed) >> (next_random(&seed) % 24));

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
			late = next_random(&seed) % 8 == 0 ? next_random(&seed) % 100000 : 0;
			if (world.active || world.wake_ms != 0)
				wake(late);
			break;
		}
		for (size_t i = 0; i < COUNT; i++)
			assert_true(
			    alarms[i].due_ms == 0 || alarms[i].due_ms >= world.now_ms - 1);
	}
	while (world.active || world.wake_ms != 0)
		wake(0);
	for (size_t i = 0; i < COUNT; i++)
		assert_int_equal(alarms[i].due_ms, 0);
	free(alarms);
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
	    cmocka_unit_test_setup_teardown(many_that_move_and_stop, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
