/* SPDX-License-Identifier: BSD-2-Clause */
/* The shared program of an endpoint. */
#ifndef SERVE_SHARE_H
#define SERVE_SHARE_H

#include "serve/endpoints.h"
#include "serve/launcher.h"
#include "serve/reject.h"

/* Returns the shared program of ENDPOINT, creating it on the first call. Returns NULL if memory
 * runs out. */
struct shared *share_of(const struct launcher *launcher, struct endpoint *endpoint)
    __attribute__((warn_unused_result));

/* Starts the shared program of ENDPOINT; its environment contains no client data. Otherwise as
 * program_start(); failures are logged. */
struct backend *share_start_program(const struct launcher *launcher,
    const struct endpoint *endpoint, const struct framed_rules *rules,
    const struct backend_handlers *handlers, void *arg, int *error)
    __attribute__((warn_unused_result));

/* Moves the shared program of FROM, if any, to TO. */
void share_move(struct endpoint *to, struct endpoint *from);

/* Fills *REJECT: the shared program is not available to a client because of ERROR, an errno. */
void share_reject(const struct endpoint *endpoint, int error, struct reject *reject);

/* Fills *REJECT: the program already has --max-clients clients. */
void share_reject_full(struct reject *reject);

/* Starts the shared programs of a table that run even without clients, and joins all of them to
 * the bus if other servers use it. Returns false if memory runs out. */
bool share_start_all(const struct launcher *launcher, const struct endpoints *endpoints)
    __attribute__((warn_unused_result));

#endif
