/* SPDX-License-Identifier: BSD-2-Clause */
/* Decides what a session does next: a pure function. */
#include "session/policy.h"

/* Backpressure: returns whether to read while QUEUED bytes wait for the other side. ON is the
 * previous result. */
static bool
policy_reads(bool on, size_t queued)
{
	return queued <= (on ? (size_t)BUFFER_HIGH : (size_t)BUFFER_LOW);
}

/* Returns true if the backend still accepts messages that the peer sends after our Close. */
static bool
policy_listens(const struct policy_facts *f)
{
	return f->backend_listens && f->backend == BACKEND_RUNNING &&
	       (f->peer == PEER_OPEN || f->peer == PEER_CLOSING);
}

/* Returns true if answers to messages that the peer sent before its violation or Close may
 * still come. */
static bool
policy_awaits_answers(const struct policy_facts *f)
{
	return (f->peer == PEER_OPEN || f->peer == PEER_LEFT) && f->closing == CLOSING_GRACE &&
	       (f->backend == BACKEND_RUNNING || f->backend == BACKEND_EXITED);
}

/* The peer's row of the table: what its state requires, whatever the backend does. */
static void
policy_peer(const struct policy_facts *f, const struct policy *last, struct policy *p)
{
	switch (f->peer) {
	case PEER_OPEN:
		/*
		 * Rule 1 of backpressure. The peer's own queue counts as well, else a flood of
		 * pings from a peer that does not read fills memory with pongs. But a server
		 * may stop reading until its answers are read; of the two ends of a connection,
		 * the client must therefore continue to read.
		 */
		p->read_peer =
		    !policy_awaits_answers(f) &&
		    (f->peer_ending || (policy_reads(last->read_peer, f->backend_queued) &&
					   (f->peer_is_server ||
					       policy_reads(last->read_peer, f->peer_queued))));
		p->send_close = f->closing == CLOSING_REQUESTED ||
				(f->closing == CLOSING_GRACE && !policy_awaits_answers(f)) ||
				(f->closing == CLOSING_NONE && f->backend == BACKEND_GONE);
		break;
	case PEER_CLOSING:
		/* Read on, for the peer's Close. Only the queue of a backend that still accepts
		 * messages can grow. */
		p->read_peer =
		    !policy_listens(f) || policy_reads(last->read_peer, f->backend_queued);
		break;
	case PEER_LEFT:
		/* RFC 6455, section 5.5.1: a Close is answered by a Close, which may be delayed
		 * while messages are sent; section 7.1.1: the server closes first. */
		p->read_peer = policy_awaits_answers(f); /* for its FIN */
		p->finish_peer = !p->read_peer;
		p->send_close = p->finish_peer && (f->closing == CLOSING_REQUESTED ||
						      f->closing == CLOSING_GRACE);
		break;
	case PEER_GONE:
		break;
	}
}

/* The backend's column of the table. */
static void
policy_backend(const struct policy_facts *f, const struct policy *last, struct policy *p)
{
	bool open = f->peer == PEER_OPEN && f->closing == CLOSING_NONE;

	p->relay_log = open && f->sends_log;
	p->read_log = !p->relay_log || policy_reads(last->read_log, f->peer_queued);
	switch (f->backend) {
	case BACKEND_RUNNING:
		p->relay_input = open || policy_listens(f);
		p->finish_backend = !p->relay_input;
		break;
	case BACKEND_OUTPUT_ENDED:
		/* No answer can come any more, so end the program; its exit decides the
		 * code. */
		p->finish_backend = true;
		return;
	case BACKEND_EXITED:
		break;
	case BACKEND_GONE:
		p->free = f->peer == PEER_GONE;
		return;
	}
	/* Rule 2. Unwanted output is read nevertheless: a full pipe would keep the program from
	 * exiting. */
	p->relay_output = open || policy_awaits_answers(f);
	p->read_backend = !p->relay_output || policy_reads(last->read_backend, f->peer_queued);
}

struct policy
policy_decide(const struct policy_facts *facts, const struct policy *last)
{
	struct policy policy = {0};

	policy_peer(facts, last, &policy);
	policy_backend(facts, last, &policy);
	return policy;
}
