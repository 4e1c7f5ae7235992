/* SPDX-License-Identifier: BSD-2-Clause */
/* The response to one request of an MCP client. */
#include "serve/mcp_stream.h"

#include "net/limit.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MCP_STREAM_FIELDS "Cache-Control: no-cache\r\nX-Accel-Buffering: no\r\n"

static void
mcp_stream_arm(struct mcp_stream *s)
{
	if (s->exchange)
		timer_at(&s->timer,
		    s->since_ms + (s->begun ? MCP_STREAM_COMMENT_MS : MCP_STREAM_BEGIN_MS));
	if (s->deadline_ms != 0)
		timer_at(&s->timer, s->deadline_ms);
}

/* Detaches the connection; the caller must end it. */
static struct exchange *
mcp_stream_detach(struct mcp_stream *s)
{
	struct exchange *exchange = s->exchange;

	s->exchange = NULL;
	free(s->fields);
	s->fields = NULL;
	return exchange;
}

static void
mcp_stream_on_gone(void *arg)
{
	struct mcp_stream *s = arg;

	(void)mcp_stream_detach(s);
	s->spec.handlers->on_gone(s);
}

/* The client has disconnected. */
static void
mcp_stream_on_half_closed(void *arg)
{
	struct mcp_stream *s = arg;

	exchange_abort(mcp_stream_detach(s), NULL);
	s->spec.handlers->on_gone(s);
}

static const struct exchange_handlers mcp_stream_exchange_handlers = {
    .on_half_closed = mcp_stream_on_half_closed,
    .on_gone = mcp_stream_on_gone,
};

void
mcp_stream_add_fields(struct mcp_stream *s, const char *fields)
{
	char *all = NULL;

	if (asprintf(&all, "%s%s", s->fields ? s->fields : "", fields) == -1)
		return;
	free(s->fields);
	s->fields = all;
}

static void
mcp_stream_begin(struct mcp_stream *s)
{
	struct reply reply = {
	    .status = 200, .type = "text/event-stream", .length = REPLY_LENGTH_UNKNOWN};
	char prime[48];
	int len = 0;

	mcp_stream_add_fields(s, MCP_STREAM_FIELDS);
	if (s->session)
		mcp_stream_add_fields(s, s->session);
	reply.fields = s->fields;
	if (s->spec.resumable && s->primes && s->replay.last == 0)
		len = snprintf(
		    prime, sizeof(prime), "id: %" PRIu64 "-0\ndata: \n\n", s->spec.number);
	s->begun = true;
	s->since_ms = util_clock_ms();
	exchange_begin(s->exchange, &reply, (struct span){prime, (size_t)len});
}

static void
mcp_stream_count(struct mcp_stream *s, size_t kept)
{
	*s->spec.room += kept - s->counted;
	s->counted = kept;
}

/* Drops the oldest events, even if no client has received them. Each stream may keep an eighth
 * of the remaining room. */
static void
mcp_stream_trim(struct mcp_stream *s)
{
	size_t sent = s->replay.sent, len = buffer_len(&s->replay.bytes), dropped;
	size_t others = *s->spec.room - s->counted;
	size_t share = others < MCP_STREAM_ROOM ? (MCP_STREAM_ROOM - others) / 8 : 0;

	s->replay.sent = len;
	replay_trim(&s->replay, share < MCP_STREAM_KEPT_MAX ? share : MCP_STREAM_KEPT_MAX);
	dropped = len - buffer_len(&s->replay.bytes);
	s->replay.sent = sent > dropped ? sent - dropped : 0;
	mcp_stream_count(s, buffer_len(&s->replay.bytes));
}

void
mcp_stream_abort(struct mcp_stream *s, const char *reason)
{
	if (s->exchange)
		exchange_abort(mcp_stream_detach(s), reason);
}

/* Checks that the client reads. If not, disconnects it and returns false. */
static bool
mcp_stream_is_read(struct mcp_stream *s)
{
	if (!s->exchange || exchange_queued(s->exchange) <= MCP_STREAM_QUEUE_MAX)
		return true;
	mcp_stream_abort(s, "the client does not read what the MCP program sends");
	return false;
}

/* Writes without a timeout on silence: only output left in the queue shows that a client is
 * slow. */
static void
mcp_stream_write(struct mcp_stream *s, const void *bytes, size_t len)
{
	if (exchange_queued(s->exchange) == 0)
		exchange_resume_rate(s->exchange);
	exchange_write(s->exchange, bytes, len);
	s->since_ms = util_clock_ms();
}

/* Sends the kept events that have not been sent. */
static void
mcp_stream_flush(struct mcp_stream *s)
{
	struct span unsent = replay_unsent(&s->replay);

	if (s->exchange && unsent.len > 0) {
		mcp_stream_write(s, unsent.data, unsent.len);
		s->replay.sent = buffer_len(&s->replay.bytes);
	}
	mcp_stream_trim(s);
}

static bool
mcp_stream_put(struct buffer *out, const struct mcp_stream *s, struct span message)
{
	size_t before = buffer_len(out);
	char id[48];
	int len = 0;

	if (s->spec.resumable)
		len = snprintf(id, sizeof(id), "id: %" PRIu64 "-%" PRIu64 "\n", s->spec.number,
		    s->replay.last + 1);
	if (buffer_append(out, id, (size_t)len) &&
	    buffer_append(out, "event: message\ndata: ", 21) &&
	    buffer_append(out, message.data, message.len) && buffer_append(out, "\n\n", 2))
		return true;
	buffer_cut(out, before);
	return false;
}

bool
mcp_stream_send(struct mcp_stream *s, struct span message)
{
	struct buffer one = {0};
	struct buffer *out = s->spec.resumable ? &s->replay.bytes : &one;
	bool put;

	if (!s->exchange && !(s->spec.resumable && (s->begun || s->spec.number == 0)))
		return true;
	if (s->exchange && !s->begun)
		mcp_stream_begin(s);
	if (!mcp_stream_is_read(s))
		return false;
	put = mcp_stream_put(out, s, message);
	if (!put)
		mcp_stream_abort(s, "out of memory");
	if (put && s->spec.resumable) {
		replay_add(&s->replay);
		mcp_stream_flush(s);
	} else if (put) {
		mcp_stream_write(s, buffer_data(out), buffer_len(out));
	}
	buffer_clear(&one);
	return put;
}

bool
mcp_stream_respond(struct mcp_stream *s, struct span message, int status)
{
	struct reply reply = {
	    .status = status, .type = "application/json", .length = (int64_t)message.len};
	bool sent = true;

	if (s->exchange && !s->begun) {
		mcp_stream_add_fields(s, "Cache-Control: no-store\r\n");
		reply.fields = s->fields;
		exchange_reply(s->exchange, &reply, message);
		(void)mcp_stream_detach(s);
	} else {
		sent = mcp_stream_send(s, message);
		if (s->exchange)
			exchange_end(mcp_stream_detach(s));
	}
	return sent;
}

void
mcp_stream_attach(
    struct mcp_stream *s, struct exchange *exchange, const char *fields, uint64_t after)
{
	mcp_stream_abort(s, NULL);
	s->exchange = exchange;
	mcp_stream_add_fields(s, fields);
	limit_move(stream_slot(exchange_stream(exchange)), LIMIT_PROGRAM);
	exchange_set_handlers(exchange, &mcp_stream_exchange_handlers, s);
	s->since_ms = util_clock_ms();
	/* A GET gets a stream at once. */
	if (s->begun || s->spec.number == 0) {
		if (after != MCP_STREAM_CONTINUE && !replay_seek(&s->replay, after))
			s->replay.sent = 0;
		mcp_stream_begin(s);
		mcp_stream_flush(s);
		if (s->over && s->exchange)
			exchange_end(mcp_stream_detach(s));
	}
	mcp_stream_arm(s);
}

void
mcp_stream_set_deadline(struct mcp_stream *s, int64_t deadline_ms)
{
	s->deadline_ms = deadline_ms;
	mcp_stream_arm(s);
}

static void
mcp_stream_on_timer(void *arg)
{
	struct mcp_stream *s = arg;
	int64_t now = util_clock_ms();

	if (s->exchange && !s->begun && now >= s->since_ms + MCP_STREAM_BEGIN_MS) {
		mcp_stream_begin(s);
	} else if (s->exchange && s->begun && now >= s->since_ms + MCP_STREAM_COMMENT_MS) {
		mcp_stream_write(s, ":\n\n", 3);
	}
	if (s->deadline_ms != 0 && now >= s->deadline_ms) {
		s->deadline_ms = 0;
		s->spec.handlers->on_deadline(s); /* may free it */
		return;
	}
	mcp_stream_arm(s);
}

struct mcp_stream *
mcp_stream_new(const struct mcp_stream_spec *spec)
{
	struct mcp_stream *s = calloc(1, sizeof(*s));
	char *texts = s ? malloc(spec->id.len + spec->token.len + 1) : NULL;

	if (!texts) {
		free(s);
		return NULL;
	}
	s->spec = *spec;
	if (spec->id.len > 0)
		memcpy(texts, spec->id.data, spec->id.len);
	if (spec->token.len > 0)
		memcpy(texts + spec->id.len, spec->token.data, spec->token.len);
	s->spec.id.data = texts;
	s->spec.token.data = texts + spec->id.len;
	s->replay.terminator = "\n\n";
	s->replay.number_at = (size_t)snprintf(NULL, 0, "id: %" PRIu64 "-", spec->number);
	list_init(&s->node);
	timer_init(&s->timer, &spec->loop->timers, mcp_stream_on_timer, s);
	return s;
}

void
mcp_stream_free(struct mcp_stream *s)
{
	list_remove(&s->node);
	timer_stop(&s->timer);
	if (s->exchange && s->begun)
		exchange_end(mcp_stream_detach(s));
	mcp_stream_abort(s, NULL);
	mcp_stream_count(s, 0);
	buffer_clear(&s->replay.bytes);
	free((char *)(uintptr_t)s->spec.id.data);
	free(s);
}
