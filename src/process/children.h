/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * All programs of a process that serves: their number, and what they have in common. An exit
 * costs the same however many there are, and however many zombies are kept: each is announced
 * by its own descriptor (pidfd).
 */
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
	int64_t extra_wait_ms; /* added to each wait of the termination sequence */
	struct quota *quota; /* borrowed: a program counts from before its start until it is
				reaped */
	size_t holder; /* of the quota: this process */
	struct pid_set *programs; /* borrowed: contains those that are not reaped; or NULL */
};

/* Read by a child. */
struct children {
	struct loop *loop; /* borrowed */
	struct children_settings settings;
	pid_t server; /* this process */
	struct list members; /* struct children_member */
	size_t count; /* of these */
	size_t stuck; /* children_stuck(); changed by a child */
	bool left_behind; /* likewise: a process of a program could not be ended */
};

/* Embedded in a child. */
struct children_member {
	struct list node;
	struct termination termination;
};

struct children *children_new(struct loop *loop, const struct children_settings *settings);

/* Changes what is added to each wait of a termination sequence, from its next one on. */
void children_set_extra_wait(struct children *children, int64_t ms);

/* Accepts NULL. There must be no child left. */
void children_free(struct children *children);

/* A program is a member from its start until it is reaped. */
void children_add(struct children *children, struct children_member *member);
void children_remove(struct children *children, struct children_member *member);

/* How many members there are. */
size_t children_count(const struct children *children);

/* True when no more may be started, by whomever of those that share the quota. */
bool children_are_full(const struct children *children);

/* How many members are alive after the whole termination sequence: nothing more can be done
 * about them. */
size_t children_stuck(const struct children *children);

/* True if a process that a program started, or a program, was left running. */
bool children_left_behind(const struct children *children);

/* SIGKILL to all groups. */
void children_kill_all(struct children *children);

#endif
