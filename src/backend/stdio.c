/* SPDX-License-Identifier: BSD-2-Clause */
/* Our own stdin and stdout as a backend. */
#include "backend/stdio.h"

#include "net/io.h"
#include "net/pump.h"
#include "websocket/frame.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

struct stdio {
	struct framed framed; /* first: stdio_of() casts to the container */
	struct loop *loop; /* borrowed */
	struct pump reader;
	struct pump writer;
	struct io in;
	struct io out;
	struct io done; /* EOF when the writer thread ends */
	struct loop_task turn; /* for work that backend functions may not do themselves */
	void (*on_written)(void *arg); /* NULL until stdio_end() */
	void *arg;
	bool stays_open;
	bool started; /* a session is running */
	bool in_ended;
	bool out_lost;
};

static struct stdio *
stdio_of(const struct backend *backend)
{
	return (struct stdio *)(uintptr_t)backend;
}

/* Closes the running session. */
static void
stdio_close(struct stdio *s, uint16_t code)
{
	const struct backend_event event = {.kind = BACKEND_CLOSE, .code = code};

	s->framed.backend.handlers->on_event(s->framed.backend.arg, &event);
}

static void
stdio_changed(struct stdio *s)
{
	s->framed.backend.handlers->on_changed(s->framed.backend.arg);
}

/* To stdout */

static void
stdio_lose(struct stdio *s)
{
	if (s->out_lost)
		return;
	s->out_lost = true;
	io_clear(&s->out);
	loop_defer(s->loop, &s->turn);
}

static void
stdio_write(void *arg, const struct iovec *parts, int count)
{
	struct stdio *s = arg;

	if (!s->out_lost && !stream_writev(&s->out.stream, parts, count))
		stdio_lose(s);
}

static void
stdio_write_take(void *arg, struct buffer *buffer)
{
	struct stdio *s = arg;

	if (s->out_lost)
		buffer_clear(buffer);
	else if (!stream_write_take(&s->out.stream, buffer))
		stdio_lose(s);
}

static const struct records_sink stdio_sink = {
    .write = stdio_write,
    .write_take = stdio_write_take,
};

static void
stdio_finish(struct backend *backend, uint16_t code, struct span reason)
{
	struct stdio *s = stdio_of(backend);

	if (framed_finish(&s->framed, code, reason))
		loop_defer(s->loop, &s->turn);
}

static size_t
stdio_queued(const struct backend *backend)
{
	const struct stdio *s = stdio_of(backend);

	return s->out_lost ? 0 : stream_queued(&s->out.stream);
}

static void
stdio_on_turn(struct loop_task *task)
{
	struct stdio *s = LIST_ENTRY_OF(task, struct stdio, turn);

	if (!s->started)
		return;
	if (s->framed.finished)
		s->framed.backend.state = BACKEND_GONE;
	else if (s->out_lost)
		stdio_close(s, CLOSE_GOING_AWAY);
	stdio_changed(s);
}

static void
stdio_on_drained(void *arg)
{
	struct stdio *s = arg;

	if (s->started)
		stdio_changed(s);
}

static void
stdio_on_out_gone(void *arg, enum stream_gone reason)
{
	(void)reason;
	stdio_lose(arg);
}

/* The writer has ended: everything is written, or the reader of stdout has closed. */
static void
stdio_on_done(void *arg)
{
	struct stdio *s = arg;

	io_clear(&s->done);
	stdio_lose(s);
	if (s->on_written)
		s->on_written(s->arg);
}

/* From stdin */

static void
stdio_end_input(struct stdio *s)
{
	s->in_ended = true;
	io_clear(&s->in);
	framed_emit_end(&s->framed);
	if (stdio_read_error(s) != 0)
		stdio_close(s, CLOSE_GOING_AWAY);
	else if (!s->stays_open)
		stdio_close(s, CLOSE_NORMAL);
}

static void
stdio_on_readable(void *arg)
{
	struct stdio *s = arg;
	size_t n;

	switch (stream_read(&s->in.stream, s->loop->in, framed_capacity(&s->framed), &n)) {
	case STREAM_OK:
		framed_emit(&s->framed, s->loop->in, n);
		break;
	case STREAM_AGAIN:
		return;
	case STREAM_EOF:
	case STREAM_FAILED:
		stdio_end_input(s);
		break;
	}
	stdio_changed(s);
}

/* Stdin can't be polled. */
static void
stdio_on_in_gone(void *arg, enum stream_gone reason)
{
	(void)reason;
	if (((struct stdio *)arg)->started)
		stdio_on_readable(arg);
}

/* Leaves unwanted input unread: a later session may want it. */
static void
stdio_set_reading(struct backend *backend, enum backend_reading reading)
{
	struct stdio *s = stdio_of(backend);

	backend->reading = reading;
	if (!s->in_ended)
		stream_set_reading(&s->in.stream, reading == BACKEND_READS);
}

static void
stdio_set_reading_log(struct backend *backend, bool on)
{
	backend->reading_log = on;
}

static void
stdio_free(struct backend *backend)
{
	struct stdio *s = stdio_of(backend);

	s->started = false;
	loop_cancel(&s->turn);
	if (!s->in_ended)
		stream_set_reading(&s->in.stream, false);
}

static const struct stream_handlers stdio_in_handlers = {
    .on_readable = stdio_on_readable,
    .on_gone = stdio_on_in_gone,
};

static const struct stream_handlers stdio_out_handlers = {
    .on_drained = stdio_on_drained,
    .on_gone = stdio_on_out_gone,
};

static void
stdio_on_done_gone(void *arg, enum stream_gone reason)
{
	(void)reason;
	stdio_on_done(arg);
}

static const struct stream_handlers stdio_done_handlers = {
    .on_readable = stdio_on_done,
    .on_gone = stdio_on_done_gone,
};

static const struct backend_ops stdio_ops = {
    .write = framed_write,
    .flush = framed_flush,
    .finish = stdio_finish,
    .set_reading = stdio_set_reading,
    .set_reading_log = stdio_set_reading_log,
    .queued = stdio_queued,
    .free = stdio_free,
};

struct stdio *
stdio_new(const struct stdio_spec *spec)
{
	struct stdio *s = calloc(1, sizeof(*s));
	int in = -1, out = -1, done = -1;
	int error = ENOMEM;

	if (s)
		error = pump_start_reading(&s->reader, STDIN_FILENO, &in);
	if (error == 0)
		error = pump_start_writing(&s->writer, STDOUT_FILENO, &out, &done);
	if (error != 0) {
		errno = error;
		return NULL; /* S is not freed: the process exits */
	}
	s->loop = spec->loop;
	s->stays_open = spec->stays_open;
	loop_task_init(&s->turn, stdio_on_turn);
	io_init(&s->in, s->loop, &transport_pipe, in, &stdio_in_handlers, s);
	io_init(&s->out, s->loop, &transport_pipe, out, &stdio_out_handlers, s);
	io_init(&s->done, s->loop, &transport_pipe, done, &stdio_done_handlers, s);
	stream_set_reading(&s->done.stream, true);
	framed_init(&s->framed, spec->rules, &stdio_sink, s);
	return s;
}

struct backend *
stdio_start(struct stdio *s, const struct framed_client *client,
    const struct backend_handlers *handlers, void *arg)
{
	struct buffer event = {0};

	if (!framed_put_open(s->framed.rules, client, &event))
		return NULL;
	framed_restart(&s->framed);
	s->framed.backend = (struct backend){
	    .ops = &stdio_ops,
	    .handlers = handlers,
	    .arg = arg,
	    .reading_log = true,
	    .listens = true,
	    .end = BACKEND_CLOSED,
	};
	s->started = true;
	stdio_write_take(s, &event);
	if (s->out_lost) /* since the last session */
		loop_defer(s->loop, &s->turn);
	return &s->framed.backend;
}

void
stdio_end(struct stdio *s, void (*on_written)(void *arg), void *arg)
{
	s->on_written = on_written;
	s->arg = arg;
	if (s->out_lost)
		on_written(arg);
	else
		stream_shutdown(&s->out.stream);
}

bool
stdio_has_ended(const struct stdio *s)
{
	return s->in_ended && !s->stays_open;
}

int
stdio_read_error(const struct stdio *s)
{
	return atomic_load(&s->reader.read_error);
}

int
stdio_write_error(const struct stdio *s)
{
	return atomic_load(&s->writer.write_error);
}
