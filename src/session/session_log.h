/* SPDX-License-Identifier: BSD-2-Clause */
/* The log lines of a session. */
#ifndef SESSION_SESSION_LOG_H
#define SESSION_SESSION_LOG_H

#include "backend/backend.h"
#include "base/log.h"
#include "peer/peer.h"
#include "session/ending.h"
#include "session/output.h"

/* Per endpoint. All pointers are borrowed and outlive the sessions. */
struct session_log_rules {
	bool compat; /* write the log lines of websocketd */
	const char *command; /* the program, or the directory of programs */
	const struct registry *registry; /* NULL: none */
	uint32_t endpoint; /* its number in the registry */
};

/* What the log lines name. Borrowed during the call, except RULES. */
struct session_log_spec {
	const struct session_log_rules *rules;
	uint64_t id;
	const char *remote; /* address of the client */
	const char *user; /* authenticated user, or NULL */
	const char *program; /* path of the program, or the socket */
	enum session_via via;
	bool secure;
	struct span target; /* request target, as sent; HOST and ORIGIN are header fields */
	struct span host;
	struct span origin;
	struct span subprotocol; /* empty: none negotiated, as for the next one */
	struct span extensions;
	const char *traceparent; /* trace context; only logged in JSON */
	struct span offered; /* the client's first subprotocol, if none was selected */
};

struct session_log {
	const struct session_log_rules *rules; /* borrowed */
	uint64_t id;
	int64_t opened_ms;
	/* Borrowed, NUL-terminated strings: the client's address, the offered subprotocol and,
	 * in compat mode, URL and origin. */
	const char *texts;
	struct log_limit stderr_limit;
	pid_t pid; /* of the program; 0: the backend is a socket */
	/* Logged already, as the next one: each warning appears once per session. */
	bool warned_not_utf8;
	bool warned_dropped;
	/* For the closing line. */
	bool compresses;
	struct registry_counts *counts; /* in the registry entry, or OWN_COUNTS */
	struct registry_counts own_counts;
};

/* Writes the strings for session_log_init() to TEXTS. Returns their length in bytes. */
enum { SESSION_LOG_TEXTS_MAX = 48 * 1024 };
size_t session_log_texts(
    const struct session_log_spec *spec, char texts[SESSION_LOG_TEXTS_MAX]);

/* Initializes a log and reserves a registry entry. TEXTS is from session_log_texts() and must
 * outlive the log. */
void session_log_init(
    struct session_log *log, const struct session_log_spec *spec, const char *texts);

/* As log_begin(), for this session; in compat mode it adds the fields that websocketd puts on
 * each line. */
bool session_log_begin(struct session_log *log, enum log_level level, const char *category,
    struct span message) __attribute__((warn_unused_result));

/* Logs a line without further fields. */
void session_log_line(struct session_log *log, enum log_level level, struct span message);

/* Log a state change at debug level. */
void session_log_peer(struct session_log *log, enum peer_state from, enum peer_state to);
void session_log_backend(
    struct session_log *log, enum backend_state from, enum backend_state to);

/* Logs that the backend's output is malformed. */
void session_log_malformed(struct session_log *log, const char *why, struct span bytes);

/* Logs how output that is not UTF-8 is handled, or that some lines of stderr are not sent to
 * the client; each once per session. */
void session_log_output(struct session_log *log, enum output_result result);

/* Logs a line of the program's stderr, rate-limited. */
void session_log_stderr(struct session_log *log, struct span line);

/* Returns the registry entry of the session, or NULL. */
struct registry_entry *session_log_entry(const struct session_log *log);

/* Releases the registry entry of a session that does not begin. */
void session_log_cancel(struct session_log *log);

/* Log the first line, and the last line: how the session went and ended, with hints. Both also
 * update the registry. */
void session_log_open(struct session_log *log, const struct session_log_spec *spec);
void session_log_close(
    struct session_log *log, const struct backend *backend, const struct ending *ending);

#endif
