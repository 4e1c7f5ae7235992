/* SPDX-License-Identifier: BSD-2-Clause */
/* Parses and checks the HTTP header fields that describe an MCP message. */
#include "serve/mcp_headers.h"

#include "base/base64.h"
#include "base/json_scan.h"

#include <string.h>

#define MCP_VERSION "MCP-Protocol-Version"

/* Reports whether VERSION is a version with sessions. */
static bool
mcp_headers_is_old(struct span version)
{
	static const char *const versions[] = {
	    "2025-11-25", "2025-06-18", "2025-03-26", "2024-11-05"};

	for (size_t i = 0; i < UTIL_LEN(versions); i++) {
		if (span_equal(version, span_of(versions[i])))
			return true;
	}
	return false;
}

enum mcp_protocol
mcp_headers_protocol(const struct head *head, const struct mcp_message *m)
{
	struct span version = {0};
	size_t count = head_find(head, MCP_VERSION, &version);
	bool session = head_find(head, "Mcp-Session-Id", NULL) > 0;

	if (count > 0 && span_equal(version, SPAN(MCP_STATELESS)))
		return MCP_PROTOCOL_STATELESS;
	if (!session && m && m->version.len > 0)
		return MCP_PROTOCOL_STATELESS;
	return count == 0 || (count == 1 && mcp_headers_is_old(version)) ? MCP_PROTOCOL_SESSION
									 : MCP_PROTOCOL_UNKNOWN;
}

bool
mcp_headers_accept(const struct head *head, const char *type)
{
	size_t cursor = 0, main = (size_t)(strchr(type, '/') - type) + 1;
	struct span element;

	while (head_next_element(head, "Accept", &cursor, &element)) {
		const char *end =
		    element.len > 0 ? memchr(element.data, ';', element.len) : NULL;

		if (end)
			element.len = (size_t)(end - element.data);
		element = span_trim(element);
		if (span_equal_nocase(element, span_of(type)) ||
		    span_equal(element, SPAN("*/*")) ||
		    (element.len == main + 1 && element.data[main] == '*' &&
			span_equal_nocase(
			    (struct span){element.data, main}, (struct span){type, main})))
			return true;
	}
	return false;
}

bool
mcp_headers_are_json(const struct head *head)
{
	struct span type = {0};
	const char *end;

	if (head_find(head, "Content-Type", &type) != 1)
		return false;
	end = memchr(type.data, ';', type.len);
	if (end)
		type.len = (size_t)(end - type.data);
	return span_equal_nocase(span_trim(type), SPAN("application/json"));
}

int
mcp_headers_decode(struct buffer *text, struct span field)
{
	static const char before[] = "=?base64?", after[] = "?=";
	size_t head = sizeof(before) - 1, tail = sizeof(after) - 1;

	if (field.len >= head + tail && memcmp(field.data, before, head) == 0 &&
	    memcmp(field.data + field.len - tail, after, tail) == 0) {
		switch (base64_read(text, field.data + head, field.len - head - tail)) {
		case BASE64_OK:
			return 0;
		case BASE64_BAD:
			return MCP_HEADER_MISMATCH;
		case BASE64_NO_MEMORY:
			return MCP_INTERNAL_ERROR;
		}
	}
	for (size_t i = 0; i < field.len; i++) {
		if ((unsigned char)field.data[i] >= 0x80)
			return MCP_HEADER_MISMATCH;
	}
	return buffer_append(text, field.data, field.len) ? 0 : MCP_INTERNAL_ERROR;
}

/* Returns the member that Mcp-Name must repeat; empty: missing, or the method has none. */
static struct span
mcp_headers_name(const struct mcp_message *m, bool *required)
{
	*required = true;
	if (mcp_message_is(m, "tools/call") || mcp_message_is(m, "prompts/get"))
		return m->name;
	if (mcp_message_is(m, "resources/read"))
		return m->uri;
	*required = false;
	return (struct span){0};
}

static int
mcp_headers_check_name(const struct head *head, const struct mcp_message *m, const char **why)
{
	struct span field = {0};
	size_t count = head_find(head, "Mcp-Name", &field);
	struct buffer text = {0};
	bool required;
	struct span name = mcp_headers_name(m, &required);
	int code;

	if (!required)
		return 0;
	*why = "header mismatch: Mcp-Name must be given once, and be the name or URI in the "
	       "body";
	if (count != 1)
		return count == 0 && name.len == 0 ? 0 : MCP_HEADER_MISMATCH;
	code = mcp_headers_decode(&text, field);
	if (code == 0 &&
	    !json_is_text(name, (struct span){(char *)buffer_data(&text), buffer_len(&text)}))
		code = MCP_HEADER_MISMATCH;
	buffer_clear(&text);
	return code;
}

/* Checks the _meta of a request (basic/index, "_meta"). */
static int
mcp_headers_check_meta(const struct mcp_message *m, const char **why)
{
	*why = "params._meta has no io.modelcontextprotocol/protocolVersion";
	if (json_type(m->version) != JSON_STRING)
		return MCP_INVALID_PARAMS;
	*why = "params._meta has no io.modelcontextprotocol/clientCapabilities";
	return json_type(m->capabilities) == JSON_OBJECT ? 0 : MCP_INVALID_PARAMS;
}

int
mcp_headers_check(const struct head *head, const struct mcp_message *m, const char **why)
{
	struct span version = {0}, method = {0};
	size_t count = head_find(head, MCP_VERSION, &version);
	int code;

	*why = "header mismatch: " MCP_VERSION
	       " must be given once, and be the version in params._meta";
	if (count != 1 || (m->version.len > 0 && !json_is_text(m->version, version)))
		return MCP_HEADER_MISMATCH;
	*why = "unsupported protocol version";
	if (!span_equal(version, SPAN(MCP_STATELESS)))
		return MCP_UNSUPPORTED_VERSION;
	if (m->kind == MCP_RESPONSE) {
		*why = "clients can't send responses in this version of the protocol";
		return MCP_INVALID_REQUEST;
	}
	if (m->kind == MCP_NOTIFICATION)
		return 0;
	*why = "header mismatch: Mcp-Method must be given once, and be the method in the body";
	if (head_find(head, "Mcp-Method", &method) != 1 || !json_is_text(m->method, method))
		return MCP_HEADER_MISMATCH;
	code = mcp_headers_check_name(head, m, why);
	return code != 0 ? code : mcp_headers_check_meta(m, why);
}

bool
mcp_headers_event(struct span last, uint64_t *stream, uint64_t *event)
{
	const char *dash = last.len > 0 ? memchr(last.data, '-', last.len) : NULL;
	size_t len = dash ? (size_t)(dash - last.data) : 0;
	int64_t numbers[2];

	if (len == 0 ||
	    util_parse_number((struct span){last.data, len}, 0, INT64_MAX, &numbers[0]) ||
	    util_parse_number(
		(struct span){dash + 1, last.len - len - 1}, 0, INT64_MAX, &numbers[1]))
		return false;
	*stream = (uint64_t)numbers[0];
	*event = (uint64_t)numbers[1];
	return true;
}
