/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What child and children share: a child is one allocation, with its streams, as an idle
 * session has one. Nobody else includes this.
 */
#ifndef CHILD_CHILD_INNER_H
#define CHILD_CHILD_INNER_H

#include "net/io.h"
#include "process/child.h"
#include "process/lines.h"

#include <signal.h>

/* How long a child waits for its next step. Each is a list of its own in children, in the order
 * in which they end. */
enum child_wait {
	CHILD_WAIT_NOW,
	CHILD_WAIT_GRACE,
	CHILD_WAIT_TERMINATION, /* and one for each further step */
	CHILD_WAITS = CHILD_WAIT_TERMINATION + 4,
};

enum child_life {
	CHILD_ALIVE,
	CHILD_ZOMBIE, /* it keeps its process group's number reserved */
	CHILD_REAPED,
};

struct child {
	union { /* first: child_release() casts it back */
		struct list node; /* in children->all while it is not reaped */
		struct loop_deferred deferred; /* once it is freed */
	};
	struct children *children;
	const struct child_handlers *handlers;
	void *arg; /* borrowed: the handlers' */
	pid_t pid;
	int pidfd; /* owned; -1 once it is dead */
	enum child_life life : 8;
	uint8_t step; /* of the termination sequence: how many were taken */
	bool stdout_ended;
	bool denied; /* it can't be signalled: it runs as another user */
	bool stuck; /* the termination sequence has ended, and it is alive */
	struct child_exit exit;
	unsigned int
	    out_left; /* of stdout, once it is reaped: bytes that were in the pipe then */
	int64_t due_ms; /* when the next step is; 0: never */
	struct list wait_node; /* children_wait() */
	struct event exit_event; /* pending while it is alive */
	struct io in;
	struct io out;
	struct io err;
	struct lines err_lines;
};

/* A signal to the whole group. The leader is not reaped, so the number is still the group's. */
void child_signal(struct child *child, int signal);

/* The loop finds out that it has exited, from now on. False: the system refuses. */
bool child_watch(struct child *child) __attribute__((warn_unused_result));

/* Does what the time asks for: the next step of the termination sequence, or the end of the
 * grace time. It may be freed by this. */
void child_step(struct child *child);

/*
 * A place in the quota is taken before the start; the table takes it over. False: there is
 * none.
 */
bool children_reserve_slot(struct children *children);
void children_release_slot(struct children *children);

/* Of the table: a child that was started is in it until it is reaped, and gives its place then.
 */
void children_add(struct children *children, struct child *child);
void children_remove(struct children *children, struct child *child);

/* Has child_step() called at due_ms, which is as long from now as WAIT lasts. It costs constant
 * time, and children_step() looks at none that is not due. */
void children_wait(struct children *children, struct child *child, enum child_wait wait);

/* The termination sequence of a child has ended, and it is alive. */
void children_stick(struct children *children);

/* A process of a program can't be ended, and is left running. */
void children_leave_behind(struct children *children);

struct loop *children_loop(const struct children *children);
const struct children_settings *children_settings(const struct children *children);

#endif
