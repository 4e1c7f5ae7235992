/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Waiting for a descriptor, for io.c alone. An event of libevent's is fast, and it costs 200
 * bytes with what libevent keeps for the descriptor. So only what is busy has one: a watch
 * begins in an epoll of its own, which needs no memory of ours and is one descriptor to
 * libevent. There each wake-up costs one more system call, whatever the number of
 * descriptors in it that are ready. After WATCH_BUSY_EVENTS of them, with never
 * WATCH_BUSY_MS between two, the watch gets an event of its own, and it loses that when nothing
 * has come for as long.
 */
#ifndef NET_WATCH_H
#define NET_WATCH_H

#include "net/loop.h"

#include <stdbool.h>
#include <stdint.h>

enum {
	WATCH_BUSY_MS = 1000,
	WATCH_BUSY_EVENTS = 8,
};

struct watches;
struct watch_event;

/* Zero bytes but for the loop are its beginning. */
struct watch {
	struct loop *loop; /* borrowed */
	struct watch_event *event; /* owned; NULL while it stands in the epoll, or nowhere */
	uint32_t seen_ms; /* when the epoll last told of it: the low bits of util_clock_ms() */
	int fd; /* that of the last watch_set() */
	uint8_t seen; /* how often it told of it, without a pause */
	short what; /* what is waited for, of libevent's EV_; 0: nothing */
	bool failed; /* it could not be waited for, which is told as EV_TIMEOUT */
};

/* Of a loop. NULL when the system or the memory refuses. */
struct watches *watches_new(struct loop *loop) __attribute__((warn_unused_result));

/* There must be no watch left. Accepts NULL. */
void watches_free(struct watches *watches);

/*
 * Waits for WHAT of FD from now on; for nothing when it is 0, which must be said before FD is
 * closed. False: it can't be waited for; io_on_watch() is called with EV_TIMEOUT, by the loop.
 */
bool watch_set(struct watch *watch, int fd, short what);

/* Has io_on_watch() called with EV_READ by the loop, as if that had come. Nothing when nothing
 * is waited for. */
void watch_wake(struct watch *watch);

/* What came: one or more of what is waited for. It is io.c's. */
void io_on_watch(struct watch *watch, short what);

#endif
