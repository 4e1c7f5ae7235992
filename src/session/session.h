/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A session joins one peer and one backend, from the start of the backend to the closing log
 * line. It uses only their interfaces.
 *
 * Each handler records a fact and then calls one idempotent step, which asks session/policy
 * what to do.
 */
#ifndef SESSION_SESSION_H
#define SESSION_SESSION_H

#include "backend/backend.h"
#include "base/list.h"
#include "peer/peer.h"
#include "session/ending.h"
#include "session/output.h"
#include "session/session_log.h"

struct loop;
struct session;

/* The rules that an endpoint has for its sessions. */
struct session_rules {
	struct output_rules output;
	struct session_log_rules log;
	char reason_output[96]; /* for a message of the backend that exceeds the limit */
	/* Called once, before the backend is freed. May be NULL. */
	void (*on_end)(const struct session_rules *rules, const struct backend *backend,
	    const struct ending *ending);
	/* Called once per session, when it is freed and no longer refers to its rules. May be
	 * NULL. */
	void (*release)(const struct session_rules *rules);
};

extern const struct peer_handlers session_peer_handlers;
extern const struct backend_handlers session_backend_handlers;

/*
 * Creates a session, which is in LIST until it is freed. LOOP, LIST and RULES must outlive it.
 * SPEC is for its log. Returns NULL if out of memory. Call session_start_take() or
 * session_cancel() next.
 */
struct session *session_new(struct loop *loop, struct list *list,
    const struct session_rules *rules, const struct session_log_spec *spec)
    __attribute__((warn_unused_result));

/* Returns the counters that the session's peer must update. */
struct peer_counts *session_sent(struct session *session);

/* Frees a session that has not started. Accepts NULL. */
void session_cancel(struct session *session);

/* Takes ownership of both sides, which must have been created with the handlers above and
 * SESSION as their argument. SPEC is for the first log line. */
void session_start_take(struct session *session, struct peer *peer, struct backend *backend,
    const struct session_log_spec *spec);

/* Closes all sessions of a list with 1001 (going away). REASON is constant. */
void session_drain_all(struct list *list, const char *reason);

/* Closes, with 1001, the sessions of a list that were marked by registry_ask_close(). */
void session_close_asked(struct list *list);

/* Drops the peers of all sessions of a list. Each session is freed once its backend has
 * ended. */
void session_abort_all(struct list *list);

/* Returns true if no session of a list has a peer any more: they only wait for their
 * backends. */
bool session_all_have_no_peer(const struct list *list);

#endif
