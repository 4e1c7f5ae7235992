/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the sessions of all clients without a WebSocket keep, in one process: events that were
 * sent, and sessions that have ended, for clients that come back. Pure.
 */
#ifndef PEER_EVENTS_ROOM_H
#define PEER_EVENTS_ROOM_H

#include "base/list.h"

#include <stddef.h>

enum {
	/* All sessions together keep at most so many times what each may keep. */
	EVENTS_ROOM = 64,
	/* At most so many that have ended are kept; they take at most half of the room. */
	EVENTS_ENDED_MAX = 1024,
};

struct events_room {
	size_t kept; /* bytes of all */
	size_t ended_kept; /* of those that have ended */
	size_t ended_count;
	struct list ended; /* of struct events_kept, oldest first */
};

/* What a session keeps. */
struct events_kept {
	struct list node; /* in room->ended, or in no list */
	size_t bytes;
};

void events_room_init(struct events_room *room);
void events_kept_init(struct events_kept *kept);

/* The bytes that a session may keep now, of MAX: an eighth of the room that is left, so that
 * many keep less, and none is left without any. */
size_t events_room_share(const struct events_room *room, size_t max);

/* It keeps so many BYTES now. */
void events_room_set(struct events_room *room, struct events_kept *kept, size_t bytes);

/* It has ended, and is kept. */
void events_room_end(struct events_room *room, struct events_kept *kept);

/* It keeps nothing any more. */
void events_room_remove(struct events_room *room, struct events_kept *kept);

/* The session that has ended and is to be removed, if each may keep MAX bytes; NULL: none. */
struct events_kept *events_room_excess(const struct events_room *room, size_t max);

#endif
