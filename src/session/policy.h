/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Decides what a session does next. All of its policy is one pure function of the states of
 * peer and backend, the closing state and a few figures. The table is in doc/design.md, section
 * 4.
 */
#ifndef SESSION_POLICY_H
#define SESSION_POLICY_H

#include "backend/backend.h"
#include "peer/peer.h"

/* How far the session has closed, as seen from our side. */
enum closing {
	CLOSING_NONE, /* not closing */
	CLOSING_REQUESTED, /* a Close must be sent */
	/* The peer broke a rule or closed; messages that it sent before may still be
	 * answered. */
	CLOSING_GRACE,
	CLOSING_SENT, /* our Close is sent */
	/* Our Close is sent, and the peer's was received before or after it. */
	CLOSING_ANSWERED,
};

struct policy_facts {
	enum peer_state peer;
	enum backend_state backend;
	enum closing closing;
	size_t peer_queued; /* bytes queued for the peer */
	size_t backend_queued; /* bytes queued for the backend */
	bool peer_ending; /* the rest of the peer's input is bounded */
	bool peer_is_server; /* peer->is_server */
	bool backend_listens; /* backend->listens */
	bool sends_log; /* log lines are sent to the peer */
};

struct policy {
	bool read_peer; /* false: pause it, as for the next two */
	bool read_backend;
	bool read_log;
	bool relay_input; /* pass messages to the backend; false: drop them */
	bool relay_output; /* pass messages to the peer; false: drop them, permanently */
	bool relay_log; /* pass log lines to the peer */
	bool finish_backend; /* end its input and begin the termination sequence */
	bool send_close; /* send a Close with the code of the ending or of the exit */
	bool finish_peer; /* flush, FIN, linger, close */
	bool free; /* nothing is left to do: free the session */
};

/* Returns what to do. LAST is the previous result: reading stops at one watermark and resumes
 * at a lower one. */
struct policy policy_decide(const struct policy_facts *facts, const struct policy *last);

#endif
