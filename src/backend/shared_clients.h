/* SPDX-License-Identifier: BSD-2-Clause */
/* What is done with the clients of a shared program that has ended: they are closed, or kept
 * for the next one. */
#ifndef BACKEND_SHARED_CLIENTS_H
#define BACKEND_SHARED_CLIENTS_H

#include "backend/members.h"
#include "backend/shared_input.h"

/* The next program does not know them: INPUT opens them again. What the one before did not read
 * is lost; what they send from here on is not. */
void shared_clients_keep(struct members *members, struct shared_input *input);

/* Each is closed once it has what is queued for it. */
void shared_clients_close(struct members *members, uint16_t code, struct span reason);

/* The same, with how PROGRAM ended as the reason: 1012 invites them to come again after an end
 * that was no success. */
void shared_clients_end(struct members *members, const struct backend *program);

#endif
