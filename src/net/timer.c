/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Timers in a pairing heap (Fredman, Sedgewick, Sleator, Tarjan 1986): each timer links to its
 * children, so arming one needs no memory and can't fail.
 */
#include "net/timer.h"

#include "base/util.h"

#include <sys/timerfd.h>
#include <unistd.h>

/* Merges the heaps A and B, either of which may be NULL. */
static struct timer *
timer_merge(struct timer *a, struct timer *b)
{
	struct timer *root = !a || (b && b->due_ms < a->due_ms) ? b : a;
	struct timer *child = root == a ? b : a;

	if (!child)
		return root;
	child->prev = root;
	child->next = root->child;
	if (child->next)
		child->next->prev = child;
	root->child = child;
	return root;
}

/* Merges all siblings from FIRST on: in pairs, and then the pairs. */
static struct timer *
timer_merge_all(struct timer *first)
{
	struct timer *pairs = NULL;
	struct timer *all = NULL;

	while (first) {
		struct timer *a = first;
		struct timer *b = a->next;

		first = b ? b->next : NULL;
		a = timer_merge(a, b);
		a->next = pairs;
		pairs = a;
	}
	while (pairs) {
		struct timer *pair = pairs;

		pairs = pair->next;
		all = timer_merge(all, pair);
	}
	return all;
}

static void
timer_set_first(struct timers *timers, struct timer *first)
{
	timers->first = first;
	if (first)
		first->next = first->prev = NULL;
}

/* Sets FD to the earliest timer, which also cancels an earlier announcement. */
static void
timers_arm(struct timers *timers)
{
	struct itimerspec when = {0};
	int64_t left = 0;

	timers->armed_ms = timers->first ? timers->first->due_ms : INT64_MAX;
	if (timers->first) {
		left = timers->armed_ms - util_clock_ms();
		when.it_value.tv_sec = left > 0 ? left / 1000 : 0;
		when.it_value.tv_nsec = left > 0 ? left % 1000 * 1000000 : 1;
	}
	(void)timerfd_settime(timers->fd, 0, &when, NULL);
}

bool
timers_init(struct timers *timers)
{
	*timers = (struct timers){.armed_ms = INT64_MAX};
	timers->fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
	return timers->fd != -1;
}

void
timers_clear(struct timers *timers)
{
	if (timers->fd != -1)
		close(timers->fd);
	timers->fd = -1;
}

void
timers_run(struct timers *timers)
{
	timers->ran_ms = util_clock_ms();
	timers->armed_ms = 0; /* timer_at() leaves FD alone until the end */
	for (int i = 0; i < TIMERS_RUN_MAX; i++) {
		struct timer *timer = timers->first;

		if (!timer || timer->due_ms > timers->ran_ms)
			break;
		timer_stop(timer);
		timer->fn(timer->arg);
	}
	timers_arm(timers);
}

void
timer_init(struct timer *timer, struct timers *timers, void (*fn)(void *arg), void *arg)
{
	*timer = (struct timer){.timers = timers, .fn = fn, .arg = arg};
}

void
timer_at(struct timer *timer, int64_t due_ms)
{
	struct timers *timers = timer->timers;

	if (timer->due_ms != 0 && timer->due_ms <= due_ms)
		return;
	timer_stop(timer);
	timer->due_ms = due_ms > timers->ran_ms ? due_ms : timers->ran_ms + 1;
	timer_set_first(timers, timer_merge(timers->first, timer));
	if (timer->due_ms < timers->armed_ms)
		timers_arm(timers);
}

void
timer_stop(struct timer *timer)
{
	struct timers *timers = timer->timers;
	struct timer *children = timer->due_ms != 0 ? timer_merge_all(timer->child) : NULL;

	if (timer->due_ms == 0)
		return;
	if (timer == timers->first) {
		timer_set_first(timers, children);
	} else {
		if (timer->next)
			timer->next->prev = timer->prev;
		if (timer->prev->child == timer)
			timer->prev->child = timer->next;
		else
			timer->prev->next = timer->next;
		timer_set_first(timers, timer_merge(timers->first, children));
	}
	timer->due_ms = 0;
	timer->child = timer->next = timer->prev = NULL;
}
