/* SPDX-License-Identifier: BSD-2-Clause */
/* Messages <-> the child's byte stream. */
#include "child/framing.h"

#include <string.h>

struct span
framing_suffix(enum framing_kind kind)
{
	return kind == FRAMING_LINES ? SPAN("\n") : SPAN("");
}

void
framing_init(struct framing_reader *r, enum framing_kind kind)
{
	*r = (struct framing_reader){.kind = kind};
}

void
framing_clear(struct framing_reader *r)
{
	buffer_clear(&r->held);
}

void
framing_feed(struct framing_reader *r, uint8_t *bytes, size_t len)
{
	r->bytes = bytes;
	r->len = len;
}

static enum framing_event
framing_hand_out(struct framing_reader *r, struct message *out, uint8_t *bytes, size_t len, bool last)
{
	out->type = r->kind == FRAMING_LINES ? MESSAGE_TEXT : MESSAGE_BINARY;
	out->data = bytes;
	out->len = len;
	r->in_message = !last;
	return last ? FRAMING_MESSAGE : FRAMING_PART;
}

/* Hands out what was held; its memory goes with the next call. */
static enum framing_event
framing_hand_out_held(struct framing_reader *r, struct message *out, size_t len, bool last)
{
	r->held_out = true;
	return framing_hand_out(r, out, buffer_data(&r->held), len, last);
}

/* Begins a call: the message that the last one handed out is no longer needed. */
static void
framing_drop_held(struct framing_reader *r)
{
	if (r->held_out)
		buffer_clear(&r->held);
	r->held_out = false;
}

static size_t
framing_without_cr(const uint8_t *line, size_t len)
{
	return len > 0 && line[len - 1] == '\r' ? len - 1 : len;
}

static enum framing_event
framing_next_line(struct framing_reader *r, struct message *out)
{
	uint8_t *end;
	uint8_t *line = r->bytes;
	size_t held = buffer_len(&r->held);
	size_t len;

	if (r->len == 0)
		return FRAMING_MORE;
	end = memchr(r->bytes, '\n', r->len);
	if (end && held == 0) {
		/* The usual case: the whole line lies in what was read, and stays there. */
		len = (size_t)(end - line);
		r->bytes += len + 1;
		r->len -= len + 1;
		return framing_hand_out(r, out, line, framing_without_cr(line, len), true);
	}
	len = end ? (size_t)(end - line) : r->len;
	if (len > FRAMING_PART_MAX - held)
		len = FRAMING_PART_MAX - held;
	if (!buffer_append(&r->held, line, len))
		return FRAMING_NOMEM;
	r->bytes += len;
	r->len -= len;
	held += len;
	if (end && r->bytes == end) {
		r->bytes++;
		r->len--;
		return framing_hand_out_held(r, out, framing_without_cr(buffer_data(&r->held), held), true);
	}
	if (held < FRAMING_PART_MAX)
		return FRAMING_MORE;
	/* A '\r' at the cut may belong to the line's end, so the next part begins with it. */
	if (buffer_data(&r->held)[held - 1] == '\r') {
		r->bytes--;
		r->len++;
		*r->bytes = '\r';
		held--;
	}
	return framing_hand_out_held(r, out, held, false);
}

enum framing_event
framing_next(struct framing_reader *r, struct message *out)
{
	uint8_t *bytes = r->bytes;
	size_t len = r->len;

	framing_drop_held(r);
	switch (r->kind) {
	case FRAMING_LINES:
		return framing_next_line(r, out);
	case FRAMING_STREAM:
		break;
	}
	if (len == 0)
		return FRAMING_MORE;
	r->len = 0;
	return framing_hand_out(r, out, bytes, len, true);
}

enum framing_event
framing_end(struct framing_reader *r, struct message *out)
{
	size_t held;

	framing_drop_held(r);
	held = buffer_len(&r->held);
	if (held == 0 && !r->in_message)
		return FRAMING_MORE;
	return framing_hand_out_held(r, out, held, true);
}
