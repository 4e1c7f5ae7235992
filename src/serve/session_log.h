/* SPDX-License-Identifier: BSD-2-Clause */
/* What a session says in the log. */
#ifndef SERVE_SESSION_LOG_H
#define SERVE_SESSION_LOG_H

#include "base/log.h"
#include "serve/session_inner.h"

/* What websocketd puts on each of its lines, of a session that begins. NULL without memory. */
struct session_compat *session_log_compat_new(const struct session_spec *spec)
    __attribute__((warn_unused_result));

/* Accepts NULL. */
void session_log_compat_free(struct session_compat *compat);

/*
 * As log_begin() for this session. A line begins with what websocketd puts on each of its
 * lines; ours begin with the session's id alone.
 */
bool session_log_begin(struct session *s, enum log_level level, const char *category,
    struct span message) __attribute__((warn_unused_result));

/* A state changed; WHAT says which. */
void session_log_change(struct session *s, const char *what, const char *from, const char *to);

/* A line that the program wrote to stderr; of many, only some (child/lines.h). */
void session_log_stderr(struct session *s, struct span line);

/* The first line, and the last: how the session went and ended. */
void session_log_open(struct session *s, const struct session_spec *spec);
void session_log_close(struct session *s);

#endif
