/* SPDX-License-Identifier: BSD-2-Clause */
/* The memory budget for clients without a WebSocket. */
#include "peer/events_room.h"

void
events_room_init(struct events_room *room)
{
	*room = (struct events_room){0};
	list_init(&room->ended);
}

void
events_kept_init(struct events_kept *kept)
{
	*kept = (struct events_kept){0};
	list_init(&kept->node);
}

size_t
events_room_share(const struct events_room *room, size_t max)
{
	size_t all = max * EVENTS_ROOM;
	size_t share = room->kept < all ? (all - room->kept) / 8 : 0;

	return share < max ? share : max;
}

void
events_room_set(struct events_room *room, struct events_kept *kept, size_t bytes)
{
	room->kept += bytes - kept->bytes;
	if (!list_empty(&kept->node))
		room->ended_kept += bytes - kept->bytes;
	kept->bytes = bytes;
}

void
events_room_end(struct events_room *room, struct events_kept *kept)
{
	list_append(&room->ended, &kept->node);
	room->ended_count++;
	room->ended_kept += kept->bytes;
}

void
events_room_remove(struct events_room *room, struct events_kept *kept)
{
	events_room_set(room, kept, 0);
	if (list_empty(&kept->node))
		return;
	list_remove(&kept->node);
	room->ended_count--;
}

struct events_kept *
events_room_excess(const struct events_room *room, size_t max)
{
	if (room->ended_count <= EVENTS_ENDED_MAX && room->ended_kept <= max * EVENTS_ROOM / 2)
		return NULL;
	return LIST_ENTRY_OF(room->ended.next, struct events_kept, node);
}
