/* SPDX-License-Identifier: BSD-2-Clause */
/* Bytes as read, as binary messages, or as text that is not split inside a character. */
#include "framing/framing_ops.h"

#include <string.h>

static enum framing_wrap_result
framing_stream_wrap(const struct framing *framing, const struct message *message,
    struct framing_envelope *out, struct buffer *records)
{
	(void)framing;
	(void)message;
	(void)out;
	(void)records;
	return FRAMING_AROUND;
}

static enum framing_event
framing_stream_next(struct framing_reader *r, struct framing_item *item)
{
	uint8_t *bytes = r->bytes;
	size_t len = r->len;

	if (len == 0)
		return FRAMING_MORE;
	framing_skip(r, len);
	return framing_emit(r, item, MESSAGE_BINARY, bytes, len, true);
}

static enum framing_event
framing_stream_end(struct framing_reader *r, struct framing_item *item)
{
	(void)r;
	(void)item;
	return FRAMING_MORE;
}

static enum framing_event
framing_text_next(struct framing_reader *r, struct framing_item *item)
{
	uint8_t *bytes = r->bytes;
	size_t len = r->len;
	bool joined = r->cut_len > 0;

	if (len == 0)
		return FRAMING_MORE;
	if (joined) {
		/* Complete the character that the last read split: the rare case is copied. */
		if (!buffer_append(&r->partial, r->cut, r->cut_len) || !framing_hold(r, len))
			return FRAMING_NOMEM;
		bytes = buffer_data(&r->partial);
		len = buffer_len(&r->partial);
	} else {
		framing_skip(r, len);
	}
	r->cut_len = (uint8_t)framing_text_cut(bytes, len);
	len -= r->cut_len;
	memcpy(r->cut, bytes + len, r->cut_len);
	if (len == 0) {
		buffer_clear(&r->partial);
		return FRAMING_MORE;
	}
	r->partial_out = joined;
	return framing_emit(r, item, MESSAGE_TEXT, bytes, len, true);
}

static enum framing_event
framing_text_end(struct framing_reader *r, struct framing_item *item)
{
	size_t len = r->cut_len;

	if (len == 0)
		return FRAMING_MORE;
	r->cut_len = 0;
	return framing_emit(r, item, MESSAGE_TEXT, r->cut, len, true);
}

const struct framing_ops framing_stream = {
    .takes_binary = true,
    .plain = true,
    .tail = FRAMING_NO_TAIL,
    .wrap = framing_stream_wrap,
    .next = framing_stream_next,
    .end = framing_stream_end,
};

const struct framing_ops framing_text = {
    .plain = true,
    .tail = FRAMING_NO_TAIL,
    .wrap = framing_stream_wrap,
    .next = framing_text_next,
    .end = framing_text_end,
};
