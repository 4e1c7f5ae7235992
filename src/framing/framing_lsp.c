/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The base protocol of the Language Server Protocol: header fields as in HTTP, an empty line,
 * and the message. A program that prints anything else is detected at the end of its first
 * line.
 */
#include "framing/framing_ops.h"

#include <stdio.h>
#include <string.h>

enum {
	FRAMING_LSP_LINE_MAX = 256, /* bytes of a header line */
	FRAMING_LSP_LINES_MAX = 16, /* lines of one head */
};

/* Writes the head of a record of LEN bytes and returns the head's length. */
static size_t
framing_lsp_put_head(char out[FRAMING_HEAD_MAX], size_t len)
{
	return (size_t)snprintf(out, FRAMING_HEAD_MAX, "Content-Length: %zu\r\n\r\n", len);
}

/* Returns the value of the last member NAME, in quotes, of the object in TEXT; empty: none. For
 * text that is not JSON, the result is arbitrary. */
static struct span
framing_lsp_member(struct span text, struct span name)
{
	struct span found = {0};
	struct span string = {0}; /* last string seen */
	const char *value = NULL; /* value of a member called NAME */
	size_t depth = 0;

	for (size_t i = 0; i < text.len; i++) {
		const char *at = text.data + i;

		if (*at == '"') {
			for (i++; i < text.len && text.data[i] != '"'; i++)
				i += text.data[i] == '\\';
			string = (struct span){at, i < text.len ? i + 1 : text.len};
			string.len -= (size_t)(at - text.data);
		} else if (*at == ':' && depth == 1) {
			value = span_equal(string, name) ? at + 1 : NULL;
		}
		if (value && depth == 1 && (*at == ',' || *at == '}')) {
			found = span_trim((struct span){value, (size_t)(at - value)});
			value = NULL;
		}
		if (*at == '{' || *at == '[')
			depth++;
		else if (*at == '}' || *at == ']')
			depth--;
	}
	return found;
}

/*
 * Finds the process ID of the editor in the request that begins a session: many servers exit
 * when no such process runs on their machine. *INITIALIZE: MESSAGE is that request. Returns the
 * number, the only part to replace; empty: none.
 */
static struct span
framing_lsp_process_id(const struct message *message, bool *initialize)
{
	struct span text = {(const char *)message->data, message->len};
	struct span method = framing_lsp_member(text, SPAN("\"method\""));
	struct span id;

	*initialize = span_equal(method, SPAN("\"initialize\""));
	if (!*initialize)
		return (struct span){0};
	id = framing_lsp_member(
	    framing_lsp_member(text, SPAN("\"params\"")), SPAN("\"processId\""));
	return id.len > 0 && (id.data[0] == '-' || util_is_digit((unsigned char)id.data[0]))
		   ? id
		   : (struct span){0};
}

static enum framing_wrap_result
framing_lsp_wrap(const struct framing *framing, const struct message *message,
    struct framing_envelope *out, struct buffer *records)
{
	static const char null[] = "null";
	const char *data = (const char *)message->data;
	size_t before = buffer_len(records);
	struct span id = {0};
	size_t at;

	if (framing->null_process_id)
		id = framing_lsp_process_id(message, &out->initialize);
	if (id.len == 0) {
		out->head_len = framing_lsp_put_head((char *)out->head, message->len);
		return FRAMING_AROUND;
	}
	at = (size_t)(id.data - data);
	out->head_len =
	    framing_lsp_put_head((char *)out->head, message->len - id.len + sizeof(null) - 1);
	if (buffer_append(records, out->head, out->head_len) &&
	    buffer_append(records, data, at) &&
	    buffer_append(records, null, sizeof(null) - 1) &&
	    buffer_append(records, data + at + id.len, message->len - at - id.len))
		return FRAMING_APPENDED;
	buffer_cut(records, before);
	return FRAMING_NO_ROOM;
}

/* Checks a header line without its "\r\n". Returns the error, or NULL. */
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
		return NULL; /* Content-Type, and future fields */
	if (r->in_record)
		return "repeated Content-Length";
	if (util_parse_number(value, 0, INT64_MAX, &length))
		return "invalid Content-Length";
	r->size = r->left = (uint64_t)length;
	r->in_record = true;
	return NULL;
}

/* Returns what is wrong with the next line of the head, or NULL. */
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

/* Reads the head, which is kept in PARTIAL to be shown if it is malformed. Returns
 * FRAMING_MESSAGE when it is complete. LINES counts from 1 until then. */
static enum framing_event
framing_lsp_read_head(struct framing_reader *r, struct framing_item *item)
{
	size_t line = r->line;

	while (r->len > 0) {
		const uint8_t *end = memchr(r->bytes, '\n', r->len);
		size_t n = end ? (size_t)(end - r->bytes) + 1 : r->len;
		size_t room = FRAMING_LSP_LINE_MAX + 1 - (buffer_len(&r->partial) - line);
		const char *why;

		if (!framing_hold(r, n < room ? n : room))
			return FRAMING_NOMEM;
		n = buffer_len(&r->partial) - line;
		if (!end && n <= FRAMING_LSP_LINE_MAX)
			break;
		r->lines++;
		why = n > FRAMING_LSP_LINE_MAX
			  ? "header line longer than 256 bytes"
			  : framing_lsp_check(r, buffer_data(&r->partial) + line, n);
		if (why)
			return framing_bad(
			    item, why, buffer_data(&r->partial), buffer_len(&r->partial));
		line = n == 2 ? 0 : line + n;
		r->line = (uint16_t)line;
		if (n == 2) {
			buffer_clear(&r->partial);
			r->lines = 0;
			return FRAMING_MESSAGE;
		}
	}
	return FRAMING_MORE;
}

/* Reports whether the head is complete: the length is known and no partial line was read. */
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
	char head[FRAMING_HEAD_MAX];

	if (!r->in_record && r->lines == 0 && buffer_len(&r->partial) == 0)
		return FRAMING_MORE;
	item->shown_len = 0;
	if (framing_lsp_in_body(r)) /* the text of the head was discarded */
		framing_show(
		    item, (const uint8_t *)head, framing_lsp_put_head(head, (size_t)r->size));
	framing_show(item, buffer_data(&r->partial), buffer_len(&r->partial));
	return framing_bad_shown(item, "the output ends in the middle of a record");
}

const struct framing_ops framing_lsp = {
    .takes_binary = true, /* some clients send binary messages; the bytes are the same */
    .wrap = framing_lsp_wrap,
    .next = framing_lsp_next,
    .end = framing_lsp_end,
};
