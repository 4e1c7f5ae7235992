/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a worker leaves when it dies: the processes of its programs, which come to the parent of
 * the workers. They are found in /proc and killed, until none is left.
 */
#ifndef SERVER_SWEEP_H
#define SERVER_SWEEP_H

#include "process/pid_set.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

enum { SWEEP_MS = 2 * 1000 }; /* how long processes may take to die of SIGKILL */

struct sweep {
	struct pid_set *programs; /* shared: those of all workers */
	const pid_t *workers; /* borrowed; 0: it does not run */
	size_t worker_count;
	bool adopts; /* other processes may come to us, too */
	bool left_behind; /* one could not be killed */
	int64_t due_ms; /* when to call sweep_run(); 0: nothing is left */
	int64_t end_ms;
};

/* ADOPTS: server_adopts(). */
void sweep_init(struct sweep *sweep, struct pid_set *programs, const pid_t *workers,
    size_t worker_count, bool adopts);

/* A worker died. */
void sweep_begin(struct sweep *sweep);

/* A worker exited, and has terminated its programs. What they left is not killed. */
void sweep_pass(struct sweep *sweep);

/* A child exited: its own children may have come to us now. */
void sweep_hurry(struct sweep *sweep);

/* Looks once. True when nothing is left. */
bool sweep_run(struct sweep *sweep);

#endif
