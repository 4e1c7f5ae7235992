/* SPDX-License-Identifier: BSD-2-Clause */
/* One client of a shared program. */
#include "backend/member.h"

#include "websocket/frame.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MEMBER_DELIVER = 64 * 1024 }; /* bytes sent to one member before its queue is checked */

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

/* Drops the messages if out of memory. */
void
member_push(struct member *m, struct broadcast *b)
{
	if (!buffer_append(&m->queue, &b, sizeof(struct broadcast *))) {
		m->dropped += b->messages;
		return;
	}
	(void)broadcast_ref(b);
	m->queued += b->len;
	if (m->backend.reading == BACKEND_READS && list_empty(&m->dirty))
		list_append(&m->group->dirty, &m->dirty);
}

static void
member_set_blocks(struct member *m, bool blocks)
{
	struct member_group *g = m->group;

	if (m->blocks == blocks)
		return;
	m->blocks = blocks;
	g->blocking += blocks ? 1 : -(size_t)1;
	if (g->blocking == blocks)
		g->handlers->on_block(g->arg, blocks);
}

static void
member_clear_queue(struct member *m)
{
	while (buffer_len(&m->queue) > 0)
		member_pop(m);
	if (m->group)
		member_set_blocks(m, false);
}

void
member_close(struct member *m, uint16_t code, struct span reason)
{
	if (m->reason)
		return;
	m->reason = span_dup(reason);
	/* If out of memory, send the code without a reason. */
	if (m->reason)
		m->reason_len = reason.len;
	else
		m->reason = strdup("");
	m->code = code;
	loop_defer(m->loop, &m->turn);
}

/* Handles a queue that exceeds the limit. */
static void
member_set_slow(struct member *m)
{
	switch (m->group->rules->slow) {
	case MEMBER_CLOSE:
		/* This includes a message of which a part was sent: sending the rest would
		 * delay the close. */
		member_clear_queue(m);
		member_close(m, CLOSE_TRY_LATER, SPAN("the client reads too slowly"));
		break;
	case MEMBER_DROP:
		m->drops = true;
		break;
	case MEMBER_BLOCK:
		member_set_blocks(m, true);
		break;
	}
}

static bool
member_exceeds(const struct member *m, size_t more)
{
	return m->backend.reading != BACKEND_READS && buffer_len(&m->queue) > 0 &&
	       m->queued + more > (uint64_t)m->group->rules->queue_max;
}

void
member_send(struct member *m, struct broadcast *b)
{
	if (m->reason || m->backend.reading == BACKEND_DROPS)
		return;
	if (!m->drops && member_exceeds(m, b->len))
		member_set_slow(m);
	if (m->drops)
		m->dropped += b->messages;
	else if (!m->reason)
		member_push(m, b);
}

/* Called when the queue is empty: reports how many messages were dropped. */
static void
member_catch_up(struct member *m)
{
	struct member_group *g = m->group;
	struct broadcast *b;
	char text[64];
	int len;

	member_set_blocks(m, false);
	m->drops = false;
	if (m->dropped == 0)
		return;
	g->handlers->on_dropped(g->arg, m, m->dropped);
	len = snprintf(
	    text, sizeof(text), "{\"type\":\"dropped\",\"count\":%" PRIu64 "}", m->dropped);
	m->dropped = 0;
	b = g->rules->reports_dropped
		? broadcast_of_message(MESSAGE_TEXT, (const uint8_t *)text, (size_t)len)
		: NULL;
	if (b)
		member_push(m, b);
	broadcast_unref(b);
}

/* Sends messages from the front of the queue. */
static void
member_send_some(struct member *m)
{
	const struct backend_handlers *handlers = m->backend.handlers;
	size_t sent = 0;

	while (buffer_len(&m->queue) > 0 && sent < MEMBER_DELIVER && !m->freed) {
		struct broadcast *b = member_head(m);
		struct batch batch = {
		    .len = m->left, .separator = BATCH_BROADCAST, .broadcast = b};

		handlers->on_messages(m->backend.arg, &batch);
		/* Nothing was sent: the client has disconnected. */
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

void
member_deliver(struct member *m)
{
	list_remove(&m->dirty);
	while (m->group && m->backend.reading == BACKEND_READS) {
		member_send_some(m);
		if (m->group && buffer_len(&m->queue) == 0)
			member_catch_up(m);
		if (m->group && buffer_len(&m->queue) == 0 && m->reason)
			member_emit_close(m);
		m->backend.handlers->on_changed(m->backend.arg);
		if (m->freed || buffer_len(&m->queue) == 0)
			break;
	}
	if (!m->freed && m->group && member_exceeds(m, 0) && !m->drops)
		member_set_slow(m);
}

/* Implementation of backend_ops */

static enum backend_result
member_write(struct backend *backend, struct batch *batch)
{
	struct member *m = member_of(backend);
	struct member_group *g = m->group;

	return g && !m->reason ? g->handlers->on_write(g->arg, m, batch) : BACKEND_DROPPED;
}

static void
member_flush(struct backend *backend)
{
	struct member_group *g = member_of(backend)->group;

	if (g)
		g->handlers->on_flush(g->arg);
}

static void
member_finish(struct backend *backend, uint16_t code, struct span reason)
{
	struct member *m = member_of(backend);
	struct member_group *g = m->group;

	if (!g)
		return;
	member_clear_queue(m);
	g->remove(g, m);
	m->group = NULL;
	if (m->dropped > 0)
		g->handlers->on_dropped(g->arg, m, m->dropped);
	g->handlers->on_left(g->arg, m, code, reason);
	loop_defer(m->loop, &m->turn);
}

static void
member_set_reading(struct backend *backend, enum backend_reading reading)
{
	struct member *m = member_of(backend);

	backend->reading = reading;
	if (reading == BACKEND_DROPS)
		member_clear_queue(m);
	if (reading == BACKEND_READS && m->group && buffer_len(&m->queue) > 0)
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

	return list_empty(&m->throttled) || !m->group
		   ? 0
		   : m->group->handlers->queued(m->group->arg);
}

static void
member_on_turn(struct loop_task *task)
{
	struct member *m = LIST_ENTRY_OF(task, struct member, turn);

	if (m->group) {
		/* Only the queue delays a close; it does not require a client that reads. */
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

	assert(!m->group);
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

struct member *
member_new(struct member_group *g, uint64_t id, pid_t pid, struct buffer *open,
    const struct backend_handlers *handlers, void *arg)
{
	struct member *m = calloc(1, sizeof(*m));

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
	m->loop = g->loop;
	m->group = g;
	m->id = id;
	m->left = SIZE_MAX;
	buffer_move(&m->open, open);
	list_init(&m->node);
	list_init(&m->dirty);
	list_init(&m->throttled);
	loop_task_init(&m->turn, member_on_turn);
	return m;
}
