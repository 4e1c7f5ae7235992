/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a session does next: all of its policy as one pure function of two states, how it
 * closes, and a few figures. The table is in doc/design.md, section 4.
 */
#ifndef SESSION_POLICY_H
#define SESSION_POLICY_H

#include "backend/backend.h"
#include "peer/peer.h"

/* How the session closes, seen from our side. */
enum closing {
	CLOSING_NONE, /* nobody asked for it */
	CLOSING_REQUESTED, /* a Close is to be sent */
	CLOSING_GRACE, /* the peer broke a rule, or closes; what it sent before may still be
			  answered */
	CLOSING_SENT, /* ours is sent */
	CLOSING_ANSWERED, /* and theirs has come, before or after */
};

struct policy_facts {
	enum peer_state peer;
	enum backend_state backend;
	enum closing closing;
	size_t peer_queued; /* bytes on their way to the peer */
	size_t backend_queued; /* and to the backend */
	bool peer_ending; /* what the peer still sends is bounded */
	bool peer_is_server; /* peer->is_server */
	bool backend_listens; /* backend->listens */
	bool sends_log; /* lines of the log go to the peer, too */
};

struct policy {
	bool read_peer; /* else it is paused; the next two likewise */
	bool read_backend;
	bool read_log;
	bool relay_input; /* messages go to the backend; else they are dropped */
	bool relay_output; /* messages go to the peer; else they are dropped, for ever */
	bool relay_log; /* lines of the log go to the peer */
	bool finish_backend; /* end its input, begin the termination sequence */
	bool send_close; /* a Close with the code of CLOSING, or of the exit */
	bool finish_peer; /* flush, FIN, linger, close */
	bool free; /* nothing is left to do */
};

/* LAST is the previous result: what is read changes between two watermarks only. */
struct policy policy_decide(const struct policy_facts *facts, const struct policy *last);

#endif
