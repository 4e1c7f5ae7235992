/* SPDX-License-Identifier: BSD-2-Clause */
/* A scripted stream. */
#include "script_stream.h"

#include <assert.h>
#include <netinet/in.h>
#include <string.h>

static struct script_stream *
script_of(const struct stream *stream)
{
	return (struct script_stream *)(uintptr_t)stream;
}

static enum stream_result
script_read(struct stream *stream, uint8_t *bytes, size_t capacity, size_t *n)
{
	struct script_stream *s = script_of(stream);

	*n = buffer_len(&s->incoming);
	if (*n > capacity)
		*n = capacity;
	if (*n > s->read_max)
		*n = s->read_max;
	if (*n == 0)
		return s->other && s->other->shut ? STREAM_EOF : STREAM_AGAIN;
	memcpy(bytes, buffer_data(&s->incoming), *n);
	buffer_consume(&s->incoming, *n);
	return STREAM_OK;
}

static bool
script_writev(struct stream *stream, const struct iovec *parts, int count)
{
	struct script_stream *s = script_of(stream);
	bool ok = !s->fails;

	for (int i = 0; i < count && ok && !s->shut; i++) {
		size_t now = parts[i].iov_len < s->room ? parts[i].iov_len : s->room;
		uint8_t *bytes = parts[i].iov_base;

		if (buffer_len(&s->queue) == 0)
			s->stream.progress_ms = (uint32_t)util_clock_ms();
		s->room -= now;
		ok = buffer_append(s->other ? &s->other->incoming : &s->written, bytes, now) &&
		     buffer_append(&s->queue, bytes + now, parts[i].iov_len - now);
	}
	return ok;
}

static bool
script_write_take(struct stream *stream, struct buffer *buffer)
{
	struct iovec part = {buffer_data(buffer), buffer_len(buffer)};
	bool ok = part.iov_len == 0 || script_writev(stream, &part, 1);

	buffer_clear(buffer);
	return ok;
}

static void
script_shutdown(struct stream *stream)
{
	script_of(stream)->shut = true;
}

static size_t
script_queued(const struct stream *stream)
{
	return buffer_len(&script_of(stream)->queue);
}

static size_t
script_unconfirmed(const struct stream *stream)
{
	(void)stream;
	return 0;
}

static struct stream_contact
script_contact(const struct stream *stream)
{
	(void)stream;
	return (struct stream_contact){0};
}

static void
script_set_reading(struct stream *stream, bool on)
{
	stream->reading = on;
}

static const char *
script_error(const struct stream *stream)
{
	(void)stream;
	return NULL;
}

static void
script_free(struct stream *stream)
{
	assert(!script_of(stream)->freed);
	script_of(stream)->freed = true;
	script_of(stream)->shut = true;
	stream->reading = false;
}

static const struct stream_facts *
script_facts(const struct stream *stream)
{
	/* Of a client on this machine. */
	static const struct stream_facts facts = {
	    .peer = {.sin6_family = AF_INET6, .sin6_addr = IN6ADDR_LOOPBACK_INIT}};

	(void)stream;
	return &facts;
}

static const struct stream_ops script_ops = {
    .read = script_read,
    .writev = script_writev,
    .write_take = script_write_take,
    .queued = script_queued,
    .unconfirmed = script_unconfirmed,
    .contact = script_contact,
    .set_reading = script_set_reading,
    .shutdown = script_shutdown,
    .error = script_error,
    .free = script_free,
    .facts = script_facts,
};

void
script_stream_init(struct script_stream *s)
{
	*s = (struct script_stream){
	    .stream = {.ops = &script_ops}, .room = SIZE_MAX, .read_max = SIZE_MAX};
}

void
script_stream_clear(struct script_stream *s)
{
	buffer_clear(&s->incoming);
	buffer_clear(&s->written);
	buffer_clear(&s->queue);
}

bool
script_stream_turn(struct script_stream *s)
{
	bool any = false;

	while (!s->freed && s->stream.reading && !s->ended &&
	       (buffer_len(&s->incoming) > 0 || (s->other && s->other->shut))) {
		s->ended = buffer_len(&s->incoming) == 0;
		s->stream.handlers->on_readable(s->stream.arg);
		any = true;
	}
	return any;
}

void
script_stream_drain(struct script_stream *s)
{
	struct buffer queue = {0};

	s->room = SIZE_MAX;
	buffer_move(&queue, &s->queue);
	(void)script_write_take(&s->stream, &queue);
	if (s->stream.handlers->on_drained)
		s->stream.handlers->on_drained(s->stream.arg);
}
