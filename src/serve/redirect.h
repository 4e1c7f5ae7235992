/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The port of --redirport: every request is redirected to the main port, with its path and
 * query. The Host of the request is copied only if the main port accepts it.
 */
#ifndef SERVE_REDIRECT_H
#define SERVE_REDIRECT_H

#include "http/exchange.h"
#include "serve/route.h"

#include <stdbool.h>

struct redirect {
	const struct route
	    *route; /* borrowed: of the main port, whose rules for the Host apply */
	bool secure; /* the main port has TLS */
	int port;
};

/* A connection_handler; ARG is the struct redirect. */
void redirect_serve(void *arg, struct exchange *exchange);

#endif
