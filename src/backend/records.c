/* SPDX-License-Identifier: BSD-2-Clause */
/* Assembles the records from one read of the client. */
#include "backend/records.h"

#include <assert.h>
#include <string.h>

/* Limit in bytes of a partial record that waits for later ones. Reads from a peer leave room
 * for it, so that both fit into an empty pipe. */
enum { RECORDS_CUT_MAX = 4 * 1024 };

static void
records_put_tail(struct records *r)
{
	if (r->has_tail)
		r->start[r->len++] = (uint8_t)r->tail;
	r->has_tail = false;
}

void
records_flush(struct records *r)
{
	struct iovec parts[2];
	int count = 0;

	if (!r->start) {
		if (buffer_len(&r->assembled) > 0)
			r->sink->write_take(r->arg, &r->assembled);
		return;
	}
	records_put_tail(r);
	if (buffer_len(&r->assembled) > 0)
		parts[count++] =
		    (struct iovec){buffer_data(&r->assembled), buffer_len(&r->assembled)};
	parts[count++] = (struct iovec){r->start, r->len};
	r->start = NULL;
	r->sink->write(r->arg, parts, count);
	buffer_clear(&r->assembled);
}

/* Leaves a message in the read buffer, moved down to the end of the previous one. */
static void
records_put_in_place(struct records *r, const struct batch *b, const struct framing_envelope *e)
{
	uint8_t *end;

	/* The frame header before B is longer than a tail plus a head, so END never passes the
	 * next message. */
	if (!r->start) {
		r->start = b->data - e->head_len;
		r->len = 0;
	}
	records_put_tail(r);
	end = r->start + r->len;
	assert(end + e->head_len <= b->data && e->tail.len <= 1);
	if (e->head_len > 0)
		memcpy(end, e->head, e->head_len);
	end += e->head_len;
	if (end != b->data)
		memmove(end, b->data, b->len);
	r->len += (uint32_t)(e->head_len + b->len);
	r->has_tail = e->tail.len > 0;
	if (r->has_tail)
		r->tail = *e->tail.data;
}

/* Moves a message with its own buffer to the queue instead of copying it. A short one, which a
 * read has cut, waits for later messages. */
static bool
records_put_owned(struct records *r, struct batch *b, const struct framing_envelope *e)
{
	struct iovec head = {(void *)(uintptr_t)e->head, e->head_len};
	struct buffer own = {0};

	records_flush(r);
	buffer_move(&own, b->owner);
	if (!buffer_append(&own, e->tail.data, e->tail.len)) {
		buffer_clear(&own);
		return false;
	}
	if (e->head_len > 0)
		r->sink->write(r->arg, &head, 1);
	if (e->head_len == 0 && buffer_len(&own) <= RECORDS_CUT_MAX)
		buffer_move(&r->assembled, &own);
	else
		r->sink->write_take(r->arg, &own);
	return true;
}

bool
records_put(struct records *r, struct batch *b, const struct framing_envelope *e)
{
	if (b->owner)
		return records_put_owned(r, b, e);
	if (!b->fleeting && e->head_len + e->tail.len <= b->room) {
		records_put_in_place(r, b, e);
		return true;
	}
	if (r->start)
		records_flush(r);
	return buffer_append(&r->assembled, e->head, e->head_len) &&
	       buffer_append(&r->assembled, b->data, b->len) &&
	       buffer_append(&r->assembled, e->tail.data, e->tail.len);
}
