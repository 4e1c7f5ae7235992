/* SPDX-License-Identifier: BSD-2-Clause */
/* Parameters of requests for a terminal. */
#include "serve/terminal.h"

#include <string.h>

/* Sets *OUT if PART is the parameter NAME. Returns false if its value is not a valid size. */
static bool
terminal_take(struct span part, struct span name, uint16_t *out)
{
	struct span value = {part.data + name.len, part.len - name.len};
	int64_t number;

	if (part.len < name.len || memcmp(part.data, name.data, name.len) != 0)
		return true;
	if (util_parse_number(value, 1, PTY_SIZE_MAX, &number))
		return false;
	*out = (uint16_t)number;
	return true;
}

bool
terminal_size(struct span query, struct pty_size *size, struct reject *reject)
{
	*size = PTY_SIZE_INITIAL;
	while (query.len > 0) {
		const char *end = memchr(query.data, '&', query.len);
		struct span part = {query.data, end ? (size_t)(end - query.data) : query.len};

		if (!terminal_take(part, SPAN("cols="), &size->columns) ||
		    !terminal_take(part, SPAN("rows="), &size->rows))
			return reject_with(reject, 400, NULL,
			    "cols and rows in the query must be numbers from 1 to 1000 "
			    "(--pty)");
		query.data += part.len + (end != NULL);
		query.len -= part.len + (end != NULL);
	}
	return true;
}
