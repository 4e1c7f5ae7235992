/* SPDX-License-Identifier: BSD-2-Clause */
/* The sessions that HTTP requests refer to by ID. */
#include "serve/session_table.h"

#include "net/limit.h"

#include <stdlib.h>
#include <string.h>

void
session_table_init(struct session_table *table)
{
	for (size_t i = 0; i < SESSION_TABLE_BUCKETS; i++)
		list_init(&table->buckets[i]);
}

static struct list *
session_table_bucket(struct session_table *table, const char *id)
{
	size_t hash = 0;

	for (size_t i = 0; i < 4; i++)
		hash = hash * 16 + (size_t)util_hex_value((unsigned char)id[i]);
	return &table->buckets[hash % SESSION_TABLE_BUCKETS];
}

void
session_table_each(struct session_table *table, void (*fn)(struct peer *peer))
{
	for (size_t i = 0; i < SESSION_TABLE_BUCKETS; i++) {
		struct list *bucket = &table->buckets[i];
		struct list *next;

		for (struct list *node = bucket->next; node != bucket; node = next) {
			next = node->next;
			fn(LIST_ENTRY_OF(node, struct session_entry, node)->peer);
		}
	}
}

void
session_table_add(struct session_table *table, struct session_entry *entry)
{
	list_append(session_table_bucket(table, entry->id), &entry->node);
}

static bool
session_entry_is_of(const struct session_entry *entry, const char *user)
{
	return entry->user && user ? strcmp(entry->user, user) == 0 : !entry->user && !user;
}

struct session_entry *
session_table_find(struct session_table *table, const struct endpoint *endpoint,
    const struct exchange *exchange, struct span id)
{
	struct list *bucket;

	if (id.len != ENV_UNIQUE_ID_LEN)
		return NULL;
	bucket = session_table_bucket(table, id.data);
	for (struct list *node = bucket->next; node != bucket; node = node->next) {
		struct session_entry *entry = LIST_ENTRY_OF(node, struct session_entry, node);
		unsigned char differs = 0;

		for (size_t i = 0; i < id.len; i++)
			differs |= (unsigned char)(entry->id[i] ^ id.data[i]);
		if (differs == 0 && strcmp(entry->endpoint->path, endpoint->path) == 0 &&
		    session_entry_is_of(entry, exchange_identity(exchange)->user))
			return entry;
	}
	return NULL;
}

struct session_entry *
session_entry_new(struct endpoint *endpoint, const char *user)
{
	struct session_entry *entry = calloc(1, sizeof(*entry));

	if (!entry)
		return NULL;
	list_init(&entry->node);
	entry->endpoint = endpoint_ref(endpoint);
	entry->user = user ? strdup(user) : NULL;
	if (!user || entry->user)
		return entry;
	session_entry_free(entry);
	return NULL;
}

bool
session_entry_admit(
    struct session_entry *entry, struct limit *limit, const struct client *client)
{
	entry->slot = limit_enter(limit, &client->address);
	limit_move(entry->slot, LIMIT_ABSENT);
	return entry->slot && limit_admit(entry->slot);
}

void
session_entry_free(struct session_entry *entry)
{
	if (!entry)
		return;
	list_remove(&entry->node);
	limit_leave(entry->slot);
	endpoint_unref(entry->endpoint);
	free(entry->user);
	free(entry);
}
