/* SPDX-License-Identifier: BSD-2-Clause */
/* Parses requests of clients without a WebSocket. */
#include "serve/streams_request.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Returns the value of a query parameter; empty if it is missing. */
static struct span
streams_request_parameter(struct span query, const char *name, bool *found)
{
	size_t len = strlen(name);

	*found = false;
	while (query.len > 0) {
		const char *end = memchr(query.data, '&', query.len);
		size_t part = end ? (size_t)(end - query.data) : query.len;

		if (part >= len && memcmp(query.data, name, len) == 0 &&
		    (part == len || query.data[len] == '=')) {
			*found = true;
			if (part == len)
				return (struct span){0};
			return (struct span){query.data + len + 1, part - len - 1};
		}
		part += end != NULL;
		query = (struct span){query.data + part, query.len - part};
	}
	return (struct span){0};
}

struct streams_request
streams_request_read(const struct request *request)
{
	struct streams_request result = {0};
	struct span query = request->uri.query, last;
	bool found;

	(void)streams_request_parameter(query, "poll", &result.poll);
	result.session = streams_request_parameter(query, "session", &found);
	result.after = streams_request_parameter(query, "after", &found);
	(void)head_find(request->head, "Wspipe-Session", &result.session);
	if (!result.poll && head_find(request->head, "Last-Event-ID", &last) == 1) {
		size_t len = last.len < EVENTS_ID_LEN ? last.len : EVENTS_ID_LEN;

		result.session = (struct span){last.data, len};
		result.after = (struct span){last.data + len, last.len - len};
		if (result.after.len > 0 && *result.after.data == '-')
			result.after =
			    (struct span){result.after.data + 1, result.after.len - 1};
	}
	result.stream = head_has_token(request->head, "Accept", "text/event-stream");
	return result;
}

bool
streams_request_is(const struct request *request, const char *method)
{
	return span_equal(request->method, span_of(method));
}

bool
streams_request_wants(const struct request *request, const struct streams_request *asked)
{
	if (streams_request_is(request, "GET"))
		return asked->stream || asked->poll;
	if (streams_request_is(request, "POST"))
		return asked->poll || asked->session.len > 0;
	return streams_request_is(request, "DELETE") && asked->session.len > 0;
}

char *
streams_request_fields(const struct exchange *exchange, const char *others)
{
	struct span origin = {0};
	char *fields = NULL;

	if (head_find(exchange_request(exchange)->head, "Origin", &origin) == 0)
		return strdup(others);
	if (asprintf(&fields,
		"Access-Control-Allow-Origin: %.*s\r\nAccess-Control-Allow-Credentials: "
		"true\r\n"
		"Vary: Origin\r\n%s",
		(int)origin.len, origin.data, others) == -1)
		return NULL;
	return fields;
}

void
streams_request_reply(
    struct exchange *exchange, int status, const char *others, const char *reason)
{
	char *fields = streams_request_fields(exchange, others ? others : STREAMS_NO_STORE);

	exchange_reply_status(exchange, status, fields, reason);
	free(fields);
}

bool
streams_request_kind(const struct head *head, enum events_kind *kind)
{
	static const struct {
		const char *type;
		enum events_kind kind;
	} rows[] = {
	    {"text/plain", EVENTS_TEXT},
	    {"application/octet-stream", EVENTS_BINARY},
	    {"application/x-ndjson", EVENTS_LINES},
	};
	struct span type = SPAN("text/plain");
	const char *end;

	(void)head_find(head, "Content-Type", &type);
	end = memchr(type.data, ';', type.len);
	if (end)
		type.len = (size_t)(end - type.data);
	type = span_trim(type);
	for (size_t i = 0; i < UTIL_LEN(rows); i++) {
		*kind = rows[i].kind;
		if (span_equal_nocase(type, span_of(rows[i].type)))
			return true;
	}
	return false;
}
