/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Who sent a request: the other side of the connection or, when that is a trusted proxy, the
 * client that it reports. Pure.
 */
#ifndef HTTP_CLIENT_H
#define HTTP_CLIENT_H

#include "http/head.h"
#include "net/cidr.h"
#include "net/stream.h"

#include <stdbool.h>
#include <sys/socket.h>

struct client {
	struct sockaddr_storage address; /* its port is 0 where it is not known */
	const char *name; /* borrowed: the host name of ADDRESS; NULL: not known */
	bool secure; /* it uses TLS */
	bool anonymous; /* it has no address: ADDRESS is that of the proxy that forwards it */
	bool trusted; /* the connection is that of a trusted proxy */
};

/* Which fields report a client. */
enum client_fields {
	CLIENT_X_FORWARDED, /* X-Forwarded-For, -Proto and -Host */
	CLIENT_FORWARDED, /* Forwarded: RFC 7239 */
};

struct client_rules {
	struct cidr_list trusted; /* proxies */
	enum client_fields fields;
};

/* The other side of STREAM. */
void client_init(struct client *client, const struct stream *stream);

/*
 * Replaces CLIENT, the other side, and the request's HOST by what the fields of HEAD report, if
 * that side is trusted. Of the hops that they list, the client is the last one that is not
 * trusted itself, as only those after it were added by trusted proxies. Where that one is no
 * address ("unknown"), the client is the trusted proxy that reported it. Returns NULL, or why
 * the request must be rejected: a field is malformed.
 */
const char *client_resolve(struct client *client, const struct client_rules *rules,
    const struct head *head, struct span *host) __attribute__((warn_unused_result));

/* True when the client is on this machine, and no proxy forwarded its request, whose HEAD may
 * be NULL. */
bool client_is_local(const struct client *client, const struct head *head);

#endif
