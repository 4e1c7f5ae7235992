/* SPDX-License-Identifier: BSD-2-Clause */
/* Closes the clients of a shared program that has ended, or keeps them for the next one. */
#ifndef BACKEND_SHARED_CLIENTS_H
#define BACKEND_SHARED_CLIENTS_H

#include "backend/members.h"
#include "backend/shared_input.h"

/* Keeps the clients: appends their open events to INPUT for the next program. Input that the
 * old program did not read is lost. */
void shared_clients_keep(struct members *members, struct shared_input *input);

/* Closes each client once its queue has been sent. */
void shared_clients_close(struct members *members, uint16_t code, struct span reason);

/* Closes the clients with the result of PROGRAM as the reason: with 1000 after status 0,
 * otherwise with 1012, which invites them to reconnect. */
void shared_clients_end(struct members *members, const struct backend *program);

#endif
