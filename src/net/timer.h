/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Deadlines. They are outside libevent's own heap, and one timerfd announces the earliest: so
 * epoll_wait() has no timeout, for which the kernel would set up a timer at each wait, and an
 * idle session keeps 64 bytes for a timer, not 150.
 */
#ifndef NET_TIMER_H
#define NET_TIMER_H

#include <stdbool.h>
#include <stdint.h>

enum { TIMERS_RUN_MAX = 1024 }; /* of one call of timers_run(), so that others get their turn */

struct timers {
	int fd; /* owned; readable when timers_run() is due */
	struct timer *first; /* the root of a heap: the earliest */
	int64_t armed_ms; /* when FD becomes readable; INT64_MAX: never */
	int64_t ran_ms; /* all until then have been called */
};

/*
 * Postponing a timer costs nothing: a deadline that every message extends changes no heap. FN
 * is called at the earliest time that was requested since the last call, so it may be early; it
 * compares its deadlines with util_clock_ms() and requests the next call.
 */
struct timer {
	struct timers *timers; /* borrowed */
	int64_t due_ms; /* of util_clock_ms(); 0 when it is not armed */
	void (*fn)(void *arg);
	void *arg; /* borrowed */
	struct timer *child; /* the first of its children in the heap, none earlier than it */
	struct timer *next; /* sibling */
	struct timer *prev; /* sibling, or the parent of a first child */
};

/* False with errno when the system fails. */
bool timers_init(struct timers *timers) __attribute__((warn_unused_result));
void timers_clear(struct timers *timers);

/* Calls what is due, or TIMERS_RUN_MAX of it; those that it arms wait for the next call. */
void timers_run(struct timers *timers);

void timer_init(struct timer *timer, struct timers *timers, void (*fn)(void *arg), void *arg);

/* Calls FN at DUE_MS at the latest; for a time in the past, as soon as possible. */
void timer_at(struct timer *timer, int64_t due_ms);

/* FN is not called any more, and the timer may be freed. Harmless when it is not armed. */
void timer_stop(struct timer *timer);

#endif
