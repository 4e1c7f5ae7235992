/* SPDX-License-Identifier: BSD-2-Clause */
/* What a session says in the log. */
#include "serve/session_log.h"

#include "websocket/frame.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

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
	if (asprintf(&compat->url, "http%s://%.*s%.*s",
		spec->endpoint->origin.secure ? "s" : "", (int)spec->host.len, spec->host.data,
		(int)spec->target.len, spec->target.data) == -1)
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

void
session_log_close(struct session *s)
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
			session_log_ratio("in_ratio", &s->in);
			session_log_ratio("out_ratio", &s->out);
		}
		if (end.by_signal)
			log_text("signal", span_of(util_signal_name(end.value)));
		else
			log_number("exit", end.value);
		/* 1006 (RFC 6455, section 7.1.5): there was no CLOSE. */
		log_number("sent", s->close_sent != 0 ? s->close_sent : CLOSE_ABNORMAL);
		log_number(
		    "received", s->close_received != 0 ? s->close_received : CLOSE_ABNORMAL);
		if (s->reason.len > 0)
			log_text("reason", s->reason);
	}
	log_end();
}
