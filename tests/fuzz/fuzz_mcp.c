/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A message of MCP: what it is, its edits, and the tools that it defines or calls. An input is
 * the fields of a request, a NUL, a definition of tools, another NUL, and the message; without
 * NULs it is a message alone.
 */
#include "base/json_scan.h"
#include "require.h"
#include "serve/mcp_ask.h"
#include "serve/mcp_headers.h"

#include <stdint.h>
#include <string.h>

static struct span
text_of(const struct buffer *b)
{
	return (struct span){(char *)buffer_data(b), buffer_len(b)};
}

static void
require_inside(struct span part, struct span text)
{
	require(part.len == 0 ||
		    (part.data >= text.data && part.data + part.len <= text.data + text.len),
	    "a span is within the text");
}

/* Its number in place of ID and TOKEN, and back: what a gateway does. */
static void
check_edits(const struct mcp_message *m)
{
	struct span number = SPAN("123456789");
	struct buffer once = {0}, twice = {0}, plain = {0};
	struct mcp_message n;
	const char *why;

	require(mcp_message_put(&once, m,
		    (const struct mcp_edit[]){{m->id, number}, {m->token, number}}, 2),
	    "memory");
	require(buffer_len(&once) > 0 && !memchr(buffer_data(&once), '\n', buffer_len(&once)),
	    "it is one line");
	require(mcp_message_read(text_of(&once), &n, &why) == 0, "it is still a message");
	require(n.kind == m->kind, "of the same kind");
	if (m->id.len > 0)
		require(mcp_message_number(n.id) == 123456789, "with our number");
	require((n.token.len > 0) == (m->token.len > 0), "and a token if it had one");
	if (m->token.len > 0)
		require(mcp_message_number(n.token) == 123456789, "which is our number");
	require(mcp_message_put(&twice, &n,
		    (const struct mcp_edit[]){{n.token, m->token}, {n.id, m->id}}, 2) &&
		    mcp_message_put(&plain, m, NULL, 0),
	    "memory");
	require(buffer_len(&twice) == buffer_len(&plain) &&
		    memcmp(buffer_data(&twice), buffer_data(&plain), buffer_len(&plain)) == 0,
	    "all else is as it was");
	buffer_clear(&once);
	buffer_clear(&twice);
	buffer_clear(&plain);
}

/* An error for ID, whatever the message was. */
static void
check_error(struct span id, const char *why)
{
	struct buffer out = {0};
	struct mcp_message m;
	const char *bad;

	require(mcp_message_put_error(&out, id, -32600, why, NULL), "memory");
	require(mcp_message_read(text_of(&out), &m, &bad) == 0, "an error is a message");
	require(m.kind == MCP_RESPONSE && mcp_message_code(&m) == -32600, "with its code");
	buffer_clear(&out);
}

static void
check_request(struct span fields, struct span tools, const struct mcp_message *m)
{
	struct mcp_ask ask = {0};
	struct buffer bytes = {0};
	struct head head;
	const char *why = NULL;
	struct span result;
	int code;

	mcp_tools_init(&ask.tools);
	if (json_read(tools, &result))
		mcp_tools_learn(&ask.tools, result);
	require(buffer_append(&bytes, "POST / HTTP/1.1\r\n", 17) &&
		    buffer_append(&bytes, fields.data, fields.len) &&
		    buffer_append(&bytes, "\r\n\r\n", 4),
	    "memory");
	head_init(&head);
	if (head_parse(&head, (char *)buffer_data(&bytes), buffer_len(&bytes)) == HEAD_DONE) {
		code = mcp_headers_check(&head, m, &why);
		require(code == 0 || why, "an error has a reason");
		why = NULL;
		code = mcp_tools_check(&ask.tools, &head, m, &why);
		require(code == 0 || why, "likewise");
		if (json_read(tools, &result))
			mcp_tools_learn(&ask.tools, result);
		require(mcp_tools_check(&ask.tools, &head, m, &why) == code,
		    "the same definition changes nothing");
		(void)mcp_headers_protocol(&head, m);
		(void)mcp_headers_accept(&head, "text/event-stream");
		(void)mcp_headers_are_json(&head);
	}
	buffer_clear(&bytes);
	mcp_ask_clear(&ask);
}

/* As the response to what a program is asked; what it is asked next is a message, too. */
static void
check_asked(const struct mcp_message *m)
{
	struct mcp_ask ask = {0};
	struct mcp_message asked;
	const char *why;

	mcp_tools_init(&ask.tools);
	require(mcp_ask_begin(&ask, 1), "memory");
	for (uint64_t next = 2; next < 5; next++) {
		buffer_clear(&ask.lines);
		if (!mcp_ask_take(&ask, m, next))
			break;
		require(mcp_message_read(text_of(&ask.lines), &asked, &why) == 0 &&
			    mcp_message_number(asked.id) == next,
		    "the next request");
	}
	mcp_ask_clear(&ask);
}

static struct span
part(struct span *rest)
{
	const char *end = rest->len > 0 ? memchr(rest->data, '\0', rest->len) : NULL;
	struct span found = {rest->data, end ? (size_t)(end - rest->data) : 0};

	if (end)
		*rest = (struct span){end + 1, rest->len - found.len - 1};
	return found;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *copy = malloc(size > 0 ? size : 1); /* a read beyond its end is detected */
	struct span rest = {copy, size}, fields, tools;
	struct mcp_message m;
	const char *why = NULL;
	int code;

	require(copy != NULL, "memory");
	memcpy(copy, data, size);
	fields = part(&rest);
	tools = part(&rest);
	code = mcp_message_read(rest, &m, &why);
	require_inside(m.text, rest);
	require_inside(m.id, rest);
	require_inside(m.token, rest);
	require_inside(m.subscription, rest);
	require_inside(m.request_id, rest);
	require(m.id.len <= MCP_ID_MAX, "an ID is short");
	if (code != 0) {
		require(why != NULL, "an error has a reason");
		check_error(m.id, why);
	} else {
		check_edits(&m);
		check_request(fields, tools, &m);
		check_asked(&m);
	}
	free(copy);
	return 0;
}
