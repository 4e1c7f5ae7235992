/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A message is a JSON object on one line, which preserves its type and all its bytes. Reads
 * with jansson; writes a string between constants.
 */
#include "framing/framing_json.h"

#include "base/base64.h"
#include "base/json.h"
#include "base/utf8.h"
#include "framing/framing_ops.h"

#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>

static bool
framing_json_put(struct buffer *out, const char *text)
{
	return buffer_append(out, text, strlen(text));
}

static enum framing_wrap_result
framing_json_wrap(const struct framing *framing, const struct message *message,
    struct framing_envelope *out, struct buffer *records)
{
	bool text = message->type == MESSAGE_TEXT;
	size_t before = buffer_len(records);
	char id[32] = "";

	(void)out;
	if (framing->sender != 0)
		snprintf(id, sizeof(id), "\"id\":%" PRIu64 ",", framing->sender);
	if (framing_json_put(records, text ? "{\"type\":\"text\"," : "{\"type\":\"binary\",") &&
	    framing_json_put(records, id) && framing_json_put(records, "\"data\":\"") &&
	    (text ? json_escape(records, message->data, message->len, JSON_ESCAPE_MINIMAL)
		  : base64_put(records, message->data, message->len)) &&
	    framing_json_put(records, "\"}\n"))
		return FRAMING_APPENDED;
	buffer_cut(records, before);
	return FRAMING_NO_ROOM;
}

/* Appends a member with a string value, after another one. */
static bool
framing_json_put_member(struct buffer *out, const char *name, struct span value)
{
	return framing_json_put(out, ",\"") && framing_json_put(out, name) &&
	       framing_json_put(out, "\":\"") &&
	       json_escape(out, (const uint8_t *)value.data, value.len, JSON_ESCAPE_MINIMAL) &&
	       framing_json_put(out, "\"");
}

/* Like framing_json_put_member(), but null for an empty value. */
static bool
framing_json_put_optional(struct buffer *out, const char *name, struct span value)
{
	if (value.len > 0)
		return framing_json_put_member(out, name, value);
	return framing_json_put(out, ",\"") && framing_json_put(out, name) &&
	       framing_json_put(out, "\":null");
}

static bool
framing_json_put_string(struct buffer *out, struct span text)
{
	return json_escape(out, (const uint8_t *)text.data, text.len, JSON_ESCAPE_MINIMAL);
}

static bool
framing_json_put_headers(struct buffer *out, const struct framing_json_open *open)
{
	bool ok = framing_json_put(out, ",\"headers\":{");

	for (size_t i = 0; i < open->header_count && ok; i++)
		ok = framing_json_put(out, i == 0 ? "\"" : ",\"") &&
		     framing_json_put_string(out, open->headers[i].name) &&
		     framing_json_put(out, "\":\"") &&
		     framing_json_put_string(out, open->headers[i].value) &&
		     framing_json_put(out, "\"");
	return ok && framing_json_put(out, "}");
}

bool
framing_json_put_open(struct buffer *out, const struct framing_json_open *open)
{
	char start[64];

	snprintf(start, sizeof(start), "{\"type\":\"open\",\"id\":%" PRIu64, open->id);
	return framing_json_put(out, start) &&
	       framing_json_put_member(out, "path", open->path) &&
	       framing_json_put_member(out, "query", open->query) &&
	       framing_json_put_member(out, "remote", open->remote) &&
	       framing_json_put_optional(out, "user", open->user) &&
	       framing_json_put_optional(out, "subprotocol", open->subprotocol) &&
	       (!open->has_headers || framing_json_put_headers(out, open)) &&
	       framing_json_put(out, "}\n");
}

bool
framing_json_put_close(struct buffer *out, uint64_t id, uint16_t code, struct span reason)
{
	char start[80], number[32] = "";

	if (id != 0)
		snprintf(number, sizeof(number), "\"id\":%" PRIu64 ",", id);
	snprintf(start, sizeof(start), "{\"type\":\"close\",%s\"code\":%u", number, code);
	return framing_json_put(out, start) && framing_json_put_member(out, "reason", reason) &&
	       framing_json_put(out, "}\n");
}

/* Reads a message of type TYPE into DATA. Returns the error, with *NOMEM set if memory ran out,
 * or NULL. */
static const char *
framing_json_message(json_t *object, enum message_type type, struct buffer *data, bool *nomem)
{
	json_t *value = json_object_get(object, "data");
	const char *text = json_string_value(value);

	if (!text)
		return "\"data\" is not a string";
	if (type == MESSAGE_TEXT) {
		*nomem = !buffer_append(data, text, json_string_length(value));
		return NULL;
	}
	switch (base64_read(data, text, json_string_length(value))) {
	case BASE64_OK:
		break;
	case BASE64_BAD:
		return "\"data\" is not valid base64";
	case BASE64_NO_MEMORY:
		*nomem = true;
		break;
	}
	return NULL;
}

/* Reads a close and its reason into DATA. Returns the error, with *NOMEM set if memory ran out,
 * or NULL. */
static const char *
framing_json_close(json_t *object, uint16_t *out, struct buffer *data, bool *nomem)
{
	json_t *code = json_object_get(object, "code");
	json_t *reason = json_object_get(object, "reason");

	*out = 1000;
	if (code) {
		if (!json_is_integer(code) || json_integer_value(code) < 1000 ||
		    json_integer_value(code) > 4999)
			return "\"code\" is not a number from 1000 to 4999";
		*out = (uint16_t)json_integer_value(code);
	}
	if (reason && !json_is_string(reason))
		return "\"reason\" is not a string";
	if (reason)
		*nomem =
		    !buffer_append(data, json_string_value(reason), json_string_length(reason));
	return NULL;
}

/* Parses a line. Returns NULL with the error in *WHY, or with NULL there if memory ran out. */
static json_t *
framing_json_load(const uint8_t *line, size_t len, const char **why)
{
	json_error_t error;
	json_t *object = json_loadb(
	    (const char *)line, len, JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, &error);

	*why = "invalid JSON";
	if (!object && json_error_code(&error) == json_error_out_of_memory)
		*why = NULL;
	return object;
}

/* Returns the type of an object; empty: none. */
static struct span
framing_json_type(json_t *object)
{
	json_t *value = json_object_get(object, "type");

	if (!json_is_string(value))
		return (struct span){0};
	return (struct span){json_string_value(value), json_string_length(value)};
}

/* Reads an object. Returns the error, with *NOMEM set if memory ran out, or NULL. */
static const char *
framing_json_object(json_t *object, enum framing_event *event, enum message_type *type,
    uint16_t *code, struct buffer *data, bool *nomem)
{
	struct span word = framing_json_type(object);

	*event = FRAMING_MESSAGE;
	*type = MESSAGE_TEXT;
	if (span_equal(word, SPAN("binary"))) {
		*type = MESSAGE_BINARY;
	} else if (span_equal(word, SPAN("close"))) {
		*event = FRAMING_CLOSE;
		return framing_json_close(object, code, data, nomem);
	} else if (!span_equal(word, SPAN("text"))) {
		return "not an object with the \"type\" text, binary or close";
	}
	return framing_json_message(object, *type, data, nomem);
}

/* Returns the length of LINE without trailing blanks. */
static size_t
framing_json_trim(const uint8_t *line, size_t len)
{
	while (len > 0 && (line[len - 1] == '\n' || line[len - 1] == '\r' ||
			      line[len - 1] == ' ' || line[len - 1] == '\t'))
		len--;
	return len;
}

/* Bytes checked at once; compilers vectorize this on every architecture. */
typedef uint8_t framing_json_step __attribute__((vector_size(16)));

static inline bool
framing_json_any(framing_json_step bytes, uint64_t mask)
{
	uint64_t halves[2];

	memcpy(halves, &bytes, sizeof(halves));
	return ((halves[0] | halves[1]) & mask) != 0;
}

/* Reports whether the bytes can be a JSON string without escapes. */
static bool
framing_json_is_literal(const uint8_t *bytes, size_t len)
{
	framing_json_step c, all = {0}, special = {0};
	size_t i = 0;

	for (; len - i >= sizeof(c); i += sizeof(c)) {
		memcpy(&c, bytes + i, sizeof(c));
		special |= (framing_json_step)((c < 0x20) | (c == '"') | (c == '\\'));
		all |= c;
	}
	if (i < len) {
		memset(&c, ' ', sizeof(c));
		memcpy(&c, bytes + i, len - i);
		special |= (framing_json_step)((c < 0x20) | (c == '"') | (c == '\\'));
		all |= c;
	}
	return !framing_json_any(special, UINT64_MAX) &&
	       (!framing_json_any(all, 0x8080808080808080) || utf8_valid(bytes, len));
}

/*
 * Recognizes the common line, a text without escapes as written by framing_json_wrap(), and
 * sets *DATA within it. Any other line, even a malformed one, is left to jansson.
 */
static bool
framing_json_is_plain(uint8_t *line, size_t len, uint8_t **data, size_t *data_len)
{
	static const char head[] = "{\"type\":\"text\",\"data\":\"", tail[] = "\"}";
	const size_t head_len = sizeof(head) - 1, tail_len = sizeof(tail) - 1;

	len = framing_json_trim(line, len);
	if (len < head_len + tail_len || memcmp(line, head, head_len) != 0 ||
	    memcmp(line + len - tail_len, tail, tail_len) != 0)
		return false;
	*data = line + head_len;
	*data_len = len - head_len - tail_len;
	return framing_json_is_literal(*data, *data_len);
}

/* Reads a line. If it is in PARTIAL, the data replaces it there. */
static enum framing_event
framing_json_read(
    struct framing_reader *r, struct framing_item *item, uint8_t *line, size_t len)
{
	enum framing_event event;
	enum message_type type;
	const char *why;
	struct buffer data = {0};
	bool nomem = false;
	uint8_t *text;
	size_t text_len;
	json_t *object;

	if (framing_json_is_plain(line, len, &text, &text_len)) {
		r->partial_out = true;
		return framing_emit(r, item, MESSAGE_TEXT, text, text_len, true);
	}
	object = framing_json_load(line, len, &why);
	if (!object)
		return why ? framing_bad(item, why, line, len) : FRAMING_NOMEM;
	why = framing_json_object(object, &event, &type, &item->code, &data, &nomem);
	json_decref(object);
	if (why || nomem) {
		buffer_clear(&data);
		return nomem ? FRAMING_NOMEM : framing_bad(item, why, line, len);
	}
	if (event == FRAMING_CLOSE) {
		item->shown_len = 0;
		framing_show(item, line, len);
	}
	buffer_clear(&r->partial);
	buffer_move(&r->partial, &data);
	(void)framing_emit_partial(r, item, type, buffer_len(&r->partial), true);
	return event;
}

/* Appends a number, or the numbers of an array, to IDS. */
static const char *
framing_json_ids(json_t *value, struct buffer *ids, bool *nomem)
{
	size_t count = json_is_array(value) ? json_array_size(value) : 1;

	for (size_t i = 0; i < count; i++) {
		json_t *one = json_is_array(value) ? json_array_get(value, i) : value;
		uint64_t id = (uint64_t)json_integer_value(one);

		if (!json_is_integer(one) || json_integer_value(one) < 1)
			return "\"id\" or \"except\" is not a positive number or an array of "
			       "them";
		*nomem = *nomem || !buffer_append(ids, &id, sizeof(id));
	}
	return NULL;
}

/* Reads the recipients of an object. */
static const char *
framing_json_address(json_t *object, struct address *address, bool *nomem)
{
	json_t *ids = json_object_get(object, "id");
	json_t *except = json_object_get(object, "except");

	if (ids && except)
		return "\"id\" and \"except\" can't be combined";
	address->all = !ids;
	return ids || except ? framing_json_ids(ids ? ids : except, &address->ids, nomem)
			     : NULL;
}

void
framing_json_read_address(struct address *a, const uint8_t *line, size_t len)
{
	enum framing_event event;
	bool nomem = false;
	json_t *object;

	address_clear(a);
	*a = (struct address){.kind = ADDRESS_IGNORED};
	if (framing_json_trim(line, len) == 0)
		return;
	object = framing_json_load(line, len, &a->why);
	if (!object) {
		a->kind = a->why ? ADDRESS_BAD : ADDRESS_NO_MEMORY;
		return;
	}
	a->why = NULL;
	if (!span_equal(framing_json_type(object), SPAN("open"))) {
		a->why =
		    framing_json_object(object, &event, &a->type, &a->code, &a->data, &nomem);
		if (!a->why)
			a->why = framing_json_address(object, a, &nomem);
		a->kind = nomem			   ? ADDRESS_NO_MEMORY
			  : a->why		   ? ADDRESS_BAD
			  : event == FRAMING_CLOSE ? ADDRESS_CLOSE
						   : ADDRESS_MESSAGE;
		a->text = (struct span){(char *)buffer_data(&a->data), buffer_len(&a->data)};
	}
	json_decref(object);
}

static enum framing_event
framing_json_next(struct framing_reader *r, struct framing_item *item)
{
	for (;;) {
		uint8_t *line;
		size_t len;
		uint64_t max = r->framing->max_record ? r->framing->max_record : UINT64_MAX;
		enum framing_event event = framing_take_line(r, max, &line, &len);

		if (event != FRAMING_MESSAGE)
			return event;
		if (framing_json_trim(line, len) > 0)
			return framing_json_read(r, item, line, len);
		buffer_clear(&r->partial);
	}
}

/* An unterminated last line counts as well. */
static enum framing_event
framing_json_end(struct framing_reader *r, struct framing_item *item)
{
	uint8_t *line = buffer_data(&r->partial);
	size_t len = buffer_len(&r->partial);

	if (framing_json_trim(line, len) == 0)
		return FRAMING_MORE;
	return framing_json_read(r, item, line, len);
}

const struct framing_ops framing_json = {
    .takes_binary = true,
    .wrap = framing_json_wrap,
    .next = framing_json_next,
    .end = framing_json_end,
};
