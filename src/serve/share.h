/* SPDX-License-Identifier: BSD-2-Clause */
/* The program that the clients of an endpoint share. */
#ifndef SERVE_SHARE_H
#define SERVE_SHARE_H

#include "serve/endpoints.h"
#include "serve/launcher.h"
#include "serve/reject.h"

/* That of ENDPOINT, which is shared; made by the first call. NULL without memory. */
struct shared *share_of(const struct launcher *launcher, struct endpoint *endpoint)
    __attribute__((warn_unused_result));

/* Starts the program of ENDPOINT for all clients: its environment has nothing of one. The rest
 * is as with program_start(); a failure is logged. */
struct backend *share_start_program(const struct launcher *launcher,
    const struct endpoint *endpoint, const struct framed_rules *rules,
    const struct backend_handlers *handlers, void *arg, int *error)
    __attribute__((warn_unused_result));

/* TO takes over the program of FROM, if it has one. */
void share_move(struct endpoint *to, struct endpoint *from);

/* A client can't have it because of an errno: fills *REJECT. */
void share_reject(const struct endpoint *endpoint, int error, struct reject *reject);

/* There are --max-clients clients already. */
void share_reject_full(struct reject *reject);

/* Starts those of a table that run whether there are clients or not, and joins all to the bus
 * if other servers are on it. False without memory. */
bool share_start_all(const struct launcher *launcher, const struct endpoints *endpoints)
    __attribute__((warn_unused_result));

#endif
