/* SPDX-License-Identifier: BSD-2-Clause */
/* Whether a request over HTTP may use the session that it names. */
#ifndef SERVE_SESSION_KEY_H
#define SERVE_SESSION_KEY_H

#include "http/exchange.h"
#include "serve/endpoint.h"

/* What a session was opened with; all borrowed. */
struct session_key {
	const char *id;
	const struct endpoint *endpoint;
	const char *user; /* NULL: it was not authenticated */
};

/* The IDs are equal, compared in a time that does not depend on where they differ, and the
 * request of EXCHANGE comes from the same user to the same path. */
bool session_key_opens(const struct session_key *key, const struct endpoint *endpoint,
    const struct exchange *exchange, struct span id);

#endif
