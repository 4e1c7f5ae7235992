/* SPDX-License-Identifier: BSD-2-Clause */
/* Assembles a log line in the formats of base/log.h. Only used by log. */
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
	bool cut; /* something was omitted; the line gets a mark */
	struct span message; /* borrowed until log_line_end(); compat writes it last */
};

/* Begins a line with the current time. PRIORITY is for journald; -1: none. LEVEL and CATEGORY
 * must be constants of the program; SESSION is 0 for none. */
void log_line_begin(struct log_line *line, enum log_format format, int priority,
    const char *level, const char *category, uint64_t session, struct span message);

/* Append fields; what does not fit is omitted. KEY must be a constant of the program. */
void log_line_text(struct log_line *line, const char *key, struct span value);
void log_line_number(struct log_line *line, const char *key, int64_t value);

/* Completes the line: its last byte is a newline. */
void log_line_end(struct log_line *line);

#endif
