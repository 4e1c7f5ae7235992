/* SPDX-License-Identifier: BSD-2-Clause */
/* What a session says in the log. */
#include "serve/session_log.h"

#include "child/diagnose.h"
#include "websocket/frame.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	SESSION_LOG_AT_ONCE_MS =
	    5 * 1000, /* a client that disconnects within it did not wait */
	SESSION_LOG_WAITED_MS = 100,
};

void
session_log_compat_free(struct session_compat *compat)
{
	if (!compat)
		return;
	free(compat->url);
	free(compat->origin);
	free(compat);
}

struct session_compat *
session_log_compat_new(const struct session_spec *spec)
{
	struct session_compat *compat = calloc(1, sizeof(*compat));

	if (!compat)
		return NULL;
	if (asprintf(&compat->url, "http%s://%.*s%.*s", spec->secure ? "s" : "",
		(int)spec->host.len, spec->host.data, (int)spec->target.len,
		spec->target.data) == -1)
		compat->url = NULL;
	compat->origin = span_dup(spec->origin.len > 0 ? spec->origin : SPAN("file:"));
	if (!compat->url || !compat->origin) {
		session_log_compat_free(compat);
		return NULL;
	}
	return compat;
}

bool
session_log_begin(
    struct session *s, enum log_level level, const char *category, struct span message)
{
	if (!log_begin(level, category, s->id, message))
		return false;
	if (s->compat) {
		log_text("url", span_of(s->compat->url));
		log_number("id", (int64_t)s->id);
		log_text("remote", span_of(s->remote));
		log_text("command", span_of(s->endpoint->program ? s->endpoint->program
								 : s->endpoint->dir_path));
		log_text("origin", span_of(s->compat->origin));
		log_number("pid", child_pid(s->child));
	}
	return true;
}

void
session_log_change(struct session *s, const char *what, const char *from, const char *to)
{
	char message[64];

	if (!log_shows(LOG_DEBUG))
		return;
	snprintf(message, sizeof(message), "%s %s -> %s", what, from, to);
	if (session_log_begin(s, LOG_DEBUG, "session", span_of(message)))
		log_end();
}

void
session_log_open(struct session *s, const struct session_spec *spec)
{
	if (!session_log_begin(
		s, LOG_ACCESS, "session", s->endpoint->compat ? SPAN("CONNECT") : SPAN("open")))
		return;
	if (!s->endpoint->compat) {
		log_text("remote", span_of(s->remote));
		log_text("target", spec->target);
		if (spec->origin.len > 0)
			log_text("origin", spec->origin);
		if (spec->subprotocol.len > 0)
			log_text("subprotocol", spec->subprotocol);
		if (spec->extensions.len > 0)
			log_text("extensions", spec->extensions);
		log_text("program", span_of(spec->program));
		log_number("pid", child_pid(s->child));
	}
	log_end();
}

static void
session_log_suppressed(struct session *s)
{
	unsigned int count = s->stderr_limit.suppressed;
	char message[64];

	if (count == 0)
		return;
	s->stderr_limit.suppressed = 0;
	snprintf(message, sizeof(message), "%u line%s of stderr suppressed", count,
	    util_plural(count));
	if (session_log_begin(s, LOG_WARN, "session", span_of(message)))
		log_end();
}

void
session_log_stderr(struct session *s, struct span line)
{
	if (!log_shows(LOG_ERROR) || !lines_limit_allows(&s->stderr_limit, util_clock_ms()))
		return;
	session_log_suppressed(s);
	if (session_log_begin(s, LOG_ERROR, "stderr", line))
		log_end();
}

/* How many times fewer bytes compression made of one way's messages. */
static void
session_log_ratio(const char *key, const struct session_count *count)
{
	char text[32];

	if (count->wire == 0)
		return;
	snprintf(text, sizeof(text), "%.2f", (double)count->bytes / (double)count->wire);
	log_text(key, span_of(text));
}

/* The value of --subprotocol that would select what the client offered; false when it is not
 * one to paste. */
static bool
session_log_subprotocols(struct session *s, char *text, size_t size)
{
	static const char plain[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
				    "0123456789-._+";
	const struct endpoint *endpoint = s->endpoint;
	const char *offered = session_offered(s);
	size_t len = 0;

	for (size_t i = 0; i <= endpoint->subprotocol_count; i++) {
		bool last = i == endpoint->subprotocol_count;
		const char *name = last ? offered : endpoint->subprotocols[i];
		int put = snprintf(text + len, size - len, last ? "%s" : "%s,", name);

		if (name[strspn(name, plain)] != '\0' || put < 0 || (size_t)put >= size - len)
			return false;
		len += (size_t)put;
	}
	return true;
}

/* Browsers and some libraries disconnect without a Close frame when none of the subprotocols
 * that they offered is selected (RFC 6455, section 4.1). */
static void
session_log_hint_subprotocol(struct session *s)
{
	char list[256];
	char message[512];

	if (*session_offered(s) == '\0' || s->in.messages > 0 || s->close_received != 0 ||
	    util_clock_ms() - s->opened_ms > SESSION_LOG_AT_ONCE_MS)
		return;
	if (session_log_subprotocols(s, list, sizeof(list)))
		snprintf(message, sizeof(message),
		    "the client disconnected because none of the subprotocols that it offered "
		    "was selected; if the program supports it, add --subprotocol=%s",
		    list);
	else
		snprintf(message, sizeof(message),
		    "the client disconnected because none of the subprotocols that it offered "
		    "was selected; see --subprotocol");
	if (session_log_begin(s, LOG_WARN, "session", span_of(message)))
		log_end();
}

/* A program that reads and prints nothing while its client waits usually buffers its output.
 * Some have nothing to print, so this is said once. */
static void
session_log_hint_buffering(struct session *s)
{
	static bool said;

	if (said || s->in.messages == 0 || s->out.messages > 0 ||
	    util_clock_ms() - s->opened_ms < SESSION_LOG_WAITED_MS)
		return;
	said = true;
	if (session_log_begin(s, LOG_INFO, "session",
		SPAN("the program printed nothing; if it should have, it probably buffers its "
		     "output: let it flush after each line (python3 -u, stdbuf -oL, fflush)")))
		log_end();
}

/* 126 and 127 are what env(1) and shells exit with when they can't start a program; the file
 * says why more clearly than what they print. */
static void
session_log_hint_interpreter(struct session *s)
{
	struct child_exit end = child_exit(s->child);
	const char *program = s->endpoint->program ? s->endpoint->program : session_program(s);
	char why[DIAGNOSE_MAX];
	char message[DIAGNOSE_MAX + PATH_MAX];

	if (end.by_signal || (end.value != 126 && end.value != 127) ||
	    !diagnose_program(program, 0, why))
		return;
	snprintf(message, sizeof(message), "can't start %s: %s", program, why);
	if (session_log_begin(s, LOG_WARN, "session", span_of(message)))
		log_end();
}

static void
session_log_close_line(struct session *s)
{
	struct child_exit end = child_exit(s->child);

	if (!session_log_begin(s, LOG_ACCESS, "session",
		s->endpoint->compat ? SPAN("DISCONNECT") : SPAN("close")))
		return;
	if (!s->endpoint->compat) {
		log_text("remote", span_of(s->remote));
		log_number("duration_ms", util_clock_ms() - s->opened_ms);
		log_number("in_messages", (int64_t)s->in.messages);
		log_number("in_bytes", (int64_t)s->in.bytes);
		log_number("out_messages", (int64_t)s->out.messages);
		log_number("out_bytes", (int64_t)s->out.bytes);
		if (s->deflater) {
			log_number("in_wire_bytes", (int64_t)s->in.wire);
			log_number("out_wire_bytes", (int64_t)s->out.wire);
			session_log_ratio("in_compression_ratio", &s->in);
			session_log_ratio("out_compression_ratio", &s->out);
		}
		if (end.by_signal)
			log_text("signal", span_of(util_signal_name(end.value)));
		else
			log_number("exit", end.value);
		/* 1006 (RFC 6455, section 7.1.5): there was no CLOSE. */
		log_number("close_sent", s->close_sent != 0 ? s->close_sent : CLOSE_ABNORMAL);
		log_number(
		    "close_received", s->close_received != 0 ? s->close_received : CLOSE_ABNORMAL);
		if (s->reason.len > 0)
			log_text("reason", s->reason);
	}
	log_end();
}

void
session_log_close(struct session *s)
{
	session_log_suppressed(s);
	session_log_close_line(s);
	if (s->endpoint->compat)
		return;
	session_log_hint_interpreter(s);
	session_log_hint_subprotocol(s);
	session_log_hint_buffering(s);
}
