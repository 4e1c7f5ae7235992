/* SPDX-License-Identifier: BSD-2-Clause */
/* Reads the records of a Redis stream. */
#include "bus/redis_stream.h"

#include "base/log.h"
#include "bus/redis_reply.h"

#include <hiredis/hiredis.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ID of an entry. */
struct redis_stream_id {
	uint64_t ms;
	uint64_t n;
};

struct redis_stream {
	struct redis_context *context; /* borrowed, as the next two */
	const char *key;
	redis_stream_handler *handler;
	void *arg; /* borrowed */
	struct redis_link *link; /* owned */
	uint64_t history;
	struct redis_stream_id last; /* of the last entry that was read */
	bool begun; /* LAST is valid: reading continues there */
	bool foreign; /* the key has another type */
	struct timer timer; /* retries while FOREIGN */
};

static void redis_stream_read(struct redis_stream *s);

static bool
redis_stream_parse_id(const struct redisReply *reply, struct redis_stream_id *out)
{
	char end;

	return reply->type == REDIS_REPLY_STRING &&
	       sscanf(reply->str, "%" SCNu64 "-%" SCNu64 "%c", &out->ms, &out->n, &end) == 2;
}

static bool
redis_stream_id_less(struct redis_stream_id a, struct redis_stream_id b)
{
	return a.ms < b.ms || (a.ms == b.ms && a.n < b.n);
}

/* Parses an entry, [ID, [field, value, ...]]. Returns false if it is malformed. */
static bool
redis_stream_parse_entry(
    const struct redisReply *entry, struct redis_stream_id *id, struct span *record)
{
	const struct redisReply *fields;

	if (entry->type != REDIS_REPLY_ARRAY || entry->elements != 2 ||
	    !redis_stream_parse_id(entry->element[0], id))
		return false;
	fields = entry->element[1];
	*record = (struct span){0};
	if (fields->type != REDIS_REPLY_ARRAY || fields->elements < 2 ||
	    fields->element[1]->type != REDIS_REPLY_STRING)
		return true;
	*record = (struct span){fields->element[1]->str, fields->element[1]->len};
	return true;
}

/* Calls the handler for all entries; entries of other programs are passed as well, and are not
 * valid records. Returns false if the reply has no entries. */
static bool
redis_stream_emit(struct redis_stream *s, const struct redisReply *entries)
{
	if (entries->type != REDIS_REPLY_ARRAY)
		return false;
	for (size_t i = 0; i < entries->elements; i++) {
		struct redis_stream_id id;
		struct span record;

		if (!redis_stream_parse_entry(entries->element[i], &id, &record))
			return false;
		s->last = id;
		s->handler(s->arg, record);
	}
	return true;
}

/* Handles an error. A key of another type must not affect the connection, nor other topics. */
static void
redis_stream_on_error(
    struct redis_stream *s, const char *command, const struct redisReply *reply)
{
	if (!redis_reply_is_wrong_type(reply)) {
		redis_link_fail(s->link, command, reply);
		return;
	}
	timer_at(&s->timer, util_clock_ms() + REDIS_STREAM_RETRY_MS);
	if (s->foreign)
		return;
	s->foreign = true;
	if (!log_begin(LOG_ERROR, "bus", 0,
		SPAN("no history is kept: a key was not written by wspipe")))
		return;
	log_text("key", span_of(s->key));
	log_text("reason", SPAN("it is not a stream"));
	log_text("remedy", span_of(REDIS_REPLY_DELETE));
	log_end();
}

/* Handles the reply to XREAD: NULL after the timeout, or [[key, entries]]. */
static void
redis_stream_on_read(void *arg, const struct redisReply *reply)
{
	struct redis_stream *s = arg;
	const struct redisReply *stream =
	    reply->type == REDIS_REPLY_ARRAY && reply->elements == 1 ? reply->element[0] : NULL;

	if (reply->type != REDIS_REPLY_NIL &&
	    (!stream || stream->type != REDIS_REPLY_ARRAY || stream->elements != 2 ||
		!redis_stream_emit(s, stream->element[1]))) {
		redis_stream_on_error(s, "XREAD", reply);
		return;
	}
	redis_stream_read(s);
}

static void
redis_stream_read(struct redis_stream *s)
{
	char block[16], count[16], id[48];
	struct span args[] = {
	    SPAN("XREAD"),
	    SPAN("COUNT"),
	    {count, (size_t)snprintf(count, sizeof(count), "%d", REDIS_STREAM_COUNT)},
	    SPAN("BLOCK"),
	    {block, (size_t)snprintf(block, sizeof(block), "%d", REDIS_STREAM_BLOCK_MS)},
	    SPAN("STREAMS"),
	    span_of(s->key),
	    {id, (size_t)snprintf(
		     id, sizeof(id), "%" PRIu64 "-%" PRIu64, s->last.ms, s->last.n)},
	};

	redis_link_send(s->link, args, UTIL_LEN(args), redis_stream_on_read, s);
}

/* Handles the last entries, newest first: those of the history, or after a reconnect a single
 * one, which shows whether the stream still has its data. */
static void
redis_stream_on_last(void *arg, const struct redisReply *reply)
{
	struct redis_stream *s = arg;
	struct redis_stream_id newest = {0};
	struct span record;

	if (reply->type != REDIS_REPLY_ARRAY ||
	    (reply->elements > 0 &&
		!redis_stream_parse_entry(reply->element[0], &newest, &record))) {
		redis_stream_on_error(s, "XREVRANGE", reply);
		return;
	}
	if (s->begun && redis_stream_id_less(newest, s->last)) {
		/* Start over; duplicates are recognized by their number. */
		s->last = (struct redis_stream_id){0};
		if (!s->foreign &&
		    log_begin(LOG_WARN, "bus", 0,
			SPAN("the bus has lost messages: it does not keep its data over a "
			     "restart (appendonly yes)"))) {
			log_text("key", span_of(s->key));
			log_end();
		}
	}
	for (size_t i = reply->elements; i > 0 && !s->begun; i--) {
		struct redis_stream_id id;

		if (!redis_stream_parse_entry(reply->element[i - 1], &id, &record))
			continue;
		s->last = id;
		s->handler(s->arg, record);
	}
	s->begun = true;
	s->foreign = false;
	redis_stream_read(s);
}

static void
redis_stream_read_last(void *arg)
{
	struct redis_stream *s = arg;
	uint64_t history = s->begun ? 1 : s->history;
	char count[24];
	struct span args[] = {
	    SPAN("XREVRANGE"),
	    span_of(s->key),
	    SPAN("+"),
	    SPAN("-"),
	    SPAN("COUNT"),
	    {count, (size_t)snprintf(count, sizeof(count), "%" PRIu64, history)},
	};

	redis_link_send(s->link, args, UTIL_LEN(args), redis_stream_on_last, s);
}

static void
redis_stream_on_up(void *arg)
{
	struct redis_stream *s = arg;

	s->context->links_down--;
	redis_stream_read_last(s);
	s->context->on_changed(s->context);
}

static void
redis_stream_on_down(void *arg)
{
	struct redis_stream *s = arg;

	timer_stop(&s->timer);
	s->context->links_down++;
	s->context->on_changed(s->context);
}

struct redis_stream *
redis_stream_new(struct redis_context *context, const char *key, uint64_t history,
    redis_stream_handler *handler, void *arg)
{
	static const struct redis_link_handlers handlers = {
	    .on_up = redis_stream_on_up,
	    .on_down = redis_stream_on_down,
	};
	struct redis_stream *s = calloc(1, sizeof(*s));
	struct redis_link_spec spec = {
	    .loop = context->loop,
	    .lookup = context->lookup,
	    .url = context->url,
	    .blocks = true,
	    .log = &context->log,
	    .handlers = &handlers,
	    .arg = s,
	};

	if (!s)
		return NULL;
	s->context = context;
	s->key = key;
	s->history = history < REDIS_REPLY_ELEMENTS_MAX ? history : REDIS_REPLY_ELEMENTS_MAX;
	s->handler = handler;
	s->arg = arg;
	timer_init(&s->timer, &context->loop->timers, redis_stream_read_last, s);
	s->link = redis_link_new(&spec);
	if (!s->link) {
		free(s);
		return NULL;
	}
	context->links_down++;
	return s;
}

bool
redis_stream_is_up(const struct redis_stream *s)
{
	return redis_link_is_up(s->link) && !s->foreign;
}

void
redis_stream_free(struct redis_stream *s)
{
	if (!s)
		return;
	s->context->links_down -= !redis_link_is_up(s->link);
	timer_stop(&s->timer);
	redis_link_free(s->link);
	free(s);
}
