/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The log. A line is assembled in a static buffer (the program has one thread) and written by
 * one write, so lines of several processes do not mix.
 */
#include "base/log.h"

#include "base/log_sink.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static struct {
	enum log_format format;
	enum log_level lowest;
	int worker; /* 0: none */
	bool torn; /* the last line was only partially written */
	uint64_t dropped; /* lines since the last one written, and */
	int drop_error; /* the errno of the last of them */
	bool is_file; /* file of log_open() */
	struct log_sink sink;
	struct log_sink console; /* standard error, for errors of the file */
	const struct log_sink *out; /* the sink of the current line, one of the two */
} log_state = {
    .format = LOG_TEXT,
    .lowest = LOG_ACCESS,
    .sink = LOG_SINK_STDERR,
    .console = LOG_SINK_STDERR,
    .out = &log_state.sink,
};

static struct log_line line; /* the line being assembled */

static void log_finish(void);

const char *const log_level_names[] = {
    [LOG_DEBUG] = "debug",
    [LOG_TRACE] = "trace",
    [LOG_ACCESS] = "access",
    [LOG_INFO] = "info",
    [LOG_WARN] = "warn",
    [LOG_ERROR] = "error",
    [LOG_FATAL] = "fatal",
    [LOG_NONE] = "none",
    NULL,
};

/* Priorities of syslog(3), as journald uses them. */
static const int log_priorities[] = {
    [LOG_DEBUG] = 7,
    [LOG_TRACE] = 7,
    [LOG_ACCESS] = 6,
    [LOG_INFO] = 6,
    [LOG_WARN] = 4,
    [LOG_ERROR] = 3,
    [LOG_FATAL] = 2,
};

void
log_setup(int fd, enum log_format format, enum log_level lowest)
{
	log_sink_set(&log_state.sink, fd);
	log_change(format, lowest);
	log_state.is_file = false;
	log_state.torn = false;
	log_state.dropped = 0;
}

bool
log_open(const char *path)
{
	if (!log_sink_open(&log_state.sink, path))
		return false;
	if (!log_state.is_file)
		log_sink_set(&log_state.console, STDERR_FILENO);
	log_state.is_file = true;
	return true;
}

void
log_give(const char *path, uid_t uid, gid_t gid)
{
	struct stat st, named;

	if (!log_state.is_file || fstat(log_state.sink.fd, &st) == -1 || !S_ISREG(st.st_mode) ||
	    st.st_uid == uid)
		return;
	/* The user may own the directory and have put a link to a file of root there. */
	if (lstat(path, &named) == -1 || named.st_dev != st.st_dev ||
	    named.st_ino != st.st_ino || named.st_nlink != 1)
		log_warnx("the log %s is a link: its owner is not changed, so --user may not "
			  "be able to reopen it",
		    path);
	else if (fchown(log_state.sink.fd, uid, gid) == -1)
		log_warn("can't change the owner of the log");
}

/* Reports ERROR on standard error, as a line of its own; if that fails, too, nothing can be
 * done. */
static void
log_report(const char *what, int error)
{
	char message[256];

	snprintf(message, sizeof(message), "%s: %s", what, strerror(error));
	log_state.out = &log_state.console;
	if (log_begin(LOG_ERROR, "server", 0, span_of(message))) {
		log_finish();
		(void)log_sink_write(&log_state.console, line.bytes, line.len);
	}
	log_state.out = &log_state.sink;
}

bool
log_reopen(const char *path)
{
	int error;

	if (log_open(path))
		return true;
	error = errno;
	log_server(LOG_ERROR, error, "can't reopen the log %s; writing to the old file", path);
	log_report("can't reopen the log; writing to the old file", error);
	return false;
}

void
log_errors(const char *text)
{
	struct log_sink sink = LOG_SINK_STDERR;
	const char *end;

	log_sink_set(&sink, STDERR_FILENO);
	for (; *text; text = end) {
		end = strchrnul(text, '\n');
		end += *end == '\n';
		if (sink.journal)
			fprintf(stderr, "<%d>", log_priorities[LOG_ERROR]);
		fwrite(text, 1, (size_t)(end - text), stderr);
	}
	log_sink_close(&sink);
}

void
log_change(enum log_format format, enum log_level lowest)
{
	log_state.format = format;
	log_state.lowest = lowest;
}

void
log_set_worker(int number)
{
	log_state.worker = number;
}

bool
log_shows(enum log_level level)
{
	return level >= log_state.lowest;
}

bool
log_is_json(void)
{
	return log_state.format == LOG_JSON;
}

bool
log_begin(enum log_level level, const char *category, uint64_t session, struct span message)
{
	/* websocketd has no warning level; its scripts look for ERROR. */
	bool as_error = level == LOG_WARN && log_state.format == LOG_COMPAT;

	if (!log_shows(level))
		return false;
	log_line_begin(&line, log_state.format,
	    log_state.out->journal ? log_priorities[level] : -1,
	    log_level_names[as_error ? LOG_ERROR : level], category, session, message);
	return true;
}

void
log_text(const char *key, struct span value)
{
	log_line_text(&line, key, value);
}

void
log_number(const char *key, int64_t value)
{
	log_line_number(&line, key, value);
}

/* Writes the line, or drops it if nobody reads; the number of dropped lines is logged once
 * somebody does. */
static void
log_write(void)
{
	uint64_t dropped = log_state.dropped;
	ssize_t written;

	/* After a partially written line, start a new one. */
	if (log_state.torn) {
		memmove(line.bytes + 1, line.bytes,
		    line.len < LOG_LINE_MAX ? line.len : LOG_LINE_MAX - 1);
		line.bytes[0] = '\n';
		line.len += line.len < LOG_LINE_MAX;
		line.bytes[line.len - 1] = '\n';
	}
	written = log_sink_write(&log_state.sink, line.bytes, line.len);
	if (written == -1) {
		log_state.drop_error = errno;
		if (log_state.dropped++ == 0 && log_state.is_file)
			log_report(
			    "can't write to the log; dropping lines", log_state.drop_error);
		return;
	}
	log_state.torn = (size_t)written < line.len;
	if (dropped == 0 || log_state.torn)
		return;
	log_state.dropped = 0;
	log_warnx("%llu log line%s dropped (%s)", (unsigned long long)dropped,
	    util_plural(dropped),
	    log_state.drop_error == EAGAIN ? "log reader blocked"
					   : strerror(log_state.drop_error));
}

/* Completes the line. */
static void
log_finish(void)
{
	if (log_state.worker != 0 && log_state.format != LOG_COMPAT)
		log_number("worker", log_state.worker);
	log_line_end(&line);
}

void
log_end(void)
{
	int saved = errno;

	log_finish();
	log_write();
	errno = saved;
}

void
log_server(enum log_level level, int error, const char *format, ...)
{
	char message[2048];
	size_t room = sizeof(message) - 128; /* the rest is for the text of ERROR */
	int saved = errno;
	size_t len;
	int wanted;
	va_list args;

	if (!log_shows(level))
		return;
	va_start(args, format);
	wanted = vsnprintf(message, room, format, args);
	va_end(args);
	len = strlen(message);
	if (error != 0)
		snprintf(message + len, sizeof(message) - len, ": %s", strerror(error));
	if (log_begin(level, "server", 0, span_of(message))) {
		if (wanted < 0 || (size_t)wanted >= room)
			line.cut = true;
		log_end();
	}
	errno = saved;
}

bool
log_limit_allows(struct log_limit *limit, int64_t now_ms)
{
	int64_t seconds = (now_ms - limit->since_ms) / 1000;

	if (limit->since_ms == 0 || seconds >= LOG_LIMIT_BURST / LOG_LIMIT_PER_SECOND) {
		limit->left = LOG_LIMIT_BURST;
		limit->since_ms = now_ms;
	} else if (seconds > 0) {
		limit->left += (unsigned int)seconds * LOG_LIMIT_PER_SECOND;
		if (limit->left > LOG_LIMIT_BURST)
			limit->left = LOG_LIMIT_BURST;
		limit->since_ms += 1000 * seconds;
	}
	if (limit->left == 0) {
		limit->suppressed++;
		return false;
	}
	limit->left--;
	return true;
}

bool
log_limit_report(struct log_limit *limit, char text[LOG_LIMIT_TEXT_MAX])
{
	unsigned int count = limit->suppressed;

	if (count == 0)
		return false;
	limit->suppressed = 0;
	snprintf(text, LOG_LIMIT_TEXT_MAX, "%u line%s of stderr suppressed", count,
	    util_plural(count));
	return true;
}
