/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A session joins one peer and one backend, from the start of the backend to the closing line
 * of the log. It knows them only by their interfaces.
 *
 * Each handler records a fact and calls one idempotent step, which asks session/policy what to
 * do.
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

/* The rules of an endpoint for its sessions. */
struct session_rules {
	struct output_rules output;
	struct session_log_rules log;
	char reason_output[96]; /* of a message of the backend that exceeds the limit */
	/* Called once, before the backend is freed. May be NULL. */
	void (*on_end)(const struct session_rules *rules, const struct backend *backend,
	    const struct ending *ending);
	/* Called once for each session that is freed: it does not refer to its rules any more.
	 * NULL: nobody needs to know. */
	void (*release)(const struct session_rules *rules);
};

extern const struct peer_handlers session_peer_handlers;
extern const struct backend_handlers session_backend_handlers;

/*
 * A session that is in LIST until it is freed. LOOP, LIST and RULES outlive it; SPEC is for its
 * log. NULL without memory. session_start_take() follows, or session_cancel().
 */
struct session *session_new(struct loop *loop, struct list *list,
    const struct session_rules *rules, const struct session_log_spec *spec)
    __attribute__((warn_unused_result));

/* What its peer counts. */
struct peer_counts *session_sent(struct session *session);

/* Frees a session that has not started. */
void session_cancel(struct session *session);

/* Takes both sides, whose handlers and argument are those above and SESSION; SPEC is for the
 * first line of the log. */
void session_start_take(struct session *session, struct peer *peer, struct backend *backend,
    const struct session_log_spec *spec);

/* Closes all sessions of a list with 1001, "going away"; REASON is constant. */
void session_drain_all(struct list *list, const char *reason);

/* Closes those sessions of a list with 1001 of which registry_ask_close() was asked. */
void session_close_asked(struct list *list);

/* Drops the peers of all sessions of a list; each is freed once its backend has ended. */
void session_abort_all(struct list *list);

/* True if all sessions of a list only wait for their backends to end. */
bool session_all_have_no_peer(const struct list *list);

#endif
