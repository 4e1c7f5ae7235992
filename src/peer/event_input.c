/* SPDX-License-Identifier: BSD-2-Clause */
/* Messages that came in the body of a request. */
#include "peer/event_input.h"

#include "base/utf8.h"
#include "framing/framing.h"

#include <string.h>

/* What precedes each one in the buffer. */
struct event_input_head {
	size_t len;
	enum message_type type;
	uint16_t code;
};

struct event_input
event_input_first(const struct buffer *kept)
{
	struct event_input_head head;

	memcpy(&head, buffer_data(kept), sizeof(head));
	return (struct event_input){
	    .message = {head.type, buffer_data(kept) + sizeof(head), head.len},
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

static enum events_posted
event_input_keep(struct buffer *kept, const struct message *message, uint16_t code)
{
	struct event_input_head head = {message->len, message->type, code};

	return buffer_append(kept, &head, sizeof(head)) &&
		       buffer_append(kept, message->data, message->len)
		   ? EVENTS_POSTED
		   : EVENTS_NO_MEMORY;
}

/* Text must be UTF-8, as in RFC 6455, section 8.1. */
static enum events_posted
event_input_put(struct buffer *kept, const struct batch_format *format, uint64_t max,
    const struct message *message, const char **why)
{
	if (!(message->type == MESSAGE_TEXT ? format->text : format->binary))
		return EVENTS_WRONG_TYPE;
	if (message->len > max)
		return EVENTS_TOO_BIG;
	if (message->type == MESSAGE_TEXT && !utf8_valid(message->data, message->len)) {
		*why = "the text is not valid UTF-8";
		return EVENTS_BAD;
	}
	return event_input_keep(kept, message, 0);
}

static enum events_posted
event_input_lines(struct buffer *kept, const struct batch_format *format, uint64_t max,
    struct buffer *body, const char **why)
{
	static const struct framing json = {.kind = FRAMING_JSON};
	enum events_posted result = EVENTS_POSTED;
	enum framing_event event = FRAMING_MESSAGE;
	struct framing_reader reader;
	struct framing_item item = {0};
	bool at_end = false;

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
			result = event_input_put(kept, format, max, &item.message, why);
			break;
		case FRAMING_CLOSE:
			result = event_input_keep(kept, &item.message, item.code);
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
		result = event_input_put(kept, format, max,
		    &(struct message){kind == EVENTS_TEXT ? MESSAGE_TEXT : MESSAGE_BINARY,
			buffer_data(body), buffer_len(body)},
		    why);
	/* The loops of simd may read so far. */
	if (result == EVENTS_POSTED && buffer_len(kept) > 0 &&
	    !buffer_reserve(kept, BATCH_SLACK))
		result = EVENTS_NO_MEMORY;
	if (result != EVENTS_POSTED)
		buffer_clear(kept);
	return result;
}
