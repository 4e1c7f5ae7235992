/* SPDX-License-Identifier: BSD-2-Clause */
/* Responses to MCP clients. */
#include "serve/mcp_reply.h"

#include <stdio.h>
#include <stdlib.h>

char *
mcp_reply_fields(
    const struct endpoint *endpoint, const struct exchange *exchange, const char *others)
{
	struct span origin = {0};
	const char *own = endpoint->files.headers;
	char *fields = NULL;
	int len;

	if (head_find(exchange_request(exchange)->head, "Origin", &origin) == 0)
		len = asprintf(&fields, "%s%s", own, others);
	else
		len = asprintf(&fields,
		    "%sAccess-Control-Allow-Origin: %.*s\r\n"
		    "Access-Control-Allow-Credentials: true\r\n"
		    "Access-Control-Expose-Headers: Mcp-Session-Id\r\nVary: Origin\r\n%s",
		    own, (int)origin.len, origin.data, others);
	return len == -1 ? NULL : fields;
}

void
mcp_reply(
    const struct endpoint *endpoint, struct exchange *exchange, int status, const char *others)
{
	struct reply reply = {.status = status, .length = 0};
	char *fields = mcp_reply_fields(endpoint, exchange, others);

	reply.fields = fields;
	exchange_reply(exchange, &reply, (struct span){0});
	free(fields);
}

void
mcp_reply_error(const struct endpoint *endpoint, struct exchange *exchange, int status,
    const char *others, struct span id, int code, const char *text, const char *data)
{
	struct reply reply = {.status = status, .type = "application/json"};
	char *fields = mcp_reply_fields(endpoint, exchange, others);
	struct buffer body = {0};

	exchange_log_reply(exchange, status, text);
	if (mcp_message_put_error(&body, id, code, text, data)) {
		reply.fields = fields;
		reply.length = (int64_t)buffer_len(&body);
		exchange_reply(exchange, &reply,
		    (struct span){(char *)buffer_data(&body), buffer_len(&body)});
	} else {
		exchange_abort(exchange, "out of memory");
	}
	buffer_clear(&body);
	free(fields);
}

void
mcp_reply_invalid(
    const struct endpoint *endpoint, struct exchange *exchange, int status, const char *text)
{
	mcp_reply_error(
	    endpoint, exchange, status, "", (struct span){0}, MCP_INVALID_REQUEST, text, NULL);
}
