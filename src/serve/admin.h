/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The administrator's interface (--admin), on its own address: health, readiness, metrics, the
 * list of sessions, and a way to close one. Any client that can connect may use it unless
 * tokens are configured.
 */
#ifndef SERVE_ADMIN_H
#define SERVE_ADMIN_H

#include "auth/tokens.h"
#include "http/exchange.h"
#include "serve/admin_process.h"
#include "session/registry.h"

#include <stdbool.h>

struct admin {
	const struct registry *registry; /* borrowed */
	bool is_unix; /* on a Unix socket, which no web page can reach */
	struct tokens *tokens; /* a request must carry one; NULL: none is needed */
	void (*look)(void *arg, struct admin_facts *out);
	/* Called after registry_ask_close(), to have the sessions closed. */
	void (*close)(void *arg);
	void *arg;
};

/* Handles one request. A connection_handler; ARG is the struct admin. */
void admin_serve(void *arg, struct exchange *exchange);

#endif
