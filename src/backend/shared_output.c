/* SPDX-License-Identifier: BSD-2-Clause */
/* Output of a shared program on its way to the members. */
#include "backend/shared_output.h"

#include "base/log.h"
#include "base/utf8.h"
#include "framing/framing_json.h"

#include <stdio.h>
#include <stdlib.h>

static void
shared_output_warn(
    const struct shared_output *o, enum log_level level, const char *text, struct span bytes)
{
	if (!log_begin(level, "shared", 0, span_of(text)))
		return;
	log_text("endpoint", span_of(o->name));
	if (bytes.len > 0)
		log_text("bytes", bytes);
	log_end();
}

/* Counts a message, or the record of one, that can't be sent, and logs the first. */
static void
shared_output_drop(struct shared_output *o, const char *why, struct span bytes)
{
	enum { SHOWN = 64 };
	char text[160];

	o->dropped++;
	if (o->warned_bad)
		return;
	o->warned_bad = true;
	snprintf(text, sizeof(text), "a message of the shared program is dropped: %s", why);
	if (bytes.len > SHOWN)
		bytes.len = SHOWN;
	shared_output_warn(o, LOG_ERROR, text, bytes);
}

/* Encodes text that is not UTF-8 (RFC 6455, section 8.1): repaired, or as binary. */
static struct broadcast *
shared_output_repair(struct shared_output *o, struct span text)
{
	const uint8_t *bytes = (const uint8_t *)text.data;
	struct utf8_repair repair = {.partial_len = 0};
	struct broadcast *b = NULL;
	uint8_t *fixed;
	size_t repaired = 0;

	if (!o->warned_not_utf8)
		shared_output_warn(o, LOG_WARN,
		    o->rules->invalid_is_binary
			? "the program's output is not UTF-8: sent as a binary message "
			  "(--invalid-utf8=binary)"
			: "the program's output is not UTF-8: invalid bytes are replaced with "
			  "U+FFFD; use --binary to send bytes unchanged",
		    (struct span){0});
	o->warned_not_utf8 = true;
	if (o->rules->invalid_is_binary)
		return broadcast_of_message(MESSAGE_BINARY, bytes, text.len);
	fixed = malloc(UTF8_REPAIR_MAX(text.len));
	if (fixed)
		b = broadcast_of_message(MESSAGE_TEXT, fixed,
		    utf8_repair(&repair, bytes, text.len, true, fixed, &repaired));
	free(fixed);
	return b;
}

/* Encodes one message. Returns NULL if it was dropped. */
static struct broadcast *
shared_output_encode(struct shared_output *o, enum message_type type, struct span text)
{
	const uint8_t *bytes = (const uint8_t *)text.data;
	struct broadcast *b = type == MESSAGE_TEXT && !utf8_valid(bytes, text.len)
				  ? shared_output_repair(o, text)
				  : broadcast_of_message(type, bytes, text.len);

	if (!b)
		shared_output_drop(o, "out of memory", (struct span){0});
	return b;
}

/* Messages for members */

/* Returns the *COUNT members of the address, to be freed by the caller. Returns NULL if the
 * address has none, or if out of memory. Counts messages for clients that no process has. */
static struct member **
shared_output_find(struct shared_output *o, size_t *count)
{
	size_t all = address_count(&o->address);
	struct member **found = all > 0 ? calloc(all, sizeof(struct member *)) : NULL;

	*count = 0;
	for (size_t i = 0; i < all; i++) {
		struct member *m = members_find(o->members, address_id(&o->address, i));

		if (m && found)
			found[(*count)++] = m;
		else
			o->dropped += !o->address.all && !o->receives &&
				      !(o->publishes &&
					  o->is_elsewhere(o->arg, address_id(&o->address, i)));
	}
	return found;
}

static void
shared_output_close(struct shared_output *o, struct member *const *found, size_t count)
{
	struct members *members = o->members;

	if (!o->address.all) {
		for (size_t i = 0; i < count; i++)
			members_close(members, found[i], o->address.code, o->address.text);
		return;
	}
	for (struct member *m = members_first(members); m; m = members_next(members, m)) {
		bool excepted = false;

		for (size_t i = 0; i < count && !excepted; i++)
			excepted = found[i] == m;
		if (!excepted)
			members_close(members, m, o->address.code, o->address.text);
	}
}

/* Sends a message to, or closes, the members of the address. A message for one disconnected
 * client costs only the search. */
static void
shared_output_deliver(struct shared_output *o)
{
	struct address *a = &o->address;
	size_t count;
	struct member **found = shared_output_find(o, &count);
	struct broadcast *b = NULL;

	/* Out of memory: the excepted members are not known. */
	if (a->all && address_count(a) > 0 && !found) {
		o->dropped++;
		return;
	}
	if (a->kind == ADDRESS_CLOSE)
		shared_output_close(o, found, count);
	else if (a->all || count > 0)
		b = shared_output_encode(o, a->type, a->text);
	if (b && a->all && found)
		members_send_but(o->members, b, found, count);
	else if (b && a->all)
		members_send_all(o->members, b);
	for (size_t i = 0; b && !a->all && i < count; i++)
		members_send(o->members, found[i], b);
	broadcast_unref(b);
	free(found);
}

/* Returns false if nobody may get the messages. */
static bool
shared_output_publish(const struct shared_output *o, const struct batch *batch)
{
	return !o->publishes || o->receives || o->publish(o->arg, batch);
}

/* Handles one whole message of the program, which was published already. */
static void
shared_output_message(
    struct shared_output *o, enum message_type type, uint8_t *data, size_t len)
{
	struct span text = {(char *)data, len};
	struct broadcast *b;

	switch (o->rules->addresses) {
	case SHARED_TO_ALL:
		b = shared_output_encode(o, type, text);
		if (b)
			members_send_all(o->members, b);
		broadcast_unref(b);
		return;
	case SHARED_LINES:
	case SHARED_EVENTS:
		address_read_line(&o->address, data, len, o->rules->addresses == SHARED_EVENTS);
		break;
	case SHARED_JSON:
		framing_json_read_address(&o->address, data, len);
		break;
	}
	switch (o->address.kind) {
	case ADDRESS_MESSAGE:
	case ADDRESS_CLOSE:
		shared_output_deliver(o);
		break;
	case ADDRESS_IGNORED:
		break;
	case ADDRESS_BAD:
		shared_output_drop(o, o->address.why, text);
		break;
	case ADDRESS_NO_MEMORY:
		shared_output_drop(o, "out of memory", (struct span){0});
		break;
	}
	address_clear(&o->address);
}

/* Assembles a message from its parts. */
static void
shared_output_part(struct shared_output *o, const struct batch *batch)
{
	uint64_t max = o->rules->max_message;
	size_t len = buffer_len(&o->message) + batch->len;

	if (batch->first)
		o->too_long = false;
	if (o->too_long || (max != 0 && len > max) ||
	    !buffer_append(&o->message, batch->data, batch->len)) {
		buffer_clear(&o->message);
		if (!o->too_long)
			shared_output_drop(o,
			    max != 0 && len > max
				? "it is larger than --max-output-message allows"
				: "out of memory",
			    (struct span){0});
		o->too_long = true;
		return;
	}
	if (!batch->last)
		return;
	if (shared_output_publish(o, &(struct batch){.type = batch->type,
					 .data = buffer_data(&o->message),
					 .len = len,
					 .separator = BATCH_NO_SEPARATOR,
					 .first = true,
					 .last = true}))
		shared_output_message(o, batch->type, buffer_data(&o->message), len);
	buffer_clear(&o->message);
}

void
shared_output_send(struct shared_output *o, struct batch *batch)
{
	if (batch->separator == BATCH_NO_SEPARATOR && !(batch->first && batch->last)) {
		shared_output_part(o, batch);
		return;
	}
	if (!shared_output_publish(o, batch))
		return;
	if (batch->separator == BATCH_NO_SEPARATOR) {
		shared_output_message(o, batch->type, batch->data, batch->len);
		return;
	}
	while (batch->len > 0) {
		struct broadcast *b = o->rules->addresses == SHARED_TO_ALL
					  ? broadcast_of_records(batch, o->scratch)
					  : NULL;
		struct batch one;

		if (b) {
			members_send_all(o->members, b);
			broadcast_unref(b);
			continue;
		}
		one = batch_next(batch);
		shared_output_message(o, one.type, one.data, one.len);
	}
}

void
shared_output_receive(struct shared_output *o, struct batch *batch)
{
	o->receives = true;
	shared_output_send(o, batch);
	o->receives = false;
}

void
shared_output_set_quiet(struct shared_output *o, bool quiet)
{
	o->warned_not_utf8 = o->warned_bad = quiet;
}

void
shared_output_end(struct shared_output *o)
{
	buffer_clear(&o->message);
	address_clear(&o->address);
	o->too_long = false;
	o->warned_not_utf8 = o->warned_bad = false;
	o->dropped = 0;
}
