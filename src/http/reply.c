/* SPDX-License-Identifier: BSD-2-Clause */
/* Responses: their heads and short texts. */
#include "http/reply.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

static const struct {
	int status;
	const char *reason;
} reply_reasons[] = {
    {101, "Switching Protocols"},
    {200, "OK"},
    {301, "Moved Permanently"},
    {308, "Permanent Redirect"},
    {400, "Bad Request"},
    {403, "Forbidden"},
    {404, "Not Found"},
    {405, "Method Not Allowed"},
    {408, "Request Timeout"},
    {414, "URI Too Long"},
    {421, "Misdirected Request"},
    {426, "Upgrade Required"},
    {429, "Too Many Requests"},
    {431, "Request Header Fields Too Large"},
    {500, "Internal Server Error"},
    {503, "Service Unavailable"},
    {505, "HTTP Version Not Supported"},
};

const char *
reply_reason(int status)
{
	for (size_t i = 0; i < UTIL_LEN(reply_reasons); i++) {
		if (reply_reasons[i].status == status)
			return reply_reasons[i].reason;
	}
	return "Error";
}

static bool
reply_put(struct buffer *out, const char *text)
{
	return buffer_append(out, text, strlen(text));
}

bool
reply_head(struct buffer *out, int status, const char *type, int64_t length, const char *extra)
{
	char line[160];
	char date[64];
	time_t now = time(NULL);
	struct tm tm;

	/* IMF-fixdate: RFC 9110, section 5.6.7. Nothing calls setlocale(), so the names are
	 * English. */
	strftime(date, sizeof(date), "%a, %d %b %Y %H:%M:%S GMT", gmtime_r(&now, &tm));
	snprintf(line, sizeof(line), "HTTP/1.1 %d %s\r\nDate: %s\r\n", status,
	    reply_reason(status), date);
	if (!reply_put(out, line))
		return false;
	if (type) {
		snprintf(line, sizeof(line), "Content-Type: %s\r\n", type);
		if (!reply_put(out, line))
			return false;
	}
	if (length >= 0) {
		snprintf(line, sizeof(line), "Content-Length: %" PRId64 "\r\n", length);
		if (!reply_put(out, line))
			return false;
	}
	return reply_put(out, extra ? extra : "") &&
	       reply_put(out, "X-Content-Type-Options: nosniff\r\nConnection: close\r\n\r\n");
}

bool
reply_text(struct buffer *out, int status, const char *extra, const char *text, bool head_only)
{
	char title[64];
	size_t len;

	len = (size_t)snprintf(title, sizeof(title), "%d %s\n", status, reply_reason(status));
	if (text)
		len += strlen(text) + 2;
	if (!reply_head(out, status, "text/plain; charset=utf-8", (int64_t)len, extra))
		return false;
	if (head_only)
		return true;
	return reply_put(out, title) &&
	       (!text ||
		   (reply_put(out, "\n") && reply_put(out, text) && reply_put(out, "\n")));
}
