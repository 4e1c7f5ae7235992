/* SPDX-License-Identifier: BSD-2-Clause */
/* The program of a topic with a single program on a Redis server. */
#include "bus/redis_one.h"

#include "bus/redis_follow.h"
#include "bus/redis_lead.h"

#include <hiredis/hiredis.h>
#include <stdlib.h>

enum {
	REDIS_ONE_STEP_MS = 100, /* precision of the timers */
	/* How long a report waits for the output that precedes it. */
	REDIS_ONE_PROGRAM_MS = 1000,
};

struct redis_one {
	struct redis_one_spec spec;
	struct redis_lease lease;
	struct redis_lead lead;
	struct redis_follow follow;
	bool wants;
	enum bus_role role;
	struct bus_program program; /* LEADS, as the next one */
	uint64_t led; /* epoch of its lease, which may be lost already */
	size_t clients; /* of this node */
	uint64_t epoch; /* the newest epoch seen */
	uint64_t confirmed; /* the newest epoch confirmed by the Redis server */
	bool checks; /* the reply to a check of EPOCH is pending */
	int64_t reported_ms; /* LEADS: when the program was last reported */
	struct timer timer;
};

/* To the bus */

/* Sends a record to the leader or as the leader. Lost records are sent again by the node that
 * needs them. */
static void
redis_one_send(void *arg, const struct record *record)
{
	const struct redis_one *o = arg;
	bool leads = o->role == BUS_LEADS;
	struct record whole = *record;
	struct buffer bytes = {0};
	uint8_t header[RECORD_HEADER];

	whole.node = o->spec.node;
	whole.epoch = leads ? o->led : o->follow.epoch;
	record_put_header(&whole, header);
	if (buffer_append(&bytes, header, sizeof(header)) &&
	    (whole.body.len == 0 || buffer_append(&bytes, whole.body.data, whole.body.len))) {
		struct span args[] = {
		    SPAN("PUBLISH"),
		    span_of(leads ? o->spec.channel : o->spec.input_channel),
		    {(const char *)buffer_data(&bytes), buffer_len(&bytes)},
		};

		redis_link_send(o->spec.context->commands, args, UTIL_LEN(args), NULL, NULL);
	}
	buffer_clear(&bytes);
}

/* LEADS: sends the state of the program to a connection, or to all if CONNECTION is 0. */
static void
redis_one_send_program(struct redis_one *o, uint64_t connection)
{
	uint8_t body[REDIS_FOLLOW_PROGRAM];
	struct record record = {
	    .kind = RECORD_PROGRAM,
	    .connection = connection,
	    .seq = o->spec.output->seq,
	    .body = {(const char *)body, sizeof(body)},
	};

	redis_follow_put_program(&o->program, o->clients + redis_lead_clients(&o->lead), body);
	redis_one_send(o, &record);
	if (connection == 0)
		o->reported_ms = util_clock_ms();
}

/* From the bus */

/* Drops an epoch that never belonged to a lease, because it would fence all others. */
static void
redis_one_on_epoch(void *arg, const struct redisReply *reply)
{
	struct redis_one *o = arg;

	o->checks = false;
	if (reply->type == REDIS_REPLY_STRING)
		o->confirmed = strtoull(reply->str, NULL, 10);
	if (o->epoch > o->confirmed) {
		atomic_fetch_add(&o->spec.context->counts->malformed, 1);
		o->epoch = o->confirmed;
	}
}

static void
redis_one_check_epoch(struct redis_one *o)
{
	struct span args[] = {SPAN("GET"), span_of(o->lease.epoch_key)};

	if (o->checks || o->epoch <= o->confirmed ||
	    !redis_link_is_up(o->spec.context->commands))
		return;
	o->checks = true;
	redis_link_send(o->spec.context->commands, args, UTIL_LEN(args), redis_one_on_epoch, o);
}

bool
redis_one_accepts(struct redis_one *o, const struct record *record)
{
	if (record->epoch < o->epoch) {
		atomic_fetch_add(&o->spec.context->counts->fenced, record->messages);
		return false;
	}
	o->epoch = record->epoch;
	redis_one_check_epoch(o);
	redis_lease_learn(&o->lease, o->epoch);
	return true;
}

void
redis_one_on_record(struct redis_one *o, const struct record *record)
{
	switch (record->kind) {
	case RECORD_PROGRAM:
	case RECORD_CONSUMED:
	case RECORD_RESET:
		if (o->wants && redis_one_accepts(o, record) && o->role != BUS_LEADS)
			redis_follow_on_record(&o->follow, record, util_clock_ms());
		break;
	case RECORD_INPUT:
	case RECORD_ALIVE:
	case RECORD_LEAVE:
		if (o->role == BUS_LEADS && record->epoch == o->led)
			redis_lead_on_record(&o->lead, record, util_clock_ms());
		break;
	case RECORD_OUTPUT:
	case RECORD_KINDS:
		break;
	}
}

/* LEADS, or has just ceased to. */

static void
redis_one_on_node(void *arg, uint64_t node, bool present)
{
	const struct redis_one *o = arg;

	if (o->wants)
		o->spec.topic->handlers->on_node(o->spec.topic->arg, node, present);
}

static void
redis_one_on_input(void *arg, uint64_t node, struct span entries)
{
	const struct redis_one *o = arg;

	if (o->wants)
		o->spec.topic->handlers->on_input(o->spec.topic->arg, node, entries);
}

/* Reports to the new connection, which follows from then on. */
static void
redis_one_on_connection(void *arg, uint64_t connection)
{
	redis_one_send_program(arg, connection);
}

static const struct redis_lead_handlers redis_one_lead_handlers = {
    .send = redis_one_send,
    .on_connection = redis_one_on_connection,
    .on_node = redis_one_on_node,
    .on_input = redis_one_on_input,
};

static const struct redis_follow_handlers redis_one_follow_handlers = {
    .send = redis_one_send,
};

/* The role of this node */

static enum bus_role
redis_one_find_role(struct redis_one *o)
{
	if (!o->wants)
		return BUS_NOBODY;
	if (redis_lease_check(&o->lease))
		return BUS_LEADS;
	return o->follow.connected ? BUS_FOLLOWS : BUS_NOBODY;
}

enum bus_role
redis_one_update(struct redis_one *o)
{
	enum bus_role role = redis_one_find_role(o);

	if (role == o->role)
		return role;
	if (o->role == BUS_LEADS) {
		redis_lead_clear(&o->lead);
		redis_output_fence(o->spec.output);
		o->spec.listen(o->spec.topic, false);
		o->program = (struct bus_program){0};
	}
	if (role != BUS_FOLLOWS)
		redis_follow_clear(&o->follow);
	o->role = role;
	if (role == BUS_LEADS) {
		o->epoch = o->confirmed = o->led = o->lease.epoch;
		o->lead.paused = false;
		/* redis_one_on_listening() follows. */
		o->spec.listen(o->spec.topic, true);
	}
	return role;
}

/* FOLLOWS: reports the leader's program, once the output that precedes the report has
 * arrived. */
static void
redis_one_pass_program(struct redis_one *o)
{
	struct redis_follow *f = &o->follow;
	uint64_t last;

	if (o->role != BUS_FOLLOWS || !f->program_changed)
		return;
	last = seen_last(o->spec.seen, f->leader);
	if (last < f->program_seq && util_clock_ms() - f->program_ms < REDIS_ONE_PROGRAM_MS)
		return;
	f->program_changed = false;
	o->spec.topic->handlers->on_program(o->spec.topic->arg, &f->program);
}

bool
redis_one_step(struct redis_one *o)
{
	int64_t now = util_clock_ms();
	bool drained;

	redis_one_pass_program(o);
	if (o->role == BUS_LEADS) {
		redis_lead_step(&o->lead, now);
		/* A handler may have ended the role. */
		if (o->role == BUS_LEADS && now - o->reported_ms >= REDIS_FOLLOW_ALIVE_MS)
			redis_one_send_program(o, 0);
	} else {
		redis_follow_step(&o->follow, now);
	}
	drained = o->follow.drained;
	o->follow.drained = false;
	return drained;
}

static void
redis_one_on_timer(void *arg)
{
	struct redis_one *o = arg;

	o->spec.defer(o->spec.topic);
	if (o->wants)
		timer_at(&o->timer, util_clock_ms() + REDIS_ONE_STEP_MS);
}

static void
redis_one_on_lease(void *arg)
{
	const struct redis_one *o = arg;

	o->spec.defer(o->spec.topic);
}

/* Implementation of bus/bus.h */

void
redis_one_want(struct redis_one *o, bool wants)
{
	o->wants = wants;
	redis_lease_want(&o->lease, wants);
	if (wants)
		timer_at(&o->timer, util_clock_ms() + REDIS_ONE_STEP_MS);
}

void
redis_one_report(struct redis_one *o, const struct bus_program *program)
{
	o->program = *program;
	if (o->role != BUS_LEADS)
		return;
	redis_output_flush(o->spec.output);
	redis_one_send_program(o, 0);
}

/* Checks the clock: if this process was stopped, another server may run the program by now. */
bool
redis_one_may_publish(struct redis_one *o)
{
	if (o->role == BUS_LEADS && redis_lease_check(&o->lease))
		return true;
	atomic_fetch_add(&o->spec.context->counts->fenced, 1);
	return false;
}

void
redis_one_send_take(struct redis_one *o, struct buffer *entries)
{
	if (o->role == BUS_FOLLOWS && buffer_len(entries) > 0)
		redis_follow_send(&o->follow,
		    (struct span){(const char *)buffer_data(entries), buffer_len(entries)},
		    util_clock_ms());
	buffer_clear(entries);
}

size_t
redis_one_queued(const struct redis_one *o)
{
	return o->role == BUS_FOLLOWS ? o->follow.input.bytes
				      : redis_output_queued(o->spec.output);
}

void
redis_one_set_reading(struct redis_one *o, bool on)
{
	o->lead.paused = !on;
}

size_t
redis_one_count(struct redis_one *o, size_t own)
{
	size_t others = 0;

	if (o->role == BUS_LEADS)
		others = redis_lead_clients(&o->lead);
	else if (o->role == BUS_FOLLOWS && o->follow.total > o->follow.clients)
		others = o->follow.total - o->follow.clients;
	o->clients = own;
	o->follow.clients = (uint32_t)own;
	return own + others;
}

/* Called by the topic */

void
redis_one_on_up(struct redis_one *o)
{
	redis_lease_on_up(&o->lease);
	redis_one_check_epoch(o);
}

void
redis_one_on_down(struct redis_one *o)
{
	redis_lease_on_down(&o->lease);
	o->checks = false;
}

void
redis_one_on_messages_up(struct redis_one *o)
{
	int64_t now = util_clock_ms();

	redis_lead_excuse(&o->lead, now);
	redis_follow_excuse(&o->follow, now);
}

void
redis_one_on_listening(struct redis_one *o)
{
	if (o->role == BUS_LEADS)
		redis_one_send_program(o, 0);
}

struct redis_lease *
redis_one_lease(struct redis_one *o)
{
	return &o->lease;
}

bool
redis_one_is_busy(const struct redis_one *o)
{
	return o->lease.pending > 0 || o->checks;
}

struct redis_one *
redis_one_new(const struct redis_one_spec *spec)
{
	struct redis_one *o = calloc(1, sizeof(*o));

	if (!o)
		return NULL;
	o->spec = *spec;
	timer_init(&o->timer, &spec->context->loop->timers, redis_one_on_timer, o);
	redis_lead_init(&o->lead, &redis_one_lead_handlers, o);
	redis_follow_init(&o->follow, &redis_one_follow_handlers, o);
	if (redis_lease_init(
		&o->lease, spec->context, spec->name, spec->node, redis_one_on_lease, o))
		return o;
	redis_one_free(o);
	return NULL;
}

void
redis_one_free(struct redis_one *o)
{
	if (!o)
		return;
	timer_stop(&o->timer);
	redis_lease_clear(&o->lease);
	redis_lead_clear(&o->lead);
	outbox_clear(&o->follow.input);
	free(o);
}
