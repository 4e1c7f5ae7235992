/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a worker leaves when it dies: the processes of its programs, which are reparented to the
 * parent of the workers. They are found in /proc and killed, until none is left. One that has
 * started a session of its own survives, as it does when its program's WebSocket session ends.
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
	bool left_behind; /* one could not be killed */
	int64_t end_ms; /* 0: nothing is left */
};

/* A worker died. */
void sweep_begin(struct sweep *sweep);

/* After sweep_begin(), again and again: kills what there is. True when nothing is left. */
bool sweep_run(struct sweep *sweep);

#endif
