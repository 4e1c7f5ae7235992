/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Dispatches a request: a WebSocket handshake to its endpoint, any other request to the
 * console, a CGI script, the static files or an explanation. Host and path are checked here for
 * all of them.
 */
#ifndef SERVE_ROUTE_H
#define SERVE_ROUTE_H

#include "serve/admit.h"
#include "serve/cgi.h"
#include "serve/endpoints.h"
#include "serve/mcp.h"
#include "serve/streams.h"
#include "serve/upgrade.h"

struct route {
	struct opening_context openings;
	struct streams *streams;
	struct script_context scripts;
	struct mcp *mcp; /* borrowed */
	struct admit_context admit;
	struct endpoints *endpoints; /* owned by the server, which may replace it */
	const char *health_path; /* borrowed: path of health checks; NULL: none */
};

/* Returns why the Host of a request received over STREAM is rejected (origin_host_refused()
 * with the rules of ENDPOINT), or NULL if it is accepted. */
const char *route_refuse_host(const struct endpoint *endpoint, const struct stream *stream,
    struct span host, char reason[ORIGIN_REASON_MAX]) __attribute__((warn_unused_result));

/* Returns the endpoint of a raw PATH, or NULL. Decodes PATH into DECODED like
 * uri_decode_path(); if *RESULT is URI_PATH_BAD, returns the endpoint at the root. */
struct endpoint *route_find(
    const struct route *route, struct span path, char *decoded, enum uri_path_result *result);

/* Dispatches one request. A connection_handler; ARG is the struct route. */
void route_serve(void *arg, struct exchange *exchange);

#endif
