/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Timers: any number of them over one descriptor. They stand in a wheel of
 * rings of 64 slots (1 ms, 64 ms, 4 s, 262 s... a slot), so arming, stopping and finding the
 * next one take the same time however many there are, and a timer is small.
 */
#ifndef NET_TIMER_H
#define NET_TIMER_H

#include "base/list.h"

#include <stdint.h>

struct event_base;
struct loop;
struct timers;

/* The wheel of a loop. NULL when the system or the memory refuses. */
struct timers *timers_new(struct event_base *base) __attribute__((warn_unused_result));

/* Frees the wheel, not the timers in it, which are not called any more. Accepts NULL. */
void timers_free(struct timers *timers);

/*
 * A timer that is armed lazily: moving it later costs nothing, so a deadline
 * that every message pushes on does not touch the wheel for each. FN is
 * called at the time that was asked for or, after it was moved on, earlier; it looks
 * at the clock, does what is due and arms it anew.
 */
struct timer {
	struct list node; /* in a slot of the wheel while it is armed */
	struct timers *timers; /* borrowed */
	int64_t due_ms; /* of util_clock_ms(); 0 when it is not armed */
	void (*fn)(void *arg);
	void *arg;
};

void timer_init(struct timer *timer, struct loop *loop, void (*fn)(void *arg), void *arg);

/* Sees to it that FN is called at DUE_MS at the latest, by the loop. */
void timer_at(struct timer *timer, int64_t due_ms);

/* It is not called any more, and may be freed. Harmless when it is not armed. */
void timer_stop(struct timer *timer);

#endif
