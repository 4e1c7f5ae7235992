/* SPDX-License-Identifier: BSD-2-Clause */
/* A message is a line. */
#include "framing/framing_shape.h"

#include <string.h>

static enum framing_wrap_result
framing_lines_wrap(const struct framing *framing, const struct message *message,
    struct framing_wrapped *out, struct buffer *records)
{
	uint8_t *newline = NULL;
	size_t done = 0;

	(void)records;
	out->tail = SPAN("\n");
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

static bool
framing_lines_plain(const struct framing *framing, int *tail)
{
	*tail = '\n';
	return framing->newline == FRAMING_NEWLINE_PASS;
}

const struct framing_shape framing_lines = {
    .takes_text = true,
    .plain = framing_lines_plain,
    .splits = true,
    .cr = true,
    .separator = '\n',
    .wrap = framing_lines_wrap,
    .next = framing_next_until,
    .end = framing_end_until,
};
