/* SPDX-License-Identifier: BSD-2-Clause */
/* A run of whole messages. */
#include "websocket/run.h"

#include "base/utf8.h"
#include "websocket/frame.h"
#include "websocket/run_loop.h"

/* Whether what run_lines() has put from TEXT on is UTF-8. Takes off what begins with a text
 * that is not. */
static bool
run_check(struct run_lines *lines, uint8_t *text)
{
	size_t len = (size_t)(lines->to - text);

	/* A tail is ASCII, so all are if each is: no character goes on behind one. */
	if (lines->ascii || utf8_valid(text, len))
		return true;
	for (size_t i = 0; i < lines->count; i++) {
		if (!utf8_valid(text, lines->lens[i])) {
			lines->to = text;
			lines->count = i;
			return false;
		}
		text += lines->lens[i] + 1;
	}
	return true;
}

/* Takes as many texts as there is room to note. */
static size_t
run_take_lines(struct run *r, const uint8_t *bytes, size_t len, bool *not_utf8)
{
	struct run_lines lines;
	size_t used;

	lines.max_message = r->max_message;
	lines.tail = (uint8_t)r->tail;
	lines.to = r->to;
	used = run_lines(&lines, bytes, len);
	*not_utf8 = !run_check(&lines, r->to);
	r->messages += lines.count;
	r->bytes += (size_t)(lines.to - r->to) - lines.count;
	r->to = lines.to;
	return used;
}

/* The next frame, of whatever kind R takes, without a byte written that is not its own. 0 when
 * it is anything else. */
static size_t
run_take_one(struct run *r, const uint8_t *bytes, size_t len, bool *not_utf8)
{
	struct frame_header h;
	int header = frame_read_header(bytes, len, &h);
	bool text = h.opcode == FRAME_TEXT;
	bool ascii;

	if (header <= 0 || !h.fin || h.rsv != 0 || !h.masked ||
	    !(text ? r->text : h.opcode == FRAME_BINARY && r->binary) ||
	    h.len > len - (size_t)header || h.len > r->max_message)
		return 0;
	ascii = frame_mask_ascii(r->to, bytes + header, (size_t)h.len, h.mask, 0);
	*not_utf8 = text && !ascii && !utf8_valid(r->to, (size_t)h.len);
	if (!*not_utf8) {
		r->to += h.len;
		if (r->tail != RUN_NO_TAIL)
			*r->to++ = (uint8_t)r->tail;
		r->messages++;
		r->bytes += h.len;
	}
	return (size_t)header + (size_t)h.len;
}

size_t
run_take(struct run *r, uint8_t *bytes, size_t len, bool *not_utf8)
{
	/* A tail that is not ASCII could go on a character. */
	bool lines = r->text && r->tail >= 0 && r->tail < 0x80;
	size_t used = 0;
	size_t n;

	*not_utf8 = false;
	do {
		n = 0;
		if (lines && bytes + used - r->to >= RUN_HEAD)
			n = run_take_lines(r, bytes + used, len - used, not_utf8);
		if (n == 0)
			n = run_take_one(r, bytes + used, len - used, not_utf8);
		used += n;
	} while (n > 0 && !*not_utf8);
	return used;
}
