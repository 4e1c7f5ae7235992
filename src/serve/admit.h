/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Access control: whether a request may use its endpoint, before anything is started for it.
 * First the lists of addresses, then the credentials: any one of those that the endpoint
 * accepts is enough. Then the hook, if there is one, decides.
 */
#ifndef SERVE_ADMIT_H
#define SERVE_ADMIT_H

#include "auth/hasher.h"
#include "http/exchange.h"
#include "serve/endpoint.h"
#include "serve/hook.h"

/* What the process has for all requests; borrowed for longer than any of them. */
struct admit_context {
	struct hasher *hasher; /* NULL: no endpoint has passwords */
	struct hooks *hooks;
	const struct launcher *launcher;
	struct list *waiting; /* requests that wait for either */
};

/* The endpoint admits a request, whose identity is that of the exchange. */
typedef void admit_handler(void *arg, struct endpoint *endpoint, struct exchange *exchange);

/* Calls ADMITTED, now or later, or responds with 401, 403 or 503. ENDPOINT has rules. */
void admit_check(const struct admit_context *context, struct endpoint *endpoint,
    struct exchange *exchange, admit_handler *admitted, void *arg);

/* Rejects those that wait: the server is shutting down. */
void admit_drain_all(const struct admit_context *context);

#endif
