/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A running CGI script: its stdin is the request body, its stdout a header (http/cgi_head.h)
 * and the response body. Both are streamed; each side is not read while the queue of the other
 * one is full. When the response ends, the script is ended by the termination sequence, as the
 * program of a session is.
 */
#ifndef SERVE_SCRIPT_H
#define SERVE_SCRIPT_H

#include "http/exchange.h"
#include "serve/launch.h"

#include <stdbool.h>

/* All borrowed; outlives every script. */
struct script_context {
	const struct launcher *launcher;
	struct list *running; /* scripts not reaped yet */
	/* Dispatches EXCHANGE again, after a local redirect. */
	void (*serve)(void *arg, struct exchange *exchange);
	void *arg;
};

/* Starts the prepared script of LAUNCH to respond to EXCHANGE, and takes a reference to
 * ENDPOINT. Returns false with the error response in *REJECT. */
bool script_start(const struct script_context *context, struct endpoint *endpoint,
    struct exchange *exchange, const struct launch *launch, struct reject *reject)
    __attribute__((warn_unused_result));

/* Starts the termination sequence for all scripts of a list; has no effect where it already
 * runs. */
void script_end_all(struct list *running);

#endif
