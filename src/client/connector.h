/* SPDX-License-Identifier: BSD-2-Clause */
/* A client: one attempt to connect and one session after the other, until its exit status is
 * known. */
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
	    2 * 1000, /* after a signal: for the server's Close, and for stdout */
	CONNECTOR_DELAY_MS = 500, /* the first delay of --reconnect */
	CONNECTOR_STEADY_MS = 10 * 1000, /* after a session of this length, the next one */
};

struct connector {
	/* Set by its user; borrowed. */
	struct loop *loop;
	struct dial_settings dial;
	struct websocket_rules websocket;
	struct framed_rules framed;
	struct session_rules session;
	struct children *children; /* of a program, as the next four; else NULL */
	const char *program;
	char **argv;
	int64_t extra_wait_ms; /* of its termination sequence, after a signal */
	bool unbuffer;
	struct stdio *stdio; /* without a program */
	int64_t reconnect_ms; /* the longest delay; 0: one attempt */
	/* Its own. */
	struct list sessions; /* at most one */
	struct batch_format format;
	struct dial *attempt; /* owned; NULL: none */
	struct timer timer; /* of the next attempt, or of the end */
	struct loop_task next; /* what follows the end of a session */
	uint64_t last_id;
	unsigned int failures; /* attempts and short sessions, one after the other */
	int64_t due_ms;
	int64_t opened_ms;
	int signal; /* that ends it; 0: none */
	int status; /* of the process, once it ends */
	bool retries; /* after the last session */
	bool ends; /* no attempt follows */
	bool written; /* stdout has all */
	char why[CONNECTOR_WHY_MAX]; /* the last session has failed, or was closed; "": as it
				     should be */
};

/* Begins. The loop stops once client->status is known. */
void connector_start(struct connector *client);

/* Ends it because of a signal; the second one ends it at once. */
void connector_stop(struct connector *client, int number);

/* The exit status for a Close; -1: it is a failure. */
int connector_status_of_code(uint16_t code);

#endif
