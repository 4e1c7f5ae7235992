/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Scans untrusted JSON text (RFC 8259). Builds nothing: values are spans of the text, including
 * the quotes of strings. Pure, and without recursion.
 */
#ifndef BASE_JSON_SCAN_H
#define BASE_JSON_SCAN_H

#include "base/buffer.h"
#include "base/util.h"

enum { JSON_DEPTH_MAX = 256 }; /* maximum nesting of objects and arrays */

enum json_type {
	JSON_NOTHING, /* an empty span: no value */
	JSON_OBJECT,
	JSON_ARRAY,
	JSON_STRING,
	JSON_NUMBER,
	JSON_TRUE,
	JSON_FALSE,
	JSON_NULL,
};

/* Reports whether TEXT is one value in UTF-8, surrounded by blanks at most, not nested deeper
 * than JSON_DEPTH_MAX. Sets *VALUE to the value. */
bool json_read(struct span text, struct span *value) __attribute__((warn_unused_result));

/* The functions below require a value in validated text, or an empty span. */

enum json_type json_type(struct span value);

/* Iterates over the items of an array, or the members of an object, in order; over nothing if
 * VALUE has another type. *CURSOR must be 0 at the start. Returns false at the end. */
bool json_next_item(struct span value, size_t *cursor, struct span *item);
bool json_next_member(
    struct span value, size_t *cursor, struct span *name, struct span *member);

/* A member to look up. */
struct json_member {
	const char *name;
	struct span value; /* value of the last member with this name; empty: none */
	size_t count;
};

/* Looks up members in VALUE and sets their values; all are empty if it is not an object. */
void json_find(struct span value, struct json_member *members, size_t count);

/* Reports whether VALUE is a string equal to TEXT when decoded. */
bool json_is_text(struct span value, struct span text);

/* Like json_is_text(), but as case-insensitive readers see it: TEXT is ASCII. For some of them,
 * U+017F equals s, and U+212A equals k. */
bool json_resembles(struct span value, struct span text);

/* Appends the decoded string VALUE in UTF-8; a lone surrogate becomes U+FFFD. Returns false if
 * memory runs out; OUT may then contain a part. */
bool json_get_text(struct span value, struct buffer *out) __attribute__((warn_unused_result));

#endif
