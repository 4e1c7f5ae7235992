/* SPDX-License-Identifier: BSD-2-Clause */
/* The trace of a request. */
#include "http/trace.h"

#include <string.h>

enum {
	TRACE_FIRST = 3, /* offset of the trace ID */
	TRACE_SECOND = 36, /* offset of the parent ID */
	TRACE_FLAGS = 53,
};

static const char trace_digits[] = "0123456789abcdef";

/* Checks LEN lower-case hexadecimal digits; an ID must not be all zeros. */
static bool
trace_is_hex(const char *text, size_t len, bool id)
{
	bool zero = true;

	for (size_t i = 0; i < len; i++) {
		if (!(text[i] >= '0' && text[i] <= '9') && !(text[i] >= 'a' && text[i] <= 'f'))
			return false;
		zero = zero && text[i] == '0';
	}
	return !(id && zero);
}

/* Checks a value: section 3.2.2; a later version may append fields (section 3.2.4). */
static bool
trace_is_valid(struct span value)
{
	const char *text = value.data;

	if (value.len < TRACE_PARENT_LEN || !trace_is_hex(text, 2, false) ||
	    memcmp(text, "ff", 2) == 0)
		return false;
	if (value.len > TRACE_PARENT_LEN &&
	    (memcmp(text, "00", 2) == 0 || text[TRACE_PARENT_LEN] != '-'))
		return false;
	return text[TRACE_FIRST - 1] == '-' && trace_is_hex(text + TRACE_FIRST, 32, true) &&
	       text[TRACE_SECOND - 1] == '-' && trace_is_hex(text + TRACE_SECOND, 16, true) &&
	       text[TRACE_FLAGS - 1] == '-' && trace_is_hex(text + TRACE_FLAGS, 2, false);
}

bool
trace_parent(const struct head *head, char out[TRACE_PARENT_LEN + 1])
{
	struct span value;

	if (head_find(head, "Traceparent", &value) != 1 || !trace_is_valid(value))
		return false;
	memcpy(out, value.data, TRACE_PARENT_LEN);
	out[TRACE_PARENT_LEN] = '\0';
	if (memcmp(out, "00", 2) != 0) {
		memcpy(out, "00", 2);
		/* Version 00 only defines the lowest flag. */
		out[TRACE_FLAGS] = '0';
		out[TRACE_FLAGS + 1] = strchr("13579bdf", out[TRACE_FLAGS + 1]) ? '1' : '0';
	}
	return true;
}

void
trace_make_parent(const unsigned char random[TRACE_RANDOM], char out[TRACE_PARENT_LEN + 1])
{
	strcpy(out, "00-00000000000000000000000000000000-0000000000000000-01");
	for (size_t i = 0; i < TRACE_RANDOM; i++) {
		char *to = out + (i < 16 ? TRACE_FIRST + 2 * i : TRACE_SECOND + 2 * (i - 16));

		to[0] = trace_digits[random[i] >> 4];
		to[1] = trace_digits[random[i] & 15];
	}
}
