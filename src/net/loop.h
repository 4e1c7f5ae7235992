/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The event loop and what belongs to it rather than to a connection: the
 * memory that reads go to, timers (net/timer.h), the freeing of objects that may still
 * be in use by a function further up the stack, and giving memory back to the system.
 */
#ifndef NET_LOOP_H
#define NET_LOOP_H

#include "base/list.h"
#include "net/timer.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct event;
struct event_base;

enum {
	LOOP_BATCH = 64 * 1024, /* bytes that one wake-up reads at most */
	LOOP_HEAD = 64, /* bytes before and after them that may be written */
	LOOP_SLACK = 64,
	LOOP_OUT = 2 * LOOP_BATCH + 64, /* bytes of the block where output is put together */
	LOOP_CALLBACKS_MAX = 1024, /* of one round: then the descriptors are looked at again */
};

struct loop {
	struct event_base *base; /* owned */
	uint8_t
	    *in; /* LOOP_BATCH bytes, and those around them, for the duration of one callback */
	uint8_t *in_block; /* owned: where they are */
	uint8_t *out; /* owned: LOOP_OUT bytes, likewise */
	struct list lingering; /* connections that are being closed: net/linger.h */
	struct loop_deferred *deferred; /* objects to be freed once the stack is clear */
	struct event *sweep; /* owned */
	struct timers timers;
	struct event *clock; /* owned: a timer is due */
	struct timer trim;
	size_t streams; /* that there are: loop_count_stream() */
	size_t streams_most; /* since memory was last given back */
	struct list tasks; /* struct loop_task: for the next round */
	struct event *round; /* owned: a timer that starts it */
};

/* NULL when the system fails, or without memory. */
struct loop *loop_new(void);

/* Frees the loop and first what is deferred. Accepts NULL. */
void loop_free(struct loop *loop);

/* Runs until loop_stop(). False when the event loop itself fails. */
bool loop_run(struct loop *loop);
void loop_stop(struct loop *loop);

/* Embedded in an object that may be freed inside its own callback. */
struct loop_deferred {
	struct loop_deferred *next;
	void (*release)(struct loop_deferred *deferred);
};

/*
 * Calls RELEASE(DEFERRED) once the current callback has returned. This is the one
 * place where freeing is put off; the object must have stopped its events.
 */
void loop_defer_free(struct loop *loop, struct loop_deferred *deferred,
    void (*release)(struct loop_deferred *deferred));

/*
 * Embedded in an object that has work left which no event announces. It has its turn in the
 * next round of the loop, after one look at the descriptors: to activate an event in its own
 * callback would keep all others waiting.
 */
struct loop_task {
	struct list node; /* in loop->tasks while it is pending */
	void (*run)(struct loop_task *task);
};

void loop_task_init(struct loop_task *task, void (*run)(struct loop_task *task));

/* Calls RUN once in the next round. Harmless when it is pending already. */
void loop_defer(struct loop *loop, struct loop_task *task);

/* It is not called any more. Harmless when it is not pending. */
void loop_cancel(struct loop_task *task);

/*
 * A stream, a child, or what waits for one, exists from now on, or no longer. When half of them
 * have gone, and they were not few, the memory that they left is given back to the system a
 * moment later: the allocator would keep what lies between small pieces still in use
 * (doc/design.md, section 3).
 */
enum {
	LOOP_TRIM_STREAMS = 32, /* so many must have gone */
	LOOP_TRIM_MS = 1000,
};
void loop_count_stream(struct loop *loop, bool begins);

#endif
