/* SPDX-License-Identifier: BSD-2-Clause */
/* The log lines of a session. */
#include "session/session_log.h"

#include "base/list.h"
#include "websocket/frame.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	/* A client that disconnects earlier did not wait for anything. */
	SESSION_LOG_AT_ONCE_MS = 5 * 1000,
	SESSION_LOG_WAITED_MS = 100,
};

/* The strings, in their order. */
enum {
	SESSION_LOG_REMOTE,
	SESSION_LOG_OFFERED,
	SESSION_LOG_URL,
	SESSION_LOG_ORIGIN,
};

static const char *
session_log_text(const struct session_log *log, int which)
{
	const char *text = log->texts;

	while (which-- > 0)
		text += strlen(text) + 1;
	return text;
}

size_t
session_log_texts(const struct session_log_spec *spec, char texts[SESSION_LOG_TEXTS_MAX])
{
	struct span origin = spec->origin.len > 0 ? spec->origin : SPAN("file:");
	size_t len = strlen(spec->remote) + 1;

	memcpy(texts, spec->remote, len);
	if (spec->offered.len > 0)
		memcpy(texts + len, spec->offered.data, spec->offered.len);
	len += spec->offered.len;
	texts[len++] = '\0';
	if (spec->rules->compat)
		len += 1 + (size_t)snprintf(texts + len, SESSION_LOG_TEXTS_MAX - len,
			       "http%s://%.*s%.*s%c%.*s", spec->secure ? "s" : "",
			       (int)spec->host.len, spec->host.len > 0 ? spec->host.data : "",
			       (int)spec->target.len, spec->target.data, 0, (int)origin.len,
			       origin.data);
	return len;
}

void
session_log_init(
    struct session_log *log, const struct session_log_spec *spec, const char *texts)
{
	struct registry_entry *entry = registry_reserve(spec->rules->registry);

	*log = (struct session_log){
	    .rules = spec->rules,
	    .id = spec->id,
	    .texts = texts,
	    .opened_ms = util_clock_ms(),
	};
	log->counts = entry ? &entry->counts : &log->own_counts;
}

struct registry_entry *
session_log_entry(const struct session_log *log)
{
	return log->counts == &log->own_counts
		   ? NULL
		   : LIST_ENTRY_OF(log->counts, struct registry_entry, counts);
}

void
session_log_cancel(struct session_log *log)
{
	registry_cancel(log->rules->registry, session_log_entry(log));
}

bool
session_log_begin(
    struct session_log *log, enum log_level level, const char *category, struct span message)
{
	if (!log_begin(level, category, log->id, message))
		return false;
	if (log->rules->compat) {
		log_text("url", span_of(session_log_text(log, SESSION_LOG_URL)));
		log_number("id", (int64_t)log->id);
		log_text("remote", span_of(session_log_text(log, SESSION_LOG_REMOTE)));
		log_text("command", span_of(log->rules->command));
		log_text("origin", span_of(session_log_text(log, SESSION_LOG_ORIGIN)));
		if (log->pid != 0)
			log_number("pid", log->pid);
	}
	return true;
}

void
session_log_line(struct session_log *log, enum log_level level, struct span message)
{
	if (session_log_begin(log, level, "session", message))
		log_end();
}

static void
session_log_change(struct session_log *log, const char *what, const char *from, const char *to)
{
	char message[64];

	if (!log_shows(LOG_DEBUG))
		return;
	snprintf(message, sizeof(message), "%s %s -> %s", what, from, to);
	session_log_line(log, LOG_DEBUG, span_of(message));
}

void
session_log_peer(struct session_log *log, enum peer_state from, enum peer_state to)
{
	static const char *const names[] = {[PEER_OPEN] = "open",
	    [PEER_CLOSING] = "closing",
	    [PEER_LEFT] = "left",
	    [PEER_GONE] = "gone"};

	session_log_change(log, "peer", names[from], names[to]);
}

void
session_log_backend(struct session_log *log, enum backend_state from, enum backend_state to)
{
	static const char *const names[] = {[BACKEND_RUNNING] = "running",
	    [BACKEND_OUTPUT_ENDED] = "output ended",
	    [BACKEND_EXITED] = "exited",
	    [BACKEND_GONE] = "gone"};

	session_log_change(log, "backend", names[from], names[to]);
}

void
session_log_malformed(struct session_log *log, const char *why, struct span bytes)
{
	if (!session_log_begin(
		log, LOG_ERROR, "session", SPAN("the program's output is malformed")))
		return;
	log_text("reason", span_of(why));
	log_text("bytes", bytes);
	log_end();
}

void
session_log_output(struct session_log *log, enum output_result result)
{
	static const struct {
		enum log_level level;
		const char *text; /* NULL: no line */
		const char *reason;
	} lines[] = {
	    [OUTPUT_REPAIRED] = {.level = LOG_WARN,
		.text = "the program's output is not UTF-8: invalid bytes are replaced with "
			"U+FFFD; use --binary to send bytes unchanged"},
	    [OUTPUT_MADE_BINARY] = {.level = LOG_WARN,
		.text = "the program's output is not UTF-8: sent as a binary message "
			"(--invalid-utf8=binary)"},
	    [OUTPUT_INVALID] = {.level = LOG_ERROR,
		.text = "the program's output is not UTF-8: closing the session "
			"(--invalid-utf8=close)"},
	    [OUTPUT_NO_MEMORY] = {.level = LOG_ERROR},
	    [OUTPUT_UNREAD] = {LOG_WARN, "some lines of stderr are not sent to the client",
		"the client does not read, and the program has exited"},
	    [OUTPUT_UNFINISHED] = {LOG_WARN, "some lines of stderr are not sent to the client",
		"a long line of stdout is still being sent"},
	};
	bool *warned = lines[result].reason ? &log->warned_dropped : &log->warned_not_utf8;

	if (!lines[result].text || *warned)
		return;
	*warned = true;
	if (!session_log_begin(
		log, lines[result].level, "session", span_of(lines[result].text)))
		return;
	if (lines[result].reason)
		log_text("reason", span_of(lines[result].reason));
	log_end();
}

static void
session_log_register(const struct session_log *log, const struct session_log_spec *spec)
{
	struct registry_entry *entry = session_log_entry(log);

	if (entry) {
		entry->opened_ms = log->opened_ms;
		entry->pid = log->pid;
		entry->endpoint = log->rules->endpoint;
		entry->via = spec->via;
		snprintf(entry->remote, sizeof(entry->remote), "%s",
		    session_log_text(log, SESSION_LOG_REMOTE));
		snprintf(entry->user, sizeof(entry->user), "%s", spec->user ? spec->user : "");
	}
	registry_begin(log->rules->registry, entry, log->id);
}

void
session_log_open(struct session_log *log, const struct session_log_spec *spec)
{
	session_log_register(log, spec);
	if (!session_log_begin(log, LOG_ACCESS, "session",
		log->rules->compat ? SPAN("CONNECT") : SPAN("open")))
		return;
	if (!log->rules->compat) {
		log_text("remote", span_of(session_log_text(log, SESSION_LOG_REMOTE)));
		if (spec->user && *spec->user)
			log_text("user", span_of(spec->user));
		log_text("target", spec->target);
		if (spec->via != SESSION_VIA_WEBSOCKET)
			log_text("via", span_of(session_via_names[spec->via]));
		if (spec->origin.len > 0)
			log_text("origin", spec->origin);
		if (spec->subprotocol.len > 0)
			log_text("subprotocol", spec->subprotocol);
		if (spec->extensions.len > 0)
			log_text("extensions", spec->extensions);
		if (log->pid != 0) {
			log_text("program", span_of(spec->program));
			log_number("pid", log->pid);
		} else {
			log_text("backend", span_of(spec->program));
		}
		if (log_is_json() && spec->traceparent)
			log_text("traceparent", span_of(spec->traceparent));
	}
	log_end();
}

static void
session_log_suppressed(struct session_log *log)
{
	char text[LOG_LIMIT_TEXT_MAX];

	if (log_limit_report(&log->stderr_limit, text))
		session_log_line(log, LOG_WARN, span_of(text));
}

void
session_log_stderr(struct session_log *log, struct span line)
{
	if (!log_shows(LOG_ERROR) || !log_limit_allows(&log->stderr_limit, util_clock_ms()))
		return;
	session_log_suppressed(log);
	if (session_log_begin(log, LOG_ERROR, "stderr", line))
		log_end();
}

/* Logs a hint if the client probably disconnected because no subprotocol was selected: browsers
 * and some libraries do so without a Close frame (RFC 6455, section 4.1). */
static void
session_log_hint_subprotocol(struct session_log *log, const struct ending *ending)
{
	const char *offered = session_log_text(log, SESSION_LOG_OFFERED);

	if (*offered == '\0' || log->counts->in.messages > 0 || ending->received != 0 ||
	    util_clock_ms() - log->opened_ms > SESSION_LOG_AT_ONCE_MS ||
	    !session_log_begin(log, LOG_WARN, "session",
		SPAN("the client disconnected because none of the subprotocols that it offered "
		     "was selected; see --subprotocol")))
		return;
	log_text("offered", span_of(offered));
	log_end();
}

/* Logs a hint if the program probably buffers its output: it reads, prints nothing, and its
 * client waits. Some programs have nothing to print, so this is logged only once. */
static void
session_log_hint_buffering(struct session_log *log)
{
	static bool said;

	if (said || log->pid == 0 || log->counts->in.messages == 0 ||
	    log->counts->out.messages > 0 ||
	    util_clock_ms() - log->opened_ms < SESSION_LOG_WAITED_MS)
		return;
	said = true;
	session_log_line(log, LOG_INFO,
	    SPAN("the program printed nothing; if it should have, it probably buffers its "
		 "output: let it flush after each line (python3 -u, fflush), or use "
		 "--unbuffer"));
}

static void
session_log_end(const struct backend *backend)
{
	switch (backend->end) {
	case BACKEND_EXIT:
		log_number("exit", backend->value);
		break;
	case BACKEND_SIGNAL:
		log_text("signal", span_of(util_signal_name(backend->value)));
		break;
	case BACKEND_CLOSED:
		log_text("end", SPAN("closed"));
		break;
	case BACKEND_LOST:
		log_text("end", span_of(strerror(backend->value)));
		break;
	case BACKEND_CUT:
		log_text("end", SPAN("cut off"));
		break;
	case BACKEND_LEFT:
		break;
	case BACKEND_UNUSED:
		log_text("end", SPAN("not started"));
		break;
	}
}

static void
session_log_close_line(struct session_log *log, const struct backend *backend,
    const struct ending *ending, int64_t duration_ms)
{
	if (!session_log_begin(log, LOG_ACCESS, "session",
		log->rules->compat ? SPAN("DISCONNECT") : SPAN("close")))
		return;
	if (!log->rules->compat) {
		log_text("remote", span_of(session_log_text(log, SESSION_LOG_REMOTE)));
		log_number("duration_ms", duration_ms);
		log_text("cause", span_of(session_cause_names[ending->cause]));
		log_number("in_messages", (int64_t)log->counts->in.messages);
		log_number("in_bytes", (int64_t)log->counts->in.bytes);
		log_number("out_messages", (int64_t)log->counts->out.messages);
		log_number("out_bytes", (int64_t)log->counts->out.bytes);
		if (log->compresses) {
			log_number("in_wire_bytes", (int64_t)log->counts->in.wire);
			log_number("out_wire_bytes", (int64_t)log->counts->out.wire);
		}
		session_log_end(backend);
		/* 1006 (RFC 6455, section 7.1.5): there was no Close frame. */
		log_number("close_sent", ending->sent != 0 ? ending->sent : CLOSE_ABNORMAL);
		log_number("close_received",
		    ending->received != 0 ? ending->received : CLOSE_ABNORMAL);
		if (ending->reason.len > 0)
			log_text("reason", ending->reason);
	}
	log_end();
}

void
session_log_close(
    struct session_log *log, const struct backend *backend, const struct ending *ending)
{
	int64_t duration_ms = util_clock_ms() - log->opened_ms;

	session_log_suppressed(log);
	session_log_close_line(log, backend, ending, duration_ms);
	if (!log->rules->compat) {
		session_log_hint_subprotocol(log, ending);
		session_log_hint_buffering(log);
	}
	registry_end(log->rules->registry, session_log_entry(log), log->rules->endpoint,
	    ending->cause, duration_ms, log->counts);
}
