/* SPDX-License-Identifier: BSD-2-Clause */
/* The header of the PROXY protocol, version 2, for a connection that is made for a client. */
#ifndef NET_PROXY_PROTOCOL_H
#define NET_PROXY_PROTOCOL_H

#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

enum { PROXY_PROTOCOL_MAX = 16 + 36 }; /* bytes of a header: with IPv6 addresses */

/*
 * Writes the header and returns its length. CLIENT is the client's address and LOCAL the one
 * that it has connected to. Of a client without an IP address the header says LOCAL (section
 * 2.2): the receiver uses the addresses of the connection itself.
 */
size_t proxy_protocol_put(uint8_t out[PROXY_PROTOCOL_MAX],
    const struct sockaddr_storage *client, const struct sockaddr_storage *local);

#endif
