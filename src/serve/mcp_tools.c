/* SPDX-License-Identifier: BSD-2-Clause */
/* Checks the tool arguments that an MCP client repeats in header fields. */
#include "serve/mcp_tools.h"

#include "base/json_scan.h"
#include "serve/mcp_headers.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define MCP_FIELD "Mcp-Param-"

enum {
	MCP_TOOLS_DEPTH = JSON_DEPTH_MAX / 2, /* "properties" and a name take two levels */
	MCP_NUMBER_MAX = 64, /* bytes of an argument compared as a number */
};
#define MCP_SAFE_INTEGER 9007199254740991.0 /* the largest that all clients can represent */

struct mcp_tool {
	struct list node;
	struct buffer name; /* owned: the decoded JSON string */
	/* Owned: for each argument the header field and the member names of its path, each
	 * NUL-terminated, followed by an empty string. */
	struct buffer marks;
};

static struct mcp_tool *
mcp_tool_of(struct list *node)
{
	return LIST_ENTRY_OF(node, struct mcp_tool, node);
}

static struct span
mcp_tools_text(const struct buffer *b)
{
	return (struct span){(char *)buffer_data(b), buffer_len(b)};
}

static void
mcp_tool_free(struct mcp_tool *tool)
{
	list_remove(&tool->node);
	buffer_clear(&tool->name);
	buffer_clear(&tool->marks);
	free(tool);
}

void
mcp_tools_init(struct mcp_tools *tools)
{
	list_init(&tools->list);
}

void
mcp_tools_clear(struct mcp_tools *tools)
{
	while (!list_empty(&tools->list))
		mcp_tool_free(mcp_tool_of(tools->list.next));
}

static struct mcp_tool *
mcp_tools_find(const struct mcp_tools *tools, struct span name)
{
	for (struct list *node = tools->list.next; node != &tools->list; node = node->next) {
		if (json_is_text(name, mcp_tools_text(&mcp_tool_of(node)->name)))
			return mcp_tool_of(node);
	}
	return NULL;
}

/*
 * Marks of a tool
 */

/* Adds the property at PATH if it has a valid mark. Returns false if memory runs out. */
static bool
mcp_tools_mark(struct buffer *marks, const struct buffer *path, struct span property)
{
	struct json_member members[] = {{.name = "type"}, {.name = "x-mcp-header"}};
	struct buffer name = {0};
	bool ok = true;

	json_find(property, members, UTIL_LEN(members));
	if (json_type(members[1].value) != JSON_STRING ||
	    !(json_is_text(members[0].value, SPAN("string")) ||
		json_is_text(members[0].value, SPAN("integer")) ||
		json_is_text(members[0].value, SPAN("boolean"))))
		return true;
	ok = json_get_text(members[1].value, &name);
	if (ok && util_is_token(mcp_tools_text(&name)))
		ok = buffer_append(marks, MCP_FIELD, sizeof(MCP_FIELD) - 1) &&
		     buffer_append(marks, buffer_data(&name), buffer_len(&name)) &&
		     buffer_append(marks, "", 1) &&
		     buffer_append(marks, buffer_data(path), buffer_len(path)) &&
		     buffer_append(marks, "", 1);
	buffer_clear(&name);
	return ok;
}

/* Adds the marked properties of SCHEMA, which is at PATH. Marks elsewhere are invalid. Returns
 * false if memory runs out. */
static bool
mcp_tools_scan(struct buffer *marks, struct buffer *path, struct span schema, int depth)
{
	struct json_member properties = {.name = "properties"};
	struct span name, property;
	size_t cursor = 0, before = buffer_len(path), len;
	bool ok = true;

	json_find(schema, &properties, 1);
	while (ok && depth < MCP_TOOLS_DEPTH &&
	       json_next_member(properties.value, &cursor, &name, &property)) {
		ok = json_get_text(name, path);
		len = buffer_len(path) - before;
		/* A name that contains a NUL can't be part of a path; its marks are ignored. */
		if (ok && len > 0 && !memchr(buffer_data(path) + before, '\0', len))
			ok = buffer_append(path, "", 1) &&
			     mcp_tools_mark(marks, path, property) &&
			     mcp_tools_scan(marks, path, property, depth + 1);
		buffer_cut(path, before);
	}
	return ok;
}

static void
mcp_tools_learn_one(struct mcp_tools *tools, struct span definition)
{
	struct json_member members[] = {{.name = "name"}, {.name = "inputSchema"}};
	struct buffer path = {0};
	struct mcp_tool *tool;

	json_find(definition, members, UTIL_LEN(members));
	if (json_type(members[0].value) != JSON_STRING)
		return;
	tool = mcp_tools_find(tools, members[0].value);
	if (tool)
		mcp_tool_free(tool);
	tool = calloc(1, sizeof(*tool));
	if (!tool)
		return;
	list_append(&tools->list, &tool->node);
	if (!json_get_text(members[0].value, &tool->name) ||
	    !mcp_tools_scan(&tool->marks, &path, members[1].value, 0) ||
	    buffer_len(&tool->marks) == 0)
		mcp_tool_free(tool);
	buffer_clear(&path);
}

void
mcp_tools_learn(struct mcp_tools *tools, struct span result)
{
	struct json_member list = {.name = "tools"};
	struct span item;
	size_t cursor = 0;

	json_find(result, &list, 1);
	while (json_next_item(list.value, &cursor, &item))
		mcp_tools_learn_one(tools, item);
}

/*
 * Values in the header
 */

/* Returns NAN unless TEXT is a number that all clients can represent. */
static double
mcp_tools_number(struct span text)
{
	char digits[MCP_NUMBER_MAX + 1];
	struct span value;
	double number;

	if (!json_read(text, &value) || json_type(value) != JSON_NUMBER ||
	    value.len > MCP_NUMBER_MAX)
		return NAN;
	memcpy(digits, value.data, value.len);
	digits[value.len] = '\0';
	number = strtod(digits, NULL);
	return fabs(number) <= MCP_SAFE_INTEGER ? number : NAN;
}

/* Compares a header value with an argument. An object or array has no text form: the program
 * rejects it. */
static bool
mcp_tools_agree(struct span text, struct span argument)
{
	switch (json_type(argument)) {
	case JSON_STRING:
		return json_is_text(argument, text);
	case JSON_NUMBER:
		return span_equal(text, argument) ||
		       mcp_tools_number(text) == mcp_tools_number(argument);
	case JSON_TRUE:
	case JSON_FALSE:
		return span_equal(text, argument);
	default:
		return true;
	}
}

/* Checks that FIELD agrees with ARGUMENT, and is present once if ARGUMENT is. */
static int
mcp_tools_check_field(const struct head *head, const char *field, struct span argument)
{
	struct span value = {0};
	size_t count = head_find(head, field, &value);
	enum json_type type = json_type(argument);
	struct buffer text = {0};
	int code;

	/* No field is required; one without an argument is ignored. */
	if (type == JSON_NOTHING || type == JSON_NULL)
		return 0;
	if (count != 1)
		return MCP_HEADER_MISMATCH;
	code = mcp_headers_decode(&text, value);
	if (code == 0 && !mcp_tools_agree(mcp_tools_text(&text), argument))
		code = MCP_HEADER_MISMATCH;
	buffer_clear(&text);
	return code;
}

int
mcp_tools_check(const struct mcp_tools *tools, const struct head *head,
    const struct mcp_message *request, const char **why)
{
	struct json_member arguments = {.name = "arguments"}, member;
	struct mcp_tool *tool = NULL;
	const char *at, *end, *field;
	int code = 0;

	if (!list_empty(&tools->list) && mcp_message_is(request, "tools/call"))
		tool = mcp_tools_find(tools, request->name);
	if (!tool)
		return 0;
	*why = "header mismatch: each argument that the tool marks by x-mcp-header must be "
	       "given once, in the body and as " MCP_FIELD "*";
	json_find(request->params, &arguments, 1);
	at = (const char *)buffer_data(&tool->marks);
	end = at + buffer_len(&tool->marks);
	while (code == 0 && at < end) {
		field = at;
		member = arguments;
		for (at += strlen(at) + 1; *at; at += strlen(at) + 1) {
			struct json_member next = {.name = at};

			json_find(member.value, &next, 1);
			next.count = next.count > 1 || member.count > 1 ? 2 : 1;
			member = next;
		}
		at++;
		/* Duplicate member: two readers could use different ones. */
		code = member.count > 1 ? MCP_HEADER_MISMATCH
					: mcp_tools_check_field(head, field, member.value);
	}
	return code;
}
