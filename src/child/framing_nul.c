/* SPDX-License-Identifier: BSD-2-Clause */
/* A message ends with a NUL, so that it may hold newlines: `find -print0`, `grep -z`. */
#include "child/framing_shape.h"

#include <string.h>

static enum framing_wrap_result
framing_nul_wrap(const struct framing *framing, const struct message *message,
    struct framing_wrapped *out, struct buffer *records)
{
	(void)framing;
	(void)records;
	out->tail = SPAN("\0");
	if (message->len == 0 || !memchr(message->data, '\0', message->len))
		return FRAMING_AROUND;
	out->reason = "a message with a NUL, and the program reads records that end with one";
	return FRAMING_REFUSED;
}

static enum framing_event
framing_nul_next(struct framing_reader *r, struct framing_item *item)
{
	return framing_next_until(r, item, '\0', false);
}

static size_t
framing_nul_run(struct framing_reader *r, struct span records[], size_t max, bool *ascii)
{
	return framing_run_until(r, records, max, '\0', false, ascii);
}

const struct framing_shape framing_nul = {
    .takes_text = true,
    .run = framing_nul_run,
    .wrap = framing_nul_wrap,
    .next = framing_nul_next,
    .end = framing_end_until,
};
