/* SPDX-License-Identifier: BSD-2-Clause */
/* Converts messages of a backend to messages that a peer may send. */
#include "session/output.h"

#include "base/json.h"

#include <stdlib.h>

enum {
	/* Bytes queued for the peer above which log lines are dropped. Only the last lines of a
	 * dead program can exceed the watermark so far. */
	OUTPUT_LOG_QUEUE_MAX = 256 * 1024,
	/* Limit in bytes of log lines that wait for the end of a message. */
	OUTPUT_WAITING_MAX = 64 * 1024,
};

static void
output_put(
    struct peer *peer, enum message_type type, uint8_t *data, size_t len, bool first, bool last)
{
	struct batch batch = {
	    .type = type,
	    .data = data,
	    .len = len,
	    .separator = BATCH_NO_SEPARATOR,
	    .first = first,
	    .last = last,
	};

	peer_send(peer, &batch);
}

/* Converts a log line to a message. Returns false if out of memory. */
static bool
output_mark_log(const struct output *o, struct buffer *out, const char *line, size_t len)
{
	const char *mark = o->rules->is_json ? "{\"type\":\"stderr\",\"data\":\""
					     : "{\"stream\":\"stderr\",\"data\":\"";

	return buffer_append(out, mark, strlen(mark)) &&
	       json_escape(out, (const uint8_t *)line, len, JSON_ESCAPE_HTML) &&
	       buffer_append(out, "\"}", 2);
}

/* Sends a text, or a part of one, that is valid UTF-8. */
static enum output_result
output_put_text(
    struct output *o, struct peer *peer, uint8_t *text, size_t len, bool first, bool last)
{
	static const char mark[] = "{\"stream\":\"stdout\",\"data\":\"";
	enum output_result result = OUTPUT_SENT;
	struct buffer marked = {0};

	if (!o->rules->sends_log || o->rules->is_json) {
		output_put(peer, MESSAGE_TEXT, text, len, first, last);
		return OUTPUT_SENT;
	}
	if ((!first || buffer_append(&marked, mark, sizeof(mark) - 1)) &&
	    json_escape(&marked, text, len, JSON_ESCAPE_HTML) &&
	    (!last || buffer_append(&marked, "\"}", 2)))
		output_put(
		    peer, MESSAGE_TEXT, buffer_data(&marked), buffer_len(&marked), first, last);
	else
		result = OUTPUT_NO_MEMORY;
	buffer_clear(&marked);
	return result;
}

/* Sends text with invalid bytes replaced (RFC 6455, section 8.1: text must be UTF-8). */
static enum output_result
output_put_repaired(struct output *o, struct peer *peer, const struct batch *b, bool first)
{
	uint8_t *fixed = malloc(UTF8_REPAIR_MAX(b->len));
	enum output_result result = OUTPUT_NO_MEMORY;
	size_t repaired = 0;
	size_t len;

	if (!fixed)
		return OUTPUT_NO_MEMORY;
	len = utf8_repair(&o->repair, b->data, b->len, b->last, fixed, &repaired);
	if (repaired > 0 && o->rules->invalid == OUTPUT_CLOSE)
		result = OUTPUT_INVALID;
	else
		result = output_put_text(o, peer, fixed, len, first, b->last);
	free(fixed);
	return result == OUTPUT_SENT && repaired > 0 ? OUTPUT_REPAIRED : result;
}

/* Returns true if a text begins with valid UTF-8. A character may be incomplete at the end of a
 * part. */
static bool
output_begins_well(const struct batch *b)
{
	struct utf8 state = {0};

	return utf8_feed(&state, b->data, b->len) && (!b->last || utf8_complete(&state));
}

/* Sends the log lines that had to wait for the end of a message. */
static void
output_put_waiting(struct output *o, struct peer *peer)
{
	struct buffer waiting = {0};

	buffer_move(&waiting, &o->waiting);
	while (buffer_len(&waiting) > 0) {
		size_t len;

		memcpy(&len, buffer_data(&waiting), sizeof(len));
		buffer_consume(&waiting, sizeof(len));
		output_put(peer, MESSAGE_TEXT, buffer_data(&waiting), len, true, true);
		buffer_consume(&waiting, len);
	}
}

/* Sends one message, or a part of one. */
static enum output_result
output_send_one(struct output *o, struct peer *peer, const struct batch *b)
{
	enum output_result result = OUTPUT_SENT;
	bool first = !o->in_message;

	/* The first part decides the type of the whole message. */
	if (first)
		o->type = b->type;
	if (first && b->type == MESSAGE_TEXT && o->rules->invalid == OUTPUT_BINARY &&
	    !output_begins_well(b)) {
		o->type = MESSAGE_BINARY;
		result = OUTPUT_MADE_BINARY;
	}
	o->in_message = !b->last;
	if (o->type == MESSAGE_BINARY)
		output_put(peer, o->type, b->data, b->len, first, b->last);
	else if (o->repair.partial_len > 0 || !utf8_valid(b->data, b->len))
		result = output_put_repaired(o, peer, b, first);
	else
		result = output_put_text(o, peer, b->data, b->len, first, b->last);
	if (b->last && buffer_len(&o->waiting) > 0)
		output_put_waiting(o, peer);
	return result;
}

enum output_result
output_send(struct output *o, struct peer *peer, struct batch *batch)
{
	enum output_result result = OUTPUT_SENT;

	if (batch->separator == BATCH_NO_SEPARATOR)
		return output_send_one(o, peer, batch);
	if (batch->separator == BATCH_BROADCAST) {
		peer_send(peer, batch);
		return OUTPUT_SENT;
	}
	while (batch->len > 0 && peer->state != PEER_GONE && result != OUTPUT_INVALID &&
	       result != OUTPUT_NO_MEMORY) {
		enum output_result one = OUTPUT_SENT;
		struct batch next;

		if (!o->rules->sends_log)
			peer_send(peer, batch);
		if (batch->len > 0 && peer->state != PEER_GONE) {
			next = batch_next(batch);
			one = output_send_one(o, peer, &next);
		}
		if (one != OUTPUT_SENT)
			result = one;
	}
	return result;
}

/* Queues a log line until the partial message ends. Returns false if that is impossible. */
static bool
output_keep(struct output *o, const struct buffer *line)
{
	size_t len = buffer_len(line);

	if (buffer_len(&o->waiting) + len > OUTPUT_WAITING_MAX ||
	    !buffer_append(&o->waiting, &len, sizeof(len)))
		return false;
	if (buffer_append(&o->waiting, buffer_data(line), len))
		return true;
	buffer_cut(&o->waiting, buffer_len(&o->waiting) - sizeof(len));
	return false;
}

enum output_result
output_send_log(struct output *o, struct peer *peer, const char *line, size_t len)
{
	enum output_result result = OUTPUT_SENT;
	struct buffer marked = {0};

	if (peer_queued(peer) > OUTPUT_LOG_QUEUE_MAX)
		return OUTPUT_UNREAD;
	if (!output_mark_log(o, &marked, line, len))
		result = OUTPUT_NO_MEMORY;
	else if (!o->in_message)
		output_put(
		    peer, MESSAGE_TEXT, buffer_data(&marked), buffer_len(&marked), true, true);
	else if (!output_keep(o, &marked))
		result = OUTPUT_UNFINISHED;
	buffer_clear(&marked);
	return result;
}

void
output_clear(struct output *o)
{
	buffer_clear(&o->waiting);
}
