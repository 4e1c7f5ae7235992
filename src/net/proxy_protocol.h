/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The header of the PROXY protocol, by which a proxy reports the client of a connection before
 * all else that it sends. It is written in version 2, for a connection that is made for a
 * client, and read in versions 1 and 2. Sections are those of HAProxy's proxy-protocol.txt.
 */
#ifndef NET_PROXY_PROTOCOL_H
#define NET_PROXY_PROTOCOL_H

#include "base/util.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

enum {
	PROXY_PROTOCOL_MAX = 16 + 36, /* bytes of a header that is written: with IPv6 */
	PROXY_PROTOCOL_V1_MAX = 107, /* of one that is read, with its CR LF */
	PROXY_PROTOCOL_V2_MAX = 4096, /* likewise; most of it are certificates and the like */
};

/*
 * Writes the header and returns its length. CLIENT is the client's address and LOCAL the one
 * that it has connected to. Of a client without an IP address the header says LOCAL (section
 * 2.2): the receiver uses the addresses of the connection itself.
 */
size_t proxy_protocol_put(uint8_t out[PROXY_PROTOCOL_MAX],
    const struct sockaddr_storage *client, const struct sockaddr_storage *local);

enum proxy_protocol_result {
	PROXY_PROTOCOL_MORE, /* the header is incomplete */
	PROXY_PROTOCOL_DONE,
	PROXY_PROTOCOL_BAD, /* this is no header, or a malformed one */
};

struct proxy_protocol {
	size_t len; /* of the header */
	/* AF_UNSPEC: none is reported, it is the other side of the connection. */
	struct sockaddr_storage client;
	bool anonymous; /* there is a client, but it has no IP address (UNKNOWN) */
	bool secure; /* it uses TLS */
	struct span name; /* the common name of its certificate, in the header; empty: none */
};

/* Reads a header from the front of BYTES; what follows it is not touched. */
enum proxy_protocol_result proxy_protocol_parse(
    const uint8_t *bytes, size_t len, struct proxy_protocol *out);

/*
 * Receives a header from the socket FD, and not a byte that follows it. Nothing is received
 * before the header is complete, so wait for MORE with an edge-triggered event. BYTES holds it
 * then. BAD also means that the other side has disconnected.
 */
enum proxy_protocol_result proxy_protocol_receive(
    int fd, uint8_t bytes[PROXY_PROTOCOL_V2_MAX], struct proxy_protocol *out);

/* The subject of a certificate with this common name (RFC 2253), which the caller frees. NULL
 * without memory. */
char *proxy_protocol_subject(struct span name) __attribute__((warn_unused_result));

#endif
