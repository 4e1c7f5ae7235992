/* SPDX-License-Identifier: BSD-2-Clause */
/* Accepts connections. With several workers, the least loaded worker accepts first. */
#ifndef SERVER_ACCEPT_H
#define SERVER_ACCEPT_H

#include "server/server.h"

/* Starts accepting connections within the budget. Returns false if memory runs out. */
bool server_accept(struct server *server) __attribute__((warn_unused_result));

/* Starts accepting on the current listeners; part of server_accept(). Returns false if memory
 * runs out. */
bool server_accept_start(struct server *server) __attribute__((warn_unused_result));

/* What another worker knows about a client whose connection it relays. */
struct accept_facts {
	struct sockaddr_storage peer;
	bool anonymous; /* PEER is the address of a proxy */
	bool secure; /* the client uses TLS */
	bool has_subject;
	bool has_serial;
	char name[256]; /* host name of the client; empty: unknown */
	char subject[2048]; /* from the client's certificate, as the next one */
	char serial[128];
};

/* Takes FD and serves one request on it. */
void server_accept_relayed(struct server *server, int fd, const struct accept_facts *facts);

/* Applies a changed --max-connections. */
void server_accept_limit(struct server *server);

/* Starts the threads for name lookups, if they are needed and not running. Returns false with
 * errno. */
bool server_start_lookup(struct server *server) __attribute__((warn_unused_result));

/* Closes the connections that are waiting for a PROXY header or a host name, and ends the
 * lookups. */
void server_accept_clear(struct server *server);

#endif
