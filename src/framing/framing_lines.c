/* SPDX-License-Identifier: BSD-2-Clause */
/* A message is a line, or ends with a NUL and may contain newlines: `find -print0`, `grep
 * -z`. */
#include "framing/address.h"
#include "framing/framing_ops.h"

#include <string.h>

_Static_assert(ADDRESS_HEAD_MAX <= (int)FRAMING_HEAD_MAX, "an address is a head");

/* A client that forges a line would forge a sender; for some programs a CR ends a line, too
 * (Python's universal newlines). */
static enum framing_wrap_result
framing_lines_wrap_sender(
    const struct framing *framing, const struct message *message, struct framing_envelope *out)
{
	out->head_len = address_head((char *)out->head, framing->sender, framing->events);
	for (size_t i = 0; i < message->len && framing->newline != FRAMING_NEWLINE_PASS; i++) {
		if (message->data[i] != '\n' && message->data[i] != '\r')
			continue;
		if (framing->newline == FRAMING_NEWLINE_REJECT) {
			out->reason = "message contains a newline (--newline=reject)";
			return FRAMING_REFUSED;
		}
		message->data[i] = ' ';
	}
	return FRAMING_AROUND;
}

static enum framing_wrap_result
framing_lines_wrap(const struct framing *framing, const struct message *message,
    struct framing_envelope *out, struct buffer *records)
{
	uint8_t *newline = NULL;
	size_t done = 0;

	(void)records;
	out->tail = SPAN("\n");
	if (framing->sender != 0)
		return framing_lines_wrap_sender(framing, message, out);
	if (framing->newline == FRAMING_NEWLINE_PASS)
		return FRAMING_AROUND;
	while (done < message->len &&
	       (newline = memchr(message->data + done, '\n', message->len - done))) {
		if (framing->newline == FRAMING_NEWLINE_REJECT) {
			out->reason = "message contains a newline (--newline=reject)";
			return FRAMING_REFUSED;
		}
		*newline = ' ';
		done = (size_t)(newline - message->data) + 1;
	}
	return FRAMING_AROUND;
}

const struct framing_ops framing_lines = {
    .plain = true, /* unless newlines are replaced */
    .tail = '\n',
    .splits = true,
    .cr = true,
    .separator = '\n',
    .wrap = framing_lines_wrap,
    .next = framing_next_until,
    .end = framing_end_until,
};

static enum framing_wrap_result
framing_nul_wrap(const struct framing *framing, const struct message *message,
    struct framing_envelope *out, struct buffer *records)
{
	(void)framing;
	(void)records;
	out->tail = SPAN("\0");
	if (message->len == 0 || !memchr(message->data, '\0', message->len))
		return FRAMING_AROUND;
	out->reason = "message contains a NUL (--framing-in=nul)";
	return FRAMING_REFUSED;
}

const struct framing_ops framing_nul = {
    .splits = true,
    .separator = '\0',
    .wrap = framing_nul_wrap,
    .next = framing_next_until,
    .end = framing_end_until,
};
