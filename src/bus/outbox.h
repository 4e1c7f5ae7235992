/* SPDX-License-Identifier: BSD-2-Clause */
/* Items to be sent to a bus, in order, and items that were sent but not confirmed, which are
 * sent again after a reconnect. Pure. */
#ifndef BUS_OUTBOX_H
#define BUS_OUTBOX_H

#include "base/list.h"
#include "base/util.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Limit of sent, unconfirmed bytes; a single item may exceed it. */
enum { OUTBOX_WINDOW = 256 * 1024 };

/* The memory limit that several outboxes share. */
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
	struct list items; /* sent items first */
	struct outbox_item *unsent; /* the first unsent item, or NULL */
	size_t bytes;
	size_t sent_bytes;
};

void outbox_init(struct outbox *outbox, struct outbox_budget *budget);
void outbox_clear(struct outbox *outbox);

/*
 * Appends an item that consists of HEAD and BODY. If the budget is exceeded, drops the oldest
 * unsent items, and finally the new one. Returns the number of messages lost this way or for
 * lack of memory.
 */
uint64_t outbox_push(
    struct outbox *outbox, uint64_t seq, uint32_t messages, struct span head, struct span body);

/* Returns the next item to send and marks it as sent. Returns NULL if there is none, or the
 * window is full. */
struct outbox_item *outbox_next(struct outbox *outbox);

/* Remove items that were confirmed: the oldest sent one, or all up to a sequence number. */
void outbox_confirm_one(struct outbox *outbox);
void outbox_confirm(struct outbox *outbox, uint64_t seq);

/* Marks all items as unsent. */
void outbox_rewind(struct outbox *outbox);

#endif
