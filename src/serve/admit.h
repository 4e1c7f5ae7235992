/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Access control: decides whether a request may use its endpoint, before anything is started
 * for it. The address lists are checked first, then the credentials (any one accepted kind
 * suffices). A hook, if configured, decides last.
 */
#ifndef SERVE_ADMIT_H
#define SERVE_ADMIT_H

#include "auth/hasher.h"
#include "http/exchange.h"
#include "serve/endpoint.h"
#include "serve/hook.h"

/* The process-wide state that checks need. Borrowed; outlives every request. */
struct admit_context {
	struct hasher *hasher; /* NULL: no endpoint uses passwords */
	struct hooks *hooks;
	const struct launcher *launcher;
	struct list *waiting; /* requests waiting for the hasher or a hook */
};

/* Called when a request is admitted; exchange->identity is set. */
typedef void admit_handler(void *arg, struct endpoint *endpoint, struct exchange *exchange);

/* Checks the request of EXCHANGE against the rules of ENDPOINT, which must have some. Calls
 * ADMITTED, now or later, or responds with 401, 403 or 503. */
void admit_check(const struct admit_context *context, struct endpoint *endpoint,
    struct exchange *exchange, admit_handler *admitted, void *arg);

/* Rejects all waiting requests: the server is shutting down. */
void admit_drain_all(const struct admit_context *context);

#endif
