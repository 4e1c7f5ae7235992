/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the files of a session share: session (its life), session_in (peer to
 * program), session_out (program to peer), session_due (its deadlines) and session_log. Nobody
 * else includes this.
 */
#ifndef SERVE_SESSION_INNER_H
#define SERVE_SESSION_INNER_H

#include "base/utf8.h"
#include "child/framing.h"
#include "child/lines.h"
#include "net/listener.h"
#include "serve/decide.h"
#include "serve/session.h"
#include "websocket/decoder.h"
#include "websocket/deflate.h"
#include "websocket/encoder.h"

#include <string.h>

/* What goes one way: whole messages and the bytes in them. */
struct session_count {
	uint64_t messages;
	uint64_t bytes;
	uint64_t wire; /* bytes of payload on the wire; counted with compression only */
};

/* What each line of the log names in compat mode. */
struct session_compat {
	char *url; /* owned, as the next one */
	char *origin;
};

/* One allocation, of which thousands stand idle: what is not wanted then has no place in it. */
struct session {
	union { /* first: session_release() casts it back */
		struct list node; /* in the server's list */
		struct loop_grave grave; /* once it was taken out, to be freed */
	};
	struct loop *loop; /* borrowed, as the next one */
	const struct endpoint *endpoint;
	uint64_t id;
	struct stream *peer; /* owned; NULL when PEER_GONE */
	struct child *child; /* owned */
	struct decoder decoder;
	struct framing_reader framing;
	struct inflater
	    *inflater; /* owned, as the next one; NULL: compression was not agreed on */
	struct deflater *deflater;
	struct buffer undecoded; /* from the peer, read and not looked at; owned */
	struct buffer waiting; /* messages of stderr, each behind its length (size_t); owned */
	struct buffer pong; /* the frame of the one that waits until the queue to the peer has
			       left: never without a queue; owned */
	size_t out_len; /* bytes in loop->out, within a callback */
	struct span reason; /* why it ends, in words: constant, or CLOSE_WORDS; no data: its
			       program or peer ended */
	char *close_words; /* owned: the reason of a program that ended the session */
	struct timer timer;
	int64_t opened_ms;
	int64_t heard_ms; /* when the peer last sent something, or was last checked */
	int64_t fault_ms; /* when the peer broke a rule; 0: it did not */
	int64_t closed_ms; /* when our CLOSE was found to have left; 0: not yet */
	int64_t begun_ms; /* since when there is a part of a message; 0: there is none */
	struct session_count in;
	struct session_count out;
	struct lines_limit stderr_limit; /* of the log */
	struct session_compat *compat; /* owned; NULL: not in compat mode */
	uint16_t ping_second; /* the last one in which the peer sent PINGs, and how many */
	uint16_t ping_count;
	uint16_t close_wanted; /* see struct decide_facts */
	uint16_t close_sent;
	uint16_t close_received;
	enum peer_state peer_state : 8;
	enum child_state child_state : 8;
	enum message_type out_type : 8; /* of the message to the peer that was begun */
	struct encoder encoder;
	struct utf8_repair repair; /* of the child's text */
	uint8_t pings; /* unanswered */
	bool awaited; /* at the last check the peer's system had something to confirm */
	bool fin_seen; /* see struct decide_facts */
	bool said_not_utf8; /* each of these two is said once in the log */
	bool said_dropped;
	bool initialized; /* the request that struct framing.null_process_id is about was seen */
	bool close_told; /* to the program, as an event */
	bool out_in_short; /* it had many records of a byte or two */
	/* The peer's address in text, followed by two strings: session_offered() and
	 * session_program(). */
	char remote[];
};

/* The first subprotocol that the client offered when none was selected; else empty. */
static inline const char *
session_offered(const struct session *s)
{
	return s->remote + strlen(s->remote) + 1;
}

/* The program's file below a directory; else empty. */
static inline const char *
session_program(const struct session *s)
{
	const char *offered = session_offered(s);

	return offered + strlen(offered) + 1;
}

/* Facts. Each is followed by the step, sooner or later; none of these frees the session. */

void session_set_peer(struct session *s, enum peer_state state);

/* The child's state follows from its three facts. */
void session_set_child(struct session *s);

/* The session must end with CODE; the first reason counts. */
void session_want_close(struct session *s, uint16_t code, const char *reason);

/*
 * The peer has broken a rule. What it sent before stays valid: the child may answer it for a
 * while, and then the session ends. Nothing that comes behind is heard.
 */
void session_fault(struct session *s, uint16_t code, const char *reason);

/* Whether the program's output still goes to the peer; once it does not, it never does again.
 */
bool session_wants_output(const struct session *s);

/* True from a fault to our CLOSE for it, which leaves when the answers have come or the time
 * for them is over. */
bool session_in_fault(const struct session *s);

/* The connection is of no use any more: no CLOSE, no flush. */
void session_lose_peer(struct session *s, const char *reason);

#endif
