/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the files of a session share: session (its life), session_in (peer to
 * program), session_out (program to peer) and session_log. Nobody else includes this.
 */
#ifndef SERVE_SESSION_INNER_H
#define SERVE_SESSION_INNER_H

#include "base/utf8.h"
#include "child/framing.h"
#include "net/listener.h"
#include "serve/decide.h"
#include "serve/session.h"
#include "websocket/decoder.h"
#include "websocket/deflate.h"
#include "websocket/encoder.h"

/* What goes one way: whole messages and the bytes in them. */
struct session_count {
	uint64_t messages;
	uint64_t bytes;
	uint64_t wire; /* bytes of payload on the wire; counted with compression only */
};

struct session {
	struct loop_grave grave; /* first: session_release() casts it back */
	struct list node; /* in the server's list */
	struct loop *loop; /* borrowed, as the next one */
	const struct endpoint *endpoint;
	uint64_t id;
	enum peer_state peer_state;
	enum child_state child_state;
	struct io *peer; /* owned; NULL when PEER_GONE */
	struct child *child; /* owned */
	struct decoder decoder;
	struct encoder encoder;
	struct inflater
	    *inflater; /* owned, as the next one; NULL: compression was not agreed on */
	struct deflater *deflater;
	struct framing_reader framing;
	struct utf8_repair repair; /* of the child's text */
	enum message_type out_type; /* of the message to the peer that was begun */
	bool said_not_utf8; /* each of these two is said once in the log */
	bool said_dropped;
	bool close_told; /* to the program, as an event */
	struct buffer waiting; /* messages of stderr, each behind its length (size_t); owned */
	size_t out_len; /* bytes in loop->out, within a callback */
	uint16_t close_wanted; /* see struct decide_facts */
	uint16_t close_sent;
	uint16_t close_received;
	struct span reason; /* why it ends, in words: constant, or CLOSE_WORDS; no data: its
			       program or peer ended */
	char *close_words; /* owned: the reason of a program that ended the session */
	struct timer timer;
	int64_t opened_ms;
	int64_t heard_ms; /* when the peer last sent something, or was last pinged */
	bool fin_seen; /* see struct decide_facts */
	int64_t fault_ms; /* when the peer broke a rule; 0: it did not */
	int64_t closed_ms; /* when our CLOSE was found to have left; 0: not yet */
	unsigned int pings; /* unanswered */
	struct session_count in;
	struct session_count out;
	char remote[LISTENER_TEXT_MAX];
	char *compat_url; /* owned; only in compat mode, whose every line names them */
	char *compat_origin;
};

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
