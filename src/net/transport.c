/* SPDX-License-Identifier: BSD-2-Clause */
/* Plain sockets and pipes as transports. The server ignores SIGPIPE, so a dead reader is
 * EPIPE. */
#include "net/transport.h"

#include "base/util.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

/* Size of a read in bytes that suggests more data is available. */
enum { TRANSPORT_TERMINAL_FULL = 2 * 1024 };

static enum stream_result
transport_plain_result(ssize_t n, size_t *moved)
{
	if (n >= 0) {
		*moved = (size_t)n;
		return STREAM_OK;
	}
	return errno == EAGAIN || errno == EWOULDBLOCK ? STREAM_AGAIN : STREAM_FAILED;
}

static enum stream_result
transport_plain_read(struct transport *t, void *bytes, size_t capacity, size_t *n)
{
	ssize_t got;

	do {
		got = read(t->fd, bytes, capacity);
	} while (got == -1 && errno == EINTR);
	return got == 0 ? STREAM_EOF : transport_plain_result(got, n);
}

static enum stream_result
transport_plain_writev(struct transport *t, const struct iovec *parts, int count, size_t *n)
{
	ssize_t put;

	do {
		if (t->last && !t->ops->one_way)
			put = send(t->fd, parts[0].iov_base, parts[0].iov_len, MSG_MORE);
		else if (count == 1)
			put = write(t->fd, parts[0].iov_base, parts[0].iov_len);
		else
			put = writev(t->fd, parts, count);
	} while (put == -1 && errno == EINTR);
	return transport_plain_result(put, n);
}

static void
transport_plain_close(struct transport *t)
{
	if (t->fd != -1)
		close(t->fd);
	t->fd = -1;
}

/*
 * Reads the master of a terminal. One read returns what the line discipline holds, at most 4
 * KiB. A program that writes a lot has more by then, and reading on is cheaper than returning
 * to the loop.
 */
static enum stream_result
transport_terminal_read(struct transport *t, void *bytes, size_t capacity, size_t *n)
{
	enum stream_result result;
	size_t got = 0;

	do {
		size_t part = 0;

		result = transport_plain_read(t, (char *)bytes + got, capacity - got, &part);
		got += part;
		if (result != STREAM_OK || part < TRANSPORT_TERMINAL_FULL)
			break;
	} while (got < capacity);
	*n = got;
	if (got > 0)
		return STREAM_OK;
	return result == STREAM_FAILED && errno == EIO ? STREAM_EOF : result;
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
    .shutdown = transport_socket_shutdown,
    .close = transport_plain_close,
};

const struct transport_ops transport_pipe = {
    .read = transport_plain_read,
    .writev = transport_plain_writev,
    .shutdown = transport_pipe_shutdown,
    .close = transport_plain_close,
    .one_way = true,
};

const struct transport_ops transport_terminal = {
    .read = transport_terminal_read,
    .writev = transport_plain_writev,
    .shutdown = transport_pipe_shutdown,
    .close = transport_plain_close,
    .one_way = true,
};

bool
transport_tune(int fd)
{
	static const struct {
		int level;
		int name;
		int value;
	} options[] = {
	    /* Messages are written whole, so the Nagle algorithm (RFC 896) would only delay
	     * them. */
	    {IPPROTO_TCP, TCP_NODELAY, 1},
	    /* The kernel ends a connection whose peer does not respond, even if we neither read
	     * nor write. */
	    {IPPROTO_TCP, TCP_USER_TIMEOUT, TRANSPORT_DEAD_S * 1000},
	    {SOL_SOCKET, SO_KEEPALIVE, 1},
	    {IPPROTO_TCP, TCP_KEEPIDLE, TRANSPORT_DEAD_S / 2},
	    {IPPROTO_TCP, TCP_KEEPINTVL, TRANSPORT_DEAD_S / 4},
	    {IPPROTO_TCP, TCP_KEEPCNT, 2},
	};

	for (size_t i = 0; i < UTIL_LEN(options); i++) {
		if (setsockopt(fd, options[i].level, options[i].name, &options[i].value,
			sizeof(options[i].value)) == -1)
			return false;
	}
	return true;
}
