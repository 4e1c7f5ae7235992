/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * All programs of a process that serves. They are counted, and one timer serves all that wait
 * for something; the rest is child's. An exit costs the same however many there are, and
 * however many zombies are kept: each is announced by its own descriptor (pidfd).
 */
#ifndef CHILD_CHILDREN_H
#define CHILD_CHILDREN_H

#include "net/loop.h"
#include "process/quota.h"
#include "process/spawn.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct children;

struct children_settings {
	const struct spawn_inherited *inherited; /* borrowed */
	int64_t extra_wait_ms; /* added to each wait of the termination sequence */
	struct quota *quota; /* borrowed: a program counts from before its start until it is
				reaped */
	size_t holder; /* of the quota: this process */
	struct pid_set *programs; /* borrowed: contains those that are not reaped; or NULL */
};

struct children *children_new(struct loop *loop, const struct children_settings *settings);

/* Accepts NULL. There must be no child left. */
void children_free(struct children *children);

/* How many programs were started and not yet reaped. */
size_t children_count(const struct children *children);

/* True when no more may be started, by whomever of those that share the quota. */
bool children_are_full(const struct children *children);

/* How many of them are alive after the whole termination sequence: nothing more can be done
 * about them. */
size_t children_stuck(const struct children *children);

/* True if a process that a program started, or a program, was left running. */
bool children_left_behind(const struct children *children);

/* SIGKILL to all groups. */
void children_kill_all(struct children *children);

#endif
