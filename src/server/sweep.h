/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Cleans up after a worker that died: finds the processes of its programs, which are reparented
 * to the parent of the workers, in /proc and kills them until none is left. A process that has
 * started its own session survives, as it does when the WebSocket session of its program ends.
 */
#ifndef SERVER_SWEEP_H
#define SERVER_SWEEP_H

#include "process/pid_set.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

enum { SWEEP_MS = 2 * 1000 }; /* how long processes may take to die after SIGKILL */

struct sweep {
	struct pid_set *programs; /* shared: programs of all workers */
	bool left_behind; /* a process could not be killed */
	int64_t end_ms; /* deadline; 0: nothing is left */
};

/* Starts a sweep after a worker died. */
void sweep_begin(struct sweep *sweep);

/* Kills the processes that are left. Call repeatedly after sweep_begin() until it returns true:
 * nothing is left. */
bool sweep_run(struct sweep *sweep);

#endif
