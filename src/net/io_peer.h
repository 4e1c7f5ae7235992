/* SPDX-License-Identifier: BSD-2-Clause */
/* The other side of a socket: what was reported of it, and what the system knows of it. */
#ifndef NET_IO_PEER_H
#define NET_IO_PEER_H

#include "net/transport.h"

/* Embedded in its stream; zero bytes ({0}) are one that nothing is known of. */
struct io_peer {
	struct stream_facts facts;
	bool secure; /* a proxy reported that it uses TLS */
	struct stream_cert cert; /* owned: its certificate, likewise; or {0} */
};

void io_peer_clear(struct io_peer *peer);

/* As stream_facts(), stream_client_cert(), stream_local_address(), stream_unconfirmed() and
 * stream_contact(), for the stream of TRANSPORT. */
const struct stream_facts *io_peer_facts(
    struct io_peer *peer, const struct transport *transport);
bool io_peer_cert(const struct io_peer *peer, const struct transport *transport,
    struct stream_cert *out) __attribute__((warn_unused_result));
void io_peer_local_address(const struct transport *transport, struct sockaddr_storage *out);
size_t io_peer_unconfirmed(const struct transport *transport);
struct stream_contact io_peer_contact(const struct transport *transport);

#endif
