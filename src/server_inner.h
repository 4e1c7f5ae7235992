/* SPDX-License-Identifier: BSD-2-Clause */
/* The server's own view of itself: for the files server*.c. */
#ifndef SERVER_INNER_H
#define SERVER_INNER_H

#include "child/child.h"
#include "net/listeners.h"
#include "net/tls.h"
#include "options.h"
#include "serve/endpoint.h"
#include "serve/route.h"

#include <stdbool.h>
#include <stdint.h>

enum { SERVER_SIGNALS = 4 }; /* how many it takes */

enum server_stage {
	SERVER_SERVING,
	SERVER_DRAINING, /* no new connections, CLOSE 1001 and the ladder for all */
	SERVER_KILLING, /* SIGKILL for all */
};

struct server {
	const struct options *options; /* borrowed */
	struct spawn_heritage heritage;
	struct loop *loop;
	struct children *children;
	struct listeners listeners;
	struct tls *tls; /* owned; NULL: plain connections */
	struct event *signals[SERVER_SIGNALS];
	struct list connections;
	struct list sessions;
	uint64_t last_session;
	struct endpoint endpoint;
	struct route route;
	struct origin_rule *rules;
	char *switch_headers; /* of a 101 */
	char *file_headers; /* of a static file */
	char **pass_env;
	enum server_stage stage;
	int64_t stage_end_ms; /* when the next stage begins, whatever is left */
	struct timer tick;
};

/* Says what went wrong at the start and returns the exit status: websocketd has 3 for all of
 * it. */
int server_fail(const struct server *server, int status, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/*
 * server_setup.c: what the options say, once for the whole process. 0, or the exit status.
 */
int server_set_up(struct server *server);

/* Reads the certificates and keys. False: ERROR says why, and all is as it was. */
bool server_load_tls(struct server *server, char error[TLS_ERROR_MAX]);

/* server_listen.c: listens on all addresses. 0, or the exit status. */
int server_listen(struct server *server);

/* Tells where it listens, and notes whether that is loopback alone. */
void server_announce(struct server *server);

/* As many descriptors as the system gives; what is short is said, not found out under load. */
void server_raise_limits(struct server *server);

#endif
