/* SPDX-License-Identifier: BSD-2-Clause */
/* The log of a shared program, in the name of its endpoint. */
#ifndef BACKEND_SHARED_LOG_H
#define BACKEND_SHARED_LOG_H

#include "backend/backend.h"
#include "base/log.h"

enum { SHARED_END_MAX = 32 };

/* Begins a line, unless the log does not show it. log_end() follows. */
bool shared_log_begin(const char *name, enum log_level level, const char *text)
    __attribute__((warn_unused_result));

/* A line with a number of messages, if it is not 0. */
void shared_log_count(const char *name, const char *text, uint64_t count);

/* A line of its stderr. LIMIT is the endpoint's. */
void shared_log_stderr(const char *name, struct log_limit *limit, struct span line);

/* An event of its output. */
void shared_log_event(const char *name, const struct backend_event *event);

/* How it ended, as text: "exit 3". */
void shared_describe_end(const struct backend *program, char text[SHARED_END_MAX]);

#endif
