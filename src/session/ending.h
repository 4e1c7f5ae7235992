/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * How a session closes and why: the codes of both Close frames, the reason and the cause. What
 * comes first counts. Pure; it knows no peer, and of a backend its result alone.
 */
#ifndef SESSION_ENDING_H
#define SESSION_ENDING_H

#include "backend/backend.h"
#include "base/util.h"
#include "session/policy.h"
#include "session/registry.h"
#include "websocket/frame.h"

/* Zero bytes are its beginning; all is read by others. */
struct ending {
	enum closing closing : 8;
	enum session_cause cause : 8; /* LOST as long as there is no other */
	bool cause_is_final; /* the peer is gone, so it stays LOST; set by the session */
	bool by_peer; /* its Close came first */
	bool owns_reason;
	uint16_t code; /* while REQUESTED or GRACE: of the Close */
	uint16_t sent; /* code of our Close; 0: none, as the next one */
	uint16_t received;
	struct span reason; /* of the first Close, or why the peer was lost; may be empty;
			       constant unless OWNS_REASON */
};

/* Why it ends. */
void ending_note_cause(struct ending *e, enum session_cause cause);

/* For the Close or, after it, for the log; constant. */
void ending_note_reason(struct ending *e, const char *reason);

/* A reason that others own replaces it. Without memory there is none. */
void ending_copy_reason(struct ending *e, struct span reason);

/* The session is to close, at once or (GRACE) after answers to what came before. REASON is
 * constant. False: that was so. */
bool ending_begin(struct ending *e, enum closing closing, uint16_t code, const char *reason);

/* As ending_begin() for at once. It also ends a grace time: an answer that is lost can't be
 * followed by others. */
bool ending_request(struct ending *e, uint16_t code, const char *reason);

/* The grace time, if there is one, is over. True: there was. */
bool ending_end_grace(struct ending *e);

/* The peer's Close. */
void ending_receive(struct ending *e, uint16_t code, struct span reason);

/*
 * Our Close is sent: returns the reason for it, which may be in TEXT. Unless the session was to
 * close, it says how the backend has ended. ANSWERS: the peer's Close, or its end, came first.
 */
struct span ending_send(struct ending *e, const struct backend *backend, bool answers,
    char text[FRAME_CONTROL_MAX]);

void ending_clear(struct ending *e);

#endif
