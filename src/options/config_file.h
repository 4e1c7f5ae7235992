/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Parses the syntax of the configuration file. Pure: a span of bytes in, items out.
 *
 *   # or ; begins a comment line
 *   [/path]        begins a section
 *   key = value    blanks around both are ignored
 *
 * A line that ends with a backslash (an odd number of them) continues on the next line, as in a
 * shell. A byte order mark at the start and CR LF are accepted, and the last line needs no
 * newline. Control characters other than a tab are invalid, even in comments.
 */
#ifndef OPTIONS_CONFIG_FILE_H
#define OPTIONS_CONFIG_FILE_H

#include "base/util.h"

#include <stddef.h>

enum config_kind {
	CONFIG_SECTION,
	CONFIG_KEY,
	CONFIG_INVALID,
};

struct config_item {
	enum config_kind kind;
	size_t line; /* first line of the item, from 1 */
	struct span name; /* text between the brackets, or the key; not empty */
	struct span value; /* value of a key */
	const char *wrong; /* for an invalid line: what is wrong and what to write; constant */
};

/* ITEM is valid during the call, its spans as long as the text. */
typedef void config_handler(void *arg, const struct config_item *item);

/* Parses LEN bytes of TEXT, and joins continued lines in place. */
void config_file_parse(char *text, size_t len, config_handler *handler, void *arg);

#endif
