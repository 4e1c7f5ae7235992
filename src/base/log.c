/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The log. A line is put together in one static buffer (the program has one
 * thread) and leaves in one write, so lines of several processes do not mix.
 */
#include "base/log.h"

#include "base/log_sink.h"
#include "base/utf8.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum {
	LOG_TAIL = 160, /* bytes kept free for what closes a line: its mark, a quote, a brace */
	LOG_ROOM = LOG_LINE_MAX - LOG_TAIL,
};

static struct {
	enum log_format format;
	enum log_level lowest;
	int worker; /* 0: none */
	bool torn; /* the last line was written in part */
	uint64_t dropped; /* lines since the last one that was written, and */
	int drop_error; /* the errno of the last of them */
	bool is_file; /* of log_open() */
	struct log_sink sink;
	struct log_sink console; /* standard error, for errors of the file */
	const struct log_sink *out; /* the one of the two that the line is for */
} log_state = {
    .format = LOG_TEXT,
    .lowest = LOG_ACCESS,
    .sink = LOG_SINK_STDERR,
    .console = LOG_SINK_STDERR,
    .out = &log_state.sink,
};

static void log_finish(void);

static struct {
	char bytes[LOG_LINE_MAX];
	size_t len;
	bool cut; /* something was left out */
	struct span message; /* borrowed until log_end(); compat writes it last */
} line;

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

/* Those of syslog(3), as journald understands them. */
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
	/* The user may own the directory, and have put a link to a file of root there. */
	if (lstat(path, &named) == -1 || named.st_dev != st.st_dev ||
	    named.st_ino != st.st_ino || named.st_nlink != 1)
		log_warnx("the log %s is a link: its owner is not changed, so --user may not "
			  "be able to reopen it",
		    path);
	else if (fchown(log_state.sink.fd, uid, gid) == -1)
		log_warn("can't change the owner of the log");
}

/* Reports ERROR on standard error. What is written is a line of its own; if that fails, too,
 * nothing can be done. */
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

#define LOG_END ((const char *)NULL)

/* Adds our own texts, LOG_END at the end; what passes the end of the buffer is left out. Lines
 * are made of many short ones, and printf() would take most of their time. */
__attribute__((sentinel)) static void
log_put(const char *text, ...)
{
	size_t len = line.len;
	va_list more;

	va_start(more, text);
	for (; text; text = va_arg(more, const char *)) {
		/* The last byte is for the newline. */
		while (*text != '\0' && len < sizeof(line.bytes) - 1)
			line.bytes[len++] = *text++;
	}
	va_end(more);
	line.len = len;
}

static void
log_put_number(uint64_t number)
{
	char text[UTIL_NUMBER_MAX + 1];

	*util_put_number(text, number, 1) = '\0';
	log_put(text, LOG_END);
}

static void
log_time(char text[64])
{
	struct timespec now;
	struct tm tm;

	clock_gettime(CLOCK_REALTIME, &now);
	if (log_state.format == LOG_COMPAT) {
		localtime_r(&now.tv_sec, &tm);
		/* The C locale is in force (nothing calls setlocale), so names are English. */
		strftime(text, 64, "%a, %d %b %Y %H:%M:%S %z", &tm);
		return;
	}
	gmtime_r(&now.tv_sec, &tm);
	text = util_put_number(text, (uint64_t)tm.tm_year + 1900, 4);
	*text++ = '-';
	text = util_put_number(text, (uint64_t)tm.tm_mon + 1, 2);
	*text++ = '-';
	text = util_put_number(text, (uint64_t)tm.tm_mday, 2);
	*text++ = 'T';
	text = util_put_number(text, (uint64_t)tm.tm_hour, 2);
	*text++ = ':';
	text = util_put_number(text, (uint64_t)tm.tm_min, 2);
	*text++ = ':';
	text = util_put_number(text, (uint64_t)tm.tm_sec, 2);
	*text++ = '.';
	text = util_put_number(text, (uint64_t)now.tv_nsec / 1000000, 3);
	strcpy(text, "Z");
}

/*
 * Characters that make a line look like another one: those that change the direction of text,
 * that separate lines, or that have no width. CODE is at most U+FFFF.
 */
static bool
log_is_deceptive(unsigned int code)
{
	return code == 0x61c || code == 0x180e || (code >= 0x200b && code <= 0x200f) ||
	       (code >= 0x2028 && code <= 0x202e) || (code >= 0x2060 && code <= 0x206f) ||
	       code == 0xfeff || (code >= 0xfff9 && code <= 0xfffb);
}

/* Writes what stands for the character or byte at P, and returns its length; *USED is that of
 * the input. */
static size_t
log_escape(char out[8], const uint8_t *p, size_t left, char quote, size_t *used)
{
	size_t n = utf8_char_len(p, left);
	unsigned int code = p[0];

	if (n == 2)
		code = (p[0] & 0x1fu) << 6 | (p[1] & 0x3fu);
	else if (n == 3)
		code = (p[0] & 0xfu) << 12 | (p[1] & 0x3fu) << 6 | (p[2] & 0x3fu);
	*used = n > 0 ? n : 1;
	/* Bytes that are not UTF-8, and controls, also those from U+0080 to U+009F. */
	if (n == 0 || code < 0x20 || (code >= 0x7f && code < 0xa0))
		return (size_t)snprintf(
		    out, 8, log_state.format == LOG_JSON ? "\\u%04x" : "\\x%02x", code);
	if (n < 4 && log_is_deceptive(code))
		return (size_t)snprintf(out, 8, "\\u%04x", code);
	if (p[0] == '\\' || (quote != '\0' && p[0] == quote)) {
		out[0] = '\\';
		out[1] = (char)p[0];
		return 2;
	}
	memcpy(out, p, n);
	return n;
}

/*
 * Adds a hostile value, escaped for the format; QUOTE is the sign that stands
 * around it, '\0' for none. What passes LIMIT is left out and the line marked.
 */
static void
log_put_escaped(struct span value, char quote, size_t limit)
{
	const uint8_t *p = (const uint8_t *)value.data;
	size_t left = value.len;

	/* What needs no care, at the front, which is nearly always all of it. */
	while (left > 0 && p[0] >= 0x20 && p[0] < 0x7f && p[0] != '\\' &&
	       p[0] != (uint8_t)quote && line.len < limit) {
		line.bytes[line.len++] = (char)*p++;
		left--;
	}
	while (left > 0) {
		char out[8];
		size_t used;
		size_t len = log_escape(out, p, left, quote, &used);

		if (line.len + len > limit) {
			line.cut = true;
			return;
		}
		memcpy(line.bytes + line.len, out, len);
		line.len += len;
		p += used;
		left -= used;
	}
}

bool
log_begin(enum log_level level, const char *category, uint64_t session, struct span message)
{
	char name[16];
	char time[64];

	if (!log_shows(level))
		return false;
	line.len = 0;
	line.cut = false;
	line.message = message;
	if (log_state.out->journal) {
		log_put("<", LOG_END);
		log_put_number((uint64_t)log_priorities[level]);
		log_put(">", LOG_END);
	}
	log_time(time);
	switch (log_state.format) {
	case LOG_TEXT:
		log_put(time, " ", log_level_names[level], " ", category, LOG_END);
		if (session != 0) {
			log_put(" #", LOG_END);
			log_put_number(session);
		}
		log_put(" ", LOG_END);
		log_put_escaped(message, '\0', LOG_ROOM);
		break;
	case LOG_JSON:
		log_put("{\"time\":\"", time, "\",\"level\":\"", log_level_names[level],
		    "\",\"category\":\"", category, "\"", LOG_END);
		if (session != 0) {
			log_put(",\"session\":", LOG_END);
			log_put_number(session);
		}
		log_put(",\"message\":\"", LOG_END);
		log_put_escaped(message, '"', LOG_ROOM);
		log_put("\"", LOG_END);
		break;
	case LOG_COMPAT:
		/* websocketd has no level for warnings; its scripts look for ERROR. */
		if (level == LOG_WARN)
			level = LOG_ERROR;
		snprintf(name, sizeof(name), "%s", log_level_names[level]);
		for (char *c = name; *c != '\0'; c++)
			*c = (char)(*c - 'a' + 'A');
		line.len += (size_t)snprintf(line.bytes + line.len, LOG_ROOM - line.len,
		    "%s | %-6s | %-10s | ", time, name, category);
		break;
	}
	return true;
}

/* Adds a key up to its value; false when the line is full. */
static bool
log_put_key(const char *key)
{
	static const char *const before[] = {
	    [LOG_TEXT] = " ", [LOG_JSON] = ",\"", [LOG_COMPAT] = " "};
	static const char *const after[] = {
	    [LOG_TEXT] = "=", [LOG_JSON] = "\":", [LOG_COMPAT] = ":"};
	bool blank = line.bytes[line.len - 1] == ' '; /* in compat, before the first */

	if (line.len + strlen(key) + 32 > LOG_ROOM) {
		line.cut = true;
		return false;
	}
	log_put(before[log_state.format] + blank, key, after[log_state.format], LOG_END);
	return true;
}

/* In a text line a value of plain characters needs no quotes. */
static bool
log_is_plain(struct span value)
{
	for (size_t i = 0; i < value.len; i++) {
		unsigned char c = (unsigned char)value.data[i];

		if (!util_is_alpha(c) && !util_is_digit(c) &&
		    (c == '\0' || !strchr("-._:/@+,%[]*~", c)))
			return false;
	}
	return value.len > 0;
}

void
log_text(const char *key, struct span value)
{
	const char *quote = log_state.format == LOG_COMPAT ? "'" : "\"";

	if (!log_put_key(key))
		return;
	if (log_state.format == LOG_TEXT && log_is_plain(value))
		quote = "";
	log_put(quote, LOG_END);
	log_put_escaped(value, quote[0], LOG_ROOM);
	log_put(quote, LOG_END);
}

void
log_number(const char *key, int64_t value)
{
	const char *quote = log_state.format == LOG_COMPAT ? "'" : "";

	if (!log_put_key(key))
		return;
	log_put(quote, value < 0 ? "-" : "", LOG_END);
	log_put_number(value < 0 ? -(uint64_t)value : (uint64_t)value);
	log_put(quote, LOG_END);
}

/* Ends a compat line, whose message comes last: only when it is there is known whether it fits.
 */
static void
log_put_compat_message(void)
{
	size_t at = line.len;
	bool was_cut = line.cut;

	log_put(was_cut ? " truncated:'1' | " : " | ", LOG_END);
	log_put_escaped(line.message, '\0', sizeof(line.bytes) - 1);
	if (line.cut && !was_cut) {
		line.len = at;
		log_put_compat_message();
	}
}

/* Writes the line, or drops it if nobody reads; how many were dropped is logged once somebody
 * does. */
static void
log_write(void)
{
	uint64_t dropped = log_state.dropped;
	ssize_t written;

	/* After a line that was written in part, this one starts on a line of its own. */
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
	switch (log_state.format) {
	case LOG_TEXT:
		if (line.cut)
			log_put(" truncated=1", LOG_END);
		break;
	case LOG_JSON:
		log_put(line.cut ? ",\"truncated\":1}" : "}", LOG_END);
		break;
	case LOG_COMPAT:
		log_put_compat_message();
		break;
	}
	line.bytes[line.len++] = '\n';
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
