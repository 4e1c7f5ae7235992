/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Builds the state of the server from its options: endpoints, route, TLS, and the memory that
 * the workers share. A function that returns an exit status has logged the error; what it built
 * belongs to the server even then.
 */
#ifndef SERVER_SETUP_H
#define SERVER_SETUP_H

#include "server/server.h"

/* Builds all of it, once for all processes, after server_listen(). 0, or the exit status. */
int server_set_up(struct server *server);

/* Opens the log of the options. 0, or the exit status. */
int server_open_log(struct server *server);

/* The parts of server_set_up() that a reload repeats. 0, or the exit status. */
int server_set_endpoints(struct server *server);
int server_set_tls(struct server *server);

/* Checks all options, for --check-config: opens all that can be opened while another server
 * runs with them. 0, or the exit status. */
int server_check(struct server *server);

/* Starts this process's share of the programs of --prespawn. */
void server_start_pools(struct server *server);

/* Whether the options need DNS: for clients' names, or for the hosts of sockets and of the bus.
 */
bool server_needs_lookup(const struct server *server);

/* Reads the certificates and keys. False: *ERROR is the reason, valid until the next call, and
 * the ones in use stay. */
bool server_load_tls(struct server *server, const char **error);

/* Moves the shared programs of the endpoints OLD to those at the same paths whose options for
 * the program are equal (options_endpoint_same_program()). */
void setup_keep_shared(struct server *server, const struct endpoints *old);

/* Starts the shared programs of --shared-start=always. False without memory. */
bool setup_start_shared(struct server *server) __attribute__((warn_unused_result));

/* Whether workers have clients of one shared program. */
bool server_shares_between_workers(const struct server *server);

/* Joins a worker with the others. False with errno. */
bool server_start_bus(struct server *server) __attribute__((warn_unused_result));

#endif
