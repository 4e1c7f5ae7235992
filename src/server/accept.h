/* SPDX-License-Identifier: BSD-2-Clause */
/* Accepts connections; of several workers the one with the fewest accepts first. */
#ifndef SERVER_ACCEPT_H
#define SERVER_ACCEPT_H

#include "server/server.h"

/* Accepts from now on, within the budget. False without memory. */
bool server_accept(struct server *server) __attribute__((warn_unused_result));

/* Part of it: accepts on the current listeners. False without memory. */
bool server_accept_start(struct server *server) __attribute__((warn_unused_result));

/* What another worker knows of a client whose connection it relays. */
struct accept_facts {
	struct sockaddr_storage peer;
	bool anonymous; /* PEER is a proxy's */
	bool secure; /* over TLS */
	bool has_subject;
	bool has_serial;
	char name[256]; /* its host name; empty: not known */
	char subject[2048]; /* of its certificate, as the next one */
	char serial[128];
};

/* Takes FD, and serves one request. */
void server_accept_relayed(struct server *server, int fd, const struct accept_facts *facts);

/* Applies a changed --max-connections. */
void server_accept_limit(struct server *server);

/* Starts the threads that look names up, if they are needed and do not run. False with errno.
 */
bool server_start_lookup(struct server *server) __attribute__((warn_unused_result));

/* Closes the connections that wait for a PROXY header or a name. */
void server_accept_clear(struct server *server);

#endif
