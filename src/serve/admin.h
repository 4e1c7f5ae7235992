/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The administrator's interface (--admin), on an address of its own: whether the server is well
 * and ready, its metrics, its sessions, and a way to close one. Any client that can connect may
 * use it, unless there are tokens.
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
	bool is_unix; /* no page can connect */
	struct tokens *tokens; /* requests must have one; NULL: they need none */
	void (*look)(void *arg, struct admin_facts *out);
	/* Sessions are to be closed: registry_ask_close(). */
	void (*close)(void *arg);
	void *arg;
};

/* A connection_handler; ARG is the struct admin. */
void admin_serve(void *arg, struct exchange *exchange);

#endif
