/* SPDX-License-Identifier: BSD-2-Clause */
/* Parses the messages of ttyd's protocol. */
#include "framing/ttyd.h"

#include <jansson.h>
#include <stdbool.h>

/* Reads the member NAME of an object as a length. 0: missing. Returns false if it is
 * invalid. */
static bool
ttyd_take(const json_t *object, const char *name, uint16_t *out)
{
	const json_t *value = json_object_get(object, name);
	json_int_t number = json_integer_value(value);

	*out = 0;
	if (!value)
		return true;
	if (!json_is_integer(value) || number < 1 || number > TTYD_SIZE_MAX)
		return false;
	*out = (uint16_t)number;
	return true;
}

static struct ttyd_message
ttyd_bad(const char *why)
{
	return (struct ttyd_message){.kind = TTYD_BAD, .why = why};
}

/* Parses an object with a size. */
static struct ttyd_message
ttyd_read_size(const uint8_t *bytes, size_t len)
{
	struct ttyd_message message = {.kind = TTYD_RESIZE};
	json_error_t error;
	json_t *object = json_loadb(
	    (const char *)bytes, len, JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, &error);

	if (!object && json_error_code(&error) == json_error_out_of_memory)
		return (struct ttyd_message){.kind = TTYD_NO_MEMORY};
	if (!json_is_object(object))
		message = ttyd_bad("a size must be a JSON object");
	else if (!ttyd_take(object, "columns", &message.columns) ||
		 !ttyd_take(object, "rows", &message.rows))
		message = ttyd_bad("columns and rows must be numbers from 1 to 1000");
	json_decref(object);
	return message;
}

struct ttyd_message
ttyd_read_first(const uint8_t *bytes, size_t len)
{
	if (len == 0 || bytes[0] != '{')
		return ttyd_bad(
		    "the first message must be a JSON object with columns and rows");
	return ttyd_read_size(bytes, len);
}

struct ttyd_message
ttyd_read(const uint8_t *bytes, size_t len)
{
	struct ttyd_message message;

	switch (len > 0 ? bytes[0] : '\0') {
	case '0':
		return (struct ttyd_message){.kind = TTYD_INPUT};
	case '1':
		message = ttyd_read_size(bytes + 1, len - 1);
		if (message.kind == TTYD_RESIZE && (message.columns == 0 || message.rows == 0))
			return ttyd_bad("a size must have columns and rows");
		return message;
	case '2':
		return (struct ttyd_message){.kind = TTYD_PAUSE};
	case '3':
		return (struct ttyd_message){.kind = TTYD_RESUME};
	default:
		return ttyd_bad("unknown kind of message for a terminal");
	}
}
