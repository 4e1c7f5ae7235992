/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Where a request goes: a WebSocket handshake to its endpoint, anything else to
 * the console, a CGI script, the static files or an explanation. Host and path are checked
 * here, for all.
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
	const char *health_path; /* borrowed: where a load balancer asks; NULL: nowhere */
};

/* Why the Host of a request that came over STREAM is rejected, or NULL: origin_host_refused(),
 * where the endpoint has rules for it. */
const char *route_refuse_host(const struct endpoint *endpoint, const struct stream *stream,
    struct span host, char reason[ORIGIN_REASON_MAX]) __attribute__((warn_unused_result));

/* The endpoint of a raw PATH, which is decoded to DECODED as uri_decode_path() does it; at the
 * root if *RESULT is URI_PATH_BAD. NULL: there is none. */
struct endpoint *route_find(
    const struct route *route, struct span path, char *decoded, enum uri_path_result *result);

/* A connection_handler; ARG is the struct route. */
void route_serve(void *arg, struct exchange *exchange);

#endif
