/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The sessions of a process that HTTP requests refer to by ID: those of clients without a
 * WebSocket (serve/streams.h), and those of MCP. Each belongs to the endpoint and user that
 * opened it. An ID is 128 random bits; anyone who knows it, and is that user, can use the
 * session.
 */
#ifndef SERVE_SESSION_TABLE_H
#define SERVE_SESSION_TABLE_H

#include "http/exchange.h"
#include "peer/peer.h"
#include "serve/endpoint.h"
#include "serve/env.h"

struct limit;
struct limit_slot;

enum { SESSION_TABLE_BUCKETS = 1024 };

struct session_table {
	struct list buckets[SESSION_TABLE_BUCKETS]; /* of struct session_entry, by ID */
};

struct session_entry {
	struct list node; /* in a bucket, or in a list of its owner */
	struct endpoint *endpoint; /* a reference */
	char *user; /* owned: the user that opened it; NULL: not authenticated */
	/* Owned: the session counts as a connection of its client, even while it has none. */
	struct limit_slot *slot;
	struct peer *peer; /* borrowed; frees this entry */
	int64_t posts; /* highest number of a request with messages */
	char id[ENV_UNIQUE_ID_LEN + 1];
};

void session_table_init(struct session_table *table);

/* Calls FN for each session; FN may free the session. */
void session_table_each(struct session_table *table, void (*fn)(struct peer *peer));

/* Adds an entry whose ID and peer are set. */
void session_table_add(struct session_table *table, struct session_entry *entry);

/* Returns the session ID if the request of EXCHANGE may use it, that is if it comes from the
 * same user and has the same path; else NULL. IDs are compared in constant time. */
struct session_entry *session_table_find(struct session_table *table,
    const struct endpoint *endpoint, const struct exchange *exchange, struct span id);

/* Returns an entry of USER, which is NULL without authentication; it is in no table yet.
 * Returns NULL if memory runs out. */
struct session_entry *session_entry_new(struct endpoint *endpoint, const char *user)
    __attribute__((warn_unused_result));

/* Counts the session as a connection of CLIENT. Returns false if the limit is reached. */
bool session_entry_admit(struct session_entry *entry, struct limit *limit,
    const struct client *client) __attribute__((warn_unused_result));

/* Frees ENTRY; accepts NULL. */
void session_entry_free(struct session_entry *entry);

#endif
