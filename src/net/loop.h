/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The event loop and the state that belongs to it rather than to a connection: read buffers,
 * timers (net/timer.h), deferred freeing of objects that a function further up the stack may
 * still use, and returning memory to the system.
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
	LOOP_BATCH = 64 * 1024, /* maximum bytes read per wake-up */
	LOOP_HEAD = 64, /* writable bytes before and after them */
	LOOP_SLACK = 64,
	LOOP_OUT = 2 * LOOP_BATCH + 64, /* bytes of the block for assembling output */
	/* Callbacks per round; then the descriptors are polled again. */
	LOOP_CALLBACKS_MAX = 1024,
};

struct loop {
	struct event_base *base; /* owned */
	/* LOOP_BATCH bytes with LOOP_HEAD around them, valid during one callback. */
	uint8_t *in;
	uint8_t *in_block; /* owned: the block that contains IN */
	uint8_t *out; /* owned: LOOP_OUT bytes, valid during one callback */
	struct list lingering; /* connections being closed: net/linger.h */
	struct loop_deferred *deferred; /* objects to free once the stack has unwound */
	struct event *sweep; /* owned */
	struct timers timers;
	struct event *clock; /* owned: fires when a timer is due */
	struct timer trim;
	size_t streams; /* number of streams: loop_count_stream() */
	size_t streams_most; /* maximum since memory was last returned */
	struct list tasks; /* struct loop_task, to run in the next round */
	struct event *round; /* owned: timer that starts the next round */
};

/* Returns NULL if the system fails or memory runs out. */
struct loop *loop_new(void);

/* Frees the deferred objects and then the loop. Accepts NULL. */
void loop_free(struct loop *loop);

/* Runs until loop_stop(). Returns false if the event loop itself fails. */
bool loop_run(struct loop *loop);
void loop_stop(struct loop *loop);

/* Embedded in an object that may be freed inside its own callback. */
struct loop_deferred {
	struct loop_deferred *next;
	void (*release)(struct loop_deferred *deferred);
};

/*
 * Calls RELEASE(DEFERRED) once the current callback has returned. This is the only place that
 * defers freeing; the object must have stopped its events.
 */
void loop_defer_free(struct loop *loop, struct loop_deferred *deferred,
    void (*release)(struct loop_deferred *deferred));

/*
 * Embedded in an object that has work left that no event announces. The task runs in the next
 * round of the loop, after the descriptors were polled: activating an event in its own callback
 * would starve all others.
 */
struct loop_task {
	struct list node; /* in loop->tasks while it is pending */
	void (*run)(struct loop_task *task);
};

void loop_task_init(struct loop_task *task, void (*run)(struct loop_task *task));

/* Runs TASK once in the next round. No effect if it is already pending. */
void loop_defer(struct loop *loop, struct loop_task *task);

/* Cancels TASK. No effect if it is not pending. */
void loop_cancel(struct loop_task *task);

/*
 * Counts the creation or destruction of a stream, a child, or a pending one. When half of them,
 * and not just a few, have been freed, their memory is returned to the system a moment later:
 * otherwise the allocator would keep the gaps between small pieces still in use (doc/design.md,
 * section 3).
 */
enum {
	LOOP_TRIM_STREAMS = 32, /* minimum number freed */
	LOOP_TRIM_MS = 1000,
};
void loop_count_stream(struct loop *loop, bool begins);

#endif
