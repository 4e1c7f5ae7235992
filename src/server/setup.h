/* SPDX-License-Identifier: BSD-2-Clause */
/* Builds from the options what serves them: endpoint, route, TLS, the shared memory. */
#ifndef SERVER_SETUP_H
#define SERVER_SETUP_H

#include "server/server.h"

/* Once for all processes, after server_listen(). 0, or the exit status. */
int server_set_up(struct server *server);

/* The log goes where the options say, from now on. 0, or the exit status. */
int server_open_log(struct server *server);

/* Parts of it that a reload repeats. */
int server_set_endpoints(struct server *server);
int server_set_tls(struct server *server);

/* Checks all of the options, for --check-config: opens what can be opened while another server
 * may use it. 0, or the exit status. */
int server_check(struct server *server);
/* Starts the programs of --prespawn that this process is to have. */
void server_start_pools(struct server *server);

/* Whether names or addresses will be looked up. */
bool server_needs_lookup(const struct server *server);

/* Reads the certificates and keys. False: ERROR has the reason, and all is as it was. */
bool server_load_tls(struct server *server, const char **error);

/* The endpoints of the options take over the shared programs of those in OLD at the same paths,
 * where nothing about them has changed. */
void setup_keep_shared(struct server *server, const struct endpoints *old);

/* Starts the shared programs that run always. False without memory. */
bool setup_start_shared(struct server *server) __attribute__((warn_unused_result));

/* Whether workers have clients of one shared program. */
bool server_shares_between_workers(const struct server *server);

/* Joins a worker with the others. False with errno. */
bool server_start_bus(struct server *server) __attribute__((warn_unused_result));

#endif
