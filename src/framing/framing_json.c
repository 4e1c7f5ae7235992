/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A message is a JSON object in a line, so that its type and all its bytes survive. Reading is
 * jansson's; writing is a string between constants.
 */
#include "framing/framing_json.h"

#include "base/base64.h"
#include "base/json.h"
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

	(void)framing;
	(void)out;
	if (framing_json_put(records,
		text ? "{\"type\":\"text\",\"data\":\"" : "{\"type\":\"binary\",\"data\":\"") &&
	    (text ? json_escape(records, message->data, message->len, JSON_ESCAPE_MINIMAL)
		  : base64_put(records, message->data, message->len)) &&
	    framing_json_put(records, "\"}\n"))
		return FRAMING_APPENDED;
	buffer_cut(records, before);
	return FRAMING_NO_ROOM;
}

/* Puts a member with a string value after another one. */
static bool
framing_json_put_member(struct buffer *out, const char *name, struct span value)
{
	return framing_json_put(out, ",\"") && framing_json_put(out, name) &&
	       framing_json_put(out, "\":\"") &&
	       json_escape(out, (const uint8_t *)value.data, value.len, JSON_ESCAPE_MINIMAL) &&
	       framing_json_put(out, "\"");
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
	       (open->subprotocol.len > 0
		       ? framing_json_put_member(out, "subprotocol", open->subprotocol)
		       : framing_json_put(out, ",\"subprotocol\":null")) &&
	       framing_json_put(out, "}\n");
}

bool
framing_json_put_close(struct buffer *out, uint16_t code, struct span reason)
{
	char start[64];

	snprintf(start, sizeof(start), "{\"type\":\"close\",\"code\":%u", code);
	return framing_json_put(out, start) && framing_json_put_member(out, "reason", reason) &&
	       framing_json_put(out, "}\n");
}

/* A message of type TYPE: its data goes to DATA. NULL, or what is wrong; *NOMEM without memory.
 */
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

/* The end of the session: the reason goes to DATA. */
static const char *
framing_json_close(json_t *object, struct framing_item *item, struct buffer *data, bool *nomem)
{
	json_t *code = json_object_get(object, "code");
	json_t *reason = json_object_get(object, "reason");

	item->code = 1000;
	if (code) {
		if (!json_is_integer(code) || json_integer_value(code) < 1000 ||
		    json_integer_value(code) > 4999)
			return "\"code\" is not a number from 1000 to 4999";
		item->code = (uint16_t)json_integer_value(code);
	}
	if (reason && !json_is_string(reason))
		return "\"reason\" is not a string";
	if (reason)
		*nomem =
		    !buffer_append(data, json_string_value(reason), json_string_length(reason));
	return NULL;
}

/* Reads a line. It may lie in PARTIAL, where the data then replaces it. */
static enum framing_event
framing_json_read(
    struct framing_reader *r, struct framing_item *item, uint8_t *line, size_t len)
{
	enum framing_event event = FRAMING_BAD;
	enum message_type type = MESSAGE_TEXT;
	const char *why = NULL;
	struct buffer data = {0};
	bool nomem = false;
	json_error_t error;
	json_t *object;
	struct span word = {0};

	object = json_loadb(
	    (const char *)line, len, JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, &error);
	if (!object) {
		if (json_error_code(&error) == json_error_out_of_memory)
			return FRAMING_NOMEM;
		return framing_bad(item, "invalid JSON", line, len);
	}
	if (json_is_string(json_object_get(object, "type"))) {
		json_t *value = json_object_get(object, "type");

		word = (struct span){json_string_value(value), json_string_length(value)};
	}
	if (span_equal(word, SPAN("text"))) {
		event = FRAMING_MESSAGE;
	} else if (span_equal(word, SPAN("binary"))) {
		type = MESSAGE_BINARY;
		event = FRAMING_MESSAGE;
	} else if (span_equal(word, SPAN("close"))) {
		event = FRAMING_CLOSE;
		item->shown_len = 0;
		framing_show(item, line, len);
		why = framing_json_close(object, item, &data, &nomem);
	} else {
		why = "not an object with the \"type\" text, binary or close";
	}
	if (event == FRAMING_MESSAGE)
		why = framing_json_message(object, type, &data, &nomem);
	json_decref(object);
	if (why || nomem) {
		buffer_clear(&data);
		return nomem ? FRAMING_NOMEM : framing_bad(item, why, line, len);
	}
	buffer_clear(&r->partial);
	buffer_move(&r->partial, &data);
	(void)framing_emit_partial(r, item, type, buffer_len(&r->partial), true);
	return event;
}

static bool
framing_json_is_blank(const uint8_t *line, size_t len)
{
	while (len > 0 && (line[len - 1] == '\n' || line[len - 1] == '\r' ||
			      line[len - 1] == ' ' || line[len - 1] == '\t'))
		len--;
	return len == 0;
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
		if (!framing_json_is_blank(line, len))
			return framing_json_read(r, item, line, len);
		buffer_clear(&r->partial);
	}
}

/* The last line counts also without its end. */
static enum framing_event
framing_json_end(struct framing_reader *r, struct framing_item *item)
{
	uint8_t *line = buffer_data(&r->partial);
	size_t len = buffer_len(&r->partial);

	if (framing_json_is_blank(line, len))
		return FRAMING_MORE;
	return framing_json_read(r, item, line, len);
}

const struct framing_ops framing_json = {
    .takes_binary = true,
    .wrap = framing_json_wrap,
    .next = framing_json_next,
    .end = framing_json_end,
};
