/* SPDX-License-Identifier: BSD-2-Clause */
/* The followers of a topic, as seen by its leader. */
#include "bus/redis_lead.h"

#include <stdlib.h>
#include <string.h>

struct redis_lead_node {
	struct list node; /* in lead->nodes */
	uint64_t id;
	uint64_t connection;
	uint64_t seq; /* of the last input received */
	uint64_t consumed; /* of the last input confirmed */
	int64_t heard_ms;
	uint32_t clients;
	struct buffer waiting; /* owned: pending entries, while input is paused */
};

static struct redis_lead_node *
redis_lead_at(struct list *node)
{
	return LIST_ENTRY_OF(node, struct redis_lead_node, node);
}

static struct redis_lead_node *
redis_lead_find(const struct redis_lead *l, uint64_t id)
{
	for (struct list *node = l->nodes.next; node != &l->nodes; node = node->next) {
		if (redis_lead_at(node)->id == id)
			return redis_lead_at(node);
	}
	return NULL;
}

static void
redis_lead_forget(struct redis_lead *l, struct redis_lead_node *n)
{
	l->count--;
	l->waiting -= buffer_len(&n->waiting);
	list_remove(&n->node);
	buffer_clear(&n->waiting);
	free(n);
}

/* Removes a node. Returns false if the handler has cleared L. */
static bool
redis_lead_remove(struct redis_lead *l, struct redis_lead_node *n)
{
	uint64_t id = n->id, clears = l->clears;

	redis_lead_forget(l, n);
	l->handlers->on_node(l->arg, id, false);
	return l->clears == clears;
}

/* Adds an unknown connection, or resets it: a connection that has sent input before can't
 * continue. */
static void
redis_lead_add(struct redis_lead *l, const struct record *record, int64_t now)
{
	struct redis_lead_node *n =
	    record->kind == RECORD_ALIVE && record->seq == 0 && l->count < REDIS_LEAD_NODES_MAX
		? calloc(1, sizeof(*n))
		: NULL;
	struct record reset = {.kind = RECORD_RESET, .connection = record->connection};

	if (!n) {
		l->handlers->send(l->arg, &reset);
		return;
	}
	n->id = record->node;
	n->connection = record->connection;
	n->heard_ms = now;
	list_append(&l->nodes, &n->node);
	l->count++;
	l->handlers->on_connection(l->arg, n->connection);
	l->handlers->on_node(l->arg, n->id, true);
}

/* Keeps input while it is paused. Returns false if there is no room; the input must then be
 * sent again. */
static bool
redis_lead_keep(struct redis_lead *l, struct redis_lead_node *n, struct span entries)
{
	if (buffer_len(&n->waiting) >= REDIS_LEAD_WAITING_MAX ||
	    l->waiting + entries.len > REDIS_LEAD_ALL_WAITING_MAX ||
	    !buffer_append(&n->waiting, entries.data, entries.len))
		return false;
	l->waiting += entries.len;
	return true;
}

/* Must be the last call, because the handler may clear L. */
static void
redis_lead_on_input(
    struct redis_lead *l, struct redis_lead_node *n, const struct record *record)
{
	/* Input is missing before it, or this is a duplicate; the node sends unconfirmed input
	 * again. */
	if (record->seq != n->seq + 1)
		return;
	if ((l->paused || buffer_len(&n->waiting) > 0) && !redis_lead_keep(l, n, record->body))
		return;
	n->seq++;
	if (!l->paused && buffer_len(&n->waiting) == 0)
		l->handlers->on_input(l->arg, n->id, record->body);
}

void
redis_lead_on_record(struct redis_lead *l, const struct record *record, int64_t now)
{
	struct redis_lead_node *n = redis_lead_find(l, record->node);

	if (n && n->connection != record->connection) {
		/* Ignore late records of an earlier connection. */
		if (record->kind != RECORD_ALIVE || record->seq != 0)
			return;
		if (!redis_lead_remove(l, n))
			return;
		n = NULL;
	}
	if (record->kind == RECORD_LEAVE) {
		if (n)
			(void)redis_lead_remove(l, n);
		return;
	}
	if (!n) {
		redis_lead_add(l, record, now);
		n = redis_lead_find(l, record->node);
	}
	if (!n)
		return;
	n->heard_ms = now;
	if (record->kind == RECORD_ALIVE && record->body.len == 4)
		n->clients = (uint32_t)record_get_number(
		    (const uint8_t *)record->body.data, record->body.len);
	if (record->kind != RECORD_INPUT)
		return;
	/* Confirm a duplicate again, because the confirmation may have been lost. */
	if (record->seq <= n->consumed)
		n->consumed = record->seq - 1;
	redis_lead_on_input(l, n, record);
}

void
redis_lead_step(struct redis_lead *l, int64_t now)
{
	uint64_t clears = l->clears;
	struct list *next;

	for (struct list *node = l->nodes.next; l->clears == clears && node != &l->nodes;
	     node = next) {
		struct redis_lead_node *n = redis_lead_at(node);
		struct buffer waiting = {0};

		next = node->next;
		if (now - n->heard_ms > REDIS_LEAD_GONE_MS) {
			(void)redis_lead_remove(l, n);
			continue;
		}
		if (l->paused && buffer_len(&n->waiting) > 0)
			continue;
		if (n->consumed != n->seq) {
			struct record consumed = {.kind = RECORD_CONSUMED,
			    .connection = n->connection,
			    .seq = n->seq};

			n->consumed = n->seq;
			l->handlers->send(l->arg, &consumed);
		}
		if (buffer_len(&n->waiting) == 0)
			continue;
		buffer_move(&waiting, &n->waiting);
		l->waiting -= buffer_len(&waiting);
		l->handlers->on_input(l->arg, n->id,
		    (struct span){(const char *)buffer_data(&waiting), buffer_len(&waiting)});
		buffer_clear(&waiting);
	}
}

void
redis_lead_excuse(struct redis_lead *l, int64_t now)
{
	for (struct list *node = l->nodes.next; node != &l->nodes; node = node->next)
		redis_lead_at(node)->heard_ms = now;
}

size_t
redis_lead_clients(const struct redis_lead *l)
{
	size_t clients = 0;

	for (struct list *node = l->nodes.next; node != &l->nodes; node = node->next)
		clients += redis_lead_at(node)->clients;
	return clients;
}

void
redis_lead_init(struct redis_lead *l, const struct redis_lead_handlers *handlers, void *arg)
{
	*l = (struct redis_lead){.handlers = handlers, .arg = arg};
	list_init(&l->nodes);
}

void
redis_lead_clear(struct redis_lead *l)
{
	l->clears++;
	while (!list_empty(&l->nodes))
		redis_lead_forget(l, redis_lead_at(l->nodes.next));
}
