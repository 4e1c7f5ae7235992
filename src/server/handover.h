/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Replaces the running server by a new binary (SIGUSR2) without a refused connection: a new
 * server is started by the path and the arguments of this one, and inherits the sockets that
 * this one listens on. Once it serves, this one accepts no more and ends with its last session.
 * If it does not, this one goes on.
 *
 * The new server reads the options again, as a reload does: it uses the inherited sockets that
 * are on its addresses, opens the others, and closes what is left over.
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

/* Listeners with a Unix socket at most: those of clients, and those of --admin. */
enum { HANDOVER_CLIENTS, HANDOVER_ADMIN, HANDOVER_GROUPS };

struct handover {
	/* Owned: to the new server, or from it to the old one; -1: none, or the new server has
	 * failed, and is being killed. */
	int channel;
	pid_t pid; /* of the new server; 0: none was started, or it has failed and ended */
	char failure[256]; /* why it failed; empty: as it exited */
	const char *program; /* borrowed: its path */
	int64_t deadline_ms; /* when it must serve */
	siginfo_t end; /* of the new server, if it was reaped elsewhere; si_pid 0: it was not */
	struct listeners inherited[HANDOVER_GROUPS]; /* in the new server, until it serves */
};

enum handover_result {
	HANDOVER_NONE,
	HANDOVER_PENDING,
	HANDOVER_DONE, /* PID serves; the caller accepts no more connections, and leaves the
			  files of Unix sockets alone */
};

/* In the new server, at its start: takes what it inherited, if anything. Sockets that a service
 * manager opened are added to ACTIVATION. */
void handover_take(struct handover *handover, struct activation *activation);

/*
 * In the new server, when it serves: reports that to the old one, and closes what it does not
 * use; USED is what it uses. The files of Unix sockets are its own from then on, but with KEEPS
 * that of the first group. WAITS: for the old one to step back. It may be called again.
 */
void handover_report(struct handover *handover, struct listeners *const used[HANDOVER_GROUPS],
    bool keeps, bool waits);

/* In a new server that fails. The channel stays open until it exits, or the old one might not
 * see with which status. */
void handover_clear(struct handover *handover);

/* In a process that is not to be the new server: closes what it inherited. */
void handover_leave(struct handover *handover);

/* What the old server hands over; all is borrowed. */
struct handover_state {
	char **argv; /* the command line of the new server */
	const struct spawn_inherited *inherited; /* how this one was started */
	const struct activation *activation;
	const struct listeners *redirect; /* they are part of the first group */
	const struct listeners *groups[HANDOVER_GROUPS];
};

/* In the old server: starts the new one. Errors are logged. */
void handover_start(struct handover *handover, const struct handover_state *state);

/* In the old server: how far the new one is. A failure is logged, and is NONE. */
enum handover_result handover_poll(struct handover *handover);

/* In the old server, after DONE: lets the new one go on. */
void handover_end(struct handover *handover);

/* In the old server, which shuts down: ends a new one that does not serve yet. */
void handover_abort(struct handover *handover);

#endif
