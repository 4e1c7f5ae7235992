/* SPDX-License-Identifier: BSD-2-Clause */
/* Plain sockets and pipes as transports. SIGPIPE is ignored by the server: a dead reader is
 * EPIPE. */
#include "net/transport.h"

#include "net/limit.h"

#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

static enum transport_result
transport_plain_result(ssize_t n, size_t *moved)
{
	if (n >= 0) {
		*moved = (size_t)n;
		return TRANSPORT_OK;
	}
	return errno == EAGAIN || errno == EWOULDBLOCK ? TRANSPORT_AGAIN : TRANSPORT_ERROR;
}

static enum transport_result
transport_plain_read(struct transport *t, void *bytes, size_t capacity, size_t *n)
{
	ssize_t got;

	do {
		got = read(t->fd, bytes, capacity);
	} while (got == -1 && errno == EINTR);
	return got == 0 ? TRANSPORT_EOF : transport_plain_result(got, n);
}

static enum transport_result
transport_plain_writev(struct transport *t, const struct iovec *parts, int count, size_t *n)
{
	ssize_t put;

	do {
		put = count == 1 ? write(t->fd, parts[0].iov_base, parts[0].iov_len)
				 : writev(t->fd, parts, count);
	} while (put == -1 && errno == EINTR);
	return transport_plain_result(put, n);
}

/* MSG_MORE: what is sent waits for what comes behind it. */
static enum transport_result
transport_socket_send_more(struct transport *t, struct span bytes, size_t *n)
{
	ssize_t put;

	do {
		put = send(t->fd, bytes.data, bytes.len, MSG_MORE);
	} while (put == -1 && errno == EINTR);
	return transport_plain_result(put, n);
}

static void
transport_plain_close(struct transport *t)
{
	if (t->fd != -1)
		close(t->fd);
	t->fd = -1;
	limit_leave(t->state);
	t->state = NULL;
}

static struct limit_slot *
transport_socket_slot(const struct transport *t)
{
	return t->state;
}

static bool
transport_socket_shutdown(struct transport *t)
{
	shutdown(t->fd, SHUT_WR);
	return true;
}

static bool
transport_pipe_shutdown(struct transport *t)
{
	transport_plain_close(t);
	return true;
}

const struct transport_ops transport_socket = {
    .read = transport_plain_read,
    .writev = transport_plain_writev,
    .write_last = transport_socket_send_more,
    .shutdown = transport_socket_shutdown,
    .close = transport_plain_close,
    .slot = transport_socket_slot,
};

struct transport
transport_accepted(int fd, struct limit_slot *slot)
{
	return (struct transport){.ops = &transport_socket, .fd = fd, .state = slot};
}

const struct transport_ops transport_pipe = {
    .read = transport_plain_read,
    .writev = transport_plain_writev,
    .shutdown = transport_pipe_shutdown,
    .close = transport_plain_close,
    .one_way = true,
};
