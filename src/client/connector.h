/* SPDX-License-Identifier: BSD-2-Clause */
/* A client: makes one connection attempt and one session after another, until its exit status
 * is known. */
#ifndef CLIENT_CONNECTOR_H
#define CLIENT_CONNECTOR_H

#include "backend/stdio.h"
#include "client/dial.h"
#include "peer/websocket.h"
#include "process/children.h"
#include "session/session.h"

#include <stdbool.h>
#include <stdint.h>

enum {
	CONNECTOR_WHY_MAX = 2 * HANDSHAKE_WHY_MAX,
	CONNECTOR_STOP_MS =
	    2 * 1000, /* after a signal: time limit for the server's Close, and for stdout */
	CONNECTOR_DELAY_MS = 500, /* first delay of --reconnect */
	/* A session of at least this length resets the delay. */
	CONNECTOR_STEADY_MS = 10 * 1000,
};

struct connector {
	/* Set by the user; borrowed. */
	struct loop *loop;
	struct dial_settings dial;
	struct websocket_rules websocket;
	struct framed_rules framed;
	struct session_rules session;
	struct children *children; /* with a program, as the next four; else NULL */
	const char *program;
	char **argv;
	/* Extra time in the program's termination sequence after a signal. */
	int64_t extra_wait_ms;
	bool unbuffer;
	struct stdio *stdio; /* without a program */
	int64_t reconnect_ms; /* maximum delay; 0: a single attempt */
	/* Internal state. */
	struct list sessions; /* at most one */
	struct batch_format format;
	struct dial *attempt; /* owned; NULL: none */
	struct timer timer; /* for the next attempt, or the end */
	struct loop_task next; /* continues after the end of a session */
	uint64_t last_id;
	unsigned int failures; /* consecutive failed attempts and short sessions */
	int64_t due_ms;
	int64_t opened_ms;
	int signal; /* signal that ends the client; 0: none */
	int status; /* exit status of the process */
	bool retries; /* retry after the last session */
	bool ends; /* no attempt follows */
	bool written; /* all output was written to stdout */
	/* Why the last session failed or was closed; "": normally. */
	char why[CONNECTOR_WHY_MAX];
};

/* Starts the client. The loop stops once client->status is known. */
void connector_start(struct connector *client);

/* Ends the client because of a signal; a second one ends it at once. */
void connector_stop(struct connector *client, int number);

/* Returns the exit status for a close code; -1: a failure. */
int connector_status_of_code(uint16_t code);

#endif
