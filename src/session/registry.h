/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The sessions of all workers, in memory that they share: those that there are, and what those
 * that have ended add up to. A worker writes to its own part only, so there is no lock, and any
 * of them reads all. What a worker that died has left is added up by its parent.
 *
 * Without a registry, NULL, the functions for sessions do nothing: a session counts for itself.
 */
#ifndef SESSION_REGISTRY_H
#define SESSION_REGISTRY_H

#include "peer/peer.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* Why a session ended: what came first. */
enum session_cause {
	SESSION_CAUSE_LOST, /* the connection, without a Close */
	SESSION_CAUSE_CLIENT, /* a Close of the client */
	SESSION_CAUSE_EXIT, /* the program, well: status 0, or it closed its end */
	SESSION_CAUSE_FAILURE, /* the program with another status, or its connection */
	SESSION_CAUSE_SIGNAL, /* the program by a signal */
	SESSION_CAUSE_VIOLATION, /* the client sent what can't be accepted */
	SESSION_CAUSE_SERVER, /* closed with 1001: shutdown, a time limit, the administrator */
	SESSION_CAUSE_ERROR, /* closed with 1011 */
	SESSION_CAUSE_WORKER, /* the worker process died */
	SESSION_CAUSES,
};
extern const char *const session_cause_names[SESSION_CAUSES];

/* How its client is connected. */
enum session_via {
	SESSION_VIA_WEBSOCKET,
	SESSION_VIA_EVENTS, /* over HTTP requests, as the next one */
	SESSION_VIA_POLLS,
	SESSION_VIAS,
};
extern const char *const session_via_names[SESSION_VIAS];

enum {
	REGISTRY_ENDPOINTS_MAX = 2048, /* that have figures of their own, over all reloads */
	REGISTRY_NAMES_MAX = 256 * 1024, /* bytes of their paths */
	REGISTRY_OTHER = 0, /* the number of all further ones together */
	/* Of a worker; a further session is counted when it ends, and not listed. */
	REGISTRY_SESSIONS_MAX = 64 * 1024,
	REGISTRY_TEXT_MAX = 64,
	REGISTRY_STATUSES = 600, /* of HTTP responses */
	REGISTRY_BUCKETS = 9, /* of the durations; the last one has no bound */
};
extern const int64_t registry_bounds_ms[REGISTRY_BUCKETS - 1];

struct registry_shared;

struct registry {
	struct registry_shared *shared; /* owned; NULL: it is not open */
	size_t worker; /* of this process, from 0 */
};

/* What a session has received and sent. */
struct registry_counts {
	struct peer_counts in;
	struct peer_counts out;
};

/* A session. */
struct registry_entry {
	_Atomic uint64_t id; /* 0: it has not begun, or there is none */
	_Atomic uint64_t close_id; /* this session is to be closed */
	int64_t opened_ms; /* of util_clock_ms(), which all workers share */
	pid_t pid; /* 0: the backend is a socket */
	uint32_t endpoint;
	enum session_via via;
	size_t next; /* the next free one, from 1 */
	struct registry_counts counts; /* changed as messages pass */
	char remote[REGISTRY_TEXT_MAX]; /* as the next one, cut */
	char user[REGISTRY_TEXT_MAX];
};

/* For so many WORKERS, before they are forked. False without memory. */
bool registry_open(struct registry *registry, size_t workers)
    __attribute__((warn_unused_result));

/* It may be called twice. */
void registry_close(struct registry *registry);

/* Where a worker counts its responses to handshakes, by status; NULL: nowhere. */
_Atomic uint64_t *registry_handshakes(const struct registry *registry);

/*
 * The number of an endpoint, which is found or made. Only the process that opened the registry
 * makes any, so it comes before its workers; in these an unknown one is REGISTRY_OTHER.
 */
uint32_t registry_endpoint(const struct registry *registry, const char *path);

/* Reserves an entry for a session. NULL: there is none. */
struct registry_entry *registry_reserve(const struct registry *registry)
    __attribute__((warn_unused_result));

/* The session did not begin. ENTRY may be NULL. */
void registry_cancel(const struct registry *registry, struct registry_entry *entry);

/* It has begun, with what ENTRY, which may be NULL, says then. */
void registry_begin(const struct registry *registry, struct registry_entry *entry, uint64_t id);

/* It has ended; frees ENTRY, which may be NULL. */
void registry_end(const struct registry *registry, struct registry_entry *entry,
    uint32_t endpoint, enum session_cause cause, int64_t duration_ms,
    const struct registry_counts *counts);

/* The worker died, or ended: its sessions have ended with it. */
void registry_lost(struct registry *registry, size_t worker);

/*
 * To read.
 */

struct registry_sums {
	uint64_t sessions; /* that there are */
	struct registry_counts counts; /* with those of all sessions, ended or not */
	uint64_t buckets[REGISTRY_BUCKETS]; /* sessions that have ended, not cumulative */
	uint64_t duration_ms; /* the sum of these */
	uint64_t handshakes[REGISTRY_STATUSES];
};

/* Adds up all workers. A count never falls from one call to the next, whichever the worker. */
void registry_sum(const struct registry *registry, struct registry_sums *out);

/* Endpoints have the numbers below this one. */
uint32_t registry_endpoints(const struct registry *registry);

/* Its path; NULL for REGISTRY_OTHER. */
const char *registry_path(const struct registry *registry, uint32_t endpoint);

/* How many sessions of it ended so. */
uint64_t registry_ended(
    const struct registry *registry, uint32_t endpoint, enum session_cause cause);

/* A place among all sessions; zero bytes are the first. */
struct registry_cursor {
	size_t worker;
	size_t index;
};

/* Copies the next session. False: there are no more. */
bool registry_next(const struct registry *registry, struct registry_cursor *cursor,
    struct registry_entry *out) __attribute__((warn_unused_result));

/* Notes that a session is to be closed. False: there is none. */
bool registry_ask_close(const struct registry *registry, uint64_t id)
    __attribute__((warn_unused_result));

#endif
