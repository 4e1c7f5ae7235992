/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Turns a request and its endpoint into a running backend or an error response. This module
 * does not send the response; the WebSocket handshake is one of its callers. A launch has two
 * steps, because the caller creates the receiver of the backend's events in between:
 * launch_prepare() finds the program, launch_start() starts it. For a socket or shared program,
 * launch_connect() comes in between.
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

/* REJECT is the error response; NULL: launch_start() may follow. */
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
	struct pty_size size; /* terminal size, with a PTY */
	struct buffer event; /* owned: the "open" event; for sockets and shared programs */
	/* Shared programs only. */
	struct shared *shared; /* borrowed */
	struct shared_wait wait;
	char **env; /* owned: environment of a program that starts later; NULL: use REQUEST */
	/* Sockets only. */
	struct connect *connect; /* owned, as the next one; NULL: no connect in progress */
	int fd; /* the connected socket; -1: not connected */
	char address[sizeof("unix:") + LOOKUP_NAME_MAX]; /* "tcp:127.0.0.1:80", "unix:PATH" */
	bool counted; /* counted in sockets->count */
	launch_handler *on_connected;
	void *arg; /* borrowed: argument of the handler */
};

/* Finds the program, unless the limit on programs is reached. Returns false with the error
 * response in *REJECT. The caller calls launch_clear() in both cases. */
bool launch_prepare(struct launch *launch, struct reject *reject)
    __attribute__((warn_unused_result));

/* Reports whether launch_connect() must precede launch_start(). */
bool launch_must_connect(const struct launch *launch);

/* Connects to the socket, or waits for the shared program. Calls ON_CONNECTED once, later,
 * unless launch_clear() comes first. Returns false with the error response in *REJECT. */
bool launch_connect(struct launch *launch, launch_handler *on_connected, void *arg,
    struct reject *reject) __attribute__((warn_unused_result));

/* Return the format and the rules of the client's messages. */
const struct batch_format *launch_format(const struct launch *launch);
const struct websocket_rules *launch_websocket_rules(const struct launch *launch);

/* Starts the backend; HANDLERS and ARG are those of program_start(). Returns NULL with the
 * error response in *REJECT. */
struct backend *launch_start(struct launch *launch, const struct backend_handlers *handlers,
    void *arg, struct reject *reject) __attribute__((warn_unused_result));

/* Returns the name of the program, or the address of the socket, for the log. */
const char *launch_name(const struct launch *launch);

/* Prepares a CGI script, which has no framing; the caller has already found LAUNCH->script.
 * Returns false with the error response in *REJECT. */
bool launch_prepare_script(struct launch *launch, struct reject *reject)
    __attribute__((warn_unused_result));

/* Starts the script without arguments, whatever the query (RFC 3875, section 4.4 is not
 * implemented), in its own directory. */
struct child *launch_start_script(const struct launch *launch,
    const struct child_handlers *handlers, void *arg, struct reject *reject)
    __attribute__((warn_unused_result));

/* Releases everything that LAUNCH owns. May be called twice. */
void launch_clear(struct launch *launch);

#endif
