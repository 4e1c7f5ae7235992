/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Access control: whether a request may use its endpoint, before anything is started for it.
 * First the lists of addresses, then the credentials: any one of those that the endpoint
 * accepts is enough.
 */
#ifndef SERVE_ADMIT_H
#define SERVE_ADMIT_H

#include "http/exchange.h"
#include "serve/endpoint.h"

/* The endpoint admits a request, whose identity is that of the exchange. */
typedef void admit_handler(void *arg, struct endpoint *endpoint, struct exchange *exchange);

/* Calls ADMITTED, or responds with 401 or 403. ENDPOINT has rules. */
void admit_check(
    struct endpoint *endpoint, struct exchange *exchange, admit_handler *admitted, void *arg);

#endif
