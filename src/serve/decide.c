/* SPDX-License-Identifier: BSD-2-Clause */
/* What a session does next: a pure function. */
#include "serve/decide.h"

#include "base/buffer.h"

bool
decide_reading(bool on, size_t queued)
{
	return queued <= (on ? (size_t)BUFFER_HIGH : (size_t)BUFFER_LOW);
}

/* The peer has broken a rule, and the answers to what it sent before are still on their way. */
static bool
decide_answers_come(const struct decide_facts *f)
{
	return f->peer == PEER_OPEN && f->close_wanted != 0 && f->fault_waits &&
	       (f->child == CHILD_RUN || f->child == CHILD_DEAD);
}

/* The peer's column of the table: what its state asks for whatever the child does. */
static void
decide_peer(const struct decide_facts *f, struct decide_actions *a)
{
	switch (f->peer) {
	case PEER_OPEN:
		/*
		 * Rule 1 of backpressure. The peer's own queue counts as well, else a
		 * flood of PINGs from one who does not read fills memory with PONGs.
		 */
		a->read_peer =
		    !decide_answers_come(f) &&
		    (f->fin_seen || (decide_reading(f->reading_peer, f->child_queued) &&
					decide_reading(f->reading_peer, f->peer_queued)));
		a->send_close =
		    f->close_wanted != 0 ? !decide_answers_come(f) : f->child == CHILD_GONE;
		break;
	case PEER_CLOSING:
		/* Read on, for their CLOSE; nothing is queued any more, so nothing can grow. */
		a->read_peer = true;
		a->finish_peer = f->close_overdue;
		break;
	case PEER_LEFT:
		/* RFC 6455, section 5.5.1: a CLOSE is answered by a CLOSE; section 7.1.1: the
		 * server closes first. */
		a->send_close = f->close_received != 0 && f->close_sent == 0;
		a->finish_peer = true;
		break;
	case PEER_GONE:
		break;
	}
}

/* The child's row. */
static void
decide_child(const struct decide_facts *f, struct decide_actions *a)
{
	bool open = f->peer == PEER_OPEN && f->close_wanted == 0;
	bool heard = open || decide_answers_come(f);

	switch (f->child) {
	case CHILD_RUN:
		a->relay_input = open;
		a->end_child = !open;
		break;
	case CHILD_EOF:
		/* No answer can come any more, so the program is led to its end; its exit says
		 * the code. */
		a->end_child = true;
		break;
	case CHILD_DEAD:
		break;
	case CHILD_GONE:
		a->free = f->peer == PEER_GONE;
		return;
	}
	if (f->child == CHILD_EOF)
		return;
	/* Rule 2. What nobody wants is read all the same: a full pipe would keep the program
	 * from ending. */
	a->relay_output = heard;
	a->read_child = !heard || decide_reading(f->reading_child, f->peer_queued);
}

struct decide_actions
decide(const struct decide_facts *facts)
{
	struct decide_actions actions = {0};

	decide_peer(facts, &actions);
	decide_child(facts, &actions);
	return actions;
}
