/* SPDX-License-Identifier: BSD-2-Clause */
/* A connected TCP or Unix socket as a backend. */
#include "backend/socket.h"

#include "net/io_socket.h"

#include <errno.h>
#include <stdlib.h>

struct socket {
	struct framed framed; /* first: socket_of() casts to the container */
	struct list node; /* in sockets->list until GONE */
	struct sockets *sockets; /* borrowed */
	struct stream *stream; /* owned; NULL once GONE */
	struct timer timer; /* set by backend_finish() */
	int64_t end_ms; /* when the socket is closed, whatever the other end does */
	union {
		/* For work that backend functions may not do themselves. */
		struct loop_task turn;
		struct loop_deferred deferred; /* once freed */
	};
	/* errno of a failed write, or 0. After EPIPE the other end may still send. After other
	 * errors the connection is lost: received data is read, without waiting for events. */
	int lost;
};

static struct socket *
socket_of(const struct backend *backend)
{
	return (struct socket *)(uintptr_t)backend;
}

static bool
socket_is_lost(const struct socket *s)
{
	return s->lost != 0 && s->lost != EPIPE;
}

static void
socket_set_gone(struct socket *s, enum backend_end end, int value)
{
	s->framed.backend.state = BACKEND_GONE;
	s->framed.backend.end = end;
	s->framed.backend.value = (uint8_t)value;
	framed_lose(&s->framed);
	stream_free(s->stream);
	s->stream = NULL;
	timer_stop(&s->timer);
	loop_cancel(&s->turn);
	list_remove(&s->node);
}

/* The user may free the socket: callers must return right after this. */
static void
socket_changed(struct socket *s)
{
	struct backend *backend = &s->framed.backend;

	if (backend->state == BACKEND_OUTPUT_ENDED && s->framed.finished &&
	    (s->lost != 0 || stream_queued(s->stream) == 0))
		socket_set_gone(s, BACKEND_CLOSED, 0);
	backend->handlers->on_changed(backend->arg);
}

/* To the socket */

/* Stops writing. The reason is in errno. */
static void
socket_lose(struct socket *s)
{
	if (s->lost == 0)
		s->lost = errno;
	/* A failed stream waits for no events until it is told to read again. */
	stream_set_reading(s->stream, !socket_is_lost(s) &&
					  s->framed.backend.state == BACKEND_RUNNING &&
					  s->framed.backend.reading != BACKEND_PAUSES);
	loop_defer(s->sockets->loop, &s->turn);
}

static void
socket_write(void *arg, const struct iovec *parts, int count)
{
	struct socket *s = arg;

	if (s->stream && s->lost == 0 && !stream_writev(s->stream, parts, count))
		socket_lose(s);
}

static void
socket_write_take(void *arg, struct buffer *buffer)
{
	struct socket *s = arg;

	if (!s->stream || s->lost != 0)
		buffer_clear(buffer);
	else if (!stream_write_take(s->stream, buffer))
		socket_lose(s);
}

static const struct records_sink socket_sink = {
    .write = socket_write,
    .write_take = socket_write_take,
};

static void
socket_finish(struct backend *backend, uint16_t code, struct span reason)
{
	struct socket *s = socket_of(backend);

	if (!framed_finish(&s->framed, code, reason) || !s->stream)
		return;
	stream_shutdown(s->stream);
	s->end_ms = util_clock_ms() + SOCKET_FINISH_MS + 3 * s->sockets->extra_wait_ms;
	timer_at(&s->timer, s->end_ms);
	loop_defer(s->sockets->loop, &s->turn);
}

static size_t
socket_queued(const struct backend *backend)
{
	const struct socket *s = socket_of(backend);

	return s->stream && s->lost == 0 ? stream_queued(s->stream) : 0;
}

/* From the socket */

static void
socket_end_output(struct socket *s)
{
	framed_emit_end(&s->framed);
	s->framed.backend.state = BACKEND_OUTPUT_ENDED;
	stream_set_reading(s->stream, false);
}

/* Reads once. */
static void
socket_read(struct socket *s)
{
	uint8_t *in = s->sockets->loop->in;
	size_t n;

	switch (stream_read(s->stream, in, framed_capacity(&s->framed), &n)) {
	case STREAM_OK:
		framed_emit(&s->framed, in, n);
		if (socket_is_lost(s))
			loop_defer(s->sockets->loop, &s->turn);
		break;
	case STREAM_AGAIN:
		if (!socket_is_lost(s))
			return;
		socket_set_gone(s, BACKEND_LOST, s->lost);
		break;
	case STREAM_EOF:
		if (socket_is_lost(s))
			socket_set_gone(s, BACKEND_LOST, s->lost);
		else
			socket_end_output(s);
		break;
	case STREAM_FAILED:
		socket_set_gone(s, BACKEND_LOST, errno);
		break;
	}
	socket_changed(s);
}

static void
socket_on_turn(struct loop_task *task)
{
	struct socket *s = LIST_ENTRY_OF(task, struct socket, turn);

	if (socket_is_lost(s) && s->framed.backend.state == BACKEND_RUNNING &&
	    s->framed.backend.reading != BACKEND_PAUSES)
		socket_read(s);
	else
		socket_changed(s);
}

static void
socket_set_reading(struct backend *backend, enum backend_reading reading)
{
	struct socket *s = socket_of(backend);

	backend->reading = reading;
	if (reading == BACKEND_DROPS)
		framing_stop(&s->framed.reader);
	if (backend->state != BACKEND_RUNNING)
		return;
	if (socket_is_lost(s))
		loop_defer(s->sockets->loop, &s->turn);
	else
		stream_set_reading(s->stream, reading != BACKEND_PAUSES);
}

static void
socket_set_reading_log(struct backend *backend, bool on)
{
	backend->reading_log = on;
}

static void
socket_on_readable(void *arg)
{
	socket_read(arg);
}

static void
socket_on_drained(void *arg)
{
	socket_changed(arg);
}

/* A FIN is handled by reads, after the data that precedes it. */
static void
socket_on_gone(void *arg, enum stream_gone reason)
{
	if (reason == STREAM_LOST)
		socket_lose(arg);
}

static void
socket_on_timer(void *arg)
{
	struct socket *s = arg;

	if (util_clock_ms() < s->end_ms) {
		timer_at(&s->timer, s->end_ms);
		return;
	}
	socket_set_gone(
	    s, s->framed.backend.state == BACKEND_RUNNING ? BACKEND_CUT : BACKEND_CLOSED, 0);
	socket_changed(s);
}

static const struct stream_handlers socket_stream_handlers = {
    .on_readable = socket_on_readable,
    .on_drained = socket_on_drained,
    .on_gone = socket_on_gone,
};

static void
socket_release(struct loop_deferred *deferred)
{
	free(LIST_ENTRY_OF(deferred, struct socket, deferred));
}

static void
socket_free(struct backend *backend)
{
	struct socket *s = socket_of(backend);

	framed_clear(&s->framed);
	loop_cancel(&s->turn);
	atomic_fetch_sub(s->sockets->count, 1);
	loop_defer_free(s->sockets->loop, &s->deferred, socket_release);
}

static const struct backend_ops socket_ops = {
    .write = framed_write,
    .flush = framed_flush,
    .finish = socket_finish,
    .set_reading = socket_set_reading,
    .set_reading_log = socket_set_reading_log,
    .queued = socket_queued,
    .free = socket_free,
};

struct backend *
socket_start_take(
    const struct socket_spec *spec, const struct backend_handlers *handlers, void *arg)
{
	struct transport transport = {.ops = &transport_socket, .fd = spec->fd};
	struct loop *loop = spec->sockets->loop;
	struct socket *s = calloc(1, sizeof(*s));
	struct stream *stream =
	    io_socket_new_take(loop, transport, NULL, NULL, &socket_stream_handlers, s);
	struct iovec head[] = {{(char *)(uintptr_t)spec->head.data, spec->head.len},
	    {(char *)(uintptr_t)spec->event.data, spec->event.len}};

	if (!s || !stream) {
		stream_free(stream);
		free(s);
		atomic_fetch_sub(spec->sockets->count, 1);
		return NULL;
	}
	s->framed.backend = (struct backend){
	    .ops = &socket_ops,
	    .handlers = handlers,
	    .arg = arg,
	    .reading_log = true,
	};
	framed_init(&s->framed, spec->rules, &socket_sink, s);
	s->sockets = spec->sockets;
	s->stream = stream;
	timer_init(&s->timer, &loop->timers, socket_on_timer, s);
	loop_task_init(&s->turn, socket_on_turn);
	list_init(&s->node);
	list_append(&spec->sockets->list, &s->node);
	if (spec->head.len + spec->event.len > 0)
		socket_write(s, head, 2);
	return &s->framed.backend;
}

void
socket_abort_all(struct sockets *sockets)
{
	while (!list_empty(&sockets->list)) {
		struct socket *s = LIST_ENTRY_OF(sockets->list.next, struct socket, node);

		socket_set_gone(s, BACKEND_CUT, 0);
		socket_changed(s);
	}
}
