/* SPDX-License-Identifier: BSD-2-Clause */
/* Creates JSON values for documents that the command line requests. */
#include "server/describe_json.h"

#include "base/utf8.h"
#include "options/value.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

/* Returns VALUE; exits if it is NULL because memory ran out. */
static json_t *
made(json_t *value)
{
	if (!value)
		options_no_memory();
	return value;
}

void
describe_set(json_t *object, const char *key, json_t *value)
{
	if (json_object_set_new(object, key, made(value)) != 0)
		options_no_memory();
}

void
describe_append(json_t *array, json_t *value)
{
	if (json_array_append_new(array, made(value)) != 0)
		options_no_memory();
}

json_t *
describe_text(const char *text)
{
	size_t len = strlen(text), replaced = 0;
	struct utf8_repair repair = {0};
	uint8_t *valid = malloc(UTF8_REPAIR_MAX(len));
	json_t *value;

	if (!valid)
		options_no_memory();
	len = utf8_repair(&repair, (const uint8_t *)text, len, true, valid, &replaced);
	value = made(json_stringn((char *)valid, len));
	free(valid);
	return value;
}

json_t *
describe_ref(const char *format, ...)
{
	json_t *result;
	va_list args;
	char *text;

	va_start(args, format);
	text = options_vformat(format, args);
	va_end(args);
	result = describe_pack("{s:s}", "$ref", text);
	free(text);
	return result;
}

json_t *
describe_pack(const char *format, ...)
{
	json_t *value;
	va_list args;

	va_start(args, format);
	value = json_vpack_ex(NULL, 0, format, args);
	va_end(args);
	return made(value);
}
