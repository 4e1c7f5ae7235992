/* SPDX-License-Identifier: BSD-2-Clause */
/* Converts between messages and a program's byte stream: code common to all framings. */
#include "framing/framing.h"

bool
framing_takes(const struct framing *framing, enum message_type type)
{
	return type == MESSAGE_TEXT || framing_ops(framing->kind)->takes_binary;
}

enum framing_wrap_result
framing_wrap(const struct framing *framing, const struct message *message,
    struct framing_envelope *out, struct buffer *records)
{
	out->head_len = 0;
	out->tail = SPAN("");
	out->initialize = false;
	return framing_ops(framing->kind)->wrap(framing, message, out, records);
}

bool
framing_is_plain(const struct framing *framing, int *tail)
{
	const struct framing_ops *ops = framing_ops(framing->kind);

	*tail = ops->tail;
	return ops->plain &&
	       (framing->kind != FRAMING_LINES || framing->newline == FRAMING_NEWLINE_PASS);
}

void
framing_init(struct framing_reader *r, const struct framing *framing)
{
	*r = (struct framing_reader){.framing = framing};
}

void
framing_clear(struct framing_reader *r)
{
	buffer_clear(&r->partial);
	r->partial_out = false;
}

void
framing_stop(struct framing_reader *r)
{
	framing_clear(r);
	r->over = true;
	r->len = 0;
}

void
framing_feed(struct framing_reader *r, uint8_t *bytes, size_t len)
{
	r->bytes = bytes;
	r->len = r->over ? 0 : len;
}

/* Starts a call: what the previous one emitted is no longer needed. */
static void
framing_drop_partial(struct framing_reader *r)
{
	if (r->partial_out)
		buffer_clear(&r->partial);
	r->partial_out = false;
}

/* Ends a call: after a final event, further input is ignored. */
static enum framing_event
framing_note(struct framing_reader *r, enum framing_event event)
{
	if (event > FRAMING_PART) {
		r->over = true;
		r->partial_out = true;
		r->len = 0;
	}
	return event;
}

bool
framing_splits(struct framing_reader *r, char *separator, bool *cr)
{
	const struct framing_ops *ops = framing_ops(r->framing->kind);

	framing_drop_partial(r);
	*separator = ops->separator;
	*cr = ops->cr;
	return ops->splits && r->len > 0 && !r->in_message && buffer_len(&r->partial) == 0;
}

void
framing_take(struct framing_reader *r, size_t len)
{
	framing_skip(r, len);
}

enum framing_event
framing_next(struct framing_reader *r, struct framing_item *item)
{
	framing_drop_partial(r);
	if (r->over)
		return FRAMING_MORE;
	return framing_note(r, framing_ops(r->framing->kind)->next(r, item));
}

enum framing_event
framing_end(struct framing_reader *r, struct framing_item *item)
{
	framing_drop_partial(r);
	if (r->over)
		return FRAMING_MORE;
	return framing_note(r, framing_ops(r->framing->kind)->end(r, item));
}
