/* SPDX-License-Identifier: BSD-2-Clause */
/* The syntax of the configuration file. */
#include "options/config_file.h"

#include <stdbool.h>
#include <string.h>

/* A text being read. */
struct reader {
	char *at;
	char *end;
	size_t line; /* line number of AT */
};

/* Returns the next line, without its end. */
static struct span
config_next_line(struct reader *reader)
{
	size_t left = (size_t)(reader->end - reader->at);
	char *newline = memchr(reader->at, '\n', left);
	struct span line = {reader->at, newline ? (size_t)(newline - reader->at) : left};

	reader->at += line.len + (newline != NULL);
	reader->line++;
	if (line.len > 0 && line.data[line.len - 1] == '\r')
		line.len--;
	return line;
}

static bool
config_continues(struct span line)
{
	size_t count = 0;

	while (count < line.len && line.data[line.len - 1 - count] == '\\')
		count++;
	return count % 2 == 1;
}

static bool
config_is_comment(struct span line)
{
	return line.len > 0 && (line.data[0] == '#' || line.data[0] == ';');
}

/* Returns why a line is invalid, or NULL. */
static const char *
config_check_bytes(struct span line)
{
	for (size_t i = 0; i < line.len; i++) {
		unsigned char c = (unsigned char)line.data[i];

		if (c == '\0')
			return "NUL byte: save the file as plain text in UTF-8";
		if ((c < 0x20 && c != '\t') || c == 0x7f)
			return "control character: remove it";
	}
	return NULL;
}

/* Returns the next line with its continuation lines, trimmed; *WRONG: why it is invalid, or
 * NULL. */
static struct span
config_next(struct reader *reader, const char **wrong)
{
	struct span line = config_next_line(reader);
	char *joined = (char *)line.data;

	*wrong = config_check_bytes(line);
	while (config_continues(line) && !config_is_comment(span_trim(line))) {
		struct span next;

		line.len--;
		if (reader->at == reader->end) {
			*wrong = "the last line ends with a backslash: remove it, or add the "
				 "line that continues it";
			break;
		}
		next = config_next_line(reader);
		if (!*wrong)
			*wrong = config_check_bytes(next);
		memmove(joined + line.len, next.data, next.len);
		line.len += next.len;
	}
	return span_trim(line);
}

/* Parses a line that is neither empty nor a comment. */
static struct config_item
config_item(struct span line)
{
	const char *equals = memchr(line.data, '=', line.len);
	struct config_item item = {.kind = CONFIG_INVALID};

	if (line.data[0] == '[') {
		item.name = span_trim((struct span){line.data + 1, line.len - 1});
		if (item.name.len < 2 || item.name.data[item.name.len - 1] != ']') {
			item.wrong = "a section is a path in brackets: write [/path]";
			return item;
		}
		item.name.len--;
		item.name = span_trim(item.name);
		item.kind = CONFIG_SECTION;
		return item;
	}
	if (!equals) {
		item.wrong = "missing '=': write key = value";
		return item;
	}
	item.name = span_trim((struct span){line.data, (size_t)(equals - line.data)});
	item.value =
	    span_trim((struct span){equals + 1, line.len - (size_t)(equals + 1 - line.data)});
	if (item.name.len == 0)
		item.wrong = "missing key before the '=': write key = value";
	else
		item.kind = CONFIG_KEY;
	return item;
}

void
config_file_parse(char *text, size_t len, config_handler *handler, void *arg)
{
	struct reader reader = {.at = text, .end = text + len};

	if (len >= 3 && memcmp(text, "\xef\xbb\xbf", 3) == 0)
		reader.at += 3;
	while (reader.at < reader.end) {
		size_t number = reader.line + 1;
		const char *wrong;
		struct span line = config_next(&reader, &wrong);
		struct config_item item = {.kind = CONFIG_INVALID};

		if (!wrong && (line.len == 0 || config_is_comment(line)))
			continue;
		if (!wrong)
			item = config_item(line);
		else
			item.wrong = wrong;
		item.line = number;
		handler(arg, &item);
	}
}
