/* SPDX-License-Identifier: BSD-2-Clause */
/* Generates the heads of responses. */
#include "http/reply.h"

#include "base/util.h"

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
    {202, "Accepted"},
    {204, "No Content"},
    {206, "Partial Content"},
    {301, "Moved Permanently"},
    {302, "Found"},
    {304, "Not Modified"},
    {308, "Permanent Redirect"},
    {400, "Bad Request"},
    {401, "Unauthorized"},
    {403, "Forbidden"},
    {404, "Not Found"},
    {405, "Method Not Allowed"},
    {406, "Not Acceptable"},
    {408, "Request Timeout"},
    {409, "Conflict"},
    {410, "Gone"},
    {412, "Precondition Failed"},
    {413, "Content Too Large"},
    {414, "URI Too Long"},
    {415, "Unsupported Media Type"},
    {416, "Range Not Satisfiable"},
    {421, "Misdirected Request"},
    {426, "Upgrade Required"},
    {429, "Too Many Requests"},
    {431, "Request Header Fields Too Large"},
    {500, "Internal Server Error"},
    {501, "Not Implemented"},
    {502, "Bad Gateway"},
    {503, "Service Unavailable"},
    {504, "Gateway Timeout"},
    {505, "HTTP Version Not Supported"},
};

const char *
reply_reason(int status)
{
	for (size_t i = 0; i < UTIL_LEN(reply_reasons); i++) {
		if (reply_reasons[i].status == status)
			return reply_reasons[i].reason;
	}
	return "";
}

bool
reply_has_body(int status)
{
	return status >= 200 && status != 204 && status != 304;
}

static bool
reply_put(struct buffer *out, const char *text)
{
	return buffer_append(out, text, strlen(text));
}

/* Returns an IMF-fixdate (RFC 9110, section 5.6.7), generated once a second. */
static const char *
reply_date(void)
{
	static time_t made;
	static char date[64];
	time_t now = time(NULL);
	struct tm tm;

	/* Nothing calls setlocale(), so the names are English. */
	if (now != made)
		strftime(date, sizeof(date), "%a, %d %b %Y %H:%M:%S GMT", gmtime_r(&now, &tm));
	made = now;
	return date;
}

bool
reply_head(struct buffer *out, const struct reply *reply, const char *connection)
{
	const char *phrase = reply->phrase ? reply->phrase : reply_reason(reply->status);
	char start[64];
	char length[64] = "";

	snprintf(start, sizeof(start), "HTTP/1.1 %d ", reply->status);
	if (!reply_put(out, start) || !reply_put(out, phrase) ||
	    !reply_put(out, "\r\nDate: ") || !reply_put(out, reply_date()) ||
	    !reply_put(out, "\r\n"))
		return false;
	if (reply->length >= 0 && reply->status != 204)
		snprintf(
		    length, sizeof(length), "Content-Length: %" PRId64 "\r\n", reply->length);
	if (reply->type && !(reply_put(out, "Content-Type: ") && reply_put(out, reply->type) &&
			       reply_put(out, "\r\n")))
		return false;
	return reply_put(out, length) && reply_put(out, reply->fields ? reply->fields : "") &&
	       reply_put(out, "X-Content-Type-Options: nosniff\r\n") &&
	       reply_put(out, connection) && reply_put(out, "\r\n");
}
