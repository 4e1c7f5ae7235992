/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A stream over a socket, or over TLS on one, in its own memory. Adds to net/io the
 * connection's slot, what a proxy reported about the peer, and what the kernel knows about it.
 */
#ifndef NET_IO_SOCKET_H
#define NET_IO_SOCKET_H

#include "net/loop.h"
#include "net/stream.h"
#include "net/transport.h"

/* Creates a stream over an open TRANSPORT. Takes TRANSPORT and SLOT, even on failure. SLOT and
 * PEER, the peer's address, may be NULL. Returns NULL if memory runs out. */
struct stream *io_socket_new_take(struct loop *loop, struct transport transport,
    struct limit_slot *slot, const struct sockaddr_storage *peer,
    const struct stream_handlers *handlers, void *arg) __attribute__((warn_unused_result));

/* Sets the result of stream_peer_name(); NULL if memory runs out. NAME is copied. */
void io_socket_set_peer_name(struct stream *stream, const char *name);

/* Records what a proxy reported about the client: that it uses TLS, and its certificate, which
 * is taken; {0}: none. */
void io_socket_set_peer_tls_take(struct stream *stream, struct stream_cert *cert);

/* Marks the client as unknown; the peer address is that of a proxy. */
void io_socket_set_anonymous(struct stream *stream);

#endif
