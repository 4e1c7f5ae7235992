/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * From a request and its endpoint to a running backend, or to an error response.
 * It knows what was requested, not how the response is sent: a WebSocket handshake is one of
 * its callers.
 *
 * In steps, because the receiver of the backend's events is made in between: launch_prepare()
 * finds the program, launch_start() starts it. A socket is connected in between as well, by
 * launch_connect().
 */
#ifndef SERVE_LAUNCH_H
#define SERVE_LAUNCH_H

#include "backend/backend.h"
#include "backend/socket.h"
#include "net/bucket.h"
#include "net/listener.h"
#include "process/child.h"
#include "serve/endpoint.h"
#include "serve/env.h"
#include "serve/launcher.h"
#include "serve/pool.h"
#include "serve/reject.h"

#include <stdbool.h>
#include <stdint.h>

/* REJECT is the response; NULL: launch_start() may follow. */
typedef void launch_handler(void *arg, const struct reject *reject);

struct launch {
	/* Set by the caller; borrowed until launch_clear(). */
	const struct launcher *launcher;
	struct endpoint *endpoint;
	const struct env_request *request;
	/* Set by launch_prepare(). */
	uint64_t id;
	char remote[LISTENER_TEXT_MAX];
	char unique_id[ENV_UNIQUE_ID_LEN + 1];
	char traceparent[TRACE_PARENT_LEN + 1];
	struct endpoint_script script; /* owned */
	struct pty_size size; /* of its terminal, if it gets one */
	struct buffer event; /* owned: that opens the session; of a socket or shared program */
	/* Of a shared program. */
	struct shared *shared; /* borrowed */
	struct shared_wait wait;
	char **env; /* owned: of a program that starts later; NULL: REQUEST still exists */
	/* Of a socket. */
	struct connect *connect; /* owned, as the next one; NULL: not in progress */
	int fd; /* the connected socket; -1: the connect failed */
	char address[sizeof("unix:") + LOOKUP_NAME_MAX]; /* "tcp:127.0.0.1:80", "unix:PATH" */
	bool counted; /* in sockets->count: it is being connected, or was */
	launch_handler *on_connected;
	void *arg; /* borrowed: the handler's */
};

/* Finds the program, unless the limit on programs is reached. False: *REJECT is the response.
 * In both cases launch_clear() follows. */
bool launch_prepare(struct launch *launch, struct reject *reject)
    __attribute__((warn_unused_result));

/* Whether launch_connect() must precede launch_start(). */
bool launch_must_connect(const struct launch *launch);

/* Connects to the socket, or waits for the shared program. ON_CONNECTED is called once, later,
 * unless launch_clear() is called before. False: *REJECT is the response. */
bool launch_connect(struct launch *launch, launch_handler *on_connected, void *arg,
    struct reject *reject) __attribute__((warn_unused_result));

/* What the client's messages are to be, and under which rules. */
const struct batch_format *launch_format(const struct launch *launch);
const struct websocket_rules *launch_websocket_rules(const struct launch *launch);

/* Starts it; HANDLERS and ARG are program_start()'s. NULL: *REJECT is the response. */
struct backend *launch_start(struct launch *launch, const struct backend_handlers *handlers,
    void *arg, struct reject *reject) __attribute__((warn_unused_result));

/* The program that is started, or the address that is connected; for the log. */
const char *launch_name(const struct launch *launch);

/* The same for a CGI script, without framing: LAUNCH->script was found by the caller. */
bool launch_prepare_script(struct launch *launch, struct reject *reject)
    __attribute__((warn_unused_result));

/* The script gets no arguments, whatever the query (RFC 3875, section 4.4 is not
 * implemented), and its own directory to work in. */
struct child *launch_start_script(const struct launch *launch,
    const struct child_handlers *handlers, void *arg, struct reject *reject)
    __attribute__((warn_unused_result));

/* It may be called twice. */
void launch_clear(struct launch *launch);

#endif
