/* SPDX-License-Identifier: BSD-2-Clause */
/* A line of the log while it is put together, in the formats of base/log.h. Used by log alone.
 */
#ifndef BASE_LOG_LINE_H
#define BASE_LOG_LINE_H

#include "base/util.h"

#include <stdbool.h>
#include <stdint.h>

enum { LOG_LINE_MAX = 8192 };

enum log_format {
	LOG_TEXT,
	LOG_JSON,
	LOG_COMPAT,
};

struct log_line {
	enum log_format format;
	char bytes[LOG_LINE_MAX];
	size_t len;
	bool cut; /* something was left out; the line will say so */
	struct span message; /* borrowed until log_line_end(); compat writes it last */
};

/* Begins a line with the current time. PRIORITY is for journald; -1: none. LEVEL and CATEGORY
 * are our own words; SESSION is 0 for none. */
void log_line_begin(struct log_line *line, enum log_format format, int priority,
    const char *level, const char *category, uint64_t session, struct span message);

/* Add fields; what does not fit is left out. KEY is our own word. */
void log_line_text(struct log_line *line, const char *key, struct span value);
void log_line_number(struct log_line *line, const char *key, int64_t value);

/* Completes the line: its last byte is a newline. */
void log_line_end(struct log_line *line);

#endif
