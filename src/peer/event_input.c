/* SPDX-License-Identifier: BSD-2-Clause */
/* Messages from a request body. */
#include "peer/event_input.h"

#include "base/utf8.h"
#include "framing/framing.h"

#include <string.h>

/* Messages are joined up to this size in bytes. */
enum { EVENT_INPUT_JOINED = 16 * 1024 };

/* Precedes each entry in the buffer: a message, several with separators, or the end. */
struct event_input_head {
	size_t len;
	size_t messages;
	uint64_t bytes; /* without separators */
	int separator;
	enum message_type type;
	uint16_t code;
};

struct event_input
event_input_first(const struct buffer *kept)
{
	struct event_input_head head;

	memcpy(&head, buffer_data(kept), sizeof(head));
	return (struct event_input){
	    .batch =
		{
		    .type = head.type,
		    .data = buffer_data(kept) + sizeof(head),
		    .len = head.len,
		    .separator = head.separator,
		    .first = true,
		    .last = true,
		    .messages = head.messages,
		    .bytes = head.bytes,
		    .wire = head.bytes,
		    .fleeting = true,
		},
	    .code = head.code,
	};
}

void
event_input_take(struct buffer *kept)
{
	struct event_input_head head;

	memcpy(&head, buffer_data(kept), sizeof(head));
	buffer_consume(kept, sizeof(head) + head.len);
}

/* Appends a message, or the end if CODE is not 0. The message joins the last entry, whose head
 * is at *ENTRY, if messages may be followed by SEPARATOR; otherwise it gets its own entry. */
static enum events_posted
event_input_keep(struct buffer *kept, size_t *entry, int separator,
    const struct message *message, uint16_t code)
{
	struct event_input_head head = {0};
	size_t end = buffer_len(kept);
	uint8_t *to = buffer_reserve(kept, sizeof(head) + message->len + 1);

	if (!to)
		return EVENTS_NO_MEMORY;
	if (end > 0)
		memcpy(&head, buffer_data(kept) + *entry, sizeof(head));
	if (head.len == 0 || separator == BATCH_NO_SEPARATOR || code != 0 ||
	    head.type != message->type || head.len >= EVENT_INPUT_JOINED) {
		*entry = end;
		head = (struct event_input_head){
		    .separator = separator, .type = message->type, .code = code};
		to += sizeof(head);
	}
	if (message->len > 0)
		to = mempcpy(to, message->data, message->len);
	if (separator != BATCH_NO_SEPARATOR)
		*to++ = (uint8_t)separator;
	buffer_commit(kept, (size_t)(to - buffer_data(kept)) - end);
	head.messages++;
	head.bytes += message->len;
	head.len = buffer_len(kept) - *entry - sizeof(head);
	memcpy(buffer_data(kept) + *entry, &head, sizeof(head));
	return EVENTS_POSTED;
}

static enum events_posted
event_input_check(
    const struct batch_format *format, uint64_t max, const struct message *message)
{
	if (!(message->type == MESSAGE_TEXT ? format->text : format->binary))
		return EVENTS_WRONG_TYPE;
	return message->len > max ? EVENTS_TOO_BIG : EVENTS_POSTED;
}

/* Reads the body as one message. Text must be UTF-8, as in RFC 6455, section 8.1. */
static enum events_posted
event_input_body(struct buffer *kept, const struct batch_format *format, uint64_t max,
    const struct message *message, const char **why)
{
	enum events_posted result = event_input_check(format, max, message);
	size_t entry = 0;

	if (result != EVENTS_POSTED)
		return result;
	if (message->type == MESSAGE_TEXT && !utf8_valid(message->data, message->len)) {
		*why = "the text is not valid UTF-8";
		return EVENTS_BAD;
	}
	return event_input_keep(kept, &entry, BATCH_NO_SEPARATOR, message, 0);
}

/* Reads each line as a message. Text in JSON is UTF-8. */
static enum events_posted
event_input_lines(struct buffer *kept, const struct batch_format *format, uint64_t max,
    struct buffer *body, const char **why)
{
	static const struct framing json = {.kind = FRAMING_JSON};
	int separator = format->joins ? format->separator : BATCH_NO_SEPARATOR;
	enum events_posted result = EVENTS_POSTED;
	enum framing_event event = FRAMING_MESSAGE;
	struct framing_reader reader;
	struct framing_item item = {0};
	bool at_end = false;
	size_t entry = 0;

	/* Reserve once: a message is shorter than its line. */
	if (!buffer_reserve(kept, buffer_len(body) + BATCH_SLACK))
		return EVENTS_NO_MEMORY;
	framing_init(&reader, &json);
	framing_feed(&reader, buffer_data(body), buffer_len(body));
	while (result == EVENTS_POSTED && event != FRAMING_CLOSE &&
	       !(at_end && event == FRAMING_MORE)) {
		at_end = at_end || event == FRAMING_MORE;
		event = at_end ? framing_end(&reader, &item) : framing_next(&reader, &item);
		switch (event) {
		case FRAMING_MORE:
			break;
		case FRAMING_MESSAGE:
			result = event_input_check(format, max, &item.message);
			if (result == EVENTS_POSTED)
				result =
				    event_input_keep(kept, &entry, separator, &item.message, 0);
			break;
		case FRAMING_CLOSE:
			result = event_input_keep(
			    kept, &entry, BATCH_NO_SEPARATOR, &item.message, item.code);
			break;
		case FRAMING_PART:
		case FRAMING_TOO_BIG:
		case FRAMING_BAD:
			*why = item.why;
			result = EVENTS_BAD;
			break;
		case FRAMING_NOMEM:
			result = EVENTS_NO_MEMORY;
			break;
		}
	}
	framing_clear(&reader);
	return result;
}

enum events_posted
event_input_read(struct buffer *kept, const struct batch_format *format, uint64_t max,
    enum events_kind kind, struct buffer *body, const char **why)
{
	enum events_posted result;

	if (kind == EVENTS_LINES)
		result = event_input_lines(kept, format, max, body, why);
	else
		result = event_input_body(kept, format, max,
		    &(struct message){kind == EVENTS_TEXT ? MESSAGE_TEXT : MESSAGE_BINARY,
			buffer_data(body), buffer_len(body)},
		    why);
	/* The SIMD loops may read beyond the end. */
	if (result == EVENTS_POSTED && buffer_len(kept) > 0 &&
	    !buffer_reserve(kept, BATCH_SLACK))
		result = EVENTS_NO_MEMORY;
	if (result != EVENTS_POSTED)
		buffer_clear(kept);
	return result;
}
