/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * TLS as a transport: either side of a connection. The handshake happens inside the first
 * reads, and for a client also inside the first writes. Output is assembled into records of up
 * to 16 KiB, however many parts it has. An end announced by close_notify is an EOF; one without
 * it may be forged by an attacker, and is an ERROR; writing is still possible then.
 */
#ifndef NET_TLS_STREAM_H
#define NET_TLS_STREAM_H

#include "net/tls.h"
#include "net/transport.h"

#include <stdbool.h>

enum {
	/* Post-handshake messages and alerts that a client may send per second: requests for
	 * new keys or for renegotiation, which clients seldom need. */
	TLS_STREAM_CONTROL_MAX = 32,
	TLS_STREAM_RECORDS_MAX = 256, /* per read; the rest stays pending */
};

extern const struct transport_ops transport_tls;

/*
 * Opens TLS over the accepted, non-blocking socket FD. Takes FD, even on failure. *OUT holds a
 * reference to TLS until it is closed. Returns false if memory runs out.
 *
 * OpenSSL's state is created when the first byte arrives, so a silent client costs little. If
 * that byte starts plain text, the transport becomes transport_socket with PLAIN_TEXT set.
 */
bool tls_stream_open(struct tls *tls, int fd, struct transport *out)
    __attribute__((warn_unused_result));

/* Opens the client side over a connected socket. Takes SSL and FD, even on failure. Returns
 * false if memory runs out. */
bool tls_stream_open_take(struct ssl_st *ssl, int fd, struct transport *out)
    __attribute__((warn_unused_result));

#endif
