/* SPDX-License-Identifier: BSD-2-Clause */
/* The other side of a socket. */
#include "net/io_peer.h"

#include <linux/sockios.h>
#include <linux/tcp.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

void
io_peer_clear(struct io_peer *peer)
{
	free(peer->facts.peer_name);
	stream_cert_clear(&peer->cert);
}

const struct stream_facts *
io_peer_facts(struct io_peer *peer, const struct transport *transport)
{
	peer->facts.secure = transport->ops->secure || peer->secure;
	peer->facts.downgraded = transport->plain_text;
	return &peer->facts;
}

bool
io_peer_cert(
    const struct io_peer *peer, const struct transport *transport, struct stream_cert *out)
{
	*out = (struct stream_cert){0};
	if (peer->cert.subject)
		return stream_cert_copy(out, peer->cert.subject, peer->cert.serial);
	return !transport->ops->client_cert || transport->ops->client_cert(transport, out);
}

void
io_peer_local_address(const struct transport *transport, struct sockaddr_storage *out)
{
	socklen_t len = sizeof(*out);

	memset(out, 0, sizeof(*out));
	(void)getsockname(transport->fd, (struct sockaddr *)out, &len);
}

size_t
io_peer_unconfirmed(const struct transport *transport)
{
	int n = 0;

	return ioctl(transport->fd, SIOCOUTQ, &n) == 0 && n > 0 ? (size_t)n : 0;
}

struct stream_contact
io_peer_contact(const struct transport *transport)
{
	struct tcp_info info = {0};
	socklen_t len = sizeof(info);

	if (getsockopt(transport->fd, IPPROTO_TCP, TCP_INFO, &info, &len) == -1)
		return (struct stream_contact){0};
	/* Systems limit how often they answer probes: one without an answer means nothing. */
	return (struct stream_contact){
	    .awaited = info.tcpi_unacked > 0 || info.tcpi_probes > 1,
	    .silent_ms = info.tcpi_last_ack_recv,
	};
}
