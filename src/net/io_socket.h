/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A stream over a socket, or over TLS on one, in memory of its own: what it adds to net/io is
 * its slot of the limits, what was reported of the other side, and what the system knows of it.
 */
#ifndef NET_IO_SOCKET_H
#define NET_IO_SOCKET_H

#include "net/loop.h"
#include "net/stream.h"
#include "net/transport.h"

/* A stream over an open TRANSPORT, which is taken with SLOT, even on failure. SLOT and PEER,
 * the address of the other side, may be NULL. NULL without memory. */
struct stream *io_socket_new_take(struct loop *loop, struct transport transport,
    struct limit_slot *slot, const struct sockaddr_storage *peer,
    const struct stream_handlers *handlers, void *arg) __attribute__((warn_unused_result));

/* What stream_peer_name() returns, without memory NULL. NAME is copied. */
void io_socket_set_peer_name(struct stream *stream, const char *name);

/* What a proxy has reported of the other side: that it uses TLS, and its certificate, which is
 * taken; {0}: it has none. */
void io_socket_set_peer_tls_take(struct stream *stream, struct stream_cert *cert);

/* PEER is that of a proxy, and the other side unknown. */
void io_socket_set_anonymous(struct stream *stream);

#endif
