/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The client that sent a request: the peer of the connection or, if that is a trusted proxy,
 * the client that it reports. Pure.
 */
#ifndef HTTP_CLIENT_H
#define HTTP_CLIENT_H

#include "http/head.h"
#include "net/cidr.h"
#include "net/stream.h"

#include <stdbool.h>
#include <sys/socket.h>

struct client {
	struct sockaddr_storage address; /* port 0: unknown */
	const char *name; /* borrowed: host name of ADDRESS; NULL: unknown */
	bool secure; /* the client uses TLS */
	bool anonymous; /* the client has no address: ADDRESS is that of the forwarding proxy */
	bool trusted; /* the connection comes from a trusted proxy */
};

/* The header fields in which proxies report a client. */
enum client_fields {
	CLIENT_X_FORWARDED, /* X-Forwarded-For, -Proto and -Host */
	CLIENT_FORWARDED, /* Forwarded: RFC 7239 */
};

struct client_rules {
	struct cidr_list trusted; /* trusted proxies */
	enum client_fields fields;
};

/* Sets CLIENT to the peer of STREAM. */
void client_init(struct client *client, const struct stream *stream);

/*
 * Replaces CLIENT, the peer, and the request's HOST by what the fields of HEAD report, if the
 * peer is trusted. Of the hops listed there, the client is the last one that is not itself
 * trusted, because only the hops after it were added by trusted proxies. If that hop is not an
 * address ("unknown"), the client is the trusted proxy that reported it. Returns NULL, or why
 * the request must be rejected: a field is malformed.
 */
const char *client_resolve(struct client *client, const struct client_rules *rules,
    const struct head *head, struct span *host) __attribute__((warn_unused_result));

/* Returns true if the client is on this machine and no proxy forwarded its request. HEAD may be
 * NULL. */
bool client_is_local(const struct client *client, const struct head *head);

#endif
