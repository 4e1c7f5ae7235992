/* SPDX-License-Identifier: BSD-2-Clause */
/* Parses the header of a CGI response. */
#include "http/cgi_head.h"

#include "base/util.h"

#include <stdlib.h>
#include <string.h>

static const char out_of_memory[] = "out of memory";

void
cgi_head_init(struct cgi_head *head)
{
	*head = (struct cgi_head){.length = -1};
}

void
cgi_head_clear(struct cgi_head *head)
{
	buffer_clear(&head->line);
	buffer_clear(&head->fields);
	free(head->phrase);
	free(head->type);
	free(head->location);
	cgi_head_init(head);
}

/* Sets a text that may occur once. Returns REPEATED if it already did, or another error, or
 * NULL. */
static const char *
cgi_head_set_text(char **text, struct span value, const char *repeated, const char *empty)
{
	if (*text)
		return repeated;
	if (value.len == 0)
		return empty;
	*text = span_dup(value);
	return *text ? NULL : out_of_memory;
}

/* Parses Status: three digits, optionally followed by a blank and the reason phrase (section
 * 6.3.3). */
static const char *
cgi_head_set_status(struct cgi_head *head, struct span value)
{
	int64_t status;

	if (head->status != 0)
		return "repeated Status";
	if (value.len < 3 || (value.len > 3 && value.data[3] != ' ') ||
	    util_parse_number((struct span){value.data, 3}, 200, 599, &status))
		return "Status does not begin with a number from 200 to 599";
	head->status = (int)status;
	if (value.len <= 4)
		return NULL;
	head->phrase = span_dup(span_trim((struct span){value.data + 4, value.len - 4}));
	return head->phrase ? NULL : out_of_memory;
}

static const char *
cgi_head_set_length(struct cgi_head *head, struct span value)
{
	if (head->length >= 0)
		return "repeated Content-Length";
	if (value.len == 0 || !util_is_digit((unsigned char)value.data[0]) ||
	    util_parse_number(value, 0, INT64_MAX, &head->length))
		return "Content-Length is not a number";
	return NULL;
}

static bool
cgi_head_is_dropped(struct span name)
{
	static const char *const names[] = {"Connection", "Keep-Alive", "Proxy-Connection",
	    "TE", "Trailer", "Transfer-Encoding", "Upgrade", "Date", "X-Content-Type-Options"};

	for (size_t i = 0; i < UTIL_LEN(names); i++) {
		if (span_equal_nocase(name, span_of(names[i])))
			return true;
	}
	return name.len > 6 && span_equal_nocase((struct span){name.data, 6}, SPAN("X-CGI-"));
}

static const char *
cgi_head_pass_on(struct cgi_head *head, struct span name, struct span value)
{
	struct buffer *out = &head->fields;

	if (cgi_head_is_dropped(name))
		return NULL;
	return buffer_append(out, name.data, name.len) && buffer_append(out, ": ", 2) &&
		       buffer_append(out, value.data, value.len) &&
		       buffer_append(out, "\r\n", 2)
		   ? NULL
		   : out_of_memory;
}

/* Handles a non-empty line, without its end. Returns the error, or NULL. */
static const char *
cgi_head_take_line(struct cgi_head *head, struct span line)
{
	const char *colon = memchr(line.data, ':', line.len);
	struct span name, value;

	for (size_t i = 0; i < line.len; i++) {
		unsigned char c = (unsigned char)line.data[i];

		if ((c < 0x20 && c != '\t') || c == 0x7f)
			return "control character in the header";
	}
	if (line.data[0] == ' ' || line.data[0] == '\t')
		return "folded line in the header";
	if (!colon)
		return "line without a colon in the header; is the empty line after the header "
		       "missing?";
	name = (struct span){line.data, (size_t)(colon - line.data)};
	value = span_trim((struct span){colon + 1, line.len - name.len - 1});
	if (!util_is_token(name))
		return "invalid field name in the header";
	if (span_equal_nocase(name, SPAN("Status")))
		return cgi_head_set_status(head, value);
	if (span_equal_nocase(name, SPAN("Content-Length")))
		return cgi_head_set_length(head, value);
	if (span_equal_nocase(name, SPAN("Content-Type")))
		return cgi_head_set_text(
		    &head->type, value, "repeated Content-Type", "empty Content-Type");
	if (span_equal_nocase(name, SPAN("Location")))
		return cgi_head_set_text(
		    &head->location, value, "repeated Location", "empty Location");
	return cgi_head_pass_on(head, name, value);
}

static enum cgi_head_result
cgi_head_reject(struct cgi_head *head, const char *reason)
{
	head->reason = reason;
	return CGI_HEAD_BAD;
}

/* Handles the line in head->line, including its LF. */
static enum cgi_head_result
cgi_head_end_line(struct cgi_head *head)
{
	size_t len = buffer_len(&head->line);
	struct span line = {(char *)buffer_data(&head->line), len > 0 ? len - 1 : 0};
	const char *wrong = NULL;
	bool last;

	if (line.len > 0 && line.data[line.len - 1] == '\r')
		line.len--;
	last = line.len == 0;
	if (!last)
		wrong = cgi_head_take_line(head, line);
	else if (head->status == 0 && !head->type && !head->location)
		wrong = "the header has no Content-Type, Location or Status";
	buffer_clear(&head->line);
	if (wrong)
		return cgi_head_reject(head, wrong);
	return last ? CGI_HEAD_DONE : CGI_HEAD_MORE;
}

enum cgi_head_result
cgi_head_parse(struct cgi_head *head, const char *bytes, size_t len, size_t *used)
{
	enum cgi_head_result result = CGI_HEAD_MORE;

	*used = 0;
	while (result == CGI_HEAD_MORE && *used < len) {
		const char *start = bytes + *used;
		const char *lf = memchr(start, '\n', len - *used);
		size_t piece = lf ? (size_t)(lf - start) + 1 : len - *used;

		if (piece > CGI_HEAD_MAX - head->len)
			return cgi_head_reject(head, "the header is larger than 16 KiB");
		if (!buffer_append(&head->line, start, piece))
			return cgi_head_reject(head, out_of_memory);
		head->len += piece;
		*used += piece;
		if (lf)
			result = cgi_head_end_line(head);
	}
	return result;
}

int
cgi_head_status(const struct cgi_head *head)
{
	if (head->status != 0)
		return head->status;
	return head->location ? 302 : 200;
}

bool
cgi_head_is_local_redirect(const struct cgi_head *head)
{
	return head->location && head->location[0] == '/' && head->location[1] != '/' &&
	       head->status == 0 && !head->type && head->length < 0 &&
	       buffer_len(&head->fields) == 0;
}
