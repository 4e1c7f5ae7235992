/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What child and children share: a child is one allocation, with its streams, as an idle
 * session has one. Nobody else includes this.
 */
#ifndef CHILD_CHILD_INNER_H
#define CHILD_CHILD_INNER_H

#include "child/child.h"
#include "child/lines.h"
#include "net/io.h"

#include <signal.h>

enum child_life {
	CHILD_ALIVE,
	CHILD_ZOMBIE, /* it keeps its process group's number reserved */
	CHILD_REAPED,
};

struct child {
	union { /* first: child_release() casts it back */
		struct list node; /* in children->by_pid while it is not reaped */
		struct loop_grave grave; /* once it is freed */
	};
	struct children *children;
	const struct child_handlers *handlers;
	void *arg; /* borrowed: the handlers' */
	pid_t pid;
	enum child_life life : 8;
	uint8_t step; /* of the ladder: how many were taken */
	bool stdout_ended;
	struct child_exit exit;
	unsigned int
	    out_left; /* of stdout, once it is reaped: bytes that were in the pipe then */
	int64_t due_ms; /* when the next step is; 0: never */
	struct list wait_node; /* in children->waiting: children_wait() */
	struct io in;
	struct io out;
	struct io err;
	struct lines err_lines;
};

/* A signal to the whole group. The leader is not reaped, so the number is still the group's. */
void child_signal(struct child *child, int signal);

/* Does what the time asks for: the next step of the ladder, or the end of the grace time. It may
 * be freed by this. */
void child_step(struct child *child);

/* The program was found dead. It may be freed by this. */
void child_died(struct child *child, const siginfo_t *info);

/*
 * A place in the quota is taken before the start; the table takes it over. False: there is
 * none.
 */
bool children_take_place(struct children *children);
void children_give_place(struct children *children);

/* Of the table: a child that was started is in it until it is reaped, and gives its place then.
 */
void children_learn(struct children *children, struct child *child);
void children_forget(struct children *children, struct child *child);

/* Has child_step() called at due_ms. Few children wait at a time, so one timer is for all of them. */
void children_wait(struct children *children, struct child *child);

struct loop *children_loop(const struct children *children);
const struct children_settings *children_settings(const struct children *children);

#endif
