/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The base protocol of the Language Server Protocol: header fields as in HTTP, an empty
 * line, and the message. A program that prints something else is found out at the end of
 * its first line.
 */
#include "framing/framing_shape.h"
#include "framing/lsp_initialize.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum {
	FRAMING_LSP_LINE_MAX = 256, /* bytes of a header line */
	FRAMING_LSP_LINES_MAX = 16, /* of one head */
};

/* Writes the head of a record of LEN bytes. Returns its length. */
static size_t
framing_lsp_put_head(char out[FRAMING_HEAD_MAX], size_t len)
{
	return (size_t)snprintf(out, FRAMING_HEAD_MAX, "Content-Length: %zu\r\n\r\n", len);
}

/* Appends the record of a MESSAGE with null in place of PROCESS_ID, which is within it. */
static enum framing_wrap_result
framing_lsp_append(struct span message, struct span process_id, struct buffer *records)
{
	static const struct span null = {"null", 4};
	size_t before = buffer_len(records);
	size_t front = (size_t)(process_id.data - message.data);
	const char *back = process_id.data + process_id.len;
	char head[FRAMING_HEAD_MAX];
	size_t head_len = framing_lsp_put_head(head, message.len - process_id.len + null.len);

	if (buffer_append(records, head, head_len) &&
	    buffer_append(records, message.data, front) &&
	    buffer_append(records, null.data, null.len) &&
	    buffer_append(records, back, message.len - front - process_id.len))
		return FRAMING_APPENDED;
	buffer_cut(records, before);
	return FRAMING_NO_ROOM;
}

static enum framing_wrap_result
framing_lsp_wrap(const struct framing *framing, const struct message *message,
    struct framing_wrapped *out, struct buffer *records)
{
	struct span text = {(const char *)message->data, message->len};
	struct span process_id;

	if (framing->null_process_id && lsp_initialize_find(text, &process_id)) {
		out->initialize = true;
		if (process_id.len > 0)
			return framing_lsp_append(text, process_id, records);
	}
	out->head_len = framing_lsp_put_head((char *)out->head, message->len);
	return FRAMING_AROUND;
}

/* Checks a header line without its "\r\n". NULL, or what is wrong. */
static const char *
framing_lsp_field(struct framing_reader *r, struct span line)
{
	const char *colon = memchr(line.data, ':', line.len);
	struct span name, value;
	int64_t length;

	if (!colon)
		return "header line without a colon";
	name = (struct span){line.data, (size_t)(colon - line.data)};
	value = span_trim((struct span){colon + 1, line.len - name.len - 1});
	if (!util_is_token(name))
		return "invalid header name";
	if (!span_equal_nocase(name, SPAN("Content-Length")))
		return NULL; /* Content-Type, and what may come */
	if (r->in_record)
		return "repeated Content-Length";
	if (util_parse_number(value, 0, INT64_MAX, &length))
		return "invalid Content-Length";
	r->size = r->left = (uint64_t)length;
	r->in_record = true;
	return NULL;
}

/*
 * To be called before each line. When no whole one is left of what was read, the lines from
 * BEGIN on, which are those of the begun head, go to PARTIAL: so the first bytes of a head can
 * be shown wherever it was cut. False without memory.
 */
static bool
framing_lsp_keep(struct framing_reader *r, const uint8_t *begin)
{
	size_t len = (size_t)(r->bytes - begin);

	if (len == 0 || buffer_len(&r->partial) > 0 ||
	    (r->len > 0 && memchr(r->bytes, '\n', r->len)))
		return true;
	r->head_len = (uint16_t)len;
	return buffer_append(&r->partial, begin, len);
}

/* What is wrong with the head's next line; NULL: nothing. */
static const char *
framing_lsp_check(struct framing_reader *r, const uint8_t *line, size_t len)
{
	if (len < 2 || line[len - 2] != '\r')
		return "header line does not end with CR LF";
	if (len > 2 && r->lines > FRAMING_LSP_LINES_MAX)
		return "more than 16 header lines";
	if (len > 2)
		return framing_lsp_field(r, (struct span){(const char *)line, len - 2});
	return r->in_record ? NULL : "headers without Content-Length";
}

/* Reads the head; FRAMING_MESSAGE when it is whole. LINES counts from 1 until then. */
static enum framing_event
framing_lsp_read_head(struct framing_reader *r, struct framing_item *item)
{
	const uint8_t *begin = r->bytes;

	for (;;) {
		enum framing_event event = FRAMING_NOMEM;
		const char *why;
		uint8_t *line;
		size_t len;

		if (framing_lsp_keep(r, begin))
			event = framing_take_line(
			    r, FRAMING_LSP_LINE_MAX, r->head_len, &line, &len);
		if (event != FRAMING_MESSAGE && event != FRAMING_TOO_BIG)
			return event;
		r->lines++;
		why = event == FRAMING_TOO_BIG ? "header line longer than 256 bytes"
					       : framing_lsp_check(r, line, len);
		if (why && buffer_len(&r->partial) > 0)
			return framing_bad(
			    item, why, buffer_data(&r->partial), buffer_len(&r->partial));
		if (why)
			return framing_bad(item, why, begin, (size_t)(r->bytes - begin));
		r->head_len = (uint16_t)buffer_len(&r->partial);
		if (len == 2) {
			buffer_clear(&r->partial);
			r->head_len = 0;
			r->lines = 0;
			return FRAMING_MESSAGE;
		}
	}
}

/* The head is whole exactly when the length is known and no line of it was read. */
static bool
framing_lsp_in_body(const struct framing_reader *r)
{
	return r->in_record && r->lines == 0;
}

static enum framing_event
framing_lsp_next(struct framing_reader *r, struct framing_item *item)
{
	if (!framing_lsp_in_body(r)) {
		enum framing_event event = framing_lsp_read_head(r, item);

		if (event != FRAMING_MESSAGE)
			return event;
	}
	return framing_next_counted(r, item, MESSAGE_TEXT);
}

static enum framing_event
framing_lsp_end(struct framing_reader *r, struct framing_item *item)
{
	char head[64];

	if (!r->in_record && r->lines == 0 && buffer_len(&r->partial) == 0)
		return FRAMING_MORE;
	item->shown_len = 0;
	if (framing_lsp_in_body(r)) { /* then what the head said is known, not how */
		snprintf(head, sizeof(head), "Content-Length: %" PRIu64 "\r\n\r\n", r->size);
		framing_show(item, (const uint8_t *)head, strlen(head));
	}
	framing_show(item, buffer_data(&r->partial), buffer_len(&r->partial));
	return framing_bad_shown(item, "the output ends in the middle of a record");
}

const struct framing_shape framing_lsp = {
    .takes_text = true,
    .takes_binary = true, /* as several clients send them; the bytes are the same */
    .wrap = framing_lsp_wrap,
    .next = framing_lsp_next,
    .end = framing_lsp_end,
};
