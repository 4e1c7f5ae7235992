/* SPDX-License-Identifier: BSD-2-Clause */
/* The tables of all framings, and steps shared by several of them. */
#include "framing/framing_ops.h"

#include "base/utf8.h"

#include <string.h>

static const struct framing_ops *const framing_tables[FRAMING_KINDS] = {
    [FRAMING_LINES] = &framing_lines,
    [FRAMING_STREAM] = &framing_stream,
    [FRAMING_TEXT] = &framing_text,
    [FRAMING_NUL] = &framing_nul,
    [FRAMING_LENGTH] = &framing_length,
    [FRAMING_JSON] = &framing_json,
    [FRAMING_LSP] = &framing_lsp,
};

const struct framing_ops *
framing_ops(enum framing_kind kind)
{
	return framing_tables[kind];
}

bool
framing_hold(struct framing_reader *r, size_t len)
{
	if (!buffer_append(&r->partial, r->bytes, len))
		return false;
	framing_skip(r, len);
	return true;
}

enum framing_event
framing_emit(struct framing_reader *r, struct framing_item *item, enum message_type type,
    uint8_t *bytes, size_t len, bool last)
{
	item->message = (struct message){.type = type, .data = bytes, .len = len};
	r->in_message = !last;
	return last ? FRAMING_MESSAGE : FRAMING_PART;
}

enum framing_event
framing_emit_partial(struct framing_reader *r, struct framing_item *item,
    enum message_type type, size_t len, bool last)
{
	r->partial_out = true;
	return framing_emit(r, item, type, buffer_data(&r->partial), len, last);
}

void
framing_show(struct framing_item *item, const uint8_t *bytes, size_t len)
{
	if (len > FRAMING_SHOWN_MAX - item->shown_len)
		len = FRAMING_SHOWN_MAX - item->shown_len;
	if (len > 0)
		memcpy(item->shown + item->shown_len, bytes, len);
	item->shown_len += len;
}

enum framing_event
framing_bad_shown(struct framing_item *item, const char *why)
{
	item->why = why;
	item->message.data = item->shown;
	item->message.len = item->shown_len;
	return FRAMING_BAD;
}

enum framing_event
framing_bad(struct framing_item *item, const char *why, const uint8_t *bytes, size_t len)
{
	item->shown_len = 0;
	framing_show(item, bytes, len);
	return framing_bad_shown(item, why);
}

size_t
framing_text_cut(const uint8_t *bytes, size_t len)
{
	for (size_t n = 1; n <= 3 && n <= len; n++) {
		struct utf8 state = {0};

		if ((bytes[len - n] & 0xc0) == 0x80)
			continue; /* inside a character */
		return utf8_feed(&state, bytes + len - n, n) && !utf8_complete(&state) ? n : 0;
	}
	return 0;
}

static size_t
framing_without_cr(const uint8_t *line, size_t len, bool cr)
{
	return cr && len > 0 && line[len - 1] == '\r' ? len - 1 : len;
}

/* Reports whether the fed bytes, which do not end the record, are enough for a separate
 * part. */
static bool
framing_is_part(const struct framing_reader *r)
{
	return r->len >= (r->in_message ? FRAMING_PART_MIN : FRAMING_PART_MAX);
}

enum framing_event
framing_next_until(struct framing_reader *r, struct framing_item *item)
{
	const struct framing_ops *ops = framing_ops(r->framing->kind);
	bool cr = ops->cr;
	uint8_t *end;
	uint8_t *line = r->bytes;
	size_t partial = buffer_len(&r->partial);
	size_t len;

	if (r->len == 0)
		return FRAMING_MORE;
	end = memchr(r->bytes, ops->separator, r->len);
	if (end && partial == 0) {
		/* The common case: the whole line is in the fed bytes and is emitted in
		 * place. */
		len = (size_t)(end - line);
		framing_skip(r, len + 1);
		len = framing_without_cr(line, len, cr);
		return framing_emit(r, item, MESSAGE_TEXT, line, len, true);
	}
	if (!end && partial == 0 && framing_is_part(r)) {
		/* Keep a partial character, and a '\r' that may belong to the line ending. */
		len = r->len - framing_text_cut(line, r->len);
		len -= cr && line[len - 1] == '\r';
		framing_skip(r, len);
		return framing_emit(r, item, MESSAGE_TEXT, line, len, false);
	}
	len = end ? (size_t)(end - line) : r->len;
	if (len > FRAMING_PART_MAX - partial)
		len = FRAMING_PART_MAX - partial;
	if (!framing_hold(r, len))
		return FRAMING_NOMEM;
	partial += len;
	if (end && r->bytes == end) {
		framing_skip(r, 1);
		partial = framing_without_cr(buffer_data(&r->partial), partial, cr);
		return framing_emit_partial(r, item, MESSAGE_TEXT, partial, true);
	}
	if (partial < FRAMING_PART_MAX)
		return FRAMING_MORE;
	/* A '\r' at the cut may belong to the line ending, so it starts the next part. */
	if (cr && buffer_data(&r->partial)[partial - 1] == '\r') {
		r->bytes--;
		r->len++;
		*r->bytes = '\r';
		partial--;
	}
	return framing_emit_partial(r, item, MESSAGE_TEXT, partial, false);
}

enum framing_event
framing_end_until(struct framing_reader *r, struct framing_item *item)
{
	size_t partial = buffer_len(&r->partial);

	if (partial == 0 && !r->in_message)
		return FRAMING_MORE;
	return framing_emit_partial(r, item, MESSAGE_TEXT, partial, true);
}

enum framing_event
framing_next_counted(
    struct framing_reader *r, struct framing_item *item, enum message_type type)
{
	uint8_t *bytes = r->bytes;
	size_t n = r->left < r->len ? (size_t)r->left : r->len;

	if (r->in_message ||
	    (buffer_len(&r->partial) == 0 && (r->left > FRAMING_PART_MAX || n == r->left))) {
		if (n == 0 && r->left > 0)
			return FRAMING_MORE;
		framing_skip(r, n);
		r->left -= n;
		r->in_record = r->left > 0;
		return framing_emit(r, item, type, bytes, n, r->left == 0);
	}
	if (!framing_hold(r, n))
		return FRAMING_NOMEM;
	r->left -= n;
	if (r->left > 0)
		return FRAMING_MORE;
	r->in_record = false;
	return framing_emit_partial(r, item, type, buffer_len(&r->partial), true);
}

enum framing_event
framing_take_line(struct framing_reader *r, uint64_t max, uint8_t **line, size_t *len)
{
	size_t partial = buffer_len(&r->partial);
	uint8_t *end;
	size_t n;

	if (r->len == 0)
		return FRAMING_MORE;
	end = memchr(r->bytes, '\n', r->len);
	n = end ? (size_t)(end - r->bytes) + 1 : r->len;
	/* Buffer just enough to detect an overlong line, even if the program never ends it. */
	if (n > max - partial)
		n = (size_t)(max - partial) + 1;
	*line = r->bytes;
	*len = n;
	if (partial > 0 || (!end && n <= max)) {
		if (!framing_hold(r, n))
			return FRAMING_NOMEM;
		*line = buffer_data(&r->partial);
		*len = buffer_len(&r->partial);
	} else {
		framing_skip(r, n);
	}
	if (*len > max)
		return FRAMING_TOO_BIG;
	return end ? FRAMING_MESSAGE : FRAMING_MORE;
}
