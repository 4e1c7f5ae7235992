/* SPDX-License-Identifier: BSD-2-Clause */
/* Items to be sent to a bus. */
#include "bus/outbox.h"

#include <stdlib.h>
#include <string.h>

static struct outbox_item *
outbox_item_of(struct list *node)
{
	return LIST_ENTRY_OF(node, struct outbox_item, node);
}

static struct outbox_item *
outbox_after(const struct outbox *o, const struct outbox_item *item)
{
	return item->node.next == &o->items ? NULL : outbox_item_of(item->node.next);
}

static void
outbox_remove(struct outbox *o, struct outbox_item *item)
{
	o->bytes -= item->len;
	o->budget->used -= item->len;
	list_remove(&item->node);
	free(item);
}

/* Drops the oldest unsent item. Returns its number of messages. */
static uint32_t
outbox_drop_oldest(struct outbox *o)
{
	struct outbox_item *oldest = o->unsent;
	uint32_t messages = oldest->messages;

	o->unsent = outbox_after(o, oldest);
	outbox_remove(o, oldest);
	return messages;
}

uint64_t
outbox_push(
    struct outbox *o, uint64_t seq, uint32_t messages, struct span head, struct span body)
{
	size_t len = head.len + body.len;
	struct outbox_item *item;
	uint64_t lost = 0;

	while (o->unsent && o->budget->used + len > o->budget->max)
		lost += outbox_drop_oldest(o);
	item = o->budget->used + len <= o->budget->max ? malloc(sizeof(*item) + len) : NULL;
	if (!item)
		return lost + messages;
	item->seq = seq;
	item->messages = messages;
	item->len = len;
	if (head.len > 0)
		memcpy(item->bytes, head.data, head.len);
	if (body.len > 0)
		memcpy(item->bytes + head.len, body.data, body.len);
	list_append(&o->items, &item->node);
	o->bytes += len;
	o->budget->used += len;
	if (!o->unsent)
		o->unsent = item;
	return lost;
}

struct outbox_item *
outbox_next(struct outbox *o)
{
	struct outbox_item *item = o->unsent;

	if (!item || (o->sent_bytes > 0 && o->sent_bytes + item->len > OUTBOX_WINDOW))
		return NULL;
	o->sent_bytes += item->len;
	o->unsent = outbox_after(o, item);
	return item;
}

void
outbox_confirm_one(struct outbox *o)
{
	struct outbox_item *first =
	    list_empty(&o->items) ? NULL : outbox_item_of(o->items.next);

	if (!first || first == o->unsent)
		return;
	o->sent_bytes -= first->len;
	outbox_remove(o, first);
}

void
outbox_confirm(struct outbox *o, uint64_t seq)
{
	while (!list_empty(&o->items)) {
		struct outbox_item *first = outbox_item_of(o->items.next);

		if (first->seq > seq)
			return;
		/* An item that was to be sent again had arrived the first time. */
		if (first == o->unsent)
			o->unsent = outbox_after(o, first);
		else
			o->sent_bytes -= first->len;
		outbox_remove(o, first);
	}
}

void
outbox_rewind(struct outbox *o)
{
	o->unsent = list_empty(&o->items) ? NULL : outbox_item_of(o->items.next);
	o->sent_bytes = 0;
}

void
outbox_init(struct outbox *o, struct outbox_budget *budget)
{
	*o = (struct outbox){.budget = budget};
	list_init(&o->items);
}

void
outbox_clear(struct outbox *o)
{
	while (!list_empty(&o->items))
		outbox_remove(o, outbox_item_of(o->items.next));
	o->unsent = NULL;
	o->sent_bytes = 0;
}
