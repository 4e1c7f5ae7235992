/* SPDX-License-Identifier: BSD-2-Clause */
/* All programs of a serving process: their number and what they share. Exits are reported per
 * child by a pidfd, so the cost of one does not depend on the number of programs or zombies. */
#ifndef PROCESS_CHILDREN_H
#define PROCESS_CHILDREN_H

#include "base/list.h"
#include "net/loop.h"
#include "process/quota.h"
#include "process/spawn.h"
#include "process/termination.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct children_settings {
	const struct spawn_inherited *inherited; /* borrowed */
	int64_t extra_wait_ms; /* added to each wait of the termination sequence but the last */
	/* Borrowed: a program counts from before its start until it is reaped. */
	struct quota *quota;
	size_t holder; /* this process, in the quota */
	/* Borrowed: contains the programs that are not reaped; or NULL. */
	struct pid_set *programs;
};

/* Read by process/child. */
struct children {
	struct loop *loop; /* borrowed */
	struct children_settings settings;
	pid_t server; /* PID of this process */
	struct list members; /* struct children_member */
	size_t count; /* number of members */
	size_t stuck; /* see children_stuck(); updated by process/child */
	/* A process of a program could not be killed; updated by process/child. */
	bool left_behind;
};

/* Embedded in a child. */
struct children_member {
	struct list node;
	struct termination termination;
};

struct children *children_new(struct loop *loop, const struct children_settings *settings);

/* Changes the extra wait of termination sequences, including those in progress, from their next
 * step. */
void children_set_extra_wait(struct children *children, int64_t ms);

/* Frees the table, which must have no members. Accepts NULL. */
void children_free(struct children *children);

/* Add and remove a program. It is a member from its start until it is reaped. */
void children_add(struct children *children, struct children_member *member);
void children_remove(struct children *children, struct children_member *member);

/* Returns the number of members. */
size_t children_count(const struct children *children);

/* Returns true if the limit of running programs is reached, counting all processes that share
 * the quota. */
bool children_are_full(const struct children *children);

/* Returns the number of members that survived the whole termination sequence. */
size_t children_stuck(const struct children *children);

/* Returns true if a program, or a process started by one, was left running. */
bool children_left_behind(const struct children *children);

/* Sends SIGKILL to the process groups of all members. */
void children_kill_all(struct children *children);

#endif
