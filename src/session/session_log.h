/* SPDX-License-Identifier: BSD-2-Clause */
/* The log lines of a session. */
#ifndef SESSION_SESSION_LOG_H
#define SESSION_SESSION_LOG_H

#include "backend/backend.h"
#include "base/log.h"
#include "peer/peer.h"
#include "session/ending.h"
#include "session/output.h"

/* Of an endpoint; all borrowed for longer than any session. */
struct session_log_rules {
	bool compat; /* websocketd's lines */
	const char *command; /* the program, or the directory of programs */
	const struct registry *registry; /* NULL: there is none */
	uint32_t endpoint; /* its number in the registry */
};

/* What the lines name; all borrowed during the call but RULES. */
struct session_log_spec {
	const struct session_log_rules *rules;
	uint64_t id;
	const char *remote; /* the client's address */
	const char *user; /* the authenticated one, or NULL */
	const char *program; /* the file that is started, or the socket */
	enum session_via via;
	bool secure;
	struct span target; /* of the request, as the next two */
	struct span host;
	struct span origin;
	struct span subprotocol; /* empty: none was agreed on, as the next one */
	struct span extensions;
	const char *traceparent; /* of its trace; only in JSON */
	struct span offered; /* the client's first subprotocol if none was selected */
};

struct session_log {
	const struct session_log_rules *rules; /* borrowed */
	uint64_t id;
	int64_t opened_ms;
	/* Borrowed: the client's address and the subprotocol offered; in compat mode also the
	 * URL and the origin. Each is terminated. */
	const char *texts;
	struct log_limit stderr_limit;
	pid_t pid; /* of the program; 0: the backend is a socket */
	bool warned_not_utf8; /* each of these two is logged once */
	bool warned_dropped;
	/* For the closing line. */
	bool compresses;
	struct registry_counts *counts; /* those of an entry of the registry, or its own */
	struct registry_counts own_counts;
};

/* Writes the texts of a log, and returns their length. */
enum { SESSION_LOG_TEXTS_MAX = 48 * 1024 };
size_t session_log_texts(
    const struct session_log_spec *spec, char texts[SESSION_LOG_TEXTS_MAX]);

/* Begins a log. TEXTS are its own from session_log_texts(), and outlive it. */
void session_log_init(
    struct session_log *log, const struct session_log_spec *spec, const char *texts);

/* As log_begin() for this session; in compat mode with what websocketd puts on each line. */
bool session_log_begin(struct session_log *log, enum log_level level, const char *category,
    struct span message) __attribute__((warn_unused_result));

/* A line without further fields. */
void session_log_line(struct session_log *log, enum log_level level, struct span message);

/* A state changed. */
void session_log_peer(struct session_log *log, enum peer_state from, enum peer_state to);
void session_log_backend(
    struct session_log *log, enum backend_state from, enum backend_state to);

/* The backend's output is malformed. */
void session_log_malformed(struct session_log *log, const char *why, struct span bytes);

/* What is done with output that is not UTF-8, or that not all lines of stderr are sent; each
 * once in a session. */
void session_log_output(struct session_log *log, enum output_result result);

/* A line that the program wrote to stderr; of many, only some. */
void session_log_stderr(struct session_log *log, struct span line);

/* Its entry in the registry; NULL: there is none. */
struct registry_entry *session_log_entry(const struct session_log *log);

/* It does not begin. */
void session_log_cancel(struct session_log *log);

/* The first line; and the last one: how the session went and ended, with hints. The registry
 * has the same figures. */
void session_log_open(struct session_log *log, const struct session_log_spec *spec);
void session_log_close(
    struct session_log *log, const struct backend *backend, const struct ending *ending);

#endif
