/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * From a request and its endpoint to a running backend, or to an error response.
 * It knows what was requested, not how the response is sent: a WebSocket handshake is one of
 * its callers.
 *
 * Two steps, because the receiver of the backend's events is made in between: launch_prepare()
 * finds the program, launch_start() starts it.
 */
#ifndef SERVE_LAUNCH_H
#define SERVE_LAUNCH_H

#include "backend/backend.h"
#include "net/listener.h"
#include "process/child.h"
#include "serve/endpoint.h"
#include "serve/env.h"
#include "serve/reject.h"

#include <stdbool.h>
#include <stdint.h>

/* What launches need from the process; all borrowed for longer than any backend. */
struct launcher {
	struct loop *loop;
	struct children *children;
	struct limit *limit;
	_Atomic uint64_t *last_id; /* of a launch, in all processes that serve */
};

struct launch {
	/* Set by the caller; borrowed until launch_clear(). */
	const struct launcher *launcher;
	const struct endpoint *endpoint;
	const struct env_request *request;
	/* Set by launch_prepare(). */
	uint64_t id;
	char remote[LISTENER_TEXT_MAX];
	char unique_id[ENV_UNIQUE_ID_LEN + 1];
	struct endpoint_script script; /* owned */
};

/* Finds the program, unless the limit on programs is reached. False: *REJECT is the response.
 * In both cases launch_clear() follows. */
bool launch_prepare(struct launch *launch, struct reject *reject)
    __attribute__((warn_unused_result));

/* Starts it; HANDLERS and ARG are program_start()'s. NULL: *REJECT is the response. */
struct backend *launch_start(const struct launch *launch,
    const struct backend_handlers *handlers, void *arg, struct reject *reject)
    __attribute__((warn_unused_result));

/* The same for a CGI script, without framing: LAUNCH->script was found by the caller. */
bool launch_prepare_script(struct launch *launch, struct reject *reject)
    __attribute__((warn_unused_result));

/* The script gets no arguments, whatever the query (RFC 3875, section 4.4 is not
 * implemented), and its own directory to work in. */
struct child *launch_start_script(const struct launch *launch,
    const struct child_handlers *handlers, void *arg, struct reject *reject)
    __attribute__((warn_unused_result));

void launch_clear(struct launch *launch);

#endif
