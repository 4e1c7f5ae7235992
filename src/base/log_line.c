/* SPDX-License-Identifier: BSD-2-Clause */
/* Formats a log line. */
#include "base/log_line.h"

#include "base/utf8.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

enum {
	/* Bytes reserved for the end of a line: truncation mark, quote, brace. */
	LOG_TAIL = 160,
	LOG_ROOM = LOG_LINE_MAX - LOG_TAIL,
};

/* Appends trusted texts, NULL-terminated; what exceeds the buffer is omitted. Lines consist of
 * many short texts, and printf() would take most of the time. */
__attribute__((sentinel)) static void
put_texts(struct log_line *line, const char *text, ...)
{
	size_t len = line->len;
	va_list more;

	va_start(more, text);
	for (; text; text = va_arg(more, const char *)) {
		/* The last byte is for the newline. */
		while (*text != '\0' && len < sizeof(line->bytes) - 1)
			line->bytes[len++] = *text++;
	}
	va_end(more);
	line->len = len;
}

#define put(line, ...) put_texts((line), __VA_ARGS__, (const char *)NULL)

static void
put_number(struct log_line *line, uint64_t number)
{
	char text[UTIL_NUMBER_MAX + 1];

	*util_put_number(text, number, 1) = '\0';
	put(line, text);
}

static void
put_time(enum log_format format, char text[64])
{
	struct timespec now;
	struct tm tm;

	clock_gettime(CLOCK_REALTIME, &now);
	if (format == LOG_COMPAT) {
		localtime_r(&now.tv_sec, &tm);
		/* The locale is C (nothing calls setlocale), so names are English. */
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
 * Reports whether a character can make a line look like another one: it changes the text
 * direction, separates lines, or has no width. CODE is at most U+FFFF.
 */
static bool
is_deceptive(unsigned int code)
{
	return code == 0x61c || code == 0x180e || (code >= 0x200b && code <= 0x200f) ||
	       (code >= 0x2028 && code <= 0x202e) || (code >= 0x2060 && code <= 0x206f) ||
	       code == 0xfeff || (code >= 0xfff9 && code <= 0xfffb);
}

/* Escapes the character or byte at P and returns the length of the output; *USED is that of the
 * input. */
static size_t
escape(enum log_format format, char out[8], const uint8_t *p, size_t left, char quote,
    size_t *used)
{
	size_t n = utf8_char_len(p, left);
	unsigned int code = p[0];

	if (n == 2)
		code = (p[0] & 0x1fu) << 6 | (p[1] & 0x3fu);
	else if (n == 3)
		code = (p[0] & 0xfu) << 12 | (p[1] & 0x3fu) << 6 | (p[2] & 0x3fu);
	*used = n > 0 ? n : 1;
	/* Bytes that are not UTF-8, and control characters, including U+0080 to U+009F. */
	if (n == 0 || code < 0x20 || (code >= 0x7f && code < 0xa0))
		return (size_t)snprintf(
		    out, 8, format == LOG_JSON ? "\\u%04x" : "\\x%02x", code);
	if (n < 4 && is_deceptive(code))
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
 * Appends an untrusted value, escaped for the format; QUOTE is the surrounding quote, '\0' for
 * none. What exceeds LIMIT is omitted and the line marked.
 */
static void
put_escaped(struct log_line *line, struct span value, char quote, size_t limit)
{
	const uint8_t *p = (const uint8_t *)value.data;
	size_t left = value.len;

	/* Copy the plain characters at the front, which are nearly always all. */
	while (left > 0 && p[0] >= 0x20 && p[0] < 0x7f && p[0] != '\\' &&
	       p[0] != (uint8_t)quote && line->len < limit) {
		line->bytes[line->len++] = (char)*p++;
		left--;
	}
	while (left > 0) {
		char out[8];
		size_t used;
		size_t len = escape(line->format, out, p, left, quote, &used);

		if (line->len + len > limit) {
			line->cut = true;
			return;
		}
		memcpy(line->bytes + line->len, out, len);
		line->len += len;
		p += used;
		left -= used;
	}
}

void
log_line_begin(struct log_line *line, enum log_format format, int priority, const char *level,
    const char *category, uint64_t session, struct span message)
{
	char name[16];
	char time[64];

	line->format = format;
	line->len = 0;
	line->cut = false;
	line->message = message;
	if (priority >= 0) {
		put(line, "<");
		put_number(line, (uint64_t)priority);
		put(line, ">");
	}
	put_time(line->format, time);
	switch (line->format) {
	case LOG_TEXT:
		put(line, time, " ", level, " ", category);
		if (session != 0) {
			put(line, " #");
			put_number(line, session);
		}
		put(line, " ");
		put_escaped(line, message, '\0', LOG_ROOM);
		break;
	case LOG_JSON:
		put(line, "{\"time\":\"", time, "\",\"level\":\"", level, "\",\"category\":\"",
		    category, "\"");
		if (session != 0) {
			put(line, ",\"session\":");
			put_number(line, session);
		}
		put(line, ",\"message\":\"");
		put_escaped(line, message, '"', LOG_ROOM);
		put(line, "\"");
		break;
	case LOG_COMPAT:
		snprintf(name, sizeof(name), "%s", level);
		for (char *c = name; *c != '\0'; c++)
			*c = (char)(*c - 'a' + 'A');
		line->len += (size_t)snprintf(line->bytes + line->len, LOG_ROOM - line->len,
		    "%s | %-6s | %-10s | ", time, name, category);
		break;
	}
}

/* Appends a key up to its value. Returns false if the line is full. */
static bool
put_key(struct log_line *line, const char *key)
{
	static const char *const before[] = {
	    [LOG_TEXT] = " ", [LOG_JSON] = ",\"", [LOG_COMPAT] = " "};
	static const char *const after[] = {
	    [LOG_TEXT] = "=", [LOG_JSON] = "\":", [LOG_COMPAT] = ":"};
	/* true in compat before the first field */
	bool blank = line->bytes[line->len - 1] == ' ';

	if (line->len + strlen(key) + 32 > LOG_ROOM) {
		line->cut = true;
		return false;
	}
	put(line, before[line->format] + blank, key, after[line->format]);
	return true;
}

/* Reports whether a value needs no quotes in a text line. */
static bool
is_plain(struct span value)
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
log_line_text(struct log_line *line, const char *key, struct span value)
{
	const char *quote = line->format == LOG_COMPAT ? "'" : "\"";

	if (!put_key(line, key))
		return;
	if (line->format == LOG_TEXT && is_plain(value))
		quote = "";
	put(line, quote);
	put_escaped(line, value, quote[0], LOG_ROOM);
	put(line, quote);
}

void
log_line_number(struct log_line *line, const char *key, int64_t value)
{
	const char *quote = line->format == LOG_COMPAT ? "'" : "";

	if (!put_key(line, key))
		return;
	put(line, quote, value < 0 ? "-" : "");
	put_number(line, value < 0 ? -(uint64_t)value : (uint64_t)value);
	put(line, quote);
}

/* Ends a compat line. Its message is last, after the truncation mark, which depends on whether
 * the message fits. */
static void
put_compat_message(struct log_line *line)
{
	size_t at = line->len;
	bool was_cut = line->cut;

	put(line, was_cut ? " truncated:'1' | " : " | ");
	put_escaped(line, line->message, '\0', sizeof(line->bytes) - 1);
	if (line->cut && !was_cut) {
		line->len = at;
		put_compat_message(line);
	}
}

void
log_line_end(struct log_line *line)
{
	switch (line->format) {
	case LOG_TEXT:
		if (line->cut)
			put(line, " truncated=1");
		break;
	case LOG_JSON:
		put(line, line->cut ? ",\"truncated\":1}" : "}");
		break;
	case LOG_COMPAT:
		put_compat_message(line);
		break;
	}
	line->bytes[line->len++] = '\n';
}
