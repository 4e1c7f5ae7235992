/* SPDX-License-Identifier: BSD-2-Clause */
/* The clients of a program that they share. */
#include "backend/members.h"

#include "websocket/frame.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	MEMBERS_DELIVER = 64 * 1024, /* bytes for one member before its queue is looked at */
	MEMBERS_TABLE_FIRST = 16,
};

struct member {
	struct backend backend; /* first: member_of() casts it back */
	struct members *members; /* borrowed; NULL once it is finished */
	struct member *next_in_table;
	uint64_t id;
	struct list node; /* in members->list */
	struct list dirty; /* in members->dirty */
	struct list throttled; /* in members->throttled */
	struct buffer queue; /* owned: references */
	uint64_t queued; /* bytes of these */
	size_t left; /* of the first one, of which a part was sent; else SIZE_MAX */
	uint64_t dropped; /* messages since its queue was empty */
	struct buffer open; /* owned */
	char *reason; /* owned: of a close that follows the queue; NULL: none does */
	size_t reason_len;
	uint16_t code;
	bool drops; /* until its queue is empty */
	bool blocks;
	bool freed;
	struct loop *loop; /* borrowed */
	union {
		struct loop_task turn; /* what can't be done inside a function of the backend */
		struct loop_deferred deferred; /* once it is freed */
	};
};

static struct member *
member_of(const struct backend *backend)
{
	return (struct member *)(uintptr_t)backend;
}

uint64_t
member_id(const struct member *m)
{
	return m->id;
}

struct backend *
member_backend(struct member *m)
{
	return &m->backend;
}

struct span
member_open(const struct member *m)
{
	return (struct span){(char *)buffer_data(&m->open), buffer_len(&m->open)};
}

/* The table */

static struct member **
members_bucket(const struct members *ms, uint64_t id)
{
	/* IDs are numbers in a row. */
	return &ms->table[id & (ms->table_size - 1)];
}

static bool
members_grow(struct members *ms)
{
	size_t size = ms->table_size == 0 ? MEMBERS_TABLE_FIRST : 2 * ms->table_size;
	struct member **table;

	if (ms->count < ms->table_size)
		return true;
	table = calloc(size, sizeof(struct member *));
	if (!table)
		return ms->table_size > 0;
	free(ms->table);
	ms->table = table;
	ms->table_size = size;
	for (struct list *node = ms->list.next; node != &ms->list; node = node->next) {
		struct member *m = LIST_ENTRY_OF(node, struct member, node);
		struct member **bucket = members_bucket(ms, m->id);

		m->next_in_table = *bucket;
		*bucket = m;
	}
	return true;
}

struct member *
members_find(const struct members *ms, uint64_t id)
{
	struct member *m = ms->table_size > 0 ? *members_bucket(ms, id) : NULL;

	while (m && m->id != id)
		m = m->next_in_table;
	return m;
}

static void
members_remove(struct members *ms, struct member *m)
{
	struct member **at = members_bucket(ms, m->id);

	while (*at != m)
		at = &(*at)->next_in_table;
	*at = m->next_in_table;
	list_remove(&m->node);
	list_remove(&m->dirty);
	list_remove(&m->throttled);
	ms->count--;
}

struct member *
members_first(const struct members *ms)
{
	return list_empty(&ms->list) ? NULL : LIST_ENTRY_OF(ms->list.next, struct member, node);
}

struct member *
members_next(const struct members *ms, const struct member *m)
{
	return m->node.next == &ms->list ? NULL
					 : LIST_ENTRY_OF(m->node.next, struct member, node);
}

void
members_set_pid(struct members *ms, pid_t from, pid_t to)
{
	for (struct member *m = members_first(ms); m; m = members_next(ms, m)) {
		if (m->backend.pid == from)
			m->backend.pid = to;
	}
}

/* The queue of a member */

static struct broadcast *
member_head(const struct member *m)
{
	struct broadcast *b;

	memcpy(&b, buffer_data(&m->queue), sizeof(struct broadcast *));
	return b;
}

static void
member_pop(struct member *m)
{
	struct broadcast *b = member_head(m);

	buffer_consume(&m->queue, sizeof(struct broadcast *));
	m->queued -= b->len;
	m->left = SIZE_MAX;
	broadcast_unref(b);
}

/* Without memory it is dropped. */
static void
member_push(struct member *m, struct broadcast *b)
{
	if (!buffer_append(&m->queue, &b, sizeof(struct broadcast *))) {
		m->dropped += b->messages;
		return;
	}
	(void)broadcast_ref(b);
	m->queued += b->len;
	if (m->backend.reading == BACKEND_READS && list_empty(&m->dirty))
		list_append(&m->members->dirty, &m->dirty);
}

static void
member_set_blocks(struct member *m, bool blocks)
{
	struct members *ms = m->members;

	if (m->blocks == blocks)
		return;
	m->blocks = blocks;
	ms->blocking += blocks ? 1 : -(size_t)1;
	if (ms->blocking == blocks)
		ms->handlers->on_block(ms->arg, blocks);
}

static void
member_clear_queue(struct member *m)
{
	while (buffer_len(&m->queue) > 0)
		member_pop(m);
	if (m->members)
		member_set_blocks(m, false);
}

static void
member_set_close(struct member *m, uint16_t code, struct span reason)
{
	if (m->reason)
		return;
	m->reason = span_dup(reason);
	/* Without memory it gets the code alone. */
	if (m->reason)
		m->reason_len = reason.len;
	else
		m->reason = strdup("");
	m->code = code;
	loop_defer(m->loop, &m->turn);
}

/* Its queue exceeds the limit. */
static void
member_set_slow(struct member *m)
{
	switch (m->members->rules->slow) {
	case MEMBERS_CLOSE:
		/* What a part was sent of is lost, too: the rest would wait for it. */
		member_clear_queue(m);
		member_set_close(m, CLOSE_TRY_LATER, SPAN("the client reads too slowly"));
		break;
	case MEMBERS_DROP:
		m->drops = true;
		break;
	case MEMBERS_BLOCK:
		member_set_blocks(m, true);
		break;
	}
}

static bool
member_exceeds(const struct member *m, size_t more)
{
	return m->backend.reading != BACKEND_READS && buffer_len(&m->queue) > 0 &&
	       m->queued + more > (uint64_t)m->members->rules->queue_max;
}

void
members_send(struct members *ms, struct member *m, struct broadcast *b)
{
	if (m->reason || m->backend.reading == BACKEND_DROPS)
		return;
	if (!m->drops && member_exceeds(m, b->len))
		member_set_slow(m);
	if (m->drops)
		m->dropped += b->messages;
	else if (!m->reason)
		member_push(m, b);
	(void)ms;
}

void
members_send_all(
    struct members *ms, struct broadcast *b, struct member *const *except, size_t count)
{
	for (struct member *m = members_first(ms); m; m = members_next(ms, m)) {
		bool excepted = false;

		for (size_t i = 0; i < count && !excepted; i++)
			excepted = except[i] == m;
		if (!excepted)
			members_send(ms, m, b);
	}
	if (!except)
		history_add(&ms->history, b, (uint64_t)ms->rules->history);
}

/* All that was queued has been sent: reports what was not. */
static void
member_catch_up(struct member *m)
{
	struct members *ms = m->members;
	struct broadcast *b;
	char text[64];
	int len;

	member_set_blocks(m, false);
	m->drops = false;
	if (m->dropped == 0)
		return;
	ms->handlers->on_dropped(ms->arg, m, m->dropped);
	len = snprintf(
	    text, sizeof(text), "{\"type\":\"dropped\",\"count\":%" PRIu64 "}", m->dropped);
	m->dropped = 0;
	b = ms->rules->reports_dropped
		? broadcast_of_message(MESSAGE_TEXT, (const uint8_t *)text, (size_t)len)
		: NULL;
	if (b)
		member_push(m, b);
	broadcast_unref(b);
}

/* Sends what is at the front of the queue. */
static void
member_send_some(struct member *m)
{
	const struct backend_handlers *handlers = m->backend.handlers;
	size_t sent = 0;

	while (buffer_len(&m->queue) > 0 && sent < MEMBERS_DELIVER && !m->freed) {
		struct broadcast *b = member_head(m);
		struct batch batch = {
		    .len = m->left, .separator = BATCH_BROADCAST, .broadcast = b};

		handlers->on_messages(m->backend.arg, &batch);
		/* No client is left for it. */
		if (batch.len == m->left) {
			member_clear_queue(m);
			return;
		}
		sent += (m->left < b->len ? m->left : b->len) - batch.len;
		m->left = batch.len;
		if (batch.len == 0)
			member_pop(m);
	}
}

static void
member_emit_close(struct member *m)
{
	struct backend_event event = {
	    .kind = BACKEND_CLOSE, .code = m->code, .text = {m->reason, m->reason_len}};

	m->backend.handlers->on_event(m->backend.arg, &event);
}

/* Delivers what the client accepts. The session may finish the member, and free it. */
static void
member_deliver(struct member *m)
{
	list_remove(&m->dirty);
	while (m->members && m->backend.reading == BACKEND_READS) {
		member_send_some(m);
		if (m->members && buffer_len(&m->queue) == 0)
			member_catch_up(m);
		if (m->members && buffer_len(&m->queue) == 0 && m->reason)
			member_emit_close(m);
		m->backend.handlers->on_changed(m->backend.arg);
		if (m->freed || buffer_len(&m->queue) == 0)
			break;
	}
	if (!m->freed && m->members && member_exceeds(m, 0) && !m->drops)
		member_set_slow(m);
}

void
members_flush(struct members *ms)
{
	while (!list_empty(&ms->dirty))
		member_deliver(LIST_ENTRY_OF(ms->dirty.next, struct member, dirty));
}

void
members_close(struct members *ms, struct member *m, uint16_t code, struct span reason)
{
	(void)ms;
	member_set_close(m, code, reason);
}

/* Backpressure of the program */

void
members_throttle(struct members *ms, struct member *m)
{
	if (list_empty(&m->throttled))
		list_append(&ms->throttled, &m->throttled);
}

void
members_resume(struct members *ms)
{
	struct list now;

	if (list_empty(&ms->throttled))
		return;
	list_move(&now, &ms->throttled);
	while (!list_empty(&now)) {
		struct member *m = LIST_ENTRY_OF(now.next, struct member, throttled);

		list_remove(&m->throttled);
		m->backend.handlers->on_changed(m->backend.arg);
	}
}

/* As a backend */

static enum backend_result
member_write(struct backend *backend, struct batch *batch)
{
	struct member *m = member_of(backend);
	struct members *ms = m->members;

	return ms && !m->reason ? ms->handlers->on_write(ms->arg, m, batch) : BACKEND_DROPPED;
}

static void
member_flush(struct backend *backend)
{
	struct members *ms = member_of(backend)->members;

	if (ms)
		ms->handlers->on_flush(ms->arg);
}

static void
member_finish(struct backend *backend, uint16_t code, struct span reason)
{
	struct member *m = member_of(backend);
	struct members *ms = m->members;

	if (!ms)
		return;
	member_clear_queue(m);
	members_remove(ms, m);
	m->members = NULL;
	if (m->dropped > 0)
		ms->handlers->on_dropped(ms->arg, m, m->dropped);
	ms->handlers->on_left(ms->arg, m, code, reason);
	loop_defer(m->loop, &m->turn);
}

static void
member_set_reading(struct backend *backend, enum backend_reading reading)
{
	struct member *m = member_of(backend);

	backend->reading = reading;
	if (reading == BACKEND_DROPS)
		member_clear_queue(m);
	if (reading == BACKEND_READS && m->members && buffer_len(&m->queue) > 0)
		loop_defer(m->loop, &m->turn);
}

static void
member_set_reading_log(struct backend *backend, bool on)
{
	backend->reading_log = on;
}

static size_t
member_queued(const struct backend *backend)
{
	const struct member *m = member_of(backend);

	return list_empty(&m->throttled) || !m->members
		   ? 0
		   : m->members->handlers->queued(m->members->arg);
}

static void
member_on_turn(struct loop_task *task)
{
	struct member *m = LIST_ENTRY_OF(task, struct member, turn);

	if (m->members) {
		/* A close waits for the queue alone, not for a client that reads. */
		if (m->reason && buffer_len(&m->queue) == 0) {
			member_emit_close(m);
			m->backend.handlers->on_changed(m->backend.arg);
		} else {
			member_deliver(m);
		}
		return;
	}
	m->backend.state = BACKEND_GONE;
	m->backend.handlers->on_changed(m->backend.arg);
}

static void
member_release(struct loop_deferred *deferred)
{
	free(LIST_ENTRY_OF(deferred, struct member, deferred));
}

static void
member_free(struct backend *backend)
{
	struct member *m = member_of(backend);

	assert(!m->members);
	m->freed = true;
	buffer_clear(&m->open);
	free(m->reason);
	loop_cancel(&m->turn);
	loop_defer_free(m->loop, &m->deferred, member_release);
}

static const struct backend_ops member_ops = {
    .write = member_write,
    .flush = member_flush,
    .finish = member_finish,
    .set_reading = member_set_reading,
    .set_reading_log = member_set_reading_log,
    .queued = member_queued,
    .free = member_free,
};

struct backend *
members_add(struct members *ms, uint64_t id, pid_t pid, struct buffer *open,
    const struct backend_handlers *handlers, void *arg)
{
	struct member *m = members_grow(ms) ? calloc(1, sizeof(*m)) : NULL;
	struct member **bucket;

	if (!m)
		return NULL;
	m->backend = (struct backend){
	    .ops = &member_ops,
	    .handlers = handlers,
	    .arg = arg,
	    .pid = pid,
	    .end = BACKEND_LEFT,
	    .reading_log = true,
	};
	m->loop = ms->loop;
	m->members = ms;
	m->id = id;
	m->left = SIZE_MAX;
	buffer_move(&m->open, open);
	list_init(&m->dirty);
	list_init(&m->throttled);
	loop_task_init(&m->turn, member_on_turn);
	bucket = members_bucket(ms, id);
	m->next_in_table = *bucket;
	*bucket = m;
	list_append(&ms->list, &m->node);
	ms->count++;
	for (size_t i = 0; i < history_count(&ms->history); i++)
		member_push(m, history_get(&ms->history, i));
	return &m->backend;
}

void
members_init(struct members *ms, struct loop *loop, const struct members_rules *rules,
    const struct members_handlers *handlers, void *arg)
{
	*ms = (struct members){.loop = loop, .rules = rules, .handlers = handlers, .arg = arg};
	list_init(&ms->list);
	list_init(&ms->dirty);
	list_init(&ms->throttled);
}

void
members_clear(struct members *ms)
{
	assert(ms->count == 0);
	history_clear(&ms->history);
	free(ms->table);
}
