/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The termination sequence of a program: close stdin; after 100 ms SIGINT; after 250 ms
 * SIGTERM; after 500 ms SIGKILL, to its process group. The extra time of the settings is added
 * to each wait except the one after SIGKILL.
 *
 * A program with a terminal may have several process groups; its whole session ends with it.
 * Its sequence has an additional step after 100 ms, as when a terminal closes: SIGHUP to its
 * own group and to the foreground group. 100 ms later SIGINT follows, to all groups.
 *
 * The owner closes stdin, waits, and detects the exit. Signals may be sent until the program is
 * reaped; until then its ID can't be reused.
 */
#ifndef PROCESS_TERMINATION_H
#define PROCESS_TERMINATION_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

enum termination_step {
	TERMINATION_INPUT, /* the owner closes stdin */
	TERMINATION_HANGUP, /* only with a terminal */
	TERMINATION_INTERRUPT,
	TERMINATION_TERM,
	TERMINATION_KILL,
	TERMINATION_OVER,
};

/* Initialize with {PID, TERMINAL}. */
struct termination {
	pid_t pid; /* also the ID of its session and process group */
	bool terminal; /* its session may have other process groups, which end with it */
	/* Do not log that it can't be signalled: this was logged, or the program has exited. */
	bool silent;
	uint8_t step; /* next step, an enum termination_step; 0: not begun */
};

/* Sends SIGNAL to the process group, and with a terminal to all groups of the session. Returns
 * false if a process of another group runs as another user. */
bool termination_signal(struct termination *t, int signal);

/* Begins without closing stdin. Does nothing if the sequence has begun. */
void termination_skip_input(struct termination *t);

/*
 * Performs the next step. MASTER is the master of its terminal, if any. Returns the time until
 * the following step in ms, or -1 if the sequence is over and the program is still alive, which
 * is logged.
 */
int64_t termination_next(struct termination *t, int master, int64_t extra_ms);

/* Returns true if processes of other groups still run. The sequence then continues for them
 * after the program's exit, up to SIGKILL. */
bool termination_has_jobs(const struct termination *t);

#endif
