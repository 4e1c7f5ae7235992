/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Replaces the running server by a new binary (SIGUSR2) without refusing a connection. The old
 * server starts the new one with its own path and arguments, and passes it the listening
 * sockets. Once the new server serves, the old one stops accepting and exits after its last
 * session. If the new server fails, the old one continues. The new server reads the options
 * again, as a reload does: it reuses inherited sockets on its addresses, opens the others, and
 * closes the rest.
 */
#ifndef SERVER_HANDOVER_H
#define SERVER_HANDOVER_H

#include "net/listeners.h"
#include "process/spawn.h"
#include "server/activation.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>
#include <sys/wait.h>

/* Groups of listeners, each with at most one Unix socket: those for clients, and those of
 * --admin. */
enum { HANDOVER_CLIENTS, HANDOVER_ADMIN, HANDOVER_GROUPS };

struct handover {
	/* Owned: connects the old and the new server; -1: none, or the new server has failed
	 * and is being killed. */
	int channel;
	pid_t pid; /* the new server; 0: not started, or failed and exited */
	char failure[256]; /* why the new server failed; empty: only its exit status is known */
	const char *program; /* borrowed: path of the new server */
	int64_t deadline_ms; /* deadline of the new server to start serving */
	siginfo_t end; /* exit of the new server if it was reaped elsewhere; else si_pid is 0 */
	struct listeners inherited[HANDOVER_GROUPS]; /* in the new server, until it serves */
};

enum handover_result {
	HANDOVER_NONE,
	HANDOVER_PENDING,
	/* PID serves; the caller must stop accepting, and leave the files of Unix sockets
	 * alone */
	HANDOVER_DONE,
};

/* In the new server, at startup: takes the inherited sockets, if any. Sockets from a service
 * manager are added to ACTIVATION. */
void handover_take(struct handover *handover, struct activation *activation);

/*
 * In the new server, once it serves: notifies the old one, and closes the inherited sockets
 * that are not in USED. The new server now owns the files of Unix sockets, except, with KEEPS,
 * that of the first group. WAITS: wait for the old server to step back. May be called again.
 */
void handover_report(struct handover *handover, struct listeners *const used[HANDOVER_GROUPS],
    bool keeps, bool waits);

/* In a new server that fails: releases everything but the channel, which stays open until the
 * process exits, so that the old server sees the exit status. */
void handover_clear(struct handover *handover);

/* In a process that does not become the new server: closes what it inherited. */
void handover_leave(struct handover *handover);

/* The state that the old server hands over. All borrowed. */
struct handover_state {
	char **argv; /* command line of the new server */
	const struct spawn_inherited *inherited; /* how the old server was started */
	const struct activation *activation;
	const struct listeners *redirect; /* part of the first group */
	const struct listeners *groups[HANDOVER_GROUPS];
};

/* In the old server: starts the new one. Logs errors. */
void handover_start(struct handover *handover, const struct handover_state *state);

/* In the old server: returns the progress of the new one. A failure is logged and returned as
 * NONE. */
enum handover_result handover_poll(struct handover *handover);

/* In the old server, after DONE: lets the new one continue. */
void handover_end(struct handover *handover);

/* In the old server, at shutdown: kills a new one that does not serve yet. */
void handover_abort(struct handover *handover);

#endif
