/* SPDX-License-Identifier: BSD-2-Clause */
/* Media types of static files. */
#include "http/mime.h"

#include "base/util.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define MIME_CHARSET "; charset=utf-8"

struct mime_row {
	const char *ending;
	const char *type;
};

static const struct mime_row mime_built_in[] = {
    {"aac", "audio/aac"},
    {"avif", "image/avif"},
    {"bmp", "image/bmp"},
    {"css", "text/css"},
    {"csv", "text/csv"},
    {"eot", "application/vnd.ms-fontobject"},
    {"flac", "audio/flac"},
    {"gif", "image/gif"},
    {"gz", "application/gzip"},
    {"htm", "text/html"},
    {"html", "text/html"},
    {"ico", "image/vnd.microsoft.icon"},
    {"ics", "text/calendar"},
    {"jpeg", "image/jpeg"},
    {"jpg", "image/jpeg"},
    {"js", "text/javascript"},
    {"json", "application/json"},
    {"jsonld", "application/ld+json"},
    {"log", "text/plain"},
    {"m4a", "audio/mp4"},
    {"m4v", "video/mp4"},
    {"map", "application/json"},
    {"md", "text/markdown"},
    {"mjs", "text/javascript"},
    {"mp3", "audio/mpeg"},
    {"mp4", "video/mp4"},
    {"oga", "audio/ogg"},
    {"ogg", "audio/ogg"},
    {"ogv", "video/ogg"},
    {"opus", "audio/ogg"},
    {"otf", "font/otf"},
    {"pdf", "application/pdf"},
    {"png", "image/png"},
    {"svg", "image/svg+xml"},
    {"tar", "application/x-tar"},
    {"ttf", "font/ttf"},
    {"txt", "text/plain"},
    {"vtt", "text/vtt"},
    {"wasm", "application/wasm"},
    {"wav", "audio/wav"},
    {"weba", "audio/webm"},
    {"webm", "video/webm"},
    {"webmanifest", "application/manifest+json"},
    {"webp", "image/webp"},
    {"woff", "font/woff"},
    {"woff2", "font/woff2"},
    {"xhtml", "application/xhtml+xml"},
    {"xml", "application/xml"},
    {"zip", "application/zip"},
};

/* The loaded types: sorted rows, and the text that they point into. */
static char *mime_text;
static struct mime_row *mime_rows;
static size_t mime_row_count;

static int
mime_compare(const void *a, const void *b)
{
	const struct mime_row *left = a;
	const struct mime_row *right = b;

	return strcasecmp(left->ending, right->ending);
}

/* Checks a type, which must be two tokens because it is sent in a header line: RFC 9110,
 * section 8.3.1. */
static bool
mime_is_type(const char *text)
{
	const char *slash = strchr(text, '/');

	return slash && strlen(text) < MIME_TYPE_MAX - sizeof(MIME_CHARSET) &&
	       util_is_token((struct span){text, (size_t)(slash - text)}) &&
	       util_is_token(span_of(slash + 1));
}

/* Adds "type extension extension". LINE is modified, and must live as long as the rows. */
static bool
mime_add_line(char *line)
{
	static const char blanks[] = " \t\r";
	char *next;
	const char *type;

	line[strcspn(line, "#")] = '\0';
	type = strtok_r(line, blanks, &next);
	if (!type || !mime_is_type(type))
		return true;
	for (char *ending; (ending = strtok_r(NULL, blanks, &next));) {
		struct mime_row *rows = mime_rows;

		/* Grow in powers of two. */
		if ((mime_row_count & (mime_row_count - 1)) == 0)
			rows = reallocarray(
			    rows, mime_row_count > 0 ? 2 * mime_row_count : 1, sizeof(*rows));
		if (!rows)
			return false;
		mime_rows = rows;
		mime_rows[mime_row_count++] = (struct mime_row){ending, type};
	}
	return true;
}

/* Compares rows; equal ones in the order of the file. */
static int
mime_compare_rows(const void *a, const void *b)
{
	const struct mime_row *left = a;
	const struct mime_row *right = b;
	int order = mime_compare(a, b);

	return order != 0 ? order : left->ending < right->ending ? -1 : 1;
}

/* Sorts the rows, and keeps the first of those with the same extension. */
static void
mime_sort(void)
{
	size_t kept = 0;

	if (mime_row_count > 0)
		qsort(mime_rows, mime_row_count, sizeof(*mime_rows), mime_compare_rows);
	for (size_t i = 0; i < mime_row_count; i++) {
		if (kept == 0 ||
		    strcasecmp(mime_rows[kept - 1].ending, mime_rows[i].ending) != 0)
			mime_rows[kept++] = mime_rows[i];
	}
	mime_row_count = kept;
}

void
mime_load_take(char *text)
{
	char *next;

	free(mime_rows);
	free(mime_text);
	mime_rows = NULL;
	mime_row_count = 0;
	mime_text = text;
	for (char *line = text ? strtok_r(text, "\n", &next) : NULL; line;
	     line = strtok_r(NULL, "\n", &next)) {
		if (!mime_add_line(line))
			break;
	}
	mime_sort();
}

void
mime_type(const char *name, char type[MIME_TYPE_MAX])
{
	const char *slash = strrchr(name, '/');
	const char *dot = strrchr(slash ? slash : name, '.');
	const struct mime_row key = {dot ? dot + 1 : "", NULL};
	const struct mime_row *row = NULL;

	if (mime_row_count > 0)
		row =
		    bsearch(&key, mime_rows, mime_row_count, sizeof(*mime_rows), mime_compare);
	if (!row)
		row = bsearch(&key, mime_built_in, UTIL_LEN(mime_built_in),
		    sizeof(*mime_built_in), mime_compare);
	snprintf(type, MIME_TYPE_MAX, "%s%s", row ? row->type : "application/octet-stream",
	    row && strncmp(row->type, "text/", 5) == 0 ? MIME_CHARSET : "");
}
