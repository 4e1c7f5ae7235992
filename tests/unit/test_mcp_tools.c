/* SPDX-License-Identifier: BSD-2-Clause */
/* Arguments of tools in the header, and what the program is asked for that. */
#include "base/json_scan.h"
#include "serve/mcp_ask.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define TOOLS                                                                                  \
	"{\"tools\":[{\"name\":\"plain\",\"inputSchema\":{\"properties\":{\"a\":{}}}},"        \
	"{\"name\":\"t\\u0031\",\"inputSchema\":{\"type\":\"object\",\"properties\":{"         \
	"\"region\":{\"type\":\"string\",\"x-mcp-header\":\"Region\"},"                        \
	"\"count\":{\"type\":\"integer\",\"x-mcp-header\":\"Count\"},"                         \
	"\"sure\":{\"x-mcp-header\":\"Sure\",\"type\":\"boolean\"},"                           \
	"\"ratio\":{\"type\":\"number\",\"x-mcp-header\":\"Ratio\"},"                          \
	"\"bad\":{\"type\":\"string\",\"x-mcp-header\":\"a b\"},"                              \
	"\"none\":{\"type\":\"string\",\"x-mcp-header\":\"\"},"                                \
	"\"list\":{\"type\":\"array\",\"items\":{\"type\":\"string\",\"x-mcp-header\":\"L\"}}" \
	","                                                                                    \
	"\"deep\":{\"type\":\"object\",\"properties\":{"                                       \
	"\"er\":{\"type\":\"string\",\"x-mcp-header\":\"Deeper\"}}}}}},"                       \
	"{\"name\":1},7]}"

static int
check(
    const struct mcp_tools *tools, const char *name, const char *arguments, const char *fields)
{
	struct mcp_message m;
	char text[512], bytes[512];
	const char *why = NULL;
	struct head head;
	int code;

	snprintf(text, sizeof(text),
	    "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"tools/call\",\"params\":{"
	    "\"name\":\"%s\"%s%s}}",
	    name, *arguments ? ",\"arguments\":" : "", arguments);
	snprintf(bytes, sizeof(bytes), "POST / HTTP/1.1\r\nHost: a\r\n%s\r\n", fields);
	assert_int_equal(mcp_message_read(span_of(text), &m, &why), 0);
	head_init(&head);
	assert_int_equal(head_parse(&head, bytes, strlen(bytes)), HEAD_DONE);
	code = mcp_tools_check(tools, &head, &m, &why);
	assert_true(code == 0 || why);
	return code;
}

static void
arguments_and_fields_agree(void **state)
{
	static const struct {
		const char *arguments;
		const char *fields;
		bool agree;
	} rows[] = {
	    {"", "", true},
	    {"{}", "", true},
	    {"[]", "", true},
	    {"{}", "Mcp-Param-Region: a\r\n", true},
	    {"{\"region\":null}", "", true},
	    {"{\"region\":\"a\"}", "Mcp-Param-Region: a\r\n", true},
	    {"{\"region\":\"\\u0061\"}", "mcp-param-region: a\r\n", true},
	    {"{\"r\\u0065gion\":\"a\"}", "Mcp-Param-Region: b\r\n", false},
	    {"{\"region\":\"a\"}", "", false},
	    {"{\"region\":\"a\"}", "Mcp-Param-Region: A\r\n", false},
	    {"{\"region\":\"a\"}", "Mcp-Param-Region: a\r\nMcp-Param-Region: a\r\n", false},
	    {"{\"region\":\"a\",\"region\":\"b\"}", "Mcp-Param-Region: b\r\n", false},
	    {"{\"region\":\"\"}", "Mcp-Param-Region:\r\n", true},
	    {"{\"region\":\"a\"}", "Mcp-Param-Region: =?base64?YQ==?=\r\n", true},
	    {"{\"region\":\"a\"}", "Mcp-Param-Region: =?base64?YQ?=\r\n", false},
	    {"{\"region\":\"a\"}", "Mcp-Param-Region: =?base64?Y*==?=\r\n", false},
	    {"{\"region\":\"a\"}", "Mcp-Param-Region: =?BASE64?YQ==?=\r\n", false},
	    {"{\"region\":\"YQ==\"}", "Mcp-Param-Region: YQ==\r\n", true},
	    {"{\"region\":\"\xc3\xa4\"}", "Mcp-Param-Region: =?base64?w6Q=?=\r\n", true},
	    {"{\"region\":\"\xc3\xa4\"}", "Mcp-Param-Region: \xc3\xa4\r\n", false},
	    {"{\"region\":\" a \"}", "Mcp-Param-Region: a\r\n", false},
	    {"{\"region\":\" a \"}", "Mcp-Param-Region: =?base64?IGEg?=\r\n", true},
	    {"{\"region\":\"=?base64?\"}", "Mcp-Param-Region: =?base64?\r\n", true},
	    {"{\"count\":42}", "Mcp-Param-Count: 42\r\n", true},
	    {"{\"count\":42.0}", "Mcp-Param-Count: 42\r\n", true},
	    {"{\"count\":42}", "Mcp-Param-Count: 4.2e1\r\n", true},
	    {"{\"count\":-7}", "Mcp-Param-Count: -7\r\n", true},
	    {"{\"count\":42}", "Mcp-Param-Count: 43\r\n", false},
	    {"{\"count\":42}", "Mcp-Param-Count: 0x2a\r\n", false},
	    {"{\"count\":42}", "Mcp-Param-Count: \"42\"\r\n", false},
	    {"{\"count\":0}", "Mcp-Param-Count: nan\r\n", false},
	    {"{\"count\":9007199254740993}", "Mcp-Param-Count: 9007199254740992\r\n", false},
	    {"{\"count\":9007199254740993}", "Mcp-Param-Count: 9007199254740993\r\n", true},
	    {"{\"count\":1e999}", "Mcp-Param-Count: 2e999\r\n", false},
	    {"{\"sure\":true}", "Mcp-Param-Sure: true\r\n", true},
	    {"{\"sure\":false}", "Mcp-Param-Sure: False\r\n", false},
	    {"{\"sure\":true}", "Mcp-Param-Sure: false\r\n", false},
	    {"{\"deep\":{\"er\":\"a\"}}", "Mcp-Param-Deeper: a\r\n", true},
	    {"{\"deep\":{\"er\":\"a\"}}", "", false},
	    {"{\"deep\":{\"er\":\"a\"},\"deep\":{}}", "", false},
	    {"{\"er\":\"a\"}", "", true},
	    {"{\"deep\":\"a\"}", "", true},
	    {"{\"ratio\":1.5,\"bad\":\"x\",\"none\":\"y\",\"list\":[\"z\"]}", "", true},
	    {"{\"region\":\"a\",\"count\":1}", "Mcp-Param-Count: 1\r\n", false},
	    {"{\"region\":{}}", "", false},
	};
	struct mcp_tools tools;

	(void)state;
	mcp_tools_init(&tools);
	assert_int_equal(check(&tools, "t1", "{\"region\":\"a\"}", ""), 0);
	mcp_tools_learn(&tools, SPAN(TOOLS));
	for (size_t i = 0; i < UTIL_LEN(rows); i++) {
		int code = check(&tools, "t1", rows[i].arguments, rows[i].fields);

		if ((code == 0) != rows[i].agree || (code != 0 && code != MCP_HEADER_MISMATCH))
			fail_msg("%s, %s", rows[i].arguments, rows[i].fields);
	}
	assert_int_equal(check(&tools, "plain", "{\"region\":\"a\"}", ""), 0);
	/* A later definition replaces it. */
	mcp_tools_learn(&tools, SPAN("{\"tools\":[{\"name\":\"t1\"}]}"));
	assert_int_equal(check(&tools, "t1", "{\"region\":\"a\"}", ""), 0);
	mcp_tools_clear(&tools);
}

/* A schema of DEPTH objects, the last of which marks one argument. */
static bool
marks_at(int depth)
{
	struct buffer text = {0}, arguments = {0};
	struct mcp_tools tools;
	bool marks;

	mcp_tools_init(&tools);
	assert_true(buffer_append(&text, "{\"tools\":[{\"name\":\"t\",\"inputSchema\":", 36));
	for (int i = 0; i < depth; i++)
		assert_true(buffer_append(&text, "{\"properties\":{\"a\":", 19) &&
			    buffer_append(&arguments, "{\"a\":", 5));
	assert_true(buffer_append(&text, "{\"type\":\"string\",\"x-mcp-header\":\"A\"}", 36));
	assert_true(buffer_append(&arguments, "\"x\"", 3));
	for (int i = 0; i < depth; i++)
		assert_true(buffer_append(&text, "}}", 2) && buffer_append(&arguments, "}", 1));
	assert_true(buffer_append(&text, "}]}", 3) && buffer_append(&arguments, "", 1));
	mcp_tools_learn(&tools, (struct span){(char *)buffer_data(&text), buffer_len(&text)});
	marks = check(&tools, "t", (const char *)buffer_data(&arguments), "") != 0;
	mcp_tools_clear(&tools);
	buffer_clear(&text);
	buffer_clear(&arguments);
	return marks;
}

static void
arguments_may_be_deep(void **state)
{
	(void)state;
	assert_true(marks_at(1));
	assert_true(marks_at(50));
}

static bool
take(struct mcp_ask *ask, const char *response, uint64_t next)
{
	struct mcp_message m;
	const char *why;

	assert_int_equal(mcp_message_read(span_of(response), &m, &why), 0);
	return mcp_ask_take(ask, &m, next);
}

#define RESULT(text) "{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":" text "}"
#define VERSIONS "\"supportedVersions\":[\"2025-11-25\",\"" MCP_STATELESS "\"]"

static void
all_pages_of_tools_are_asked_for(void **state)
{
	struct mcp_ask ask = {0};
	struct mcp_message m;
	const char *why;
	uint8_t *end;

	(void)state;
	mcp_tools_init(&ask.tools);
	assert_true(mcp_ask_begin(&ask, 1));
	assert_true(take(&ask, RESULT("{" VERSIONS ",\"capabilities\":{\"tools\":{}}}"), 2));
	buffer_clear(&ask.lines);
	assert_true(take(&ask, RESULT("{\"tools\":[],\"nextCursor\":\"a\\n\"}"), 3));
	assert_int_equal(ask.number, 3);
	end = memchr(buffer_data(&ask.lines), '\n', buffer_len(&ask.lines));
	assert_ptr_equal(end + 1, buffer_data(&ask.lines) + buffer_len(&ask.lines));
	assert_int_equal(mcp_message_read((struct span){(char *)buffer_data(&ask.lines),
					      buffer_len(&ask.lines)},
			     &m, &why),
	    0);
	assert_true(mcp_message_is(&m, "tools/list"));
	assert_true(json_is_text(m.version, SPAN(MCP_STATELESS)));
	assert_non_null(memmem(m.params.data, m.params.len, "\"cursor\":\"a\\n\"", 14));
	assert_false(take(&ask, RESULT(TOOLS), 4));
	assert_int_equal(check(&ask.tools, "t1", "{\"count\":1}", ""), MCP_HEADER_MISMATCH);
	mcp_ask_clear(&ask);
}

static void
a_cursor_without_end_ends(void **state)
{
	struct mcp_ask ask = {0};
	uint64_t number = 1;

	(void)state;
	mcp_tools_init(&ask.tools);
	assert_true(mcp_ask_begin(&ask, number));
	assert_true(
	    take(&ask, RESULT("{" VERSIONS ",\"capabilities\":{\"tools\":{}}}"), ++number));
	while (take(&ask, RESULT("{\"nextCursor\":\"a\"}"), ++number))
		buffer_clear(&ask.lines);
	assert_int_equal(number, MCP_PAGES_MAX + 2);
	mcp_ask_clear(&ask);
}

static void
what_has_no_tools_is_not_asked(void **state)
{
	static const struct {
		const char *response;
		unsigned int pages;
	} rows[] = {
	    {RESULT("{" VERSIONS "}"), 1},
	    {RESULT("{" VERSIONS ",\"capabilities\":{\"tools\":null}}"), 1},
	    {RESULT("{\"supportedVersions\":[\"2025-11-25\"]}"), 0},
	    {RESULT("null"), 0},
	    {"{\"jsonrpc\":\"2.0\",\"id\":1,\"error\":{}}", 0},
	};

	(void)state;
	for (size_t i = 0; i < UTIL_LEN(rows); i++) {
		struct mcp_ask ask = {0};

		mcp_tools_init(&ask.tools);
		assert_true(mcp_ask_begin(&ask, 1));
		assert_false(take(&ask, rows[i].response, 2));
		assert_int_equal(ask.pages, rows[i].pages);
		mcp_ask_clear(&ask);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(arguments_and_fields_agree),
	    cmocka_unit_test(arguments_may_be_deep),
	    cmocka_unit_test(all_pages_of_tools_are_asked_for),
	    cmocka_unit_test(a_cursor_without_end_ends),
	    cmocka_unit_test(what_has_no_tools_is_not_asked),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
