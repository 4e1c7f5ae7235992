/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The header of the PROXY protocol, in which a proxy reports the client at the start of a
 * connection. Writes version 2, for a connection made on behalf of a client, and parses
 * versions 1 and 2. Section numbers refer to HAProxy's proxy-protocol.txt.
 */
#ifndef NET_PROXY_PROTOCOL_H
#define NET_PROXY_PROTOCOL_H

#include "base/util.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

enum {
	PROXY_PROTOCOL_MAX = 16 + 36, /* bytes of a written header, with IPv6 */
	PROXY_PROTOCOL_V1_MAX = 107, /* bytes of a version 1 header, with CR LF */
	/* Bytes of a version 2 header, mostly certificates and the like. */
	PROXY_PROTOCOL_V2_MAX = 4096,
};

/*
 * Writes the header and returns its length. CLIENT is the client's address and LOCAL the
 * address it connected to. For a client without an IP address, the command is LOCAL (section
 * 2.2): the receiver uses the addresses of the connection itself.
 */
size_t proxy_protocol_put(uint8_t out[PROXY_PROTOCOL_MAX],
    const struct sockaddr_storage *client, const struct sockaddr_storage *local);

enum proxy_protocol_result {
	PROXY_PROTOCOL_MORE, /* the header is incomplete */
	PROXY_PROTOCOL_DONE,
	PROXY_PROTOCOL_BAD, /* not a header, or malformed */
};

struct proxy_protocol {
	size_t len; /* length of the header */
	/* AF_UNSPEC: none reported, use the peer of the connection. */
	struct sockaddr_storage client;
	bool anonymous; /* the client has no IP address (UNKNOWN) */
	bool secure; /* the client uses TLS */
	/* Common name of the client's certificate, within the header; empty: none. */
	struct span name;
};

/* Parses a header at the front of BYTES; ignores what follows. */
enum proxy_protocol_result proxy_protocol_parse(
    const uint8_t *bytes, size_t len, struct proxy_protocol *out);

/*
 * Receives a header from the socket FD into BYTES, and no byte after it. Nothing is removed
 * from the socket before the header is complete, so wait for MORE with an edge-triggered event.
 * BAD may also mean that the peer has disconnected.
 */
enum proxy_protocol_result proxy_protocol_receive(
    int fd, uint8_t bytes[PROXY_PROTOCOL_V2_MAX], struct proxy_protocol *out);

/* Returns the subject of a certificate with this common name (RFC 2253), which the caller
 * frees, or NULL if memory runs out. */
char *proxy_protocol_subject(struct span name) __attribute__((warn_unused_result));

#endif
