/* SPDX-License-Identifier: BSD-2-Clause */
/* The workers of a server in a topic on a Redis server. */
#include "bus/redis_workers.h"

#include <stdlib.h>

enum {
	REDIS_WORKERS_STEP_MS = 50,
	/*
	 * How long records of the leader wait for older ones from Redis: if records of this
	 * leader have arrived that way before; and if none has, because they may be older than
	 * the history.
	 */
	REDIS_WORKERS_WAIT_MS = 5000,
	REDIS_WORKERS_WAIT_NEW_MS = 1500,
	REDIS_WORKERS_HELD_MAX = 16 * 1024 * 1024, /* in bytes */
};

/* Where output of the leader is read from. */
enum redis_workers_source {
	REDIS_WORKERS_ALONE, /* Redis: this worker does not follow */
	REDIS_WORKERS_JOINS, /* Redis, until no record is missing before those of the leader */
	REDIS_WORKERS_FOLLOWS, /* the leader */
	REDIS_WORKERS_LEFT, /* Redis: the leader is gone, but records of it are held */
};

struct redis_workers {
	struct redis_workers_spec spec;
	struct bus_topic *topic; /* owned; NULL once left */
	size_t nodes; /* LEADS: number of followers */
	enum redis_workers_source source;
	uint64_t leader; /* node ID of the leader on Redis; 0: unknown */
	uint64_t first; /* the first record of the connection to the leader */
	/* Owned: records of the leader that wait for earlier ones, which arrive the other way.
	 * JOINS and LEFT: received from the leader. FOLLOWS: received from Redis. */
	struct buffer held;
	uint64_t held_last; /* FOLLOWS: number of the last one */
	int64_t until_ms; /* JOINS and LEFT: when to stop waiting */
	struct timer timer;
};

static const struct bus_handlers *
redis_workers_user(const struct redis_workers *w)
{
	return w->spec.topic->handlers;
}

/* Follower */

/* Changes the source. Delivers all records that are held. */
static void
redis_workers_enter(struct redis_workers *w, enum redis_workers_source source)
{
	struct buffer held = {0};

	buffer_move(&held, &w->held);
	w->source = source;
	timer_stop(&w->timer);
	if (buffer_len(&held) > 0)
		w->spec.accept(w->spec.topic,
		    (struct span){(const char *)buffer_data(&held), buffer_len(&held)});
	buffer_clear(&held);
}

/* Returns the number of the last record of the leader that was received, or 0. */
static uint64_t
redis_workers_last(const struct redis_workers *w)
{
	uint64_t last = seen_last(w->spec.seen, w->leader);

	return last == UINT64_MAX ? 0 : last;
}

void
redis_workers_check(struct redis_workers *w)
{
	int64_t now = util_clock_ms();
	bool left = w->source == REDIS_WORKERS_LEFT;

	if (w->source != REDIS_WORKERS_JOINS && !left)
		return;
	if (w->leader != 0 ? redis_workers_last(w) + 1 >= w->first || !w->spec.stream ||
				 !redis_stream_is_up(w->spec.stream) || now >= w->until_ms
			   : left)
		redis_workers_enter(w, left ? REDIS_WORKERS_ALONE : REDIS_WORKERS_FOLLOWS);
	else
		timer_at(&w->timer, now + REDIS_WORKERS_STEP_MS);
}

static void
redis_workers_on_timer(void *arg)
{
	redis_workers_check(arg);
}

static void
redis_workers_on_record(struct redis_workers *w, struct span record)
{
	bool joins = w->source == REDIS_WORKERS_JOINS;

	if (joins && buffer_len(&w->held) + record.len <= REDIS_WORKERS_HELD_MAX &&
	    buffer_append(&w->held, record.data, record.len))
		return;
	if (joins)
		redis_workers_enter(w, REDIS_WORKERS_FOLLOWS);
	w->spec.accept(w->spec.topic, record);
	if (buffer_len(&w->held) > 0 && redis_workers_last(w) >= w->held_last)
		buffer_clear(&w->held);
}

/* Handles what the leader sends first. The first record is not output; its number is the one
 * before that of the next record. */
static void
redis_workers_on_catch_up(void *arg, struct span bytes)
{
	struct redis_workers *w = arg;
	struct record record;

	if (!record_parse(bytes, &record))
		return;
	if (record.kind != RECORD_PROGRAM) {
		redis_workers_on_record(w, bytes);
		return;
	}
	w->leader = record.node;
	w->first = record.seq + 1;
	w->until_ms = util_clock_ms() + (redis_workers_last(w) > 0 ? REDIS_WORKERS_WAIT_MS
								   : REDIS_WORKERS_WAIT_NEW_MS);
	redis_workers_check(w);
}

static void
redis_workers_on_output(void *arg, struct batch *batch)
{
	redis_workers_on_record(arg, (struct span){(const char *)batch->data, batch->len});
}

/* Output that precedes the report must be delivered first. */
static void
redis_workers_on_program(void *arg, const struct bus_program *program)
{
	struct redis_workers *w = arg;

	if (w->source == REDIS_WORKERS_JOINS && program->state != BUS_PROGRAM_RUNS)
		redis_workers_enter(w, REDIS_WORKERS_FOLLOWS);
	if (w->topic)
		redis_workers_user(w)->on_program(w->spec.topic->arg, program);
}

bool
redis_workers_keep(struct redis_workers *w, const struct record *record)
{
	size_t before = buffer_len(&w->held), len = RECORD_HEADER + record->body.len;
	uint8_t header[RECORD_HEADER];

	if (w->source != REDIS_WORKERS_FOLLOWS || record->node != w->leader ||
	    record->seq <= w->first || record->seq <= redis_workers_last(w) + 1)
		return false;
	/* If it can't be held, rely on the leader alone. */
	record_put_header(record, header);
	if (before + len > REDIS_WORKERS_HELD_MAX ||
	    !buffer_append(&w->held, header, sizeof(header)))
		return true;
	if (buffer_append(&w->held, record->body.data, record->body.len))
		w->held_last = record->seq;
	else
		buffer_cut(&w->held, before);
	return true;
}

/* Leader */

void
redis_workers_publish(struct redis_workers *w, struct span header, struct span body)
{
	struct batch batch = {.type = MESSAGE_BINARY,
	    .separator = BATCH_NO_SEPARATOR,
	    .first = true,
	    .last = true};
	struct buffer bytes = {0};

	if (!w->topic || w->nodes == 0)
		return;
	if (buffer_append(&bytes, header.data, header.len) &&
	    buffer_append(&bytes, body.data, body.len)) {
		batch.data = buffer_data(&bytes);
		batch.len = buffer_len(&bytes);
		(void)!bus_publish(w->topic, &batch);
	}
	buffer_clear(&bytes);
}

/* Sends a new node all records that may not be in the stream yet. */
static void
redis_workers_catch_up(struct redis_workers *w, uint64_t node)
{
	const struct list *items = &w->spec.output->outbox.items;
	struct record start = {
	    .kind = RECORD_PROGRAM, .node = w->spec.node, .seq = w->spec.output->seq};
	uint8_t header[RECORD_HEADER];

	if (w->spec.stream && !list_empty(items))
		start.seq = LIST_ENTRY_OF(items->next, struct outbox_item, node)->seq - 1;
	record_put_header(&start, header);
	bus_catch_up(w->topic, node, (struct span){(const char *)header, sizeof(header)});
	for (const struct list *at = items->next; w->spec.stream && at != items;
	     at = at->next) {
		const struct outbox_item *item =
		    LIST_ENTRY_OF((uintptr_t)at, const struct outbox_item, node);

		bus_catch_up(
		    w->topic, node, (struct span){(const char *)item->bytes, item->len});
	}
}

static void
redis_workers_on_node(void *arg, uint64_t node, bool present)
{
	struct redis_workers *w = arg;

	if (present) {
		/* Complete the partial record first: the node follows after it. */
		redis_output_flush(w->spec.output);
		redis_workers_catch_up(w, node);
		w->nodes++;
	} else {
		w->nodes--;
	}
	redis_workers_user(w)->on_node(w->spec.topic->arg, node, present);
}

static void
redis_workers_on_input(void *arg, uint64_t node, struct span entries)
{
	const struct redis_workers *w = arg;

	redis_workers_user(w)->on_input(w->spec.topic->arg, node, entries);
}

/* Leader and follower */

static void
redis_workers_on_role(void *arg, enum bus_role role)
{
	struct redis_workers *w = arg;

	if (role == BUS_NOBODY) {
		w->source = REDIS_WORKERS_LEFT;
		redis_workers_check(w);
	} else {
		redis_workers_enter(w, role == BUS_LEADS ? REDIS_WORKERS_ALONE
				       : w->spec.stream	 ? REDIS_WORKERS_JOINS
							 : REDIS_WORKERS_FOLLOWS);
		w->leader = 0;
	}
	w->nodes = 0;
	if (w->topic)
		redis_workers_user(w)->on_role(w->spec.topic->arg, role);
}

static void
redis_workers_on_drained(void *arg)
{
	const struct redis_workers *w = arg;

	redis_workers_user(w)->on_drained(w->spec.topic->arg);
}

static const struct bus_handlers redis_workers_handlers = {
    .on_role = redis_workers_on_role,
    .on_program = redis_workers_on_program,
    .on_output = redis_workers_on_output,
    .on_node = redis_workers_on_node,
    .on_input = redis_workers_on_input,
    .on_catch_up = redis_workers_on_catch_up,
    .on_drained = redis_workers_on_drained,
};

struct bus_topic *
redis_workers_topic(const struct redis_workers *w)
{
	return w->topic;
}

struct redis_workers *
redis_workers_new(const struct redis_workers_spec *spec, struct bus *workers,
    const struct bus_topic_spec *topic)
{
	struct redis_workers *w = calloc(1, sizeof(*w));

	if (!w)
		return NULL;
	w->spec = *spec;
	timer_init(&w->timer, &spec->loop->timers, redis_workers_on_timer, w);
	w->topic = bus_join(workers, topic, &redis_workers_handlers, w);
	if (w->topic)
		return w;
	free(w);
	return NULL;
}

void
redis_workers_want(struct redis_workers *w, bool wants)
{
	bus_want(w->topic, wants);
	if (wants)
		return;
	w->source = REDIS_WORKERS_LEFT;
	w->nodes = 0;
	/* Use the timer: no handler may be called from here. */
	timer_at(&w->timer, util_clock_ms());
}

void
redis_workers_leave(struct redis_workers *w)
{
	bus_leave(w->topic);
	w->topic = NULL;
	timer_stop(&w->timer);
}

void
redis_workers_free(struct redis_workers *w)
{
	if (!w)
		return;
	redis_workers_leave(w);
	buffer_clear(&w->held);
	free(w);
}
