/* SPDX-License-Identifier: BSD-2-Clause */
/* A stream over a socket. */
#include "net/io_socket.h"

#include "net/io.h"
#include "net/limit.h"

#include <linux/sockios.h>
#include <linux/tcp.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/sendfile.h>
#include <sys/socket.h>

struct io_socket {
	struct io_duplex duplex;
	struct stream_facts facts;
	bool secure; /* a proxy reported that the client uses TLS */
	/* Owned: the client's certificate reported by a proxy, or {0}. */
	struct stream_cert cert;
};

static struct io_socket *
io_socket_of(const struct stream *stream)
{
	return LIST_ENTRY_OF((uintptr_t)stream, struct io_socket, duplex.io.stream);
}

static const struct transport *
io_socket_transport(const struct stream *stream)
{
	return &io_socket_of(stream)->duplex.io.transport;
}

void
io_socket_set_peer_name(struct stream *stream, const char *name)
{
	io_socket_of(stream)->facts.peer_name = strdup(name);
}

void
io_socket_set_peer_tls_take(struct stream *stream, struct stream_cert *cert)
{
	io_socket_of(stream)->secure = true;
	io_socket_of(stream)->cert = *cert;
	*cert = (struct stream_cert){0};
}

void
io_socket_set_anonymous(struct stream *stream)
{
	io_socket_of(stream)->facts.anonymous = true;
}

static void
io_socket_release(struct loop_deferred *deferred)
{
	struct io_socket *s = LIST_ENTRY_OF(deferred, struct io_socket, duplex.deferred);

	loop_count_stream(s->duplex.io.loop, false);
	free(s->facts.peer_name);
	stream_cert_clear(&s->cert);
	free(s);
}

/* Resets the connection, because queued output is lost: the peer gets a RST instead of an end,
 * and the kernel keeps no data for it. */
static void
io_socket_reset(int fd)
{
	struct linger none = {.l_onoff = 1};

	(void)setsockopt(fd, SOL_SOCKET, SO_LINGER, &none, sizeof(none));
}

static void
io_socket_free(struct stream *stream)
{
	struct io_socket *s = io_socket_of(stream);
	struct io *io = &s->duplex.io;

	if (io->transport.fd != -1 && buffer_len(&io->queue) > 0)
		io_socket_reset(io->transport.fd);
	io_clear(io);
	limit_leave(s->facts.slot);
	s->facts.slot = NULL;
	loop_defer_free(io->loop, &s->duplex.deferred, io_socket_release);
}

static size_t
io_socket_send_file(struct stream *stream, int fd, off_t offset, size_t len)
{
	const struct io *io = &io_socket_of(stream)->duplex.io;
	ssize_t n;

	if (io->transport.fd == -1 || io->transport.ops != &transport_socket || io->ending ||
	    buffer_len(&io->queue) > 0)
		return 0;
	n = sendfile(io->transport.fd, fd, &offset, len);
	return n > 0 ? (size_t)n : 0;
}

static size_t
io_socket_unconfirmed(const struct stream *stream)
{
	int n = 0;

	return ioctl(io_socket_transport(stream)->fd, SIOCOUTQ, &n) == 0 && n > 0 ? (size_t)n
										  : 0;
}

static struct stream_contact
io_socket_contact(const struct stream *stream)
{
	struct tcp_info info = {0};
	socklen_t len = sizeof(info);

	if (getsockopt(io_socket_transport(stream)->fd, IPPROTO_TCP, TCP_INFO, &info, &len) ==
	    -1)
		return (struct stream_contact){0};
	/* Systems rate-limit responses to probes: one unanswered probe means nothing. */
	return (struct stream_contact){
	    .awaited = info.tcpi_unacked > 0 || info.tcpi_probes > 1,
	    .silent_ms = info.tcpi_last_ack_recv,
	};
}

static void
io_socket_local_address(const struct stream *stream, struct sockaddr_storage *out)
{
	socklen_t len = sizeof(*out);

	memset(out, 0, sizeof(*out));
	(void)getsockname(io_socket_transport(stream)->fd, (struct sockaddr *)out, &len);
}

static bool
io_socket_client_cert(const struct stream *stream, struct stream_cert *out)
{
	const struct io_socket *s = io_socket_of(stream);
	const struct transport *transport = io_socket_transport(stream);

	*out = (struct stream_cert){0};
	if (s->cert.subject)
		return stream_cert_copy(out, s->cert.subject, s->cert.serial);
	return !transport->ops->client_cert || transport->ops->client_cert(transport, out);
}

static const struct stream_facts *
io_socket_facts(const struct stream *stream)
{
	struct io_socket *s = io_socket_of(stream);
	const struct transport *transport = io_socket_transport(stream);

	s->facts.secure = transport->ops->secure || s->secure;
	s->facts.downgraded = transport->plain_text;
	return &s->facts;
}

static const struct stream_ops io_socket_ops = {
    .read = io_read,
    .writev = io_writev,
    .write_take = io_write_take,
    .send_file = io_socket_send_file,
    .queued = io_queued,
    .unconfirmed = io_socket_unconfirmed,
    .contact = io_socket_contact,
    .set_reading = io_set_reading,
    .shutdown = io_shutdown,
    .error = io_error,
    .free = io_socket_free,
    .client_cert = io_socket_client_cert,
    .local_address = io_socket_local_address,
    .facts = io_socket_facts,
};

struct stream *
io_socket_new_take(struct loop *loop, struct transport transport, struct limit_slot *slot,
    const struct sockaddr_storage *peer, const struct stream_handlers *handlers, void *arg)
{
	struct io_socket *s = calloc(1, sizeof(*s));

	if (!s) {
		transport.ops->close(&transport);
		limit_leave(slot);
		return NULL;
	}
	s->facts.slot = slot;
	if (peer)
		memcpy(&s->facts.peer, peer, sizeof(s->facts.peer));
	io_init_duplex(&s->duplex, loop, transport, &io_socket_ops, handlers, arg);
	loop_count_stream(loop, true);
	return &s->duplex.io.stream;
}
