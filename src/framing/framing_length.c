/* SPDX-License-Identifier: BSD-2-Clause */
/* A message is preceded by its length in 4 bytes, big-endian. */
#include "framing/framing_ops.h"

#include <string.h>

enum { FRAMING_LENGTH_PREFIX = 4 };

static enum framing_wrap_result
framing_length_wrap(const struct framing *framing, const struct message *message,
    struct framing_envelope *out, struct buffer *records)
{
	(void)framing;
	(void)records;
	if (message->len > UINT32_MAX) {
		out->reason = "message longer than 4294967295 bytes (--framing-in=length)";
		return FRAMING_REFUSED;
	}
	for (int i = 0; i < FRAMING_LENGTH_PREFIX; i++)
		out->head[i] = (uint8_t)(message->len >> (24 - 8 * i));
	out->head_len = FRAMING_LENGTH_PREFIX;
	return FRAMING_AROUND;
}

/* Reads the prefix. Returns false if it is incomplete. */
static bool
framing_length_read_prefix(struct framing_reader *r)
{
	while (r->cut_len < FRAMING_LENGTH_PREFIX && r->len > 0) {
		r->cut[r->cut_len++] = *r->bytes;
		framing_skip(r, 1);
	}
	if (r->cut_len < FRAMING_LENGTH_PREFIX)
		return false;
	r->left = 0;
	for (int i = 0; i < FRAMING_LENGTH_PREFIX; i++)
		r->left = r->left << 8 | r->cut[i];
	r->cut_len = 0;
	return true;
}

static enum framing_event
framing_length_next(struct framing_reader *r, struct framing_item *item)
{
	if (!r->in_record) {
		r->in_record = framing_length_read_prefix(r);
		if (!r->in_record)
			return FRAMING_MORE;
	}
	return framing_next_counted(r, item, r->framing->text ? MESSAGE_TEXT : MESSAGE_BINARY);
}

static enum framing_event
framing_length_end(struct framing_reader *r, struct framing_item *item)
{
	static const char why[] = "the output ends in the middle of a record";

	if (r->in_record) {
		/* Of a message emitted in parts, only the prefix is still available. */
		item->shown_len = 0;
		framing_show(item, r->cut, FRAMING_LENGTH_PREFIX);
		framing_show(item, buffer_data(&r->partial), buffer_len(&r->partial));
		return framing_bad_shown(item, why);
	}
	if (r->cut_len > 0)
		return framing_bad(item, why, r->cut, r->cut_len);
	return FRAMING_MORE;
}

const struct framing_ops framing_length = {
    .takes_binary = true,
    .wrap = framing_length_wrap,
    .next = framing_length_next,
    .end = framing_length_end,
};
