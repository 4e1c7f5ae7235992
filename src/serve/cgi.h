/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * CGI/1.1 (RFC 3875): a program below --cgidir for each request. Its stdin is the request's
 * body, its stdout a header (http/cgi_head.h) and the response's body. Both are streamed, and
 * either side is not read while the other one has a full queue. A program ends with its
 * response, by the termination sequence, as one of a session does.
 *
 * Not supported: NPH scripts, and queries as arguments (RFC 3875, sections 5 and 4.4).
 */
#ifndef SERVE_CGI_H
#define SERVE_CGI_H

#include "http/exchange.h"
#include "serve/launch.h"

#include <stdbool.h>

/* All borrowed for longer than any script runs. */
struct cgi_context {
	const struct launcher *launcher;
	struct list *running; /* those that are not reaped */
	/* Handles EXCHANGE from the beginning, after a local redirect. */
	void (*serve)(void *arg, struct exchange *exchange);
	void *arg;
};

/* Responds to a request for the decoded PATH. False: ENDPOINT has no script there, and nothing
 * was sent. */
bool cgi_serve(const struct cgi_context *context, struct endpoint *endpoint,
    struct exchange *exchange, const char *path);

/* Begins the termination sequence for all scripts of a list; harmless where it has begun. */
void cgi_end_all(struct list *running);

#endif
