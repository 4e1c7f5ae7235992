/* SPDX-License-Identifier: BSD-2-Clause */
/* A topic on a Redis server. */
#include "bus/redis_topic.h"

#include "base/log.h"
#include "bus/record.h"
#include "bus/redis_stream.h"
#include "bus/seen.h"

#include <hiredis/hiredis.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

enum {
	REDIS_TOPIC_RECORD_MAX = 64 * 1024, /* bytes of a body that gets no further messages */
	REDIS_TOPIC_LOG_MS = 60 * 1000,
};

struct redis_topic {
	struct bus_topic topic; /* first: redis_topic_of() casts it back */
	struct list node; /* in context->topics */
	struct redis_context *context; /* borrowed */
	char *channel; /* owned */
	uint64_t id; /* as a node */
	enum bus_role role;
	enum bus_role reported;
	bool left;
	struct redis_stream *stream; /* owned; NULL without a history */
	uint64_t history;

	struct buffer body; /* owned: of the record that is begun */
	size_t last_out; /* of record_put_batch() */
	uint32_t messages; /* in it */
	uint64_t seq; /* of the last record */
	struct outbox out;
	size_t pending; /* replies */
	bool drained; /* on_drained() is due */

	struct buffer in; /* owned: parts that wait to be delivered */
	size_t last_in;
	struct seen seen;
	struct loop_task turn;
	int64_t logged_ms; /* when a malformed record was last logged */
};

static struct redis_topic *
redis_topic_of(const struct bus_topic *topic)
{
	return (struct redis_topic *)(uintptr_t)topic;
}

static void
redis_topic_defer(struct redis_topic *t)
{
	loop_defer(t->context->loop, &t->turn);
}

static void
redis_topic_free(struct redis_topic *t)
{
	loop_cancel(&t->turn);
	list_remove(&t->node);
	redis_stream_free(t->stream);
	outbox_clear(&t->out);
	buffer_clear(&t->body);
	buffer_clear(&t->in);
	seen_clear(&t->seen);
	free(t->channel);
	free(t);
}

/* Once nothing of it is left to send, and no reply is to come. */
static void
redis_topic_free_if_left(struct redis_topic *t)
{
	if (t->left && t->pending == 0 && list_empty(&t->out.items))
		redis_topic_free(t);
}

/* To the bus */

static void redis_topic_send(struct redis_topic *t);

static void
redis_topic_on_confirmed(void *arg, const struct redisReply *reply)
{
	struct redis_topic *t = arg;

	t->pending--;
	if (reply->type == REDIS_REPLY_ERROR) {
		redis_link_fail(t->context->commands, t->stream ? "XADD" : "PUBLISH", reply);
		return;
	}
	outbox_confirm_one(&t->out);
	redis_topic_send(t);
	if (!t->left) {
		t->drained = true;
		redis_topic_defer(t);
	}
	redis_topic_free_if_left(t);
}

static void
redis_topic_send_item(struct redis_topic *t, const struct outbox_item *item)
{
	struct span record = {(const char *)item->bytes, item->len};
	char max[24];
	struct span publish[] = {SPAN("PUBLISH"), span_of(t->channel), record};
	struct span append[] = {
	    SPAN("XADD"),
	    span_of(t->channel),
	    SPAN("MAXLEN"),
	    SPAN("~"),
	    {max, (size_t)snprintf(
		      max, sizeof(max), "%" PRIu64, t->history + REDIS_STREAM_SPARE)},
	    SPAN("*"),
	    SPAN("r"),
	    record,
	};

	if (t->stream)
		redis_link_send(t->context->commands, append, UTIL_LEN(append),
		    redis_topic_on_confirmed, t);
	else
		redis_link_send(t->context->commands, publish, UTIL_LEN(publish),
		    redis_topic_on_confirmed, t);
	t->pending++;
}

static void
redis_topic_send(struct redis_topic *t)
{
	struct outbox_item *item;

	while (redis_link_is_up(t->context->commands) && (item = outbox_next(&t->out)))
		redis_topic_send_item(t, item);
	atomic_store(&t->context->counts->queued, t->context->budget.used);
}

static void
redis_topic_drop(struct redis_topic *t, uint64_t messages)
{
	struct redis_counts *counts = t->context->counts;

	if (messages == 0)
		return;
	if (atomic_load(&counts->dropped) == 0)
		log_warnx("the bus queue is full: the oldest messages for other servers are "
			  "dropped and counted; raise --bus-queue");
	atomic_fetch_add(&counts->dropped, messages);
}

/* Ends the record that is begun. */
static void
redis_topic_end_record(struct redis_topic *t)
{
	struct record record = {
	    .kind = RECORD_OUTPUT,
	    .messages = t->messages,
	    .node = t->id,
	    .seq = t->seq + 1,
	    .body = {(const char *)buffer_data(&t->body), buffer_len(&t->body)},
	};
	uint8_t header[RECORD_HEADER];

	if (t->messages == 0)
		return;
	t->seq++;
	record_put_header(&record, header);
	atomic_fetch_add(&t->context->counts->published, t->messages);
	redis_topic_drop(
	    t, outbox_push(&t->out, t->seq, t->messages,
		   (struct span){(const char *)header, sizeof(header)}, record.body));
	buffer_clear(&t->body);
	t->last_out = SIZE_MAX;
	t->messages = 0;
	redis_topic_send(t);
}

static void
redis_topic_publish(struct bus_topic *topic, const struct batch *batch)
{
	struct redis_topic *t = redis_topic_of(topic);
	uint32_t messages;

	if (buffer_len(&t->body) > 0 &&
	    buffer_len(&t->body) + batch->len > REDIS_TOPIC_RECORD_MAX)
		redis_topic_end_record(t);
	messages = batch->len <= RECORD_MAX - RECORD_PART_HEAD
		       ? record_put_batch(&t->body, &t->last_out, batch)
		       : 0;
	if (messages == 0)
		redis_topic_drop(t, 1);
	t->messages += messages;
	redis_topic_defer(t);
}

static size_t
redis_topic_queued(const struct bus_topic *topic)
{
	const struct redis_topic *t = redis_topic_of(topic);
	size_t bytes = t->out.bytes + buffer_len(&t->body);

	/* While the bus is away, the oldest are dropped, and nobody waits. */
	return redis_link_is_up(t->context->commands) && bytes > OUTBOX_WINDOW
		   ? bytes - OUTBOX_WINDOW
		   : 0;
}

/* From the bus */

static void
redis_topic_report_malformed(struct redis_topic *t)
{
	int64_t now = util_clock_ms();

	atomic_fetch_add(&t->context->counts->malformed, 1);
	if (t->logged_ms != 0 && now - t->logged_ms < REDIS_TOPIC_LOG_MS)
		return;
	t->logged_ms = now;
	if (!log_begin(LOG_WARN, "bus", 0,
		SPAN("a record on the bus is malformed and dropped: another program, or "
		     "another version of wspipe, uses the same --bus-prefix")))
		return;
	log_text("channel", span_of(t->channel));
	log_end();
}

/* Keeps the parts of a record for the next turn, so that those of many are delivered at once.
 */
static void
redis_topic_accept(struct redis_topic *t, const struct record *record)
{
	struct span body = record->body;
	struct batch batch;
	uint64_t missed;

	if (!seen_add(&t->seen, record->node, record->seq, &missed))
		return;
	atomic_fetch_add(&t->context->counts->missed, missed);
	while (record_next_batch(&body, &batch)) {
		uint32_t messages = record_put_batch(&t->in, &t->last_in, &batch);

		atomic_fetch_add(&t->context->counts->received, messages);
	}
	redis_topic_defer(t);
}

static void
redis_topic_on_record(void *arg, struct span bytes)
{
	struct redis_topic *t = arg;
	struct record record;

	if (!record_parse(bytes, &record))
		redis_topic_report_malformed(t);
	else if (record.node == t->id || t->left)
		return;
	else if (record.kind == RECORD_OUTPUT)
		redis_topic_accept(t, &record);
}

/* Its user may leave the topic at any call. */
static void
redis_topic_deliver(struct redis_topic *t)
{
	struct buffer in = {0};
	struct span rest;
	struct batch batch;

	if (buffer_len(&t->in) == 0)
		return;
	/* Bytes that may be read follow the last message. */
	if (!buffer_reserve(&t->in, BATCH_SLACK)) {
		buffer_clear(&t->in);
		t->last_in = SIZE_MAX;
		return;
	}
	buffer_move(&in, &t->in);
	t->last_in = SIZE_MAX;
	rest = (struct span){(const char *)buffer_data(&in), buffer_len(&in)};
	while (!t->left && record_next_batch(&rest, &batch))
		t->topic.handlers->on_output(t->topic.arg, &batch);
	buffer_clear(&in);
}

static void
redis_topic_on_turn(struct loop_task *task)
{
	struct redis_topic *t = LIST_ENTRY_OF(task, struct redis_topic, turn);

	redis_topic_end_record(t);
	if (!t->left && t->reported != t->role) {
		t->reported = t->role;
		t->topic.handlers->on_role(t->topic.arg, t->role);
	}
	redis_topic_deliver(t);
	if (!t->left && t->drained) {
		t->drained = false;
		t->topic.handlers->on_drained(t->topic.arg);
	}
	redis_topic_free_if_left(t);
}

/* For its user */

static void
redis_topic_want(struct bus_topic *topic, bool wants)
{
	struct redis_topic *t = redis_topic_of(topic);

	t->role = wants ? BUS_LEADS : BUS_NOBODY;
	if (!wants)
		t->reported = BUS_NOBODY;
	redis_topic_defer(t);
}

static void
redis_topic_report(struct bus_topic *topic, const struct bus_program *program)
{
	(void)topic;
	(void)program;
}

static void
redis_topic_catch_up(struct bus_topic *topic, uint64_t node, struct span bytes)
{
	(void)topic;
	(void)node;
	(void)bytes;
}

static void
redis_topic_send_take(struct bus_topic *topic, struct buffer *entries)
{
	(void)topic;
	buffer_clear(entries);
}

static void
redis_topic_set_reading(struct bus_topic *topic, bool on)
{
	(void)topic;
	(void)on;
}

static size_t
redis_topic_count(struct bus_topic *topic, size_t own)
{
	(void)topic;
	return own;
}

static void
redis_topic_subscribe(const struct redis_topic *t, struct span verb, const char *channel)
{
	struct span args[] = {verb, span_of(channel)};

	redis_link_send(t->context->messages, args, UTIL_LEN(args), NULL, NULL);
}

static bool
redis_topic_is_shared(const struct redis_topic *t)
{
	const struct list *topics = &t->context->topics;

	for (struct list *node = topics->next; node != topics; node = node->next) {
		const struct redis_topic *other = LIST_ENTRY_OF(node, struct redis_topic, node);

		if (other != t && !other->left && strcmp(other->channel, t->channel) == 0)
			return true;
	}
	return false;
}

static void
redis_topic_leave(struct bus_topic *topic)
{
	struct redis_topic *t = redis_topic_of(topic);

	redis_topic_end_record(t);
	t->left = true;
	if (!t->stream && !redis_topic_is_shared(t))
		redis_topic_subscribe(t, SPAN("UNSUBSCRIBE"), t->channel);
	redis_topic_defer(t);
}

static const struct bus_topic_ops redis_topic_ops = {
    .want = redis_topic_want,
    .report = redis_topic_report,
    .publish = redis_topic_publish,
    .catch_up = redis_topic_catch_up,
    .send_take = redis_topic_send_take,
    .queued = redis_topic_queued,
    .set_reading = redis_topic_set_reading,
    .count = redis_topic_count,
    .leave = redis_topic_leave,
};

struct bus_topic *
redis_topic_join(struct redis_context *context, const struct bus_topic_spec *spec,
    const struct bus_handlers *handlers, void *arg)
{
	struct redis_topic *t = calloc(1, sizeof(*t));

	if (!t)
		return NULL;
	t->topic = (struct bus_topic){&redis_topic_ops, handlers, arg};
	t->context = context;
	t->history = spec->history;
	t->last_out = t->last_in = SIZE_MAX;
	list_init(&t->node);
	outbox_init(&t->out, &context->budget);
	loop_task_init(&t->turn, redis_topic_on_turn);
	while (t->id == 0)
		if (getrandom(&t->id, sizeof(t->id), 0) != sizeof(t->id))
			goto fail;
	if (asprintf(&t->channel, "%s%s", context->prefix, spec->name) == -1) {
		t->channel = NULL;
		goto fail;
	}
	if (t->history > 0) {
		t->stream =
		    redis_stream_new(context, t->channel, t->history, redis_topic_on_record, t);
		if (!t->stream)
			goto fail;
	} else if (!redis_topic_is_shared(t)) {
		redis_topic_subscribe(t, SPAN("SUBSCRIBE"), t->channel);
	}
	list_append(&context->topics, &t->node);
	return &t->topic;
fail:
	redis_topic_free(t);
	return NULL;
}

/* For the bus */

typedef void redis_topic_visitor(struct redis_topic *t);

static void
redis_topics_visit(struct redis_context *context, redis_topic_visitor *visit)
{
	struct list *next;

	for (struct list *node = context->topics.next; node != &context->topics; node = next) {
		next = node->next;
		visit(LIST_ENTRY_OF(node, struct redis_topic, node));
	}
}

void
redis_topics_on_up(struct redis_context *context)
{
	redis_topics_visit(context, redis_topic_send);
}

static void
redis_topic_on_down(struct redis_topic *t)
{
	outbox_rewind(&t->out);
	t->pending = 0;
	t->drained = true;
	redis_topic_defer(t);
}

void
redis_topics_on_down(struct redis_context *context)
{
	redis_topics_visit(context, redis_topic_on_down);
}

static void
redis_topic_on_messages_up(struct redis_topic *t)
{
	if (!t->stream && !t->left)
		redis_topic_subscribe(t, SPAN("SUBSCRIBE"), t->channel);
}

void
redis_topics_on_messages_up(struct redis_context *context)
{
	redis_topics_visit(context, redis_topic_on_messages_up);
}

void
redis_topics_on_message(struct redis_context *context, struct span channel, struct span bytes)
{
	for (struct list *node = context->topics.next; node != &context->topics;
	     node = node->next) {
		struct redis_topic *t = LIST_ENTRY_OF(node, struct redis_topic, node);

		if (span_equal(span_of(t->channel), channel))
			redis_topic_on_record(t, bytes);
	}
}

void
redis_topics_clear(struct redis_context *context)
{
	redis_topics_visit(context, redis_topic_free);
}
