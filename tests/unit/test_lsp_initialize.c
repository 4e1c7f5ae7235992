/* SPDX-License-Identifier: BSD-2-Clause */
/* Which requests begin a session of the Language Server Protocol, and where their process ID
 * is. */
#include "framing/lsp_initialize.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* What is found in a block of exactly the size of TEXT: where it is, or -1: no such request. */
static long
find(const char *text, size_t len, size_t *id_len)
{
	char *copy = malloc(len ? len : 1);
	struct span id;
	long at = -1;

	assert_non_null(copy);
	memcpy(copy, text, len);
	if (lsp_initialize_find((struct span){copy, len}, &id))
		at = id.len > 0 ? id.data - copy : 0;
	*id_len = id.len;
	free(copy);
	return at;
}

static void
requests(void **state)
{
	/* The bytes between '<' and '>', which are not part of the message, are found. */
	static const char *const found[] = {
	    "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"initialize\",\"params\":{\"processId\":"
	    "<1234>}}",
	    "{\"params\":{\"capabilities\":{},\"processId\":<1>,\"rootUri\":null},\"method\":"
	    "\"initialize\"}",
	    " {\n\t\"method\" : \"initialize\" ,\r\n \"params\" : { \"processId\" : <-7> } } "
	    "\n",
	    "{\"method\":\"initialize\",\"params\":{\"a\":[{\"processId\":1},\"}\"],"
	    "\"processId\":<2>,\"b\":{\"processId\":3}}}",
	    "{\"method\":\"initialize\",\"params\":{\"x\":\"\\\"processId\\\":9\","
	    "\"processId\":<12345678901>}}",
	    "{\"method\":\"initialize\",\"params\":{\"processId\":5,\"processId\":<6>}}",
	    "{\"x\":{\"method\":\"other\"},\"processId\":1,\"method\":\"initialize\","
	    "\"params\":{\"processId\":<1.0e3>}}",
	};
	static const char *const without[] = {
	    "{\"method\":\"initialize\",\"params\":{}}",
	    "{\"method\":\"initialize\",\"params\":{\"processId\":null}}",
	    "{\"method\":\"initialize\",\"params\":{\"processId\":\"12\"}}",
	    "{\"method\":\"initialize\",\"params\":{\"processid\":12}}",
	    "{\"method\":\"initialize\",\"params\":{\"x\":{\"processId\":12}}}",
	    "{\"method\":\"initialize\",\"params\":[12]}",
	    "{\"method\":\"initialize\",\"params\":null}",
	    "{\"method\":\"initialize\"}",
	};
	static const char *const others[] = {
	    "",
	    " ",
	    "initialize",
	    "\"initialize\"",
	    "12",
	    "[]",
	    "{}",
	    "[{\"method\":\"initialize\",\"params\":{\"processId\":1}}]",
	    "{\"method\":\"initialized\",\"params\":{\"processId\":1}}",
	    "{\"method\":\"Initialize\",\"params\":{\"processId\":1}}",
	    "{\"method\":[\"initialize\"],\"params\":{\"processId\":1}}",
	    "{\"params\":{\"method\":\"initialize\",\"processId\":1}}",
	    "{\"method\":\"initialize\",\"method\":\"shutdown\",\"params\":{\"processId\":1}}",
	    /* no JSON */
	    "{\"method\":\"initialize\",\"params\":{\"processId\":1}",
	    "{\"method\":\"initialize\" \"params\":{\"processId\":1}}",
	    "{\"method\" \"initialize\",\"params\":{\"processId\":1}}",
	    "{\"method\":\"initialize\",\"params\":{\"processId\":1}}x",
	    "{\"method\":\"initialize\",,\"params\":{\"processId\":1}}",
	    "{method:\"initialize\",\"params\":{\"processId\":1}}",
	    "{\"method\":\"initialize\",\"params\":{\"processId\":1}}{",
	    "{\"method\":\"initialize",
	    "{\"method\":\"initialize\\",
	    "{\"method\":\"initialize\\\"",
	    "{",
	    "{\"",
	    "{\"a\"",
	    "{\"a\":",
	    "{\"a\":[[[[[",
	};
	size_t len;

	(void)state;
	for (size_t i = 0; i < UTIL_LEN(found); i++) {
		char text[256];
		const char *from = strchr(found[i], '<');
		const char *to = strchr(found[i], '>');
		size_t front = (size_t)(from - found[i]);
		size_t size = (size_t)(to - from) - 1;

		memcpy(text, found[i], front);
		memcpy(text + front, from + 1, size);
		strcpy(text + front + size, to + 1);
		assert_int_equal(find(text, strlen(text), &len), front);
		assert_int_equal(len, size);
		/* Cut anywhere it is no request. */
		for (size_t cut = 0; cut < strlen(text) - 2; cut++)
			assert_int_equal(find(text, cut, &len), -1);
	}
	for (size_t i = 0; i < UTIL_LEN(without); i++) {
		assert_int_equal(find(without[i], strlen(without[i]), &len), 0);
		assert_int_equal(len, 0);
	}
	for (size_t i = 0; i < UTIL_LEN(others); i++)
		assert_int_equal(find(others[i], strlen(others[i]), &len), -1);
}

/* It costs no stack. */
static void
nesting(void **state)
{
	enum { DEPTH = 1000000 };
	static const char front[] = "{\"method\":\"initialize\",\"params\":{\"a\":";
	static const char back[] = ",\"processId\":1}}";
	char *text = malloc(sizeof(front) + 2 * DEPTH + sizeof(back));
	size_t len;

	(void)state;
	assert_non_null(text);
	memcpy(text, front, sizeof(front) - 1);
	memset(text + sizeof(front) - 1, '[', DEPTH);
	memset(text + sizeof(front) - 1 + DEPTH, ']', DEPTH);
	strcpy(text + sizeof(front) - 1 + 2 * DEPTH, back);
	assert_int_equal(find(text, strlen(text), &len), sizeof(front) - 1 + 2 * DEPTH + 13);
	assert_int_equal(len, 1);
	free(text);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(requests),
	    cmocka_unit_test(nesting),
	};

	return cmocka_run_group_tests_name("lsp_initialize", tests, NULL, NULL);
}
