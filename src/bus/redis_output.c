/* SPDX-License-Identifier: BSD-2-Clause */
/* Output of a program on its way to a Redis server. */
#include "bus/redis_output.h"

#include "base/log.h"
#include "bus/redis_reply.h"

#include <hiredis/hiredis.h>
#include <inttypes.h>
#include <stdio.h>

/* Size in bytes of a body that gets no more messages. */
enum { REDIS_OUTPUT_RECORD_MAX = 64 * 1024 };

/* KEYS are the channel or stream and the lease. ARGV is the token of the lease, the record and
 * the length of the stream. Returns -1 if another server has the lease. */
#define REDIS_OUTPUT_FENCE "if redis.pcall('GET', KEYS[2]) ~= ARGV[1] then return -1 end "
static const char redis_output_publish[] =
    REDIS_OUTPUT_FENCE "return redis.call('PUBLISH', KEYS[1], ARGV[2])";
static const char redis_output_append[] = REDIS_OUTPUT_FENCE
    "return redis.pcall('XADD', KEYS[1], 'MAXLEN', '~', ARGV[3], '*', 'r', ARGV[2])";

static void
redis_output_drop(struct redis_output *o, uint64_t messages)
{
	struct redis_counts *counts = o->context->counts;

	if (messages == 0)
		return;
	if (atomic_load(&counts->dropped) == 0)
		log_warnx("the queue for the bus is full: the oldest messages for other "
			  "servers are dropped and counted; raise --bus-queue");
	atomic_fetch_add(&counts->dropped, messages);
}

void
redis_output_fence(struct redis_output *o)
{
	uint64_t messages = o->messages;

	for (struct list *node = o->outbox.items.next; node != &o->outbox.items;
	     node = node->next)
		messages += LIST_ENTRY_OF(node, struct outbox_item, node)->messages;
	atomic_fetch_add(&o->context->counts->fenced, messages);
	outbox_clear(&o->outbox);
	buffer_clear(&o->body);
	o->last = SIZE_MAX;
	o->messages = 0;
}

/* Returns true if the server has accepted a record. */
static bool
redis_output_check(struct redis_output *o, const char *command, const struct redisReply *reply)
{
	if (reply->type == REDIS_REPLY_ERROR) {
		redis_link_fail(o->context->commands, command, reply);
		return false;
	}
	if (!o->rules.lease || reply->type != REDIS_REPLY_INTEGER || reply->integer >= 0)
		return true;
	redis_output_fence(o);
	redis_lease_lose(o->rules.lease);
	o->on_changed(o->arg);
	return false;
}

static void
redis_output_send_item(struct redis_output *o, const struct outbox_item *item,
    const struct redis_output_rules *rules, redis_reply_handler *handler)
{
	struct span record = {(const char *)item->bytes, item->len};
	struct span channel = span_of(rules->channel);
	char digits[24];
	struct span max = {
	    digits, (size_t)snprintf(digits, sizeof(digits), "%" PRIu64, rules->stream_max)};
	struct span publish[] = {SPAN("PUBLISH"), channel, record};
	struct span append[] = {SPAN("XADD"), channel, SPAN("MAXLEN"), SPAN("~"), max,
	    SPAN("*"), SPAN("r"), record};
	struct span fenced[8] = {SPAN("EVAL"),
	    rules->stream_max > 0 ? SPAN(redis_output_append) : SPAN(redis_output_publish),
	    SPAN("2"), channel};
	const struct span *args = rules->stream_max > 0 ? append : publish;
	int count = rules->stream_max > 0 ? UTIL_LEN(append) : UTIL_LEN(publish);

	if (rules->lease) {
		fenced[4] = span_of(rules->lease->key);
		fenced[5] = span_of(rules->lease->token);
		fenced[6] = record;
		fenced[7] = max;
		args = fenced;
		count = UTIL_LEN(fenced);
	}
	o->pending++;
	redis_link_send(o->context->commands, args, count, handler, o);
}

static void
redis_output_on_published(void *arg, const struct redisReply *reply)
{
	struct redis_output *o = arg;

	o->pending--;
	if (redis_output_check(o, "PUBLISH", reply))
		o->on_changed(o->arg);
}

/* The key of the stream has another type, which redis_stream reports. Publishes the oldest
 * record, so that at least connected servers get it. */
static void
redis_output_publish_first(struct redis_output *o)
{
	struct redis_output_rules rules = o->rules;

	rules.stream_max = 0;
	if (!list_empty(&o->outbox.items))
		redis_output_send_item(o,
		    LIST_ENTRY_OF(o->outbox.items.next, struct outbox_item, node), &rules,
		    redis_output_on_published);
}

static void redis_output_send(struct redis_output *o);

static void
redis_output_on_confirmed(void *arg, const struct redisReply *reply)
{
	struct redis_output *o = arg;
	bool appends = o->rules.stream_max > 0;

	o->pending--;
	if (appends && redis_reply_is_wrong_type(reply))
		redis_output_publish_first(o);
	else if (!redis_output_check(o, appends ? "XADD" : "PUBLISH", reply))
		return;
	outbox_confirm_one(&o->outbox);
	redis_output_send(o);
	o->on_changed(o->arg);
}

static void
redis_output_send(struct redis_output *o)
{
	struct outbox_item *item;

	while (redis_link_is_up(o->context->commands) && (item = outbox_next(&o->outbox)))
		redis_output_send_item(o, item, &o->rules, redis_output_on_confirmed);
	atomic_store(&o->context->counts->queued, o->context->budget.used);
}

void
redis_output_flush(struct redis_output *o)
{
	struct record record = {
	    .kind = RECORD_OUTPUT,
	    .messages = o->messages,
	    .node = o->rules.node,
	    .epoch = o->rules.lease ? o->rules.lease->epoch : 0,
	    .seq = o->seq + 1,
	    .body = {(const char *)buffer_data(&o->body), buffer_len(&o->body)},
	};
	uint8_t header[RECORD_HEADER];

	if (o->messages > 0) {
		o->seq++;
		record_put_header(&record, header);
		if (o->rules.on_record)
			o->rules.on_record(o->arg,
			    (struct span){(const char *)header, sizeof(header)}, record.body);
		atomic_fetch_add(&o->context->counts->published, o->messages);
		redis_output_drop(
		    o, outbox_push(&o->outbox, o->seq, o->messages,
			   (struct span){(const char *)header, sizeof(header)}, record.body));
		buffer_clear(&o->body);
		o->last = SIZE_MAX;
		o->messages = 0;
	}
	redis_output_send(o);
}

void
redis_output_put(struct redis_output *o, const struct batch *batch)
{
	uint32_t messages = 0;

	if (o->messages > 0 && buffer_len(&o->body) + batch->len > REDIS_OUTPUT_RECORD_MAX)
		redis_output_flush(o);
	if (batch->len <= RECORD_MAX - RECORD_PART_HEAD)
		messages = record_put_batch(&o->body, &o->last, batch);
	if (messages == 0)
		redis_output_drop(o, 1);
	o->messages += messages;
}

void
redis_output_on_down(struct redis_output *o)
{
	outbox_rewind(&o->outbox);
	o->pending = 0;
	o->on_changed(o->arg);
}

bool
redis_output_is_idle(const struct redis_output *o)
{
	return o->pending == 0 && list_empty(&o->outbox.items);
}

size_t
redis_output_queued(const struct redis_output *o)
{
	size_t bytes = o->outbox.bytes + buffer_len(&o->body);

	return redis_link_is_up(o->context->commands) && bytes > OUTBOX_WINDOW
		   ? bytes - OUTBOX_WINDOW
		   : 0;
}

void
redis_output_init(struct redis_output *o, struct redis_context *context,
    const struct redis_output_rules *rules, void (*on_changed)(void *arg), void *arg)
{
	*o = (struct redis_output){
	    .context = context,
	    .rules = *rules,
	    .on_changed = on_changed,
	    .arg = arg,
	    .last = SIZE_MAX,
	};
	outbox_init(&o->outbox, &context->budget);
}

void
redis_output_clear(struct redis_output *o)
{
	outbox_clear(&o->outbox);
	buffer_clear(&o->body);
}
