/* SPDX-License-Identifier: BSD-2-Clause */
/* Memory for libevent. */
#include "net/event_slots.h"

#include <event2/event.h>
#include <stdalign.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum {
	EVENT_SLOT = 32, /* bytes per slot */
	EVENT_SLOTS = 1 << 18, /* only address space until used */
};

/* Static, so that a leak checker finds what is only referenced from here. */
static alignas(max_align_t) uint8_t slots[EVENT_SLOTS * EVENT_SLOT];
static size_t slots_used;

static bool
event_slots_has(const void *block)
{
	return (uintptr_t)block >= (uintptr_t)slots &&
	       (uintptr_t)block < (uintptr_t)slots + sizeof(slots);
}

static void *
event_slots_malloc(size_t size)
{
	if (size > EVENT_SLOT || slots_used == EVENT_SLOTS)
		return malloc(size);
	return slots + EVENT_SLOT * slots_used++;
}

static void *
event_slots_realloc(void *block, size_t size)
{
	void *other;

	if (!event_slots_has(block))
		return realloc(block, size);
	other = malloc(size);
	if (other)
		memcpy(other, block, size < EVENT_SLOT ? size : EVENT_SLOT);
	return other;
}

static void
event_slots_free(void *block)
{
	if (!event_slots_has(block))
		free(block);
}

void
event_slots_init(void)
{
	event_set_mem_functions(event_slots_malloc, event_slots_realloc, event_slots_free);
}
