/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * TLS as a kind of transport: either side of one connection. The handshake
 * happens inside the first reads, and a client's also inside the first writes. What is written
 * is assembled into records of up to 16 KiB, however many parts it comes in.
 *
 * An end that close_notify announced is an EOF; one without it may have been
 * made by somebody in between, and is an ERROR; it can still be written then.
 */
#ifndef NET_TLS_STREAM_H
#define NET_TLS_STREAM_H

#include "net/tls.h"
#include "net/transport.h"

#include <stdbool.h>

enum {
	/* Messages after the handshake, and alerts, that a client may send per second: requests
	 * for new keys or for renegotiation, none of which a client needs often. */
	TLS_STREAM_CONTROL_MAX = 32,
	TLS_STREAM_RECORDS_MAX = 256, /* per read: the rest is pending */
};

extern const struct transport_ops transport_tls;

/*
 * TLS over the accepted, non-blocking socket FD, which is taken even on failure. *OUT holds TLS
 * until it is closed. False without memory.
 *
 * OpenSSL's part is made when the first byte arrives, so a client that sends nothing costs
 * little. If that byte begins plain text, the transport turns into transport_socket with
 * PLAIN_TEXT set.
 */
bool tls_stream_open(struct tls *tls, int fd, struct transport *out)
    __attribute__((warn_unused_result));

/* The client's side over a connected socket. SSL and FD are taken even on failure. False
 * without memory. */
bool tls_stream_open_take(struct ssl_st *ssl, int fd, struct transport *out)
    __attribute__((warn_unused_result));

#endif
