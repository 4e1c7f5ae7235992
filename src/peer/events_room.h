/* SPDX-License-Identifier: BSD-2-Clause */
/* The memory budget, per process, for clients without a WebSocket: records that were sent, and
 * sessions that have ended, kept for clients that reconnect. Pure. */
#ifndef PEER_EVENTS_ROOM_H
#define PEER_EVENTS_ROOM_H

#include "base/list.h"

#include <stddef.h>

enum {
	/* Limit of all sessions together, as a multiple of the limit of one. */
	EVENTS_ROOM = 64,
	/* Limit of ended sessions that are kept; they may use half of the budget. */
	EVENTS_ENDED_MAX = 1024,
};

struct events_room {
	size_t kept; /* bytes of all sessions */
	size_t ended_kept; /* bytes of ended sessions */
	size_t ended_count;
	struct list ended; /* struct events_kept, oldest first */
};

/* The share of one session. */
struct events_kept {
	struct list node; /* in room->ended, or in no list */
	size_t bytes;
};

void events_room_init(struct events_room *room);
void events_kept_init(struct events_kept *kept);

/* Returns how many bytes a session may keep now, at most MAX. This is an eighth of what is
 * left, so that many sessions get a small share rather than some getting nothing. */
size_t events_room_share(const struct events_room *room, size_t max);

/* Sets the number of bytes that a session keeps. */
void events_room_set(struct events_room *room, struct events_kept *kept, size_t bytes);

/* Records that the session has ended and is kept. */
void events_room_end(struct events_room *room, struct events_kept *kept);

/* Removes the session from the budget. */
void events_room_remove(struct events_room *room, struct events_kept *kept);

/* Returns the oldest ended session if the ended ones exceed their limit, else NULL. MAX is the
 * limit of one session in bytes. */
struct events_kept *events_room_excess(const struct events_room *room, size_t max);

#endif
