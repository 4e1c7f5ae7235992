/* SPDX-License-Identifier: BSD-2-Clause */
/* The scanner of JSON, against jansson, which builds objects. */
#include "require.h"

#include <stdint.h>
#include <string.h>

/* Both have these names. */
#define json_type jansson_type
#define JSON_OBJECT JANSSON_OBJECT
#define JSON_ARRAY JANSSON_ARRAY
#define JSON_STRING JANSSON_STRING
#define JSON_TRUE JANSSON_TRUE
#define JSON_FALSE JANSSON_FALSE
#define JSON_NULL JANSSON_NULL
#include <jansson.h>
#undef json_type
#undef JSON_OBJECT
#undef JSON_ARRAY
#undef JSON_STRING
#undef JSON_TRUE
#undef JSON_FALSE
#undef JSON_NULL
#include "base/json_scan.h"

static void compare(struct span value, json_t *wanted);

static void
compare_string(struct span value, json_t *wanted)
{
	struct span text = {json_string_value(wanted), json_string_length(wanted)};
	struct buffer found = {0};

	require(json_type(value) == JSON_STRING, "a string");
	require(json_get_text(value, &found), "memory");
	require(buffer_len(&found) == text.len &&
		    (text.len == 0 || memcmp(buffer_data(&found), text.data, text.len) == 0),
	    "what it stands for");
	require(json_is_text(value, text), "it is that text");
	if (text.len > 0)
		require(!json_is_text(value, (struct span){text.data, text.len - 1}),
		    "and no other");
	buffer_clear(&found);
}

static void
compare_array(struct span value, json_t *wanted)
{
	size_t cursor = 0, count = 0;
	struct span item;

	require(json_type(value) == JSON_ARRAY, "an array");
	while (json_next_item(value, &cursor, &item))
		compare(item, json_array_get(wanted, count++));
	require(count == json_array_size(wanted), "all items");
}

/* Of equal names the last one counts. */
static void
compare_object(struct span value, json_t *wanted)
{
	struct json_member member;
	struct span name, any;
	size_t cursor = 0, distinct = 0;
	struct buffer text;

	require(json_type(value) == JSON_OBJECT, "an object");
	while (json_next_member(value, &cursor, &name, &any)) {
		text = (struct buffer){0};
		require(json_get_text(name, &text) && buffer_append(&text, "", 1), "memory");
		member = (struct json_member){.name = (const char *)buffer_data(&text)};
		json_find(value, &member, 1);
		require(member.count > 0, "a member is found");
		if (member.value.data == any.data) {
			distinct++;
			compare(member.value, json_object_get(wanted, member.name));
		}
		buffer_clear(&text);
	}
	require(distinct == json_object_size(wanted), "all members");
}

static void
compare(struct span value, json_t *wanted)
{
	require(wanted != NULL, "no more than there is");
	switch (json_typeof(wanted)) {
	case JANSSON_OBJECT:
		compare_object(value, wanted);
		break;
	case JANSSON_ARRAY:
		compare_array(value, wanted);
		break;
	case JANSSON_STRING:
		compare_string(value, wanted);
		break;
	case JSON_INTEGER:
	case JSON_REAL:
		require(json_type(value) == JSON_NUMBER, "a number");
		break;
	case JANSSON_TRUE:
		require(json_type(value) == JSON_TRUE, "true");
		break;
	case JANSSON_FALSE:
		require(json_type(value) == JSON_FALSE, "false");
		break;
	case JANSSON_NULL:
		require(json_type(value) == JSON_NULL, "null");
		break;
	}
}

/* As many brackets may be open at once, which includes those in strings. */
static size_t
depth_of(const uint8_t *data, size_t size)
{
	size_t depth = 0;

	for (size_t i = 0; i < size; i++)
		depth += data[i] == '[' || data[i] == '{';
	return depth;
}

/* Whether jansson rejects what is JSON all the same. */
static bool
is_beyond_jansson(const json_error_t *error, const uint8_t *data, size_t size)
{
	switch (json_error_code(error)) {
	case json_error_numeric_overflow:
	case json_error_null_byte_in_key:
		return true;
	case json_error_invalid_syntax: /* half of a pair of surrogates */
		return memmem(data, size, "\\ud", 3) || memmem(data, size, "\\uD", 3);
	default:
		return false;
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *copy = malloc(size > 0 ? size : 1); /* a read beyond its end is detected */
	struct span value;
	json_error_t error;
	json_t *wanted;
	bool valid;

	require(copy != NULL, "memory");
	memcpy(copy, data, size);
	wanted = json_loadb(copy, size, JSON_DECODE_ANY | JSON_ALLOW_NUL, &error);
	valid = json_read((struct span){copy, size}, &value);
	/* To jansson, a NUL is the end of the text. */
	if (wanted && !memchr(copy, '\0', size))
		require(valid || depth_of(data, size) > JSON_DEPTH_MAX, "it is JSON");
	if (valid)
		require(wanted || is_beyond_jansson(&error, data, size), "it is no JSON");
	if (valid && wanted)
		compare(value, wanted);
	json_decref(wanted);
	free(copy);
	return 0;
}
