/* SPDX-License-Identifier: BSD-2-Clause */
/* A message ends with a NUL, so that it may hold newlines: `find -print0`, `grep -z`. */
#include "framing/framing_shape.h"

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
	out->reason = "message contains a NUL (--framing-in=nul)";
	return FRAMING_REFUSED;
}

const struct framing_shape framing_nul = {
    .takes_text = true,
    .splits = true,
    .separator = '\0',
    .wrap = framing_nul_wrap,
    .next = framing_next_until,
    .end = framing_end_until,
};
