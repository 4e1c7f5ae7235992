/* SPDX-License-Identifier: BSD-2-Clause */
/* The deadlines of a peer. Reads no clock: the caller passes the time. */
#ifndef PEER_DEADLINES_H
#define PEER_DEADLINES_H

#include "net/stream.h"
#include "peer/peer.h"

enum {
	DEADLINES_CLOSE_MS = 2 * 1000, /* for the peer's Close, once ours has been sent */
	DEADLINES_GRACE_MS = 100, /* for answers to messages received before a violation */
	/* For answers to messages received before the peer's Close. */
	DEADLINES_ANSWERS_MS = 2 * 1000,
	DEADLINES_MESSAGE_MS = 60 * 1000, /* for a whole message, plus 1 ms per byte received */
	DEADLINES_TICK_MS = 64, /* precision of the idle timeout and the lifetime */
	DEADLINES_PINGS = 2, /* unanswered pings after which the peer is dead */
};

enum deadline {
	DEADLINE_GRACE, /* the only deadline after a violation and after the peer's Close */
	DEADLINE_MESSAGE,
	DEADLINE_STALL,
	DEADLINE_CHECK, /* nothing received for a ping interval: call deadlines_check() */
	DEADLINE_IDLE, /* no message in either direction for the idle timeout */
	DEADLINE_LIFETIME, /* the maximum lifetime is over */
	DEADLINE_CLOSE,
	DEADLINES,
};

struct deadlines {
	int64_t heard_ms; /* when the peer last sent data or was last checked */
	/* OPEN: when the peer broke a rule. LEFT: when it sent its Close. CLOSING: when our
	 * Close was sent (or queued, for 1013), or when reading resumed. 0: not set. */
	int64_t since_ms;
	/* When the partial message began, or reading resumed; 0: no message is partial. */
	int64_t begun_ms;
	uint32_t active; /* deadlines_ticks() of the last message */
	uint32_t opened; /* deadlines_ticks() of the start; 32 bits keep idle sessions small */
	/* The last second with a ping from the peer, and the number of pings in it. */
	uint16_t ping_second;
	uint16_t ping_count;
	uint8_t pings; /* unanswered */
	bool checked; /* the last check relied on the peer's TCP, not on pings */
};

struct deadlines_facts {
	enum peer_state state;
	bool reading;
	bool queued; /* data is waiting to be sent */
	int64_t progress_ms; /* when queued data was last sent */
	size_t assembled; /* bytes received of the partial message */
	int64_t ping_ms; /* ping interval; 0: no pings */
	int64_t close_ms; /* timeout for the peer's Close; 0: DEADLINES_CLOSE_MS */
	int64_t stall_ms; /* write timeout; 0: none, as for the next two */
	int64_t idle_ms;
	int64_t lifetime_ms;
};

/* Converts a time of util_clock_ms() to ticks, rounding up. */
static inline uint32_t
deadlines_ticks(int64_t now_ms)
{
	return (uint32_t)((now_ms + DEADLINES_TICK_MS - 1) / DEADLINES_TICK_MS);
}

/* Returns when WHICH expires, or 0 if it is not running. */
int64_t deadline_at(
    const struct deadlines *d, const struct deadlines_facts *facts, enum deadline which);

/* Restarts IDLE or LIFETIME, which has expired. Returns why the session ends. */
const char *deadlines_restart(struct deadlines *d, enum deadline which, int64_t now_ms);

/* Returns the earliest deadline, or 0 if none is running. */
int64_t deadlines_next(const struct deadlines *d, const struct deadlines_facts *facts);

/* Records that the peer was heard, or could not be because reading was paused. Resets the count
 * of unanswered pings. */
void deadlines_heard(struct deadlines *d, int64_t now_ms);

/*
 * Checks a peer that was silent for a ping interval. While it is read and nothing is queued, it
 * must answer pings. Otherwise no answer can be expected, and its TCP must acknowledge what was
 * sent; if the peer has disconnected, its TCP answers any byte with a RST, even while its FIN
 * waits for our window to open. Returns why the peer is dead, or NULL. After NULL the caller
 * sends a ping, unless data is queued.
 */
const char *deadlines_check(struct deadlines *d, const struct deadlines_facts *facts,
    int64_t now_ms, const struct stream *stream);

#endif
