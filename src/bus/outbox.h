/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What waits to be sent to a bus, in order, and what was sent and is not confirmed: it is sent
 * again after a reconnect. Pure.
 */
#ifndef BUS_OUTBOX_H
#define BUS_OUTBOX_H

#include "base/list.h"
#include "base/util.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { OUTBOX_WINDOW = 256 * 1024 }; /* bytes that are sent before the first is confirmed */

/* The memory of many outboxes. */
struct outbox_budget {
	size_t max; /* bytes */
	size_t used;
};

struct outbox_item {
	struct list node;
	uint64_t seq;
	uint32_t messages;
	size_t len;
	uint8_t bytes[];
};

struct outbox {
	struct outbox_budget *budget; /* borrowed */
	struct list items; /* those that were sent come first */
	struct outbox_item *unsent; /* the first of the others; NULL: there is none */
	size_t bytes;
	size_t sent_bytes;
};

void outbox_init(struct outbox *outbox, struct outbox_budget *budget);
void outbox_clear(struct outbox *outbox);

/*
 * Appends an item of two parts. Beyond the budget the oldest items that were not sent are
 * dropped, and at last this one. Returns the messages that were lost by it, also without
 * memory.
 */
uint64_t outbox_push(
    struct outbox *outbox, uint64_t seq, uint32_t messages, struct span head, struct span body);

/* The next item to send, which counts as sent; NULL: there is none, or the window is full. */
struct outbox_item *outbox_next(struct outbox *outbox);

/* The oldest sent item, or all up to a sequence number, have been confirmed. */
void outbox_confirm_one(struct outbox *outbox);
void outbox_confirm(struct outbox *outbox, uint64_t seq);

/* All are to be sent, again. */
void outbox_rewind(struct outbox *outbox);

#endif
