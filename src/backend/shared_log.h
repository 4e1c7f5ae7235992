/* SPDX-License-Identifier: BSD-2-Clause */
/* The log of a shared program, in the name of its endpoint. */
#ifndef BACKEND_SHARED_LOG_H
#define BACKEND_SHARED_LOG_H

#include "backend/backend.h"
#include "base/log.h"

enum { SHARED_END_MAX = 32 };

void shared_log_start(const char *name, const struct backend *program);

/* ENDED: by us. DROPPED: messages of it. */
void shared_log_exit(
    const char *name, const struct backend *program, bool ended, uint64_t dropped);

/* Messages for a client that reads too slowly were dropped. */
void shared_log_dropped(const char *name, uint64_t client, uint64_t messages);

/* A line with a number of messages, if it is not 0. */
void shared_log_count(const char *name, const char *text, uint64_t count);

/* A line of its stderr. LIMIT is the endpoint's. */
void shared_log_stderr(const char *name, struct log_limit *limit, struct span line);

/* An event of its output. */
void shared_log_event(const char *name, const struct backend_event *event);

/* How it ended, as text: "exit 3". */
void shared_describe_end(const struct backend *program, char text[SHARED_END_MAX]);

#endif
