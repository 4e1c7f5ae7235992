/* SPDX-License-Identifier: BSD-2-Clause */
/* The sessions of clients without a WebSocket. */
#include "serve/streams_table.h"

#include "net/limit.h"
#include "peer/events.h"
#include "serve/session_key.h"
#include "websocket/frame.h"

#include <stdlib.h>
#include <string.h>

static struct list *
streams_table_bucket(struct streams_table *table, struct span id)
{
	size_t hash = 0;

	for (size_t i = 0; i < 4 && i < id.len; i++)
		hash = hash * 16 + (size_t)util_hex_value((unsigned char)id.data[i]);
	return &table->buckets[hash % STREAMS_TABLE_BUCKETS];
}

struct streams_session *
streams_table_find(struct streams_table *table, const struct endpoint *endpoint,
    const struct exchange *exchange, struct span id)
{
	struct list *bucket;

	if (id.len != EVENTS_ID_LEN)
		return NULL;
	bucket = streams_table_bucket(table, id);
	for (struct list *node = bucket->next; node != bucket; node = node->next) {
		struct streams_session *s = LIST_ENTRY_OF(node, struct streams_session, node);
		struct session_key key = {s->id, s->endpoint, s->user};

		if (session_key_opens(&key, endpoint, exchange, id))
			return s;
	}
	return NULL;
}

struct streams_session *
streams_table_new(struct streams_table *table, struct endpoint *endpoint, const char *user)
{
	struct streams_session *s = calloc(1, sizeof(*s));

	if (!s)
		return NULL;
	list_init(&s->node);
	s->table = table;
	s->endpoint = endpoint_ref(endpoint);
	s->user = user ? strdup(user) : NULL;
	if (!user || s->user)
		return s;
	streams_table_free(s);
	return NULL;
}

bool
streams_table_enter(
    struct streams_session *s, struct limit *limit, const struct sockaddr_storage *client)
{
	s->slot = limit_enter(limit, client);
	limit_move(s->slot, LIMIT_ABSENT);
	return s->slot && limit_admit(s->slot);
}

void
streams_table_add(struct streams_session *s, struct peer *peer)
{
	s->peer = peer;
	list_append(streams_table_bucket(s->table, span_of(s->id)), &s->node);
}

void
streams_table_free(struct streams_session *s)
{
	if (!s)
		return;
	list_remove(&s->node);
	limit_leave(s->slot);
	endpoint_unref(s->endpoint);
	free(s->user);
	free(s);
}

void
streams_table_init(struct streams_table *table)
{
	for (size_t i = 0; i < STREAMS_TABLE_BUCKETS; i++)
		list_init(&table->buckets[i]);
}

static void
streams_table_each(struct streams_table *table, void (*fn)(struct peer *peer))
{
	for (size_t i = 0; i < STREAMS_TABLE_BUCKETS; i++) {
		struct list *bucket = &table->buckets[i];
		struct list *next;

		for (struct list *node = bucket->next; node != bucket; node = next) {
			next = node->next;
			fn(LIST_ENTRY_OF(node, struct streams_session, node)->peer);
		}
	}
}

static void
streams_table_restart(struct peer *peer)
{
	events_end(peer, CLOSE_SERVICE_RESTART, "the server accepts no more connections");
}

void
streams_table_finish(struct streams_table *table)
{
	streams_table_each(table, streams_table_restart);
}

void
streams_table_clear(struct streams_table *table)
{
	streams_table_each(table, events_abandon);
}
