/* SPDX-License-Identifier: BSD-2-Clause */
/* When a WebSocket has waited too long for its peer. Pure: it asks no clock. */
#ifndef PEER_DEADLINES_H
#define PEER_DEADLINES_H

#include "net/stream.h"
#include "peer/peer.h"

enum {
	DEADLINES_CLOSE_MS = 2 * 1000, /* for their Close once ours has left */
	DEADLINES_GRACE_MS = 100, /* for answers to what came before a violation */
	DEADLINES_ANSWERS_MS = 2 * 1000, /* for those to what came before their Close */
	DEADLINES_MESSAGE_MS = 60 * 1000, /* for a message, and a millisecond for each byte */
	DEADLINES_TICK_MS = 64, /* precision of the idle time and the lifetime */
	DEADLINES_PINGS = 2, /* so many without an answer, and the peer is dead */
};

enum deadline {
	DEADLINE_GRACE, /* the only one after a violation, and after their Close */
	DEADLINE_MESSAGE,
	DEADLINE_STALL,
	DEADLINE_CHECK, /* nothing came in a ping interval: deadlines_check() */
	DEADLINE_IDLE, /* no message for too long, in either direction */
	DEADLINE_LIFETIME, /* the session is old */
	DEADLINE_CLOSE,
	DEADLINES,
};

struct deadlines {
	int64_t heard_ms; /* when the peer last sent something, or was last checked */
	/* OPEN: when it broke a rule; LEFT: when it closed; CLOSING: when our Close had left,
	 * or was queued if that counts (1013), or since when it is read again; or 0 */
	int64_t since_ms;
	int64_t begun_ms; /* since when a part of a message is kept; 0: none is */
	uint32_t active; /* deadlines_ticks(): when a message last came or went, */
	uint32_t opened; /* and when the first could; so few bytes, as each session has them */
	uint16_t ping_second; /* the last one in which the peer sent pings, and how many */
	uint16_t ping_count;
	uint8_t pings; /* without an answer */
	bool checked; /* the last check depended on the peer's system */
};

struct deadlines_facts {
	enum peer_state state;
	bool reading;
	bool queued; /* something waits to be sent */
	int64_t progress_ms; /* when something was last sent of it */
	size_t assembled; /* bytes of the begun message */
	int64_t ping_ms; /* the interval; 0: no pings */
	int64_t close_ms; /* for their Close; 0: DEADLINES_CLOSE_MS */
	int64_t stall_ms; /* for anything to leave the queue; 0: no limit, as of the next two */
	int64_t idle_ms;
	int64_t lifetime_ms;
};

/* A time of util_clock_ms(), rounded up to less precision. */
static inline uint32_t
deadlines_ticks(int64_t now_ms)
{
	return (uint32_t)((now_ms + DEADLINES_TICK_MS - 1) / DEADLINES_TICK_MS);
}

/* When WHICH ends; 0: it does not run. */
int64_t deadline_at(
    const struct deadlines *d, const struct deadlines_facts *facts, enum deadline which);

/* IDLE or LIFETIME has ended, and starts again. Returns why the session ends. */
const char *deadlines_restart(struct deadlines *d, enum deadline which, int64_t now_ms);

/* When the first one ends; 0: none runs. */
int64_t deadlines_next(const struct deadlines *d, const struct deadlines_facts *facts);

/* We have heard from the peer, or could not: nothing was read. */
void deadlines_heard(struct deadlines *d, int64_t now_ms);

/*
 * A peer that we read must answer pings. While it is not read, or a ping would wait in the
 * queue, no answer can be expected, but its system must confirm what was sent; and if it has
 * disconnected, its system answers any byte with a RST, even while its FIN waits for our window
 * to open. Returns why the peer is dead, or NULL: then a ping follows, unless something is
 * queued.
 */
const char *deadlines_check(struct deadlines *d, const struct deadlines_facts *facts,
    int64_t now_ms, const struct stream *stream);

#endif
