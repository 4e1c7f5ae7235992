/* SPDX-License-Identifier: BSD-2-Clause */
/* MCP messages from clients and programs that nobody trusts. */
#include "serve/mcp_message.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void
messages_are_classified(void **state)
{
	static const struct {
		const char *text;
		int code;
		enum mcp_kind kind;
		const char *id;
	} rows[] = {
	    {"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"a\"}", 0, MCP_REQUEST, "1"},
	    {"{\"jsonrpc\":\"2.0\",\"id\":\"\\u0031\",\"method\":\"a\",\"params\":{}}", 0,
		MCP_REQUEST, "\"\\u0031\""},
	    {"{\"jsonrpc\":\"2.\\u0030\",\"i\\u0064\":-1.5e3,\"method\":\"a\",\"params\":[]}",
		0, MCP_REQUEST, "-1.5e3"},
	    {"{\"jsonrpc\":\"2.0\",\"method\":\"a\"}", 0, MCP_NOTIFICATION, ""},
	    {"{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":null}", 0, MCP_RESPONSE, "1"},
	    {"{\"jsonrpc\":\"2.0\",\"id\":null,\"error\":{}}", 0, MCP_RESPONSE, "null"},
	    {"", MCP_PARSE_ERROR, 0, ""},
	    {"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"a\"", MCP_PARSE_ERROR, 0, ""},
	    {"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"a\xff\"}", MCP_PARSE_ERROR, 0, ""},
	    {"[{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"a\"}]", MCP_INVALID_REQUEST, 0, ""},
	    {"null", MCP_INVALID_REQUEST, 0, ""},
	    {"{\"jsonrpc\":2.0,\"id\":1,\"method\":\"a\"}", MCP_INVALID_REQUEST, 0, ""},
	    {"{\"jsonrpc\":\"2.0\",\"id\":1}", MCP_INVALID_REQUEST, 0, "1"},
	    {"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":1}", MCP_INVALID_REQUEST, 0, "1"},
	    {"{\"jsonrpc\":\"2.0\",\"id\":null,\"method\":\"a\"}", MCP_INVALID_REQUEST, 0, ""},
	    {"{\"jsonrpc\":\"2.0\",\"id\":{},\"method\":\"a\"}", MCP_INVALID_REQUEST, 0, ""},
	    {"{\"jsonrpc\":\"2.0\",\"id\":true,\"method\":\"a\"}", MCP_INVALID_REQUEST, 0, ""},
	    {"{\"jsonrpc\":\"2.0\",\"id\":1,\"id\":1,\"method\":\"a\"}", MCP_INVALID_REQUEST, 0,
		""},
	    {"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"a\",\"params\":1}",
		MCP_INVALID_REQUEST, 0, "1"},
	    {"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"a\",\"result\":1}",
		MCP_INVALID_REQUEST, 0, "1"},
	    {"{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":1,\"error\":{}}", MCP_INVALID_REQUEST, 0,
		"1"},
	    {"{\"jsonrpc\":\"2.0\",\"result\":1}", MCP_INVALID_REQUEST, 0, ""},
	    {"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"a\",\"params\":{\"name\":\"b\","
	     "\"nam\\u0065\":\"c\"}}",
		MCP_INVALID_REQUEST, 0, "1"},
	    {"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"a\",\"params\":{\"_meta\":{"
	     "\"progressToken\":1,\"progressToken\":2}}}",
		MCP_INVALID_REQUEST, 0, "1"},
	    /* To readers that ignore case, these have another ID or token. */
	    {"{\"jsonrpc\":\"2.0\",\"ID\":1,\"method\":\"a\"}", MCP_INVALID_REQUEST, 0, ""},
	    {"{\"jsonrpc\":\"2.0\",\"id\":1,\"i\\u0044\":7,\"method\":\"a\"}",
		MCP_INVALID_REQUEST, 0, ""},
	    {"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"a\",\"param\xc5\xbf\":{}}",
		MCP_INVALID_REQUEST, 0, ""},
	    {"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"a\",\"params\":{\"_Meta\":{}}}",
		MCP_INVALID_REQUEST, 0, "1"},
	    {"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"a\",\"params\":{\"_meta\":{"
	     "\"progressto\\u212Aen\":7}}}",
		MCP_INVALID_REQUEST, 0, "1"},
	    {"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"a\",\"params\":{\"Name\":1,\"Id\":2}}",
		0, MCP_REQUEST, "1"},
	    {"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"a\",\"params\":{\"_meta\":{"
	     "\"progressToken\":[1]}}}",
		MCP_INVALID_REQUEST, 0, "1"},
	    {"{\"jsonrpc\":\"2.0\",\"method\":\"a\",\"params\":{\"progressToken\":[1]}}", 0,
		MCP_NOTIFICATION, ""},
	};
	struct mcp_message m;
	const char *why;

	(void)state;
	for (size_t i = 0; i < UTIL_LEN(rows); i++) {
		assert_int_equal(
		    mcp_message_read(span_of(rows[i].text), &m, &why), rows[i].code);
		assert_true(span_equal(m.id, span_of(rows[i].id)));
		if (rows[i].code == 0)
			assert_int_equal(m.kind, rows[i].kind);
		else
			assert_non_null(why);
	}
}

/* Both are kept until the response. */
static void
ids_and_tokens_are_short(void **state)
{
	static const char *const forms[] = {
	    "{\"jsonrpc\":\"2.0\",\"id\":\"%s\",\"method\":\"a\"}",
	    "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"a\",\"params\":{\"_meta\":{"
	    "\"progressToken\":\"%s\"}}}"};
	char text[MCP_ID_MAX + 1], message[MCP_ID_MAX + 256];
	struct mcp_message m;
	const char *why;

	(void)state;
	memset(text, 'x', sizeof(text));
	for (size_t i = 0; i < UTIL_LEN(forms); i++) {
		text[MCP_ID_MAX - 2] = '\0'; /* and its quotes */
		snprintf(message, sizeof(message), forms[i], text);
		assert_int_equal(mcp_message_read(span_of(message), &m, &why), 0);
		text[MCP_ID_MAX - 2] = 'x';
		text[MCP_ID_MAX - 1] = '\0';
		snprintf(message, sizeof(message), forms[i], text);
		assert_int_equal(
		    mcp_message_read(span_of(message), &m, &why), MCP_INVALID_REQUEST);
	}
}

static void
spans_are_replaced_in_their_order(void **state)
{
	static const char text[] = " {\"params\":{\"_meta\":{\"progressToken\":\"t\"}},\r\n"
				   "\"id\":\"a\",\"jsonrpc\":\"2.0\",\"method\":\"m\\n\"} ";
	static const char wanted[] = "{\"params\":{\"_meta\":{\"progressToken\":7}},  "
				     "\"id\":8,\"jsonrpc\":\"2.0\",\"method\":\"m\\n\"}";
	struct buffer out = {0};
	struct mcp_message m;
	const char *why;

	(void)state;
	assert_int_equal(mcp_message_read(SPAN(text), &m, &why), 0);
	assert_true(mcp_message_put(&out, &m,
	    (const struct mcp_edit[]){
		{m.id, SPAN("8")}, {m.subscription, SPAN("9")}, {m.token, SPAN("7")}},
	    3));
	assert_true(span_equal(
	    (struct span){(char *)buffer_data(&out), buffer_len(&out)}, SPAN(wanted)));
	buffer_clear(&out);
}

static void
only_our_numbers_are_numbers(void **state)
{
	static const char *const others[] = {"", "0", "-1", "1.0", "1e3", "\"1\"", "null", "+1",
	    "9223372036854775808", "99999999999999999999999"};

	(void)state;
	assert_int_equal(mcp_message_number(SPAN("1")), 1);
	assert_int_equal(mcp_message_number(SPAN("9223372036854775807")), INT64_MAX);
	for (size_t i = 0; i < UTIL_LEN(others); i++)
		assert_int_equal(mcp_message_number(span_of(others[i])), 0);
}

static void
errors_are_responses(void **state)
{
	struct buffer out = {0};
	struct mcp_message m;
	const char *why;

	(void)state;
	assert_true(mcp_message_put_error(&out, SPAN("\"a\""), -32022, "a \"b\"\n", "[1]"));
	assert_int_equal(
	    mcp_message_read(
		(struct span){(char *)buffer_data(&out), buffer_len(&out)}, &m, &why),
	    0);
	assert_int_equal(m.kind, MCP_RESPONSE);
	assert_int_equal(mcp_message_code(&m), -32022);
	buffer_clear(&out);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(messages_are_classified),
	    cmocka_unit_test(ids_and_tokens_are_short),
	    cmocka_unit_test(spans_are_replaced_in_their_order),
	    cmocka_unit_test(only_our_numbers_are_numbers),
	    cmocka_unit_test(errors_are_responses),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
