/* SPDX-License-Identifier: BSD-2-Clause */
/* The log of a shared program. */
#include "backend/shared_log.h"

#include <stdio.h>

bool
shared_log_begin(const char *name, enum log_level level, const char *text)
{
	if (!log_begin(level, "shared", 0, span_of(text)))
		return false;
	log_text("endpoint", span_of(name));
	return true;
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
