/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Sessions that requests over HTTP name, of one process: those of clients without a WebSocket
 * (serve/streams.h), and of MCP. Each belongs to the endpoint and the user that opened it. Its
 * ID is 128 random bits, and whoever has it can use it.
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
	struct list node; /* in a bucket, or in another list of its user */
	struct endpoint *endpoint; /* a reference */
	char *user; /* owned: who opened it; NULL: it was not authenticated */
	/* Owned: it counts as a connection of its client, whether it has one or not. */
	struct limit_slot *slot;
	struct peer *peer; /* borrowed: it frees the session */
	int64_t posts; /* the highest number of a request with messages */
	char id[ENV_UNIQUE_ID_LEN + 1];
};

void session_table_init(struct session_table *table);

/* Calls FN for each; it may free the session. */
void session_table_each(struct session_table *table, void (*fn)(struct peer *peer));

/* Adds an entry that has its ID and its peer. */
void session_table_add(struct session_table *table, struct session_entry *entry);

/* The session with an ID, if the request of EXCHANGE may use it: it comes from the same user,
 * to the same path. IDs are compared in a time that does not depend on where they differ. */
struct session_entry *session_table_find(struct session_table *table,
    const struct endpoint *endpoint, const struct exchange *exchange, struct span id);

/* A session of USER, NULL for one without authentication; in no table yet. NULL without memory.
 */
struct session_entry *session_entry_new(struct endpoint *endpoint, const char *user)
    __attribute__((warn_unused_result));

/* Counts it as a connection of CLIENT. False: there is no room for one. */
bool session_entry_admit(struct session_entry *entry, struct limit *limit,
    const struct client *client) __attribute__((warn_unused_result));

/* Accepts NULL. */
void session_entry_free(struct session_entry *entry);

#endif
