/* SPDX-License-Identifier: BSD-2-Clause */
/* A topic on a Redis server. */
#include "bus/redis_topic.h"

#include "base/log.h"
#include "bus/redis_follow.h"
#include "bus/redis_lead.h"
#include "bus/redis_output.h"
#include "bus/redis_stream.h"
#include "bus/seen.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

enum {
	REDIS_TOPIC_STEP_MS = 100, /* of the one program: how exact its times are */
	REDIS_TOPIC_PROGRAM_MS = 1000, /* for output that precedes a report to come */
	REDIS_TOPIC_LOG_MS = 60 * 1000,
};

struct redis_topic {
	struct bus_topic topic; /* first: redis_topic_of() casts it back */
	struct list node; /* in context->topics */
	struct redis_context *context; /* borrowed */
	char *channel; /* owned, as the next one */
	char *input_channel; /* of the one program */
	uint64_t id; /* as a node */
	bool one;
	bool wants;
	bool left;
	enum bus_role role; /* as reported */
	bool drained; /* on_drained() is due */

	struct redis_output output;
	struct redis_stream *stream; /* owned; NULL without a history */
	struct buffer in; /* owned: parts that wait to be delivered */
	size_t last_in; /* of record_put_batch() */
	struct seen seen;
	struct loop_task turn;
	int64_t logged_ms; /* when a malformed record was last logged */

	/* Of the one program. */
	struct redis_lease lease;
	struct redis_lead lead;
	struct redis_follow follow;
	struct bus_program program; /* LEADS */
	size_t clients; /* of this node */
	uint64_t epoch; /* the newest that is known */
	int64_t reported_ms; /* LEADS: when the program was last reported */
	struct timer timer;
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
	timer_stop(&t->timer);
	list_remove(&t->node);
	redis_stream_free(t->stream);
	redis_output_clear(&t->output);
	redis_lease_clear(&t->lease);
	redis_lead_clear(&t->lead);
	outbox_clear(&t->follow.input);
	buffer_clear(&t->in);
	seen_clear(&t->seen);
	free(t->channel);
	free(t->input_channel);
	free(t);
}

/* To the bus */

/* A record to the leader or of it: lost ones are sent again by who needs them. */
static void
redis_topic_send(void *arg, const struct record *record)
{
	const struct redis_topic *t = arg;
	bool leads = t->role == BUS_LEADS;
	struct record whole = *record;
	struct buffer bytes = {0};
	uint8_t header[RECORD_HEADER];

	whole.node = t->id;
	whole.epoch = leads ? t->lease.epoch : t->follow.epoch;
	record_put_header(&whole, header);
	if (buffer_append(&bytes, header, sizeof(header)) &&
	    (whole.body.len == 0 || buffer_append(&bytes, whole.body.data, whole.body.len))) {
		struct span args[] = {
		    SPAN("PUBLISH"),
		    span_of(leads ? t->channel : t->input_channel),
		    {(const char *)buffer_data(&bytes), buffer_len(&bytes)},
		};

		redis_link_send(t->context->commands, args, UTIL_LEN(args), NULL, NULL);
	}
	buffer_clear(&bytes);
}

/* LEADS: to a connection, or to all. */
static void
redis_topic_report_program(struct redis_topic *t, uint64_t connection)
{
	uint8_t body[REDIS_FOLLOW_PROGRAM];
	struct record record = {
	    .kind = RECORD_PROGRAM,
	    .connection = connection,
	    .seq = t->output.seq,
	    .body = {(const char *)body, sizeof(body)},
	};

	redis_follow_put_program(&t->program, t->clients + redis_lead_clients(&t->lead), body);
	redis_topic_send(t, &record);
	if (connection == 0)
		t->reported_ms = util_clock_ms();
}

static void
redis_topic_on_output_changed(void *arg)
{
	struct redis_topic *t = arg;

	t->drained = true;
	redis_topic_defer(t);
}

static void
redis_topic_subscribe(const struct redis_topic *t, struct span verb, const char *channel)
{
	struct span args[] = {verb, span_of(channel)};

	redis_link_send(t->context->messages, args, UTIL_LEN(args), NULL, NULL);
}

/* Whether another topic of this process has the same channels. */
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
		SPAN("dropped a malformed record from the bus: another program, or another "
		     "version of wspipe, uses the same --bus-prefix")))
		return;
	log_text("channel", span_of(t->channel));
	log_end();
}

/* Keeps the parts of a record for the next turn, so that those of many are delivered at once.
 */
static void
redis_topic_accept_output(struct redis_topic *t, const struct record *record)
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
}

/* Whether a record of a program, or of a leader, is that of the newest lease. */
static bool
redis_topic_accept_epoch(struct redis_topic *t, const struct record *record)
{
	if (record->epoch < t->epoch) {
		atomic_fetch_add(&t->context->counts->fenced, record->messages);
		return false;
	}
	t->epoch = record->epoch;
	redis_lease_learn(&t->lease, t->epoch);
	if (t->lease.state == REDIS_LEASE_HELD && t->epoch > t->lease.epoch)
		redis_lease_lose(&t->lease);
	return true;
}

static void
redis_topic_accept(struct redis_topic *t, const struct record *record)
{
	switch (record->kind) {
	case RECORD_OUTPUT:
		if (!t->one || redis_topic_accept_epoch(t, record))
			redis_topic_accept_output(t, record);
		break;
	case RECORD_PROGRAM:
	case RECORD_CONSUMED:
	case RECORD_RESET:
		if (t->one && t->wants && redis_topic_accept_epoch(t, record) &&
		    t->role != BUS_LEADS)
			redis_follow_on_record(&t->follow, record, util_clock_ms());
		break;
	case RECORD_INPUT:
	case RECORD_ALIVE:
	case RECORD_LEAVE:
		if (t->role == BUS_LEADS && t->one && record->epoch == t->lease.epoch)
			redis_lead_on_record(&t->lead, record, util_clock_ms());
		break;
	case RECORD_KINDS:
		break;
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
	else if (record.node != t->id && !t->left)
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
	if (buffer_reserve(&t->in, BATCH_SLACK))
		buffer_move(&in, &t->in);
	buffer_clear(&t->in);
	t->last_in = SIZE_MAX;
	rest = (struct span){(const char *)buffer_data(&in), buffer_len(&in)};
	while (!t->left && record_next_batch(&rest, &batch))
		t->topic.handlers->on_output(t->topic.arg, &batch);
	buffer_clear(&in);
}

/* LEADS, or it has just ceased to. */

static void
redis_topic_on_node(void *arg, uint64_t node, bool present)
{
	struct redis_topic *t = arg;

	if (!t->left)
		t->topic.handlers->on_node(t->topic.arg, node, present);
}

static void
redis_topic_on_input(void *arg, uint64_t node, struct span entries)
{
	struct redis_topic *t = arg;

	if (!t->left)
		t->topic.handlers->on_input(t->topic.arg, node, entries);
}

/* The new connection gets its own report: it follows from then on. */
static void
redis_topic_on_connection(void *arg, uint64_t connection)
{
	redis_topic_report_program(arg, connection);
}

static const struct redis_lead_handlers redis_topic_lead_handlers = {
    .send = redis_topic_send,
    .on_connection = redis_topic_on_connection,
    .on_node = redis_topic_on_node,
    .on_input = redis_topic_on_input,
};

static const struct redis_follow_handlers redis_topic_follow_handlers = {
    .send = redis_topic_send,
};

/* Roles */

static enum bus_role
redis_topic_find_role(struct redis_topic *t)
{
	if (!t->wants)
		return BUS_NOBODY;
	if (!t->one || redis_lease_check(&t->lease))
		return BUS_LEADS;
	return t->follow.connected ? BUS_FOLLOWS : BUS_NOBODY;
}

static void
redis_topic_leave_role(struct redis_topic *t)
{
	if (!t->one || t->role != BUS_LEADS)
		return;
	redis_lead_clear(&t->lead);
	redis_output_fence(&t->output);
	if (!redis_topic_is_shared(t))
		redis_topic_subscribe(t, SPAN("UNSUBSCRIBE"), t->input_channel);
	t->program = (struct bus_program){0};
}

static void
redis_topic_enter_role(struct redis_topic *t)
{
	if (!t->one || t->role != BUS_LEADS)
		return;
	t->epoch = t->lease.epoch;
	t->lead.paused = false;
	/* redis_topics_on_subscribed() follows. */
	redis_topic_subscribe(t, SPAN("SUBSCRIBE"), t->input_channel);
}

static void
redis_topic_set_role(struct redis_topic *t, bool reports)
{
	enum bus_role role = redis_topic_find_role(t);

	if (role == t->role)
		return;
	redis_topic_leave_role(t);
	if (role != BUS_FOLLOWS)
		redis_follow_clear(&t->follow);
	t->role = role;
	redis_topic_enter_role(t);
	if (reports)
		t->topic.handlers->on_role(t->topic.arg, role);
}

/* FOLLOWS: reports the leader's program, after the output that precedes the report. */
static void
redis_topic_pass_program(struct redis_topic *t)
{
	struct redis_follow *f = &t->follow;
	uint64_t last;

	if (t->role != BUS_FOLLOWS || !f->program_changed)
		return;
	last = seen_last(&t->seen, f->leader);
	if (last < f->program_seq && util_clock_ms() - f->program_ms < REDIS_TOPIC_PROGRAM_MS)
		return;
	f->program_changed = false;
	t->topic.handlers->on_program(t->topic.arg, &f->program);
}

static void
redis_topic_step(struct redis_topic *t)
{
	int64_t now = util_clock_ms();

	if (t->role == BUS_LEADS) {
		redis_lead_step(&t->lead, now);
		if (now - t->reported_ms >= REDIS_FOLLOW_ALIVE_MS)
			redis_topic_report_program(t, 0);
	} else {
		redis_follow_step(&t->follow, now);
	}
}

static void
redis_topic_on_turn(struct loop_task *task)
{
	struct redis_topic *t = LIST_ENTRY_OF(task, struct redis_topic, turn);

	redis_output_flush(&t->output);
	if (!t->left)
		redis_topic_set_role(t, true);
	redis_topic_deliver(t);
	if (!t->left)
		redis_topic_pass_program(t);
	if (!t->left && t->one)
		redis_topic_step(t);
	if (!t->left && (t->drained || t->follow.drained)) {
		t->drained = t->follow.drained = false;
		t->topic.handlers->on_drained(t->topic.arg);
	}
	if (t->left && redis_output_is_idle(&t->output) && t->lease.pending == 0)
		redis_topic_free(t);
}

static void
redis_topic_on_timer(void *arg)
{
	struct redis_topic *t = arg;

	redis_topic_defer(t);
	if (t->wants)
		timer_at(&t->timer, util_clock_ms() + REDIS_TOPIC_STEP_MS);
}

static void
redis_topic_on_lease(void *arg)
{
	redis_topic_defer(arg);
}

/* For its user */

static void
redis_topic_want(struct bus_topic *topic, bool wants)
{
	struct redis_topic *t = redis_topic_of(topic);

	t->wants = wants;
	if (t->one)
		redis_lease_want(&t->lease, wants);
	if (!wants)
		redis_topic_set_role(t, false);
	else if (t->one)
		timer_at(&t->timer, util_clock_ms() + REDIS_TOPIC_STEP_MS);
	redis_topic_defer(t);
}

static void
redis_topic_report(struct bus_topic *topic, const struct bus_program *program)
{
	struct redis_topic *t = redis_topic_of(topic);

	t->program = *program;
	if (!t->one || t->role != BUS_LEADS)
		return;
	redis_output_flush(&t->output);
	redis_topic_report_program(t, 0);
}

static bool
redis_topic_publish(struct bus_topic *topic, const struct batch *batch)
{
	struct redis_topic *t = redis_topic_of(topic);

	/* After a stop of this process its program may be another server's by now. */
	if (t->one && (t->role != BUS_LEADS || !redis_lease_check(&t->lease))) {
		atomic_fetch_add(&t->context->counts->fenced, 1);
		return false;
	}
	redis_output_put(&t->output, batch);
	redis_topic_defer(t);
	return true;
}

/* Without a history nothing of before matters; with one, the stream has it. */
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
	struct redis_topic *t = redis_topic_of(topic);

	if (t->role == BUS_FOLLOWS && buffer_len(entries) > 0)
		redis_follow_send(&t->follow,
		    (struct span){(const char *)buffer_data(entries), buffer_len(entries)},
		    util_clock_ms());
	buffer_clear(entries);
}

static size_t
redis_topic_queued(const struct bus_topic *topic)
{
	const struct redis_topic *t = redis_topic_of(topic);

	return t->role == BUS_FOLLOWS ? t->follow.input.bytes : redis_output_queued(&t->output);
}

static void
redis_topic_set_reading(struct bus_topic *topic, bool on)
{
	struct redis_topic *t = redis_topic_of(topic);

	t->lead.paused = !on;
	redis_topic_defer(t);
}

static size_t
redis_topic_count(struct bus_topic *topic, size_t own)
{
	struct redis_topic *t = redis_topic_of(topic);
	size_t others = 0;

	if (t->role == BUS_LEADS)
		others = redis_lead_clients(&t->lead);
	else if (t->role == BUS_FOLLOWS && t->follow.total > t->follow.clients)
		others = t->follow.total - t->follow.clients;
	t->clients = own;
	t->follow.clients = (uint32_t)own;
	return own + others;
}

static void
redis_topic_leave(struct bus_topic *topic)
{
	struct redis_topic *t = redis_topic_of(topic);

	redis_output_flush(&t->output);
	if (t->wants)
		redis_topic_want(topic, false);
	t->left = true;
	if ((!t->stream || t->one) && !redis_topic_is_shared(t))
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

/* False without memory. */
static bool
redis_topic_set_up(struct redis_topic *t, const struct bus_topic_spec *spec)
{
	struct redis_output_rules rules = {
	    .stream_max = spec->history > 0 ? spec->history + REDIS_STREAM_SPARE : 0,
	    .lease = t->one ? &t->lease : NULL,
	};

	while (t->id == 0) {
		if (getrandom(&t->id, sizeof(t->id), 0) != sizeof(t->id))
			return false;
	}
	if (asprintf(&t->channel, "%s%s", t->context->prefix, spec->name) == -1)
		t->channel = NULL;
	if (asprintf(&t->input_channel, "%sinput:%s", t->context->prefix, spec->name) == -1)
		t->input_channel = NULL;
	if (!redis_lease_init(
		&t->lease, t->context, spec->name, t->id, redis_topic_on_lease, t) ||
	    !t->channel || !t->input_channel)
		return false;
	rules.channel = t->channel;
	rules.node = t->id;
	redis_output_init(&t->output, t->context, &rules, redis_topic_on_output_changed, t);
	if (spec->history > 0)
		t->stream = redis_stream_new(
		    t->context, t->channel, spec->history, redis_topic_on_record, t);
	return spec->history == 0 || t->stream;
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
	t->one = spec->one;
	t->last_in = SIZE_MAX;
	list_init(&t->node);
	list_init(&t->output.outbox.items);
	loop_task_init(&t->turn, redis_topic_on_turn);
	timer_init(&t->timer, &context->loop->timers, redis_topic_on_timer, t);
	redis_lead_init(&t->lead, &redis_topic_lead_handlers, t);
	redis_follow_init(&t->follow, &redis_topic_follow_handlers, t);
	if (!redis_topic_set_up(t, spec)) {
		redis_topic_free(t);
		return NULL;
	}
	if ((!t->stream || t->one) && !redis_topic_is_shared(t))
		redis_topic_subscribe(t, SPAN("SUBSCRIBE"), t->channel);
	list_append(&context->topics, &t->node);
	return &t->topic;
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

/* The lease first: without it the server rejects the rest. */
static void
redis_topic_on_up(struct redis_topic *t)
{
	redis_lease_on_up(&t->lease);
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
	redis_lease_on_down(&t->lease);
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
	int64_t now = util_clock_ms();

	if ((!t->stream || t->one) && !t->left)
		redis_topic_subscribe(t, SPAN("SUBSCRIBE"), t->channel);
	if (t->one && t->role == BUS_LEADS)
		redis_topic_subscribe(t, SPAN("SUBSCRIBE"), t->input_channel);
	redis_lead_excuse(&t->lead, now);
	redis_follow_excuse(&t->follow, now);
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

		if (span_equal(span_of(t->channel), channel) ||
		    span_equal(span_of(t->input_channel), channel))
			redis_topic_on_record(t, bytes);
	}
}

void
redis_topics_on_subscribed(struct redis_context *context, struct span channel)
{
	for (struct list *node = context->topics.next; node != &context->topics;
	     node = node->next) {
		struct redis_topic *t = LIST_ENTRY_OF(node, struct redis_topic, node);

		if (t->one && t->role == BUS_LEADS &&
		    span_equal(span_of(t->input_channel), channel))
			redis_topic_report_program(t, 0);
	}
}

void
redis_topics_clear(struct redis_context *context)
{
	redis_topics_visit(context, redis_topic_free);
}
