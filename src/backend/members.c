/* SPDX-License-Identifier: BSD-2-Clause */
/* The clients of a shared program. */
#include "backend/members.h"

#include <assert.h>
#include <stdlib.h>

enum {
	MEMBERS_TABLE_FIRST = 16,
	MEMBERS_MANY = 64, /* delivery to fewer members takes no significant time */
	/* Postpone the next delivery for this multiple of the last one's duration. */
	MEMBERS_REST = 3,
	MEMBERS_REST_MAX_MS = 15,
};

/* The table */

static struct member **
members_bucket(const struct members *ms, uint64_t id)
{
	/* IDs are consecutive numbers. */
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
members_remove(struct member_group *group, struct member *m)
{
	struct members *ms = LIST_ENTRY_OF(group, struct members, group);
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

/* Messages */

/* Queues the pending broadcast for all members. */
static void
members_spread(struct members *ms)
{
	struct broadcast *b = ms->pending;

	if (!b)
		return;
	ms->pending = NULL;
	for (struct member *m = members_first(ms); m; m = members_next(ms, m))
		member_send(m, b);
	broadcast_unref(b);
}

void
members_send(struct members *ms, struct member *m, struct broadcast *b)
{
	members_spread(ms);
	member_send(m, b);
}

void
members_send_all(struct members *ms, struct broadcast *b)
{
	history_add(&ms->history, b, (uint64_t)ms->group.rules->history);
	if (ms->pending && broadcast_join(&ms->pending, b))
		return;
	members_spread(ms);
	ms->pending = broadcast_ref(b);
}

void
members_send_but(
    struct members *ms, struct broadcast *b, struct member *const *except, size_t count)
{
	members_spread(ms);
	for (struct member *m = members_first(ms); m; m = members_next(ms, m)) {
		bool excepted = false;

		for (size_t i = 0; i < count && !excepted; i++)
			excepted = except[i] == m;
		if (!excepted)
			member_send(m, b);
	}
}

/* Returns true if the pending broadcast must wait for more messages. A broadcast that is full
 * does not wait: it fills the buffer of a socket. */
static bool
members_rests(struct members *ms)
{
	if (!ms->pending || ms->pending->len >= BROADCAST_JOINED_MAX ||
	    ms->rest_until_ms == 0 || util_clock_ms() >= ms->rest_until_ms)
		return false;
	timer_at(&ms->timer, ms->rest_until_ms);
	return true;
}

static void
members_deliver(struct members *ms)
{
	while (!list_empty(&ms->group.dirty))
		member_deliver(LIST_ENTRY_OF(ms->group.dirty.next, struct member, dirty));
}

/*
 * Most of the cost of delivering a message to a thousand clients are system calls, one per
 * client, however long the message is; the clients pay as much again. So a delivery to all that
 * took long is followed by a pause, after which everything that the program has written
 * meanwhile goes out together. This limits our share of CPU time, and thus how long everything
 * else has to wait.
 */
void
members_flush(struct members *ms)
{
	bool many = ms->pending && ms->count >= MEMBERS_MANY;
	int64_t began_ms, took_ms, rest_ms;

	if (members_rests(ms)) {
		members_deliver(ms);
		return;
	}
	began_ms = many ? util_clock_ms() : 0;
	members_spread(ms);
	members_deliver(ms);
	if (!many)
		return;
	took_ms = util_clock_ms() - began_ms;
	rest_ms = MEMBERS_REST * took_ms;
	if (rest_ms > MEMBERS_REST_MAX_MS)
		rest_ms = MEMBERS_REST_MAX_MS;
	ms->rest_until_ms = took_ms > 1 ? began_ms + took_ms + rest_ms : 0;
}

void
members_flush_now(struct members *ms)
{
	ms->rest_until_ms = 0;
	members_flush(ms);
}

static void
members_on_timer(void *arg)
{
	members_flush(arg);
}

void
members_close(struct members *ms, struct member *m, uint16_t code, struct span reason)
{
	members_spread(ms);
	member_close(m, code, reason);
}

/* Backpressure from the program */

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

/* Lifecycle */

struct backend *
members_add(struct members *ms, uint64_t id, pid_t pid, struct buffer *open,
    const struct backend_handlers *handlers, void *arg)
{
	struct member *m =
	    members_grow(ms) ? member_new(&ms->group, id, pid, open, handlers, arg) : NULL;
	struct member **bucket;

	if (!m)
		return NULL;
	/* A new member gets the pending broadcast as history. */
	members_spread(ms);
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
members_init(struct members *ms, struct loop *loop, const struct member_rules *rules,
    const struct member_handlers *handlers, void *arg)
{
	*ms = (struct members){.group = {.loop = loop,
				   .rules = rules,
				   .handlers = handlers,
				   .arg = arg,
				   .remove = members_remove}};
	list_init(&ms->list);
	list_init(&ms->group.dirty);
	list_init(&ms->throttled);
	timer_init(&ms->timer, &loop->timers, members_on_timer, ms);
}

void
members_clear(struct members *ms)
{
	assert(ms->count == 0);
	timer_stop(&ms->timer);
	broadcast_unref(ms->pending);
	history_clear(&ms->history);
	free(ms->table);
}
