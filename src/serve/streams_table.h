/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The sessions of clients without a WebSocket, of one process. Each belongs to the endpoint and
 * the user that opened it. Its ID is 128 random bits, and whoever has it can use it.
 */
#ifndef SERVE_STREAMS_TABLE_H
#define SERVE_STREAMS_TABLE_H

#include "http/exchange.h"
#include "peer/events.h"
#include "serve/endpoint.h"

struct limit;
struct limit_slot;

enum { STREAMS_TABLE_BUCKETS = 1024 };

struct streams_table {
	struct list buckets[STREAMS_TABLE_BUCKETS]; /* of struct streams_session, by ID */
	struct events_room room;
	size_t posted; /* bytes of requests that are being read */
};

struct streams_session {
	struct list node; /* in a bucket */
	struct streams_table *table; /* borrowed */
	struct endpoint *endpoint; /* a reference */
	char *user; /* owned: who opened it; NULL: it was not authenticated */
	/* Owned: it counts as a connection of its client, whether it has one or not. */
	struct limit_slot *slot;
	struct peer *peer; /* borrowed: it frees the session */
	int64_t posts; /* the highest number of a request with messages */
	char id[EVENTS_ID_LEN + 1];
};

void streams_table_init(struct streams_table *table);

/* Closes all of them with 1012: no client can reach them any more. */
void streams_table_finish(struct streams_table *table);

/* Frees what waits for clients to come back after their sessions have ended. */
void streams_table_clear(struct streams_table *table);

/* A session of USER, NULL for one without authentication; not in the table yet. NULL without
 * memory. */
struct streams_session *streams_table_new(struct streams_table *table,
    struct endpoint *endpoint, const char *user) __attribute__((warn_unused_result));

/* Counts it as a connection of CLIENT. False: there is no room for one. */
bool streams_table_enter(struct streams_session *s, struct limit *limit,
    const struct sockaddr_storage *client) __attribute__((warn_unused_result));

/* It has its ID, and is found from now on. */
void streams_table_add(struct streams_session *s, struct peer *peer);

/* Accepts NULL. */
void streams_table_free(struct streams_session *s);

/* The session with an ID, if the request may use it. */
struct streams_session *streams_table_find(struct streams_table *table,
    const struct endpoint *endpoint, const struct exchange *exchange, struct span id);

#endif
