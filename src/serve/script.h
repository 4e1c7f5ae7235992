/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A CGI script that runs: its stdin is the body of a request, its stdout a header
 * (http/cgi_head.h) and the body of the response. Both are streamed, and either side is not
 * read while the other one has a full queue. The script ends with its response, by the
 * termination sequence, as a program of a session does.
 */
#ifndef SERVE_SCRIPT_H
#define SERVE_SCRIPT_H

#include "http/exchange.h"
#include "serve/launch.h"

#include <stdbool.h>

/* All borrowed for longer than any script runs. */
struct script_context {
	const struct launcher *launcher;
	struct list *running; /* those that are not reaped */
	/* Handles EXCHANGE from the beginning, after a local redirect. */
	void (*serve)(void *arg, struct exchange *exchange);
	void *arg;
};

/* Starts the script of LAUNCH, which is prepared, and responds to EXCHANGE by it. ENDPOINT is
 * referred to. False: *REJECT is the response. */
bool script_start(const struct script_context *context, struct endpoint *endpoint,
    struct exchange *exchange, const struct launch *launch, struct reject *reject)
    __attribute__((warn_unused_result));

/* Begins the termination sequence for all scripts of a list; harmless where it has begun. */
void script_end_all(struct list *running);

#endif
