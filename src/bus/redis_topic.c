/* SPDX-License-Identifier: BSD-2-Clause */
/* A topic on a Redis server. */
#include "bus/redis_topic.h"

#include "bus/redis_channel.h"
#include "bus/redis_input.h"
#include "bus/redis_one.h"
#include "bus/redis_output.h"
#include "bus/redis_stream.h"
#include "bus/redis_workers.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

struct redis_topic {
	struct bus_topic topic; /* first: redis_topic_of() casts to the container */
	struct list node; /* in context->topics */
	struct redis_context *context; /* borrowed */
	char *output_name; /* owned, as the next one: names of the channels */
	char *input_name;
	struct redis_channel output_channel;
	struct redis_channel input_channel; /* only with a single program */
	uint64_t id; /* its ID as a node */
	struct redis_one *one; /* owned; NULL: each server runs a program */
	/* Owned; NULL: there are no other workers, or the program is a single one for all
	 * servers. */
	struct redis_workers *workers;
	bool wants;
	bool left;
	enum bus_role role; /* as last reported */
	bool drained; /* on_drained() must be called */
	struct redis_output output;
	struct redis_stream *stream; /* owned; NULL without a history */
	struct redis_input input;
	struct loop_task turn;
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
	redis_output_clear(&t->output);
	redis_one_free(t->one);
	redis_workers_free(t->workers);
	redis_input_clear(&t->input);
	list_remove(&t->output_channel.node);
	list_remove(&t->input_channel.node);
	free(t->output_name);
	free(t->input_name);
	free(t);
}

static void
redis_topic_on_output_changed(void *arg)
{
	struct redis_topic *t = arg;

	t->drained = true;
	redis_topic_defer(t);
}

/* From the bus */

static void
redis_topic_on_output(struct redis_topic *t, const struct record *record)
{
	if ((!t->one || redis_one_accepts(t->one, record)) &&
	    !(t->workers && redis_workers_keep(t->workers, record)))
		redis_input_add(&t->input, record, true);
}

static void
redis_topic_on_record(void *arg, struct span bytes)
{
	struct redis_topic *t = arg;
	struct record record;

	if (!redis_input_parse(&t->input, bytes, &record) || record.node == t->id || t->left)
		return;
	if (record.kind == RECORD_OUTPUT)
		redis_topic_on_output(t, &record);
	else if (t->one)
		redis_one_on_record(t->one, &record);
	redis_topic_defer(t);
}

/* Delivers what has arrived in this turn. The user may leave the topic in any call. */
static void
redis_topic_deliver(struct redis_topic *t)
{
	struct buffer parts = {0};
	struct span rest;
	struct batch batch;

	if (!redis_input_take(&t->input, &parts))
		return;
	rest = (struct span){(const char *)buffer_data(&parts), buffer_len(&parts)};
	while (!t->left && record_next_batch(&rest, &batch))
		t->topic.handlers->on_output(t->topic.arg, &batch);
	buffer_clear(&parts);
}

/* Workers of this server */

/* Delivers records of the leader. Records in transit before this worker followed don't count as
 * missed. */
static void
redis_topic_on_worker_records(const struct bus_topic *topic, struct span records)
{
	struct redis_topic *t = redis_topic_of(topic);
	struct record record;

	while (record_next(&records, &record)) {
		if (record.kind == RECORD_OUTPUT)
			redis_input_add(&t->input, &record, false);
	}
	redis_topic_deliver(t);
}

static void
redis_topic_on_own_record(void *arg, struct span header, struct span body)
{
	const struct redis_topic *t = arg;

	redis_workers_publish(t->workers, header, body);
}

static void
redis_topic_set_role(struct redis_topic *t, bool reports)
{
	enum bus_role role = t->one	? redis_one_update(t->one)
			     : t->wants ? BUS_LEADS
					: BUS_NOBODY;

	if (role == t->role || t->workers)
		return;
	t->role = role;
	if (reports)
		t->topic.handlers->on_role(t->topic.arg, role);
}

static bool
redis_topic_is_idle(const struct redis_topic *t)
{
	return redis_output_is_idle(&t->output) && !(t->one && redis_one_is_busy(t->one));
}

static void
redis_topic_on_turn(struct loop_task *task)
{
	struct redis_topic *t = LIST_ENTRY_OF(task, struct redis_topic, turn);

	redis_output_flush(&t->output);
	if (!t->left)
		redis_topic_set_role(t, true);
	redis_topic_deliver(t);
	if (!t->left && t->workers)
		redis_workers_check(t->workers);
	if (!t->left && t->one && redis_one_step(t->one))
		t->drained = true;
	if (!t->left && t->drained) {
		t->drained = false;
		t->topic.handlers->on_drained(t->topic.arg);
	}
	if (t->left && redis_topic_is_idle(t))
		redis_topic_free(t);
}

/* Services for redis_one */

static void
redis_topic_defer_turn(const struct bus_topic *topic)
{
	redis_topic_defer(redis_topic_of(topic));
}

static void
redis_topic_on_listening(void *arg)
{
	const struct redis_topic *t = arg;

	redis_one_on_listening(t->one);
}

static void
redis_topic_listen(const struct bus_topic *topic, bool on)
{
	struct redis_topic *t = redis_topic_of(topic);

	if (on)
		redis_channel_subscribe(&t->input_channel);
	else
		redis_channel_unsubscribe(&t->input_channel);
}

/* Implementation of bus/bus.h */

static void
redis_topic_want(struct bus_topic *topic, bool wants)
{
	struct redis_topic *t = redis_topic_of(topic);

	t->wants = wants;
	if (t->one)
		redis_one_want(t->one, wants);
	if (t->workers)
		redis_workers_want(t->workers, wants);
	if (!wants)
		redis_topic_set_role(t, false);
	redis_topic_defer(t);
}

static void
redis_topic_report(struct bus_topic *topic, const struct bus_program *program)
{
	const struct redis_topic *t = redis_topic_of(topic);

	if (t->one)
		redis_one_report(t->one, program);
	else if (t->workers)
		bus_report(redis_workers_topic(t->workers), program);
}

static bool
redis_topic_publish(struct bus_topic *topic, const struct batch *batch)
{
	struct redis_topic *t = redis_topic_of(topic);

	if (t->one && !redis_one_may_publish(t->one))
		return false;
	redis_output_put(&t->output, batch);
	redis_topic_defer(t);
	return true;
}

/* Does nothing: without a history no earlier output matters; otherwise the stream has it. */
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
	const struct redis_topic *t = redis_topic_of(topic);

	if (t->one)
		redis_one_send_take(t->one, entries);
	else if (t->workers)
		bus_send_take(redis_workers_topic(t->workers), entries);
	buffer_clear(entries);
}

static size_t
redis_topic_queued(const struct bus_topic *topic)
{
	const struct redis_topic *t = redis_topic_of(topic);
	size_t own = t->one ? redis_one_queued(t->one) : redis_output_queued(&t->output);
	size_t near = t->workers ? bus_queued(redis_workers_topic(t->workers)) : 0;

	return own > near ? own : near;
}

static void
redis_topic_set_reading(struct bus_topic *topic, bool on)
{
	struct redis_topic *t = redis_topic_of(topic);

	if (t->one)
		redis_one_set_reading(t->one, on);
	else if (t->workers)
		bus_set_reading(redis_workers_topic(t->workers), on);
	redis_topic_defer(t);
}

static size_t
redis_topic_count(struct bus_topic *topic, size_t own)
{
	const struct redis_topic *t = redis_topic_of(topic);

	if (t->workers)
		return bus_count(redis_workers_topic(t->workers), own);
	return t->one ? redis_one_count(t->one, own) : own;
}

static void
redis_topic_leave(struct bus_topic *topic)
{
	struct redis_topic *t = redis_topic_of(topic);

	redis_output_flush(&t->output);
	if (t->wants)
		redis_topic_want(topic, false);
	t->left = true;
	if (t->workers)
		redis_workers_leave(t->workers);
	redis_channel_unsubscribe(&t->output_channel);
	redis_topic_defer(t);
}

/* Other servers don't report their clients, so any ID with a number of another server is
 * possible. */
static bool
redis_topic_may_have(const struct bus_topic *topic, uint64_t id)
{
	const struct redis_topic *t = redis_topic_of(topic);
	uint64_t own = atomic_load(&t->context->identity->first_id) / REDIS_BUS_ID_STEP;
	uint64_t number = id / REDIS_BUS_ID_STEP;

	return !t->one && number != own && number > 0 && number <= REDIS_BUS_NUMBERS;
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
    .may_have = redis_topic_may_have,
    .leave = redis_topic_leave,
};

/* Returns false if out of memory or without random numbers. */
static bool
redis_topic_set_up(struct redis_topic *t, const struct bus_topic_spec *spec)
{
	struct redis_output_rules rules = {
	    .stream_max = spec->history > 0 ? spec->history + REDIS_STREAM_SPARE : 0,
	};
	struct redis_workers_spec workers = {
	    .loop = t->context->loop,
	    .topic = &t->topic,
	    .output = &t->output,
	    .seen = &t->input.seen,
	    .accept = redis_topic_on_worker_records,
	};
	struct redis_one_spec one = {
	    .context = t->context,
	    .topic = &t->topic,
	    .output = &t->output,
	    .seen = &t->input.seen,
	    .name = spec->name,
	    .defer = redis_topic_defer_turn,
	    .listen = redis_topic_listen,
	};

	while (t->id == 0) {
		if (getrandom(&t->id, sizeof(t->id), 0) != sizeof(t->id))
			return false;
	}
	if (asprintf(&t->output_name, "%s%s", t->context->prefix, spec->name) == -1)
		t->output_name = NULL;
	if (asprintf(&t->input_name, "%sinput:%s", t->context->prefix, spec->name) == -1)
		t->input_name = NULL;
	if (!t->output_name || !t->input_name)
		return false;
	t->output_channel.name = t->output_name;
	t->input_channel.name = t->input_name;
	redis_input_init(&t->input, t->context->counts, t->output_name);
	one.node = rules.node = t->id;
	one.channel = rules.channel = t->output_name;
	one.input_channel = t->input_name;
	if (spec->one)
		t->one = redis_one_new(&one);
	rules.lease = t->one ? redis_one_lease(t->one) : NULL;
	if (!spec->one && t->context->workers)
		rules.on_record = redis_topic_on_own_record;
	redis_output_init(&t->output, t->context, &rules, redis_topic_on_output_changed, t);
	if (spec->history > 0)
		t->stream = redis_stream_new(
		    t->context, t->output_name, spec->history, redis_topic_on_record, t);
	if ((spec->one && !t->one) || (spec->history > 0 && !t->stream))
		return false;
	if (spec->one || !t->context->workers)
		return true;
	workers.stream = t->stream;
	workers.node = t->id;
	t->workers = redis_workers_new(&workers, t->context->workers, spec);
	return t->workers;
}

struct bus_topic *
redis_topic_join(struct redis_context *context, const struct bus_topic_spec *spec,
    const struct bus_handlers *handlers, void *arg)
{
	struct redis_topic *t = calloc(1, sizeof(*t));

	if (!t)
		return NULL;
	t->topic = (struct bus_topic){
	    .ops = &redis_topic_ops, .handlers = handlers, .arg = arg, .is_open = true};
	t->context = context;
	list_init(&t->node);
	t->output_channel = (struct redis_channel){
	    .context = context, .on_message = redis_topic_on_record, .arg = t};
	t->input_channel = t->output_channel;
	t->input_channel.on_subscribed = redis_topic_on_listening;
	redis_channel_init(&t->output_channel);
	redis_channel_init(&t->input_channel);
	list_init(&t->output.outbox.items);
	loop_task_init(&t->turn, redis_topic_on_turn);
	if (!redis_topic_set_up(t, spec)) {
		redis_topic_free(t);
		return NULL;
	}
	redis_channel_subscribe(&t->output_channel);
	list_append(&context->topics, &t->node);
	return &t->topic;
}

/* Called by the bus */

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

/* The lease first: without it the server rejects the rest. */
static void
redis_topic_on_up(struct redis_topic *t)
{
	if (t->one)
		redis_one_on_up(t->one);
	redis_output_flush(&t->output);
}

void
redis_topics_on_up(struct redis_context *context)
{
	redis_topics_visit(context, redis_topic_on_up);
}

static void
redis_topic_on_down(struct redis_topic *t)
{
	if (t->one)
		redis_one_on_down(t->one);
	redis_output_on_down(&t->output);
}

void
redis_topics_on_down(struct redis_context *context)
{
	redis_topics_visit(context, redis_topic_on_down);
}

static void
redis_topic_on_messages_up(struct redis_topic *t)
{
	if (t->one)
		redis_one_on_messages_up(t->one);
}

void
redis_topics_on_messages_up(struct redis_context *context)
{
	redis_topics_visit(context, redis_topic_on_messages_up);
}

void
redis_topics_clear(struct redis_context *context)
{
	redis_topics_visit(context, redis_topic_free);
}
