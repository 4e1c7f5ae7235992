/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Timers. They are kept outside libevent's own heap, and one timerfd announces the earliest: so
 * epoll_wait() has no timeout, for which the kernel would set up a timer at each wait, and an
 * idle session needs 64 bytes for a timer instead of 150.
 */
#ifndef NET_TIMER_H
#define NET_TIMER_H

#include <stdbool.h>
#include <stdint.h>

enum { TIMERS_RUN_MAX = 1024 }; /* calls per timers_run(), so that others get their turn */

struct timers {
	int fd; /* owned; readable when timers_run() is due */
	struct timer *first; /* root of the heap: the earliest timer */
	int64_t armed_ms; /* when FD becomes readable; INT64_MAX: never */
	int64_t ran_ms; /* all timers until then have been called */
};

/*
 * Postponing a timer is free: a deadline that every message extends does not change the heap.
 * FN is called at the earliest time requested since its last call, so it may be early; it must
 * compare its deadlines with util_clock_ms() and request the next call.
 */
struct timer {
	struct timers *timers; /* borrowed */
	int64_t due_ms; /* in util_clock_ms(); 0: not armed */
	void (*fn)(void *arg);
	void *arg; /* borrowed */
	struct timer *child; /* first child in the heap, not earlier than this */
	struct timer *next; /* sibling */
	struct timer *prev; /* sibling, or the parent if first child */
};

/* Returns false with errno if the system fails. */
bool timers_init(struct timers *timers) __attribute__((warn_unused_result));
void timers_clear(struct timers *timers);

/* Calls due timers, at most TIMERS_RUN_MAX; those armed meanwhile wait for the next call. */
void timers_run(struct timers *timers);

void timer_init(struct timer *timer, struct timers *timers, void (*fn)(void *arg), void *arg);

/* Arms TIMER to call FN at DUE_MS or earlier; a time in the past means as soon as possible. */
void timer_at(struct timer *timer, int64_t due_ms);

/* Disarms TIMER, which may then be freed. No effect if it is not armed. */
void timer_stop(struct timer *timer);

#endif
