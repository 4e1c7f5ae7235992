/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Serves --redirport: redirects every request to the main port, keeping path and query. The
 * Host of the request is copied only if the main port accepts it.
 */
#ifndef SERVE_REDIRECT_H
#define SERVE_REDIRECT_H

#include "http/exchange.h"
#include "serve/route.h"

#include <stdbool.h>

struct redirect {
	const struct route *route; /* borrowed: of the main port, whose Host rules apply */
	bool secure; /* the main port uses TLS */
	int port;
};

/* Redirects one request. A connection_handler; ARG is the struct redirect. */
void redirect_serve(void *arg, struct exchange *exchange);

#endif
