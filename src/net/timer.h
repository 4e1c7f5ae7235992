/* SPDX-License-Identifier: BSD-2-Clause */
/* Lazy timers on top of libevent's. */
#ifndef NET_TIMER_H
#define NET_TIMER_H

#include <event2/event_struct.h>
#include <stdint.h>

struct loop;

/*
 * To postpone a timer costs nothing: a deadline that every message extends touches no event. FN
 * is called at the earliest time that was asked for since the last call, within the few
 * milliseconds of libevent's clock, so it may be early; it compares its deadlines with
 * util_clock_ms() and asks for the next call.
 */
struct timer {
	struct event event;
	int64_t due_ms; /* of util_clock_ms(); 0 when it is not armed */
	void (*fn)(void *arg);
	void *arg;
};

void timer_init(struct timer *timer, struct loop *loop, void (*fn)(void *arg), void *arg);

/* Has the loop call FN at DUE_MS at the latest; a time in the past means its next round. */
void timer_at(struct timer *timer, int64_t due_ms);

/* FN is not called any more, and the timer may be freed. Harmless when it is not armed. */
void timer_stop(struct timer *timer);

#endif
