/* SPDX-License-Identifier: BSD-2-Clause */
/* Parses and rewrites JSON-RPC messages of MCP. */
#include "serve/mcp_message.h"

#include "base/json.h"
#include "base/json_scan.h"

#include <stdio.h>
#include <string.h>

#define MCP_AMBIGUOUS "a member occurs twice, or its name is in the wrong case"

/* Reports whether a relevant member occurs twice: two readers could use different ones. */
static bool
mcp_message_is_ambiguous(const struct json_member *members, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		if (members[i].count > 1)
			return true;
	}
	return false;
}

/* Reports whether OBJECT has a relevant member name in different case. Some parsers, such as
 * Go's, ignore case, so a client could have its message attributed to another client. */
static bool
mcp_message_is_disguised(struct span object, const struct json_member *members, size_t count)
{
	struct span name, value;
	size_t cursor = 0;

	while (json_next_member(object, &cursor, &name, &value)) {
		for (size_t i = 0; i < count; i++) {
			struct span wanted = span_of(members[i].name);

			if (json_resembles(name, wanted) && !json_is_text(name, wanted))
				return true;
		}
	}
	return false;
}

static bool
mcp_message_is_id(struct span value)
{
	enum json_type type = json_type(value);

	return (type == JSON_STRING || type == JSON_NUMBER) && value.len <= MCP_ID_MAX;
}

/* Reads _meta. Returns false if a member is ambiguous. */
static bool
mcp_message_read_meta(struct span meta, struct mcp_message *m)
{
	struct json_member members[] = {
	    {.name = "progressToken"},
	    {.name = "io.modelcontextprotocol/protocolVersion"},
	    {.name = "io.modelcontextprotocol/clientCapabilities"},
	    {.name = "io.modelcontextprotocol/logLevel"},
	    {.name = "io.modelcontextprotocol/subscriptionId"},
	};

	json_find(meta, members, UTIL_LEN(members));
	if (m->token.len == 0)
		m->token = members[0].value;
	m->version = members[1].value;
	m->capabilities = members[2].value;
	m->log_level = members[3].value;
	m->subscription = members[4].value;
	return !mcp_message_is_ambiguous(members, UTIL_LEN(members)) &&
	       !mcp_message_is_disguised(meta, members, UTIL_LEN(members));
}

/* Reads params. Returns false if a member is ambiguous. */
static bool
mcp_message_read_params(struct mcp_message *m)
{
	struct json_member members[] = {{.name = "_meta"}, {.name = "name"}, {.name = "uri"},
	    {.name = "requestId"}, {.name = "progressToken"}};

	json_find(m->kind == MCP_RESPONSE ? m->result : m->params, members,
	    m->kind == MCP_RESPONSE ? 1 : UTIL_LEN(members));
	m->name = members[1].value;
	m->uri = members[2].value;
	m->request_id = members[3].value;
	if (m->kind == MCP_NOTIFICATION)
		m->token = members[4].value;
	return !mcp_message_is_ambiguous(members, UTIL_LEN(members)) &&
	       !mcp_message_is_disguised(
		   m->kind == MCP_RESPONSE ? m->result : m->params, members, 1) &&
	       mcp_message_read_meta(members[0].value, m);
}

/* Sets the kind of the message. Returns the reason if it is invalid, or NULL. */
static const char *
mcp_message_classify(struct mcp_message *m)
{
	enum json_type params = json_type(m->params);
	bool has_id = m->id.len > 0;

	if (has_id && !mcp_message_is_id(m->id) &&
	    !(m->method.len == 0 && json_type(m->id) == JSON_NULL)) {
		m->id = (struct span){0};
		return "the id is not a string or a number of at most 1024 bytes";
	}
	if (params != JSON_NOTHING && params != JSON_OBJECT && params != JSON_ARRAY)
		return "params is not an object";
	if (m->method.len > 0) {
		m->kind = has_id ? MCP_REQUEST : MCP_NOTIFICATION;
		if (json_type(m->method) != JSON_STRING || m->result.len > 0 ||
		    m->error.len > 0)
			return "it is not a request, a notification or a response";
		return NULL;
	}
	m->kind = MCP_RESPONSE;
	if (!has_id || (m->result.len > 0) == (m->error.len > 0))
		return "it is not a request, a notification or a response";
	return NULL;
}

int
mcp_message_read(struct span text, struct mcp_message *message, const char **why)
{
	struct json_member members[] = {{.name = "jsonrpc"}, {.name = "id"}, {.name = "method"},
	    {.name = "params"}, {.name = "result"}, {.name = "error"}};

	*message = (struct mcp_message){0};
	*why = "the message is not JSON in UTF-8, or nested too deeply";
	if (!json_read(text, &message->text))
		return MCP_PARSE_ERROR;
	*why = json_type(message->text) == JSON_ARRAY
		   ? "batches are not supported: send one message per request"
		   : "the message is not an object with \"jsonrpc\":\"2.0\"";
	json_find(message->text, members, UTIL_LEN(members));
	if (!json_is_text(members[0].value, SPAN("2.0")))
		return MCP_INVALID_REQUEST;
	*why = MCP_AMBIGUOUS;
	if (mcp_message_is_ambiguous(members, UTIL_LEN(members)) ||
	    mcp_message_is_disguised(message->text, members, UTIL_LEN(members)))
		return MCP_INVALID_REQUEST;
	message->id = members[1].value;
	message->method = members[2].value;
	message->params = members[3].value;
	message->result = members[4].value;
	message->error = members[5].value;
	*why = mcp_message_classify(message);
	if (!*why && !mcp_message_read_params(message))
		*why = MCP_AMBIGUOUS;
	if (!*why && message->kind == MCP_REQUEST && message->token.len > 0 &&
	    !mcp_message_is_id(message->token))
		*why = "the progress token is not a string or a number of at most 1024 bytes";
	return *why ? MCP_INVALID_REQUEST : 0;
}

bool
mcp_message_is(const struct mcp_message *message, const char *method)
{
	return json_is_text(message->method, span_of(method));
}

uint64_t
mcp_message_number(struct span id)
{
	int64_t number;

	if (id.len == 0 || !util_is_digit((unsigned char)*id.data) ||
	    util_parse_number(id, 1, INT64_MAX, &number))
		return 0;
	return (uint64_t)number;
}

int
mcp_message_code(const struct mcp_message *message)
{
	struct json_member code = {.name = "code"};
	struct span digits;
	int64_t number;

	json_find(message->error, &code, 1);
	digits = code.value;
	if (digits.len < 2 || *digits.data != '-')
		return 0;
	digits = (struct span){digits.data + 1, digits.len - 1};
	return util_parse_number(digits, 0, 65536, &number) ? 0 : -(int)number;
}

/* Appends JSON on one line; newlines, which can only separate tokens, become blanks. */
static bool
mcp_message_append(struct buffer *out, const char *from, const char *to)
{
	size_t len = (size_t)(to - from), before = buffer_len(out);
	uint8_t *at;

	if (len == 0)
		return true;
	if (!buffer_append(out, from, len))
		return false;
	at = buffer_data(out) + before;
	for (size_t i = 0; i < len; i++) {
		if (at[i] == '\n' || at[i] == '\r')
			at[i] = ' ';
	}
	return true;
}

bool
mcp_message_put(struct buffer *out, const struct mcp_message *message,
    const struct mcp_edit *edits, size_t count)
{
	const char *at = message->text.data, *end = at + message->text.len;
	const struct mcp_edit *next;

	do {
		next = NULL;
		for (size_t i = 0; i < count; i++) {
			if (edits[i].at.len > 0 && edits[i].at.data >= at &&
			    (!next || edits[i].at.data < next->at.data))
				next = &edits[i];
		}
		if (!mcp_message_append(out, at, next ? next->at.data : end))
			return false;
		if (next && !buffer_append(out, next->by.data, next->by.len))
			return false;
		at = next ? next->at.data + next->at.len : end;
	} while (next);
	return true;
}

bool
mcp_message_put_error(
    struct buffer *out, struct span id, int code, const char *text, const char *data)
{
	char number[32];
	int len = snprintf(number, sizeof(number), "%d", code);

	if (id.len == 0)
		id = SPAN("null");
	return buffer_append(out, "{\"jsonrpc\":\"2.0\",\"id\":", 22) &&
	       buffer_append(out, id.data, id.len) &&
	       buffer_append(out, ",\"error\":{\"code\":", 17) &&
	       buffer_append(out, number, (size_t)len) &&
	       buffer_append(out, ",\"message\":\"", 12) &&
	       json_escape(out, (const uint8_t *)text, strlen(text), JSON_ESCAPE_MINIMAL) &&
	       buffer_append(out, data ? "\",\"data\":" : "\"", data ? 9 : 1) &&
	       (!data || buffer_append(out, data, strlen(data))) && buffer_append(out, "}}", 2);
}
