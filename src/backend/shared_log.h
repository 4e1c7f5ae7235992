/* SPDX-License-Identifier: BSD-2-Clause */
/* Log lines of a shared program, with the name of its endpoint. */
#ifndef BACKEND_SHARED_LOG_H
#define BACKEND_SHARED_LOG_H

#include "backend/backend.h"
#include "base/log.h"

enum { SHARED_END_MAX = 32 };

void shared_log_start(const char *name, const struct backend *program);

/* Logs the exit of the program. ENDED: we ended it. DROPPED: number of its messages that were
 * dropped. */
void shared_log_exit(
    const char *name, const struct backend *program, bool ended, uint64_t dropped);

/* Logs messages dropped for a client that reads too slowly. */
void shared_log_dropped(const char *name, uint64_t client, uint64_t messages);

/* Logs TEXT with a number of messages, unless that is 0. */
void shared_log_count(const char *name, const char *text, uint64_t count);

/* Logs a line of its stderr. LIMIT is the rate limit of the endpoint. */
void shared_log_stderr(const char *name, struct log_limit *limit, struct span line);

/* Logs an event of its output. */
void shared_log_event(const char *name, const struct backend_event *event);

/* Describes how the program ended, e.g. "exit 3". */
void shared_describe_end(const struct backend *program, char text[SHARED_END_MAX]);

#endif
