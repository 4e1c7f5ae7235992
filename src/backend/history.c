/* SPDX-License-Identifier: BSD-2-Clause */
/* The last messages that a shared program sent to all clients. */
#include "backend/history.h"

#include <string.h>

size_t
history_count(const struct history *h)
{
	return buffer_len(&h->refs) / sizeof(struct broadcast *);
}

struct broadcast *
history_get(const struct history *h, size_t i)
{
	struct broadcast *b;

	memcpy(&b, buffer_data(&h->refs) + i * sizeof(struct broadcast *),
	    sizeof(struct broadcast *));
	return b;
}

static void
history_drop_oldest(struct history *h)
{
	struct broadcast *oldest = history_get(h, 0);

	h->messages -= oldest->messages;
	buffer_consume(&h->refs, sizeof(struct broadcast *));
	broadcast_unref(oldest);
}

/* Trims the oldest broadcast, of which only the last messages are kept. */
static void
history_trim(struct history *h, uint64_t max)
{
	struct broadcast *oldest = history_get(h, 0);
	struct broadcast *tail =
	    broadcast_tail(oldest, oldest->messages - (size_t)(h->messages - max));

	if (!tail)
		return;
	memcpy(buffer_data(&h->refs), &tail, sizeof(struct broadcast *));
	broadcast_unref(oldest);
	h->messages = max;
}

void
history_add(struct history *h, struct broadcast *b, uint64_t max)
{
	if (max == 0 || !buffer_append(&h->refs, &b, sizeof(struct broadcast *)))
		return;
	(void)broadcast_ref(b);
	h->messages += b->messages;
	while (h->messages - history_get(h, 0)->messages >= max)
		history_drop_oldest(h);
	if (h->messages > max)
		history_trim(h, max);
}

void
history_clear(struct history *h)
{
	while (buffer_len(&h->refs) > 0)
		history_drop_oldest(h);
}

bool
history_write(const struct history *h, struct buffer *out)
{
	for (size_t i = 0; i < history_count(h); i++) {
		struct broadcast_form form = broadcast_plain(history_get(h, i));

		if (!buffer_append(out, form.bytes, form.len))
			return false;
	}
	return true;
}

void
history_read(struct history *h, struct span bytes, uint64_t max)
{
	struct broadcast *b = broadcast_of_frames((const uint8_t *)bytes.data, bytes.len);

	if (!b)
		return;
	history_clear(h);
	history_add(h, b, max);
	broadcast_unref(b);
}
