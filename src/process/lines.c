/* SPDX-License-Identifier: BSD-2-Clause */
/* Splits stderr output into lines for the log. */
#include "process/lines.h"

#include <string.h>

static void
lines_emit(struct lines *lines, lines_handler *handler, void *arg)
{
	size_t len = buffer_len(&lines->begun);
	const char *line = (const char *)buffer_data(&lines->begun);

	if (len > 0 && line[len - 1] == '\r')
		len--;
	handler(arg, len > 0 ? line : "", len);
	buffer_clear(&lines->begun);
}

void
lines_take(
    struct lines *lines, const char *bytes, size_t len, lines_handler *handler, void *arg)
{
	while (len > 0) {
		const char *end = memchr(bytes, '\n', len);
		size_t piece = end ? (size_t)(end - bytes) : len;
		size_t room = LINES_MAX - buffer_len(&lines->begun);
		bool fits = piece <= room;

		if (!lines->skips) {
			/* If out of memory, drop the start of the line: this harms the log, not
			 * the program. */
			if (!buffer_append(&lines->begun, bytes, fits ? piece : room))
				buffer_clear(&lines->begun);
			if (end || !fits)
				lines_emit(lines, handler, arg);
			lines->skips = !fits;
		}
		if (!end)
			return;
		lines->skips = false;
		bytes += piece + 1;
		len -= piece + 1;
	}
}

void
lines_end(struct lines *lines, lines_handler *handler, void *arg)
{
	if (buffer_len(&lines->begun) > 0)
		lines_emit(lines, handler, arg);
}

void
lines_clear(struct lines *lines)
{
	buffer_clear(&lines->begun);
}
