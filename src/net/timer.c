/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A wheel of timers. A time is read as digits of 6 bits; a timer stands in the ring of the
 * highest digit in which its time differs from the wheel's, in the slot of that digit of its
 * own. So within a ring all timers stand behind the wheel's own digit, all of a lower ring are
 * due before all of a higher one, and the next slot is the lowest bit of the lowest ring that
 * has any. When the wheel reaches a slot of a higher ring, its timers go to lower ones: each
 * moves once a ring at most.
 */
#include "net/timer.h"

#include "base/util.h"
#include "net/loop.h"

#include <event2/event.h>
#include <stdlib.h>
#include <sys/timerfd.h>
#include <unistd.h>

enum {
	TIMERS_BITS = 6, /* of a digit */
	TIMERS_SLOTS = 1 << TIMERS_BITS,
	TIMERS_RINGS = 7, /* 139 years since the machine was started */
};

#define TIMERS_MAX_MS ((INT64_C(1) << TIMERS_BITS * TIMERS_RINGS) - 1)

struct timers {
	/*
	 * A clock that is a descriptor: with a timeout of libevent's, which is there all the
	 * time, each wake-up of the loop would ask for the time and arm a timer of the
	 * kernel's.
	 */
	int fd; /* owned */
	struct event *event; /* owned */
	int64_t wake_ms; /* when it rings; 0: never */
	int64_t now_ms; /* the wheel stands there: nothing before it is armed */
	uint64_t used[TIMERS_RINGS]; /* a bit a slot; what was stopped may leave one behind */
	struct list slots[TIMERS_RINGS][TIMERS_SLOTS];
};

/* Puts a timer where its time belongs; one that is due, or overdue, in the slot of now. */
static void
timers_put(struct timers *timers, struct timer *timer)
{
	int64_t due = timer->due_ms;
	int ring = 0;
	size_t slot;

	if (due < timers->now_ms)
		due = timers->now_ms;
	if (due != timers->now_ms)
		ring = (63 - __builtin_clzll((uint64_t)(due ^ timers->now_ms))) / TIMERS_BITS;
	slot = (size_t)(due >> (ring * TIMERS_BITS)) & (TIMERS_SLOTS - 1);
	list_append(&timers->slots[ring][slot], &timer->node);
	timers->used[ring] |= UINT64_C(1) << slot;
}

/* The next slot, and the time at its begin. False: there is none. */
static bool
timers_next(const struct timers *timers, int *ring, size_t *slot, int64_t *at_ms)
{
	for (int i = 0; i < TIMERS_RINGS; i++) {
		int shift = i * TIMERS_BITS;

		if (timers->used[i] == 0)
			continue;
		*ring = i;
		*slot = (size_t)__builtin_ctzll(timers->used[i]);
		*at_ms = (timers->now_ms >> (shift + TIMERS_BITS) << (shift + TIMERS_BITS)) |
			 ((int64_t)*slot << shift);
		return true;
	}
	return false;
}

/*
 * Turns the wheel to NOW. What became due goes to DUE, in the order of its time but for what
 * was armed for the past.
 */
static void
timers_turn(struct timers *timers, int64_t now_ms, struct list *due)
{
	int ring;
	size_t slot;
	int64_t at_ms;

	while (timers_next(timers, &ring, &slot, &at_ms) && at_ms <= now_ms) {
		struct list *head = &timers->slots[ring][slot];

		timers->used[ring] &= ~(UINT64_C(1) << slot);
		timers->now_ms = at_ms;
		while (!list_empty(head)) {
			struct timer *timer = LIST_ENTRY_OF(head->next, struct timer, node);

			list_remove(&timer->node);
			if (timer->due_ms <= at_ms)
				list_append(due, &timer->node);
			else
				timers_put(timers, timer);
		}
	}
	if (timers->now_ms < now_ms)
		timers->now_ms = now_ms;
}

/* Has the clock wake the loop at AT_MS, or not at all when that is 0. It can't be refused. */
static void
timers_set(struct timers *timers, int64_t at_ms)
{
	struct itimerspec when = {0};

	when.it_value.tv_sec = at_ms / 1000;
	when.it_value.tv_nsec = at_ms % 1000 * 1000000;
	timerfd_settime(timers->fd, TFD_TIMER_ABSTIME, &when, NULL);
	timers->wake_ms = at_ms;
}

/* Sees to it that the loop is woken for the next slot: for one that is due already, without
 * asking the system. */
static void
timers_arm(struct timers *timers, int64_t now_ms)
{
	int ring;
	size_t slot;
	int64_t at_ms;

	if (!timers_next(timers, &ring, &slot, &at_ms) ||
	    (timers->wake_ms != 0 && timers->wake_ms <= at_ms))
		return;
	if (at_ms <= now_ms)
		event_active(timers->event, EV_READ, 0);
	else
		timers_set(timers, at_ms);
}

static void
timers_on_event(evutil_socket_t fd, short what, void *arg)
{
	struct timers *timers = arg;
	int64_t now_ms = util_clock_ms();
	struct list due;
	int ring;
	size_t slot;
	int64_t at_ms;

	(void)fd;
	(void)what;
	list_init(&due);
	timers_turn(timers, now_ms, &due);
	/* To set it anew takes back that it has rung: it need not be read. */
	if (timers->wake_ms != 0 && timers->wake_ms <= now_ms)
		timers_set(timers, timers_next(timers, &ring, &slot, &at_ms) ? at_ms : 0);
	else
		timers_arm(timers, now_ms);
	/* Each may stop others, also those that are due, and arm itself anew. */
	while (!list_empty(&due)) {
		struct timer *timer = LIST_ENTRY_OF(due.next, struct timer, node);

		list_remove(&timer->node);
		timer->due_ms = 0;
		timer->fn(timer->arg);
	}
}

struct timers *
timers_new(struct event_base *base)
{
	struct timers *timers = calloc(1, sizeof(*timers));

	if (!timers)
		return NULL;
	for (size_t ring = 0; ring < TIMERS_RINGS; ring++) {
		for (size_t slot = 0; slot < TIMERS_SLOTS; slot++)
			list_init(&timers->slots[ring][slot]);
	}
	timers->now_ms = util_clock_ms();
	timers->fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
	if (timers->fd != -1)
		timers->event =
		    event_new(base, timers->fd, EV_READ | EV_PERSIST, timers_on_event, timers);
	if (!timers->event || event_add(timers->event, NULL) == -1) {
		timers_free(timers);
		return NULL;
	}
	return timers;
}

void
timers_free(struct timers *timers)
{
	if (!timers)
		return;
	if (timers->event)
		event_free(timers->event);
	if (timers->fd != -1)
		close(timers->fd);
	free(timers);
}

void
timer_init(struct timer *timer, struct loop *loop, void (*fn)(void *arg), void *arg)
{
	*timer = (struct timer){.timers = loop->timers, .fn = fn, .arg = arg};
	list_init(&timer->node);
}

void
timer_at(struct timer *timer, int64_t due_ms)
{
	struct timers *timers = timer->timers;
	int64_t now_ms;
	int ring;
	size_t slot;
	int64_t at_ms;

	if (timer->due_ms != 0 && timer->due_ms <= due_ms)
		return;
	timer_stop(timer);
	/* A wheel that stood still while the loop slept would put it into too wide a slot. */
	now_ms = util_clock_ms();
	if (!timers_next(timers, &ring, &slot, &at_ms) || at_ms > now_ms)
		timers->now_ms = now_ms;
	timer->due_ms = due_ms > 0 ? due_ms : 1;
	if (timer->due_ms > TIMERS_MAX_MS)
		timer->due_ms = TIMERS_MAX_MS;
	timers_put(timers, timer);
	timers_arm(timers, now_ms);
}

void
timer_stop(struct timer *timer)
{
	if (timer->due_ms != 0)
		list_remove(&timer->node);
	timer->due_ms = 0;
}
