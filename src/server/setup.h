/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Builds the state of the server from its options: endpoints, route, TLS, and the memory shared
 * by the workers. A function that returns an exit status has logged the error; the server owns
 * what was built even then.
 */
#ifndef SERVER_SETUP_H
#define SERVER_SETUP_H

#include "server/server.h"

/* Builds the whole state, once for all processes, after server_listen(). Returns 0 or the exit
 * status. */
int server_set_up(struct server *server);

/* Opens the log that the options specify. Returns 0 or the exit status. */
int server_open_log(struct server *server);

/* Parts of server_set_up() that a reload repeats. Return 0 or the exit status. */
int server_set_endpoints(struct server *server);
int server_set_tls(struct server *server);

/* Checks all options, for --check-config: opens everything that can be opened while another
 * server uses the same options. Returns 0 or the exit status. */
int server_check(struct server *server);

/* Starts this process's share of the --prespawn programs. */
void server_start_pools(struct server *server);

/* Reports whether the options need DNS, for clients' names or for the hosts of sockets and of
 * the bus. */
bool server_needs_lookup(const struct server *server);

/* Reads the certificates and keys. Returns false with the reason in *ERROR, valid until the
 * next call; the current ones stay in use. */
bool server_load_tls(struct server *server, const char **error);

/* Moves the shared programs of the endpoints OLD to the endpoints at the same paths whose
 * program options are equal (options_endpoint_same_program()). */
void setup_keep_shared(struct server *server, const struct endpoints *old);

/* Starts the shared programs with --shared-start=always. Returns false if memory runs out. */
bool setup_start_shared(struct server *server) __attribute__((warn_unused_result));

/* Reports whether one shared program may have clients in several workers. */
bool server_shares_between_workers(const struct server *server);

/* Connects a worker with the others. Returns false with errno. */
bool server_start_bus(struct server *server) __attribute__((warn_unused_result));

#endif
