/* SPDX-License-Identifier: BSD-2-Clause */
/* Memory of libevent. */
#include "net/event_slots.h"

#include <event2/event.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

enum {
	EVENT_SLOT = 32, /* bytes */
	EVENT_SLOTS = 1 << 20, /* addresses only, until they are used */
};

static uint8_t *slots; /* owned until the end; NULL without memory */
static size_t slots_used;

static bool
event_slots_has(const void *block)
{
	return slots && (const uint8_t *)block >= slots &&
	       (const uint8_t *)block < slots + (size_t)EVENT_SLOTS * EVENT_SLOT;
}

static void *
event_slots_malloc(size_t size)
{
	if (!slots || size > EVENT_SLOT || slots_used == EVENT_SLOTS)
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
	static bool done;

	if (done)
		return;
	done = true;
	slots = mmap(NULL, (size_t)EVENT_SLOTS * EVENT_SLOT, PROT_READ | PROT_WRITE,
	    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (slots == MAP_FAILED)
		slots = NULL;
	event_set_mem_functions(event_slots_malloc, event_slots_realloc, event_slots_free);
}
