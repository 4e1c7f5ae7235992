/* SPDX-License-Identifier: BSD-2-Clause */
/* Queries an MCP program before the first request of a client is forwarded. */
#include "serve/mcp_ask.h"

#include "base/json_scan.h"

#include <inttypes.h>
#include <stdio.h>

#define MCP_ASK_META                                                                           \
	"\"_meta\":{\"io.modelcontextprotocol/protocolVersion\":\"" MCP_STATELESS "\","        \
	"\"io.modelcontextprotocol/clientInfo\":{\"name\":\"wspipe\",\"version\":\"1\"},"      \
	"\"io.modelcontextprotocol/clientCapabilities\":{}}"

/* Queues a request. CURSOR is a JSON string, or empty. */
static bool
mcp_ask_put(struct mcp_ask *ask, uint64_t number, const char *method, struct span cursor)
{
	size_t before = buffer_len(&ask->lines);
	char head[96];
	int len = snprintf(head, sizeof(head),
	    "{\"jsonrpc\":\"2.0\",\"id\":%" PRIu64 ",\"method\":\"%s\",\"params\":{", number,
	    method);

	if (buffer_append(&ask->lines, head, (size_t)len) &&
	    (cursor.len == 0 || (buffer_append(&ask->lines, "\"cursor\":", 9) &&
				    buffer_append(&ask->lines, cursor.data, cursor.len) &&
				    buffer_append(&ask->lines, ",", 1))) &&
	    buffer_append(&ask->lines, MCP_ASK_META "}}\n", sizeof(MCP_ASK_META "}}\n") - 1)) {
		ask->number = number;
		return true;
	}
	buffer_cut(&ask->lines, before);
	ask->number = 0;
	return false;
}

bool
mcp_ask_begin(struct mcp_ask *ask, uint64_t number)
{
	return mcp_ask_put(ask, number, "server/discover", (struct span){0});
}

/* Reports whether the result of server/discover lists the stateless version. */
static bool
mcp_ask_lists_stateless(struct span versions)
{
	struct span item;
	size_t cursor = 0;

	while (json_next_item(versions, &cursor, &item)) {
		if (json_is_text(item, SPAN(MCP_STATELESS)))
			return true;
	}
	return false;
}

bool
mcp_ask_take(struct mcp_ask *ask, const struct mcp_message *m, uint64_t next)
{
	struct json_member members[] = {
	    {.name = "supportedVersions"}, {.name = "capabilities"}, {.name = "nextCursor"}};
	struct json_member tools = {.name = "tools"};
	struct span cursor;
	bool more;

	json_find(m->result, members, UTIL_LEN(members));
	if (ask->pages == 0 && !mcp_ask_lists_stateless(members[0].value))
		return false;
	if (ask->pages == 0) {
		cursor = (struct span){0};
		json_find(members[1].value, &tools, 1);
		more = json_type(tools.value) == JSON_OBJECT;
	} else {
		cursor = members[2].value;
		mcp_tools_learn(&ask->tools, m->result);
		more = json_type(cursor) == JSON_STRING && ask->pages < MCP_PAGES_MAX;
	}
	ask->number = 0;
	ask->pages++;
	return more && mcp_ask_put(ask, next, "tools/list", cursor);
}

void
mcp_ask_clear(struct mcp_ask *ask)
{
	buffer_clear(&ask->lines);
	mcp_tools_clear(&ask->tools);
}
