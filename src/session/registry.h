/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The sessions of all workers, in shared memory: those that are open, and totals of those that
 * have ended. Each worker writes only to its own part, so no lock is needed; all of them read
 * all parts. When a worker dies, its parent adds up its sessions.
 *
 * If the registry is NULL, the functions for sessions do nothing and sessions use counters of
 * their own.
 */
#ifndef SESSION_REGISTRY_H
#define SESSION_REGISTRY_H

#include "peer/peer.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* Why a session ended; the first cause counts. */
enum session_cause {
	SESSION_CAUSE_LOST, /* the connection was lost without a Close */
	SESSION_CAUSE_CLIENT, /* the client sent a Close */
	/* The program exited with status 0, or the backend closed its connection. */
	SESSION_CAUSE_EXIT,
	/* The program exited with another status, or the connection to the backend was lost. */
	SESSION_CAUSE_FAILURE,
	SESSION_CAUSE_SIGNAL, /* the program was killed by a signal */
	SESSION_CAUSE_VIOLATION, /* the client broke a rule */
	SESSION_CAUSE_SERVER, /* closed with 1001: shutdown, time limit, or the administrator */
	SESSION_CAUSE_ERROR, /* closed with 1011 */
	SESSION_CAUSE_WORKER, /* the worker process died */
	SESSION_CAUSES,
};
extern const char *const session_cause_names[SESSION_CAUSES];

/* How the client is connected. */
enum session_via {
	SESSION_VIA_WEBSOCKET,
	SESSION_VIA_EVENTS, /* over HTTP requests, as for the next one */
	SESSION_VIA_POLLS,
	SESSION_VIAS,
};
extern const char *const session_via_names[SESSION_VIAS];

enum {
	REGISTRY_ENDPOINTS_MAX = 2048, /* endpoints with their own counters, over all reloads */
	REGISTRY_NAMES_MAX = 256 * 1024, /* bytes of their paths */
	REGISTRY_OTHER = 0, /* the number that all further endpoints share */
	/* Per worker. Further sessions are counted when they end, but not listed. */
	REGISTRY_SESSIONS_MAX = 64 * 1024,
	REGISTRY_TEXT_MAX = 64,
	REGISTRY_STATUSES = 600, /* statuses of HTTP responses */
	REGISTRY_BUCKETS = 9, /* of session durations; the last one is unbounded */
};
extern const int64_t registry_bounds_ms[REGISTRY_BUCKETS - 1];

struct registry_shared;

struct registry {
	struct registry_shared *shared; /* owned; NULL: not open */
	size_t worker; /* number of this process, from 0 */
};

/* What a session has received and sent. */
struct registry_counts {
	struct peer_counts in;
	struct peer_counts out;
};

/* One session. */
struct registry_entry {
	_Atomic uint64_t id; /* 0: the entry is free, or the session has not begun */
	_Atomic uint64_t close_id; /* ID of the session that must be closed */
	int64_t opened_ms; /* util_clock_ms(), which is the same clock in all workers */
	pid_t pid; /* 0: the backend is a socket */
	uint32_t endpoint;
	enum session_via via;
	size_t next; /* next free entry, counted from 1; 0: none */
	struct registry_counts counts; /* updated as messages pass */
	char remote[REGISTRY_TEXT_MAX]; /* may be truncated, as the next one */
	char user[REGISTRY_TEXT_MAX];
};

/* Creates the registry for WORKERS workers, before they are forked. Returns false if out of
 * memory. */
bool registry_open(struct registry *registry, size_t workers)
    __attribute__((warn_unused_result));

/* Unmaps the registry. May be called twice. */
void registry_close(struct registry *registry);

/* Returns where this worker counts its responses to handshakes, by status, or NULL. */
_Atomic uint64_t *registry_handshakes(const struct registry *registry);

/*
 * Returns the number of an endpoint, adding it if necessary. Only the process that opened the
 * registry can add endpoints, so call it before the workers are forked; a worker gets
 * REGISTRY_OTHER for an unknown path.
 */
uint32_t registry_endpoint(const struct registry *registry, const char *path);

/* Reserves an entry for a session. Returns NULL if the table is full. */
struct registry_entry *registry_reserve(const struct registry *registry)
    __attribute__((warn_unused_result));

/* Releases the entry of a session that did not begin. Accepts a NULL ENTRY. */
void registry_cancel(const struct registry *registry, struct registry_entry *entry);

/* Publishes ENTRY, which the caller has filled in, and counts the session as open. Accepts a
 * NULL ENTRY. */
void registry_begin(const struct registry *registry, struct registry_entry *entry, uint64_t id);

/* Counts the session as ended and releases ENTRY. Accepts a NULL ENTRY. */
void registry_end(const struct registry *registry, struct registry_entry *entry,
    uint32_t endpoint, enum session_cause cause, int64_t duration_ms,
    const struct registry_counts *counts);

/* Counts all sessions of a worker that has exited or died as ended. */
void registry_lost(struct registry *registry, size_t worker);

/* Reading. */

struct registry_sums {
	uint64_t sessions; /* open sessions */
	struct registry_counts counts; /* of all sessions, open or ended */
	uint64_t buckets[REGISTRY_BUCKETS]; /* ended sessions by duration, not cumulative */
	uint64_t duration_ms; /* sum of the durations */
	uint64_t handshakes[REGISTRY_STATUSES];
};

/* Adds up the figures of all workers. Counters never decrease from one call to the next, in any
 * worker. */
void registry_sum(const struct registry *registry, struct registry_sums *out);

/* Returns the number of endpoints; their numbers are below it. */
uint32_t registry_endpoints(const struct registry *registry);

/* Returns the path of an endpoint, or NULL for REGISTRY_OTHER. */
const char *registry_path(const struct registry *registry, uint32_t endpoint);

/* Returns the number of sessions of ENDPOINT that ended with CAUSE. */
uint64_t registry_ended(
    const struct registry *registry, uint32_t endpoint, enum session_cause cause);

/* A position in the list of all sessions. Initialize with zero bytes. */
struct registry_cursor {
	size_t worker;
	size_t index;
};

/* Copies the next session to *OUT. Returns false at the end of the list. */
bool registry_next(const struct registry *registry, struct registry_cursor *cursor,
    struct registry_entry *out) __attribute__((warn_unused_result));

/* Marks a session for closing; its worker closes it with session_close_asked(). Returns false
 * if there is no such session. */
bool registry_ask_close(const struct registry *registry, uint64_t id)
    __attribute__((warn_unused_result));

#endif
