/* SPDX-License-Identifier: BSD-2-Clause */
/* How a session closes and why: the codes of both Close frames, the reason and the cause. The
 * first event decides. Pure: it reads only the result of the backend. */
#ifndef SESSION_ENDING_H
#define SESSION_ENDING_H

#include "backend/backend.h"
#include "base/util.h"
#include "session/policy.h"
#include "session/registry.h"
#include "websocket/frame.h"

/* Initialize with zero bytes. The fields are read-only for users. */
struct ending {
	enum closing closing : 8;
	enum session_cause cause : 8; /* LOST until another cause is known */
	/* CAUSE can't change any more, because the peer is gone; set by the session. */
	bool cause_is_final;
	bool by_peer; /* the peer sent its Close first */
	bool owns_reason;
	uint16_t code; /* REQUESTED, GRACE: code of the Close to send */
	uint16_t sent; /* code of our Close; 0: none, as for the next one */
	uint16_t received;
	/* Reason of the first Close, or why the peer was lost; may be empty; constant unless
	 * OWNS_REASON. */
	struct span reason;
};

/* Records why the session ends. Only the first call counts. */
void ending_note_cause(struct ending *e, enum session_cause cause);

/* Records the reason for the Close or, once that is sent, for the log. REASON is constant. Only
 * the first call counts. */
void ending_note_reason(struct ending *e, const char *reason);

/* Replaces the reason by a copy. Leaves it unchanged if out of memory. */
void ending_copy_reason(struct ending *e, struct span reason);

/* Begins to close the session: immediately (REQUESTED), or after answers to earlier messages
 * (GRACE). REASON is constant. Returns false if the session was closing already. */
bool ending_begin(struct ending *e, enum closing closing, uint16_t code, const char *reason);

/* Like ending_begin() with REQUESTED, but also ends a grace period: once an answer is lost, no
 * others may follow it. */
bool ending_request(struct ending *e, uint16_t code, const char *reason);

/* Ends the grace period. Returns false if there was none. */
bool ending_end_grace(struct ending *e);

/* Records the peer's Close. */
void ending_receive(struct ending *e, uint16_t code, struct span reason);

/*
 * Records that our Close is sent. Returns its reason, which may point to TEXT: unless the
 * session was closing, it says how the backend ended. ANSWERS: the peer's Close or FIN came
 * first.
 */
struct span ending_send(struct ending *e, const struct backend *backend, bool answers,
    char text[FRAME_CONTROL_MAX]);

void ending_clear(struct ending *e);

#endif
