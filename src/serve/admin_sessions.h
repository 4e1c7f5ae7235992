/* SPDX-License-Identifier: BSD-2-Clause */
/* The list of sessions, in JSON. */
#ifndef SERVE_ADMIN_SESSIONS_H
#define SERVE_ADMIN_SESSIONS_H

#include "http/exchange.h"
#include "session/registry.h"

/* Responds with a JSON array of all sessions, generated in pieces. */
void admin_sessions_serve(const struct registry *registry, struct exchange *exchange);

#endif
