/* SPDX-License-Identifier: BSD-2-Clause */
/* A non-blocking byte stream over a descriptor. */
#include "net/io.h"

#include "base/util.h"

#include <assert.h>
#include <errno.h>
#include <event2/event.h>
#include <poll.h>

enum { IO_FLUSH_MAX = 4 * LOOP_BATCH }; /* bytes of the queue written per round */

static const struct stream_ops io_ops;
static void io_on_event(evutil_socket_t fd, short what, void *arg);
static void io_flush(struct io *io);

/* Return the events that a read and a write wait for: over TLS it may be the opposite one. */
static short
io_read_event(const struct io *io)
{
	return io->transport.read_wants_write ? EV_WRITE : EV_READ;
}

static short
io_write_event(const struct io *io)
{
	return io->transport.write_wants_read ? EV_READ : EV_WRITE;
}

/* Reports whether there is output: bytes, or a pending shutdown. */
static bool
io_has_output(const struct io *io)
{
	return buffer_len(&io->queue) > 0 || (io->ending && !io->ended);
}

/*
 * Computes the events to arm. While not reading, the death of the peer must still be detected.
 * EV_CLOSED alone is not enough: libevent turns EPOLLERR (a reset) into EV_READ|EV_WRITE, which
 * an event armed for EV_CLOSED only never receives, while level-triggered epoll reports it
 * forever. So EV_WRITE is armed as well, edge-triggered, because the socket is writable most of
 * the time.
 */
static short
io_wanted(const struct io *io)
{
	short want = 0;

	if (io->transport.fd == -1)
		return 0;
	if (io->stream.reading)
		want = io_read_event(io);
	else if (!io->transport.ops->one_way && !io->gone)
		want = EV_CLOSED | EV_WRITE | EV_ET;
	if (io_has_output(io))
		want |= io_write_event(io);
	return want;
}

static struct io_duplex *
io_duplex_of(struct io *io)
{
	return LIST_ENTRY_OF(io, struct io_duplex, io);
}

static struct io *
io_of(const struct stream *stream)
{
	return (struct io *)(uintptr_t)stream;
}

/* Schedules the reading of bytes that were taken from the descriptor but not read yet, because
 * no event will announce them. */
static void
io_wake(struct io *io)
{
	const struct transport_ops *ops = io->transport.ops;

	if (ops->pending && io->stream.reading && ops->pending(&io->transport))
		loop_defer(io->loop, &io_duplex_of(io)->wake);
}

static void
io_on_wake(struct loop_task *task)
{
	struct io *io = &LIST_ENTRY_OF(task, struct io_duplex, wake)->io;

	if (buffer_len(&io->queue) > 0)
		io_flush(io);
	if (io->transport.fd != -1 && io->stream.reading)
		io->stream.handlers->on_readable(io->stream.arg);
}

/* Must precede any close: a child that has not exec'ed yet may share the open file, and with it
 * the epoll entry. */
static void
io_disarm(struct io *io)
{
	if (io->wanted != 0 || io->failed)
		event_del(&io->event);
	io->wanted = 0;
	io->failed = false;
	if (!io->transport.ops->one_way)
		loop_cancel(&io_duplex_of(io)->wake);
}

/* Arms the events that the state needs. If the kernel refuses, the loop calls on_gone. */
static void
io_reload(struct io *io)
{
	short want = io_wanted(io);

	if (want == io->wanted || io->failed)
		return;
	if (io->wanted != 0)
		event_del(&io->event);
	io->wanted = (uint8_t)want;
	if (want == 0)
		return;
	(void)event_assign(
	    &io->event, io->loop->base, io->transport.fd, want | EV_PERSIST, io_on_event, io);
	if (event_add(&io->event, NULL) == 0)
		return;
	io->wanted = 0;
	io->failed = true;
	event_active(&io->event, EV_TIMEOUT, 0);
}

void
io_init(struct io *io, struct loop *loop, const struct transport_ops *ops, int fd,
    const struct stream_handlers *handlers, void *arg)
{
	assert(ops->one_way);
	*io = (struct io){
	    .stream = {.ops = &io_ops, .handlers = handlers, .arg = arg},
	    .loop = loop,
	    .transport = {.ops = ops, .fd = fd},
	};
}

void
io_init_duplex(struct io_duplex *duplex, struct loop *loop, struct transport transport,
    const struct stream_ops *ops, const struct stream_handlers *handlers, void *arg)
{
	loop_task_init(&duplex->wake, io_on_wake);
	duplex->io = (struct io){
	    .stream = {.ops = ops, .handlers = handlers, .arg = arg},
	    .loop = loop,
	    .transport = transport,
	};
}

bool
io_is_open(const struct io *io)
{
	return io->transport.ops && io->transport.fd != -1;
}

void
io_clear(struct io *io)
{
	if (!io->transport.ops)
		return;
	io_disarm(io);
	io->transport.ops->close(&io->transport);
	buffer_clear(&io->queue);
}

/* Marks the stream as failed: the loop notifies its owner, who frees it. */
static void
io_fail(struct io *io, int error)
{
	io_disarm(io);
	if (io->lost)
		return;
	io->gone = io->lost = true;
	errno = error;
	io->stream.handlers->on_gone(io->stream.arg, STREAM_LOST);
}

void
io_set_reading(struct stream *stream, bool on)
{
	struct io *io = io_of(stream);

	io->stream.reading = on;
	io_reload(io);
	io_wake(io);
}

enum stream_result
io_read(struct stream *stream, uint8_t *bytes, size_t capacity, size_t *n)
{
	struct io *io = io_of(stream);
	enum stream_result result;
	bool waited = io->transport.read_wants_write;

	*n = 0;
	if (io->transport.fd == -1)
		return STREAM_EOF;
	result = io->transport.ops->read(&io->transport, bytes, capacity, n);
	if (io->transport.read_wants_write != waited)
		io_reload(io);
	io_wake(io);
	return result;
}

const char *
io_error(const struct stream *stream)
{
	const struct io *io = io_of(stream);
	const struct transport_ops *ops = io->transport.ops;

	return ops->error && io->transport.fd != -1 ? ops->error(&io->transport) : NULL;
}

static void
io_finish_shutdown(struct io *io)
{
	if (!io->ending || io->ended || buffer_len(&io->queue) > 0)
		return;
	if (io->transport.ops->one_way)
		io_disarm(io);
	io->ended = io->transport.ops->shutdown(&io->transport);
}

static bool
io_is_alive(enum stream_result result)
{
	return result == STREAM_OK || result == STREAM_AGAIN;
}

/* Writes PARTS while the queue is empty; sets *N to the bytes written. */
static bool
io_write_now(struct io *io, const struct iovec *parts, int count, size_t *n)
{
	io->transport.last = io->stream.last;
	*n = 0;
	return io_is_alive(io->transport.ops->writev(&io->transport, parts, count, n));
}

/* Records that the queue becomes non-empty. */
static void
io_begin_queue(struct io *io)
{
	io->stream.progress_ms = (uint32_t)util_clock_ms();
	io_reload(io);
}

bool
io_writev(struct stream *stream, const struct iovec *parts, int count)
{
	struct io *io = io_of(stream);
	size_t n = 0;
	size_t queued = buffer_len(&io->queue);

	assert(count <= STREAM_PARTS_MAX);
	if (io->ending)
		return true;
	if (io->transport.fd == -1)
		return false;
	if (queued == 0 && !io_write_now(io, parts, count, &n))
		return false;
	for (int i = 0; i < count; i++) {
		if (n >= parts[i].iov_len) {
			n -= parts[i].iov_len;
			continue;
		}
		if (!buffer_append(
			&io->queue, (uint8_t *)parts[i].iov_base + n, parts[i].iov_len - n))
			return false;
		n = 0;
	}
	if (queued == 0 && buffer_len(&io->queue) > 0)
		io_begin_queue(io);
	return true;
}

bool
io_write_take(struct stream *stream, struct buffer *buffer)
{
	struct io *io = io_of(stream);
	struct iovec part = {buffer_data(buffer), buffer_len(buffer)};
	size_t n = 0;
	bool ok;

	if (part.iov_len == 0)
		return true;
	if (io->ending || io->transport.fd == -1 || buffer_len(&io->queue) > 0) {
		ok = io_writev(stream, &part, 1);
	} else {
		ok = io_write_now(io, &part, 1, &n);
		buffer_consume(buffer, n);
		if (ok && n < part.iov_len) {
			buffer_move(&io->queue, buffer);
			io_begin_queue(io);
		}
	}
	buffer_clear(buffer);
	return ok;
}

size_t
io_queued(const struct stream *stream)
{
	const struct io *io = io_of(stream);
	size_t len = buffer_len(&io->queue);

	/* The close_notify of TLS may still be unsent. */
	return len == 0 && io_has_output(io) && !io->lost ? 1 : len;
}

void
io_shutdown(struct stream *stream)
{
	struct io *io = io_of(stream);

	if (io->transport.fd == -1)
		return;
	io->ending = true;
	io_finish_shutdown(io);
	if (!io->ended)
		io_reload(io);
}

int
io_fd(const struct io *io)
{
	return io->transport.fd;
}

static const struct stream_ops io_ops = {
    .read = io_read,
    .writev = io_writev,
    .write_take = io_write_take,
    .queued = io_queued,
    .set_reading = io_set_reading,
    .shutdown = io_shutdown,
    .error = io_error,
};

/*
 * Writes the queue until EAGAIN, because an edge-triggered event comes only once; but at most
 * IO_FLUSH_MAX per round, however fast the peer reads.
 */
static void
io_flush(struct io *io)
{
	size_t left = IO_FLUSH_MAX;
	bool moved = false, ended = io->ended;

	while (buffer_len(&io->queue) > 0 && left > 0) {
		struct iovec part = {buffer_data(&io->queue), buffer_len(&io->queue)};
		size_t n;

		if (part.iov_len > left)
			part.iov_len = left;
		if (!io_write_now(io, &part, 1, &n)) {
			int error = errno;

			buffer_clear(&io->queue);
			io_fail(io, error);
			return;
		}
		if (n == 0)
			break;
		buffer_consume(&io->queue, n);
		left -= n;
		moved = true;
	}
	if (left == 0 && (io->wanted & EV_ET))
		loop_defer(io->loop, &io_duplex_of(io)->wake);
	if (moved)
		io->stream.progress_ms = (uint32_t)util_clock_ms();
	io_finish_shutdown(io);
	io_reload(io);
	if ((moved || ended != io->ended) && io->stream.handlers->on_drained)
		io->stream.handlers->on_drained(io->stream.arg);
}

/* Checks whether the peer has died, after an event while not reading. A reset shows up as
 * EV_WRITE. */
static void
io_look_for_death(struct io *io)
{
	struct pollfd look = {.fd = io->transport.fd, .events = POLLRDHUP};

	if (io->gone || io->stream.reading || poll(&look, 1, 0) != 1)
		return;
	if (!(look.revents & (POLLRDHUP | POLLHUP | POLLERR)))
		return;
	io->gone = true;
	io->lost = look.revents & POLLERR;
	io_reload(io);
	errno = ECONNRESET;
	io->stream.handlers->on_gone(
	    io->stream.arg, io->lost ? STREAM_LOST : STREAM_HALF_CLOSED);
}

static void
io_on_event(evutil_socket_t fd, short what, void *arg)
{
	struct io *io = arg;

	(void)fd;
	if (io->failed) {
		io_fail(io, ENOMEM);
		return;
	}
	/* Any handler may have freed the stream: its memory is valid until the stack has
	 * unwound, and its descriptor is -1. */
	if ((what & io_write_event(io)) && io_has_output(io))
		io_flush(io);
	if (io->transport.fd != -1 && (io->wanted & EV_CLOSED))
		io_look_for_death(io);
	if (io->transport.fd != -1 && (what & io_read_event(io)) && io->stream.reading)
		io->stream.handlers->on_readable(io->stream.arg);
}
