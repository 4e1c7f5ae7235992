/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Looks into a text of JSON (RFC 8259) from somebody who is not trusted. Nothing is built from
 * it: values are spans of the text, with the quotes of a string. Pure, and without recursion.
 */
#ifndef BASE_JSON_SCAN_H
#define BASE_JSON_SCAN_H

#include "base/buffer.h"
#include "base/util.h"

enum { JSON_DEPTH_MAX = 256 }; /* objects and arrays inside each other */

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

/* Whether TEXT is one value in UTF-8, with blanks around it at most, no deeper than
 * JSON_DEPTH_MAX. *VALUE is that value. */
bool json_read(struct span text, struct span *value) __attribute__((warn_unused_result));

/* The functions below are for values of a text that was read, or an empty span. */

enum json_type json_type(struct span value);

/* Walks the items of an array, or the members of an object, in order; nothing if VALUE is
 * another type. *CURSOR is 0 at the start. False when there are no more. */
bool json_next_item(struct span value, size_t *cursor, struct span *item);
bool json_next_member(
    struct span value, size_t *cursor, struct span *name, struct span *member);

/* A member to look up. */
struct json_member {
	const char *name;
	struct span value; /* of the last one of this name; empty: there is none */
	size_t count;
};

/* Sets the values of all members that are looked up in VALUE, which has none if it is no
 * object. */
void json_find(struct span value, struct json_member *members, size_t count);

/* Whether VALUE is a string that stands for TEXT. */
bool json_is_text(struct span value, struct span text);

/* Likewise, as readers see it that ignore case: TEXT is ASCII. To some of them, U+017F is an s,
 * and U+212A a k. */
bool json_resembles(struct span value, struct span text);

/* Appends what the string VALUE stands for, in UTF-8; a lone surrogate as U+FFFD. False without
 * memory: OUT may hold a part of it then. */
bool json_get_text(struct span value, struct buffer *out) __attribute__((warn_unused_result));

#endif
