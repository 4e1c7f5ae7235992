/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The termination sequence of a program: stdin is closed; 100 ms later SIGINT; 250 ms later
 * SIGTERM; 500 ms later SIGKILL, to its process group. Each wait but the last is longer by the
 * extra time of the settings.
 *
 * A program with a terminal may have several process groups, and all of its session end with
 * it. Its sequence has one step more, after 100 ms: SIGHUP to its own group and the one in the
 * foreground, as when a terminal closes, and 100 ms later SIGINT to all groups.
 *
 * The owner closes stdin, waits, and detects the exit. A signal may be sent until the program
 * is reaped: so long nobody else can have its number.
 */
#ifndef PROCESS_TERMINATION_H
#define PROCESS_TERMINATION_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

enum termination_step {
	TERMINATION_INPUT, /* the owner closes stdin */
	TERMINATION_HANGUP, /* with a terminal only */
	TERMINATION_INTERRUPT,
	TERMINATION_TERM,
	TERMINATION_KILL,
	TERMINATION_OVER,
};

/* Set up by its owner: {PID, TERMINAL}. */
struct termination {
	pid_t pid; /* it leads a session and a process group with this number */
	bool terminal; /* its session may have other process groups, which end with it */
	/* It is not logged that it can't be signalled: it was, or the program has exited. */
	bool silent;
	uint8_t step; /* the next one, of enum termination_step; 0: it has not begun */
};

/* A signal to all that ends with it. False: some of it runs as another user. */
bool termination_signal(struct termination *t, int signal);

/* Begins without closing stdin; harmless when it has begun. */
void termination_skip_input(struct termination *t);

/*
 * Takes the next step. MASTER is that of its terminal, if it has one. Returns how long to wait
 * for the step after it, in ms; -1: the sequence is over, and it is alive, which is logged.
 */
int64_t termination_next(struct termination *t, int master, int64_t extra_ms);

/* Whether processes of other groups still run: the sequence goes on for them after its exit,
 * before they are killed with the last step. */
bool termination_has_jobs(const struct termination *t);

#endif
