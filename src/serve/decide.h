/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a session does next: the whole of its policy as one pure function of
 * two states and a few figures. The table is doc/design.md, section 4.
 */
#ifndef SERVE_DECIDE_H
#define SERVE_DECIDE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum peer_state {
	PEER_OPEN,
	PEER_CLOSING, /* our CLOSE is queued or sent, theirs was not seen */
	PEER_LEFT, /* their CLOSE or FIN was seen */
	PEER_GONE, /* the connection is not ours any more */
};

enum child_state {
	CHILD_RUN,
	CHILD_EOF, /* stdout ended, the program has not */
	CHILD_DEAD, /* the program is dead, stdout has not ended */
	CHILD_GONE, /* both, and it is reaped */
};

struct decide_facts {
	enum peer_state peer;
	enum child_state child;
	uint16_t close_wanted; /* a code with which the session must end (a fault, the drain);
				  0: none */
	uint16_t close_sent; /* the code of our CLOSE; 0: none was sent */
	uint16_t close_received; /* the code of theirs; 0: none came */
	size_t peer_queued; /* bytes on their way to the peer */
	size_t child_queued; /* bytes on their way to the child's stdin */
	bool reading_peer; /* the last decision: hysteresis between the marks */
	bool reading_child;
	bool fin_seen; /* while nothing was read: what stands before it is bounded, and still
			  read */
	bool close_overdue; /* their CLOSE did not come in time */
	/*
	 * CLOSE_WANTED is for a fault of the peer's, and what it sent before may still be
	 * answered: the time for that is not over. When the output of the child has ended, no
	 * answer is waited for.
	 */
	bool fault_waits;
};

struct decide_actions {
	bool read_peer; /* else it is paused */
	bool read_child; /* stdout, likewise */
	bool relay_input; /* messages go to the child; else they are discarded */
	bool relay_output; /* output goes to the peer; else it is discarded */
	bool end_child; /* close stdin behind what is queued; the ladder */
	bool send_close; /* a CLOSE with close_wanted, an echo of theirs, or the code of the
			    exit */
	bool finish_peer; /* flush, FIN, linger, close */
	bool free; /* nothing is left to do */
};

/* Backpressure: is the reading of one side on, with QUEUED bytes waiting for the other, ON
 * being the last answer? */
bool decide_reading(bool on, size_t queued);

struct decide_actions decide(const struct decide_facts *facts);

#endif
