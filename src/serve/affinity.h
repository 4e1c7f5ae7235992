/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Routes requests to a particular worker (--workers): a session ID names the worker that owns
 * the session.
 */
#ifndef SERVE_AFFINITY_H
#define SERVE_AFFINITY_H

#include "http/exchange.h"
#include "serve/env.h"

struct affinity {
	size_t worker; /* number of this process, below WORKERS */
	size_t workers;
	/* Hands the connection of EXCHANGE to another worker. Returns false if that is not
	 * possible now; the caller then keeps the exchange. */
	bool (*relay)(void *arg, size_t worker, struct exchange *exchange);
	void *arg; /* borrowed */
};

/* Generates the ID of a session of this worker: 128 bits, random except for the worker's
 * number. Returns false if no random bytes are available. */
bool affinity_make_id(const struct affinity *affinity, char id[ENV_UNIQUE_ID_LEN + 1])
    __attribute__((warn_unused_result));

/* Returns the worker named by an ID of ENV_UNIQUE_ID_LEN bytes; any bytes are valid. */
size_t affinity_of_id(const struct affinity *affinity, struct span id);

/* Returns the worker that runs the shared program of the endpoint at PATH. */
size_t affinity_of_path(const struct affinity *affinity, const char *path);

enum affinity_result {
	AFFINITY_OWN, /* this worker serves the request */
	AFFINITY_RELAYED, /* another worker serves it; the caller no longer owns the exchange */
	AFFINITY_UNREACHABLE,
};

/* Relays the request of EXCHANGE to WORKER unless that is this process. */
enum affinity_result affinity_relay(
    const struct affinity *affinity, size_t worker, struct exchange *exchange);

#endif
