/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Which worker serves a request that must reach a certain one (--workers): the ID of a session
 * names the worker that has it.
 */
#ifndef SERVE_AFFINITY_H
#define SERVE_AFFINITY_H

#include "http/exchange.h"
#include "serve/env.h"

struct affinity {
	size_t worker; /* of this process, of so many WORKERS */
	size_t workers;
	/* Gives the connection of a request to another worker. False: it is not possible now,
	 * and the exchange is still the caller's. */
	bool (*relay)(void *arg, size_t worker, struct exchange *exchange);
	void *arg; /* borrowed */
};

/* The ID of a session of this worker: 128 random bits, but for the worker's number. False
 * without random bytes. */
bool affinity_make_id(const struct affinity *affinity, char id[ENV_UNIQUE_ID_LEN + 1])
    __attribute__((warn_unused_result));

/* The worker that an ID of ENV_UNIQUE_ID_LEN bytes names, whatever they are. */
size_t affinity_of_id(const struct affinity *affinity, struct span id);

/* The worker that has what all clients of an endpoint at PATH share. */
size_t affinity_of_path(const struct affinity *affinity, const char *path);

enum affinity_result {
	AFFINITY_OWN, /* it is this worker */
	AFFINITY_RELAYED, /* the exchange is not the caller's any more */
	AFFINITY_UNREACHABLE,
};

/* Sees that WORKER serves the request of EXCHANGE. */
enum affinity_result affinity_relay(
    const struct affinity *affinity, size_t worker, struct exchange *exchange);

#endif
