/* SPDX-License-Identifier: BSD-2-Clause */
/* Log lines of a shared program. */
#include "backend/shared_log.h"

#include <stdio.h>

static bool
shared_log_begin(const char *name, enum log_level level, const char *text)
{
	if (!log_begin(level, "shared", 0, span_of(text)))
		return false;
	log_text("endpoint", span_of(name));
	return true;
}

void
shared_log_start(const char *name, const struct backend *program)
{
	if (!shared_log_begin(name, LOG_INFO, "shared program started"))
		return;
	log_number("pid", program->pid);
	log_end();
}

void
shared_log_exit(const char *name, const struct backend *program, bool ended, uint64_t dropped)
{
	char end[SHARED_END_MAX];

	if (!shared_log_begin(name, ended ? LOG_INFO : LOG_WARN, "shared program exited"))
		return;
	shared_describe_end(program, end);
	log_number("pid", program->pid);
	log_text("end", span_of(end));
	if (dropped > 0)
		log_number("dropped", (int64_t)dropped);
	log_end();
}

void
shared_log_dropped(const char *name, uint64_t client, uint64_t messages)
{
	if (!shared_log_begin(
		name, LOG_WARN, "messages dropped for a client that reads too slowly"))
		return;
	log_number("client", (int64_t)client);
	log_number("messages", (int64_t)messages);
	log_end();
}

void
shared_log_count(const char *name, const char *text, uint64_t count)
{
	if (count == 0 || !shared_log_begin(name, LOG_WARN, text))
		return;
	log_number("messages", (int64_t)count);
	log_end();
}

void
shared_log_stderr(const char *name, struct log_limit *limit, struct span line)
{
	unsigned int suppressed = limit->suppressed;

	if (!log_shows(LOG_ERROR) || !log_limit_allows(limit, util_clock_ms()))
		return;
	if (suppressed > 0 && shared_log_begin(name, LOG_WARN, "lines of stderr suppressed")) {
		log_number("lines", suppressed);
		log_end();
	}
	limit->suppressed = 0;
	if (log_begin(LOG_ERROR, "stderr", 0, line)) {
		log_text("endpoint", span_of(name));
		log_end();
	}
}

void
shared_log_event(const char *name, const struct backend_event *event)
{
	static const char *const texts[] = {
	    [BACKEND_CLOSE] = "",
	    [BACKEND_MALFORMED] = "the shared program's output is malformed",
	    [BACKEND_TOO_BIG] = "a message of the shared program is too large",
	    [BACKEND_NO_MEMORY] = "out of memory: output of the shared program is lost",
	    [BACKEND_STUCK] = "the shared program can't be terminated",
	};

	if (!shared_log_begin(name, LOG_ERROR, texts[event->kind]))
		return;
	if (event->why)
		log_text("reason", span_of(event->why));
	log_end();
}

void
shared_describe_end(const struct backend *program, char text[SHARED_END_MAX])
{
	if (program->end == BACKEND_SIGNAL)
		snprintf(text, SHARED_END_MAX, "signal %s", util_signal_name(program->value));
	else
		snprintf(text, SHARED_END_MAX, "exit %d", program->value);
}
