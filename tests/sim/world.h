/* SPDX-License-Identifier: BSD-2-Clause */
/* What a seed draws, and the state that the parts of the simulator share. */
#ifndef TESTS_SIM_WORLD_H
#define TESTS_SIM_WORLD_H

#include "backend/program.h"
#include "bytes.h"
#include "peer/websocket.h"
#include "session/session.h"

struct world {
	/* Drawn. */
	struct websocket_rules websocket;
	struct framed_rules program;
	struct session_rules session;
	struct deflate_agreed deflate;
	bool compresses;
	bool client_role; /* ours */
	bool prompt; /* the client answers pings and reads in time */
	bool faults_memory;
	size_t budget; /* bytes of messages, each way */
	int64_t extra_wait_ms;
	int64_t shutdown_ms; /* when the server shuts down; 0: never */
	/* The run. */
	struct batch_format format; /* of messages to the program */
	bool exact; /* what is read of the client is processed at once */
};
extern struct world world;

/* Runs a seed from its beginning to its end. */
void world_run(uint64_t seed);

/* Bytes of any kind; text is UTF-8, and has line feeds and NULs only by chance, if at all. */
void world_fill(struct bytes *out, size_t len, bool text);

#endif
