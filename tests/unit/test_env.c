/* SPDX-License-Identifier: BSD-2-Clause */
/* The environment of a program. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "script_request.h"
#include "serve/env_pass.h"

static char *no_env[] = {NULL};

static const struct endpoint_script script = {
    .program = (char *)"/bin/x", .script_name = (char *)"/x", .path_info = (char *)"/y z"};

/* The value of NAME, or NULL; a name is there once. */
static const char *
value_of(char *const *env, const char *name)
{
	const char *value = NULL;
	size_t len = strlen(name);

	for (; *env; env++) {
		if (strncmp(*env, name, len) == 0 && (*env)[len] == '=') {
			assert_null(value);
			value = *env + len + 1;
		}
	}
	return value;
}

static void
assert_value(char *const *env, const char *name, const char *wanted)
{
	const char *value = value_of(env, name);

	if (!value || strcmp(value, wanted) != 0)
		fail_msg("%s is %s, not %s", name, value ? value : "not set", wanted);
}

static void
test_a_request_becomes_the_variables_of_cgi(void **state)
{
	static const struct {
		const char *name;
		const char *value;
	} rows[] = {{"REMOTE_ADDR", "192.0.2.7"}, {"REMOTE_HOST", "192.0.2.7"},
	    {"REMOTE_PORT", "4711"}, {"SERVER_NAME", "example.com"}, {"SERVER_PORT", "80"},
	    {"SERVER_PROTOCOL", "HTTP/1.1"}, {"GATEWAY_INTERFACE", "CGI/1.1"},
	    {"REQUEST_METHOD", "GET"}, {"SCRIPT_NAME", "/x"}, {"PATH_INFO", "/y z"},
	    {"PATH_TRANSLATED", "/x/y z"}, {"QUERY_STRING", "a=%20&b"},
	    {"REQUEST_URI", "/x/y%20z?a=%20&b"}, {"UNIQUE_ID", "42"}, {"AUTH_TYPE", ""},
	    {"CONTENT_LENGTH", ""}, {"CONTENT_TYPE", ""}, {"REMOTE_IDENT", ""},
	    {"REMOTE_USER", ""}, {"HTTP_HOST", "example.com"}, {"HTTP_X_A", "1"},
	    {"LANG", "C"}};
	char *pass[] = {(char *)"LANG=C", NULL};
	struct endpoint endpoint = {.pass_env = pass};
	char text[HEAD_MAX_LINE];
	struct script_request request;
	char **env;

	(void)state;
	script_request(&request, text, "/x/y%20z?a=%20&b", "X-A: 1\r\n");
	env = env_build(&endpoint, &request.facts, &script, "42");
	assert_non_null(env);
	for (size_t i = 0; i < UTIL_LEN(rows); i++)
		assert_value(env, rows[i].name, rows[i].value);
	assert_null(value_of(env, "HTTPS"));
	assert_null(value_of(env, "SSL_CLIENT_VERIFY"));
	assert_null(value_of(env, "SEC_WEBSOCKET_PROTOCOL"));
	free(env);
}

static void
test_tls_and_the_subprotocol_have_variables(void **state)
{
	struct endpoint endpoint = {.pass_env = no_env, .compat = true};
	char text[HEAD_MAX_LINE];
	struct script_request request;
	char **env;

	(void)state;
	script_request(&request, text, "/", "");
	request.facts.secure = true;
	request.facts.subprotocol = SPAN("chat");
	request.client = (struct stream_cert){(char *)"CN=me", (char *)"2A"};
	env = env_build(&endpoint, &request.facts, &script, "42");
	assert_value(env, "HTTPS", "on");
	assert_value(env, "SERVER_PORT", "443");
	assert_value(env, "SSL_CLIENT_VERIFY", "SUCCESS");
	assert_value(env, "SSL_CLIENT_S_DN", "CN=me");
	assert_value(env, "SSL_CLIENT_SERIAL", "2A");
	assert_value(env, "SEC_WEBSOCKET_PROTOCOL", "chat");
	assert_memory_equal(value_of(env, "SERVER_SOFTWARE"), "websocketd/", 11);
	free(env);
}

static void
test_only_harmless_header_fields_pass(void **state)
{
	static const char fields[] = "Proxy: http://evil\r\nContent-Type: text/x\r\n"
				     "X_A: underscore\r\nX-B: 1\r\nx-b: 2\r\n"
				     "Cookie: a=1\r\nCookie: b=2\r\n"
				     "Authorization: secret\r\nProxy-Authorization: secret\r\n";
	struct endpoint endpoint = {.pass_env = no_env};
	char text[HEAD_MAX_LINE];
	struct script_request request;
	char **env;

	(void)state;
	script_request(&request, text, "/", fields);
	env = env_build(&endpoint, &request.facts, &script, "42");
	assert_null(value_of(env, "HTTP_PROXY"));
	assert_null(value_of(env, "HTTP_CONTENT_TYPE"));
	assert_null(value_of(env, "HTTP_X_A"));
	assert_null(value_of(env, "HTTP_AUTHORIZATION"));
	assert_null(value_of(env, "HTTP_PROXY_AUTHORIZATION"));
	assert_value(env, "CONTENT_TYPE", "");
	assert_value(env, "HTTP_X_B", "1, 2");
	assert_value(env, "HTTP_COOKIE", "a=1; b=2");
	free(env);
	endpoint.pass_auth = true;
	env = env_build(&endpoint, &request.facts, &script, "42");
	assert_value(env, "HTTP_AUTHORIZATION", "secret");
	assert_value(env, "HTTP_PROXY_AUTHORIZATION", "secret");
	free(env);
}

static void
test_the_trace_has_variables(void **state)
{
	static const char given[] = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-00";
	static const struct {
		const char *fields;
		const char *parent; /* NULL: a new one */
		const char *trace_state;
	} rows[] = {
	    {"Traceparent: 00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-00\r\n"
	     "Tracestate: a=1\r\nTracestate:\r\nTracestate: b=2\r\n",
		given, "a=1,b=2"},
	    {"Traceparent: 00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-00\r\n", given,
		NULL},
	    {"Traceparent: 00-1\r\nTracestate: a=1\r\n", NULL, NULL},
	    {"", NULL, NULL},
	};
	char made[UTIL_LEN(rows)][TRACE_PARENT_LEN + 1];

	(void)state;
	for (size_t i = 0; i < UTIL_LEN(rows); i++) {
		struct endpoint endpoint = {.pass_env = no_env};
		char text[HEAD_MAX_LINE];
		struct script_request request;
		char **env;

		script_request(&request, text, "/", rows[i].fields);
		request.facts.traceparent = made[i];
		assert_true(env_make_traceparent(&request.head, made[i]));
		env = env_build(&endpoint, &request.facts, &script, "42");
		assert_value(env, "TRACEPARENT", rows[i].parent ? rows[i].parent : made[i]);
		if (rows[i].trace_state)
			assert_value(env, "TRACESTATE", rows[i].trace_state);
		else
			assert_null(value_of(env, "TRACESTATE"));
		free(env);
		endpoint.compat = true;
		env = env_build(&endpoint, &request.facts, &script, "42");
		assert_null(value_of(env, "TRACEPARENT"));
		free(env);
	}
	assert_string_not_equal(made[2], made[3]);
}

static void
test_passenv_picks_by_name(void **state)
{
	static char *const from[] = {(char *)"HOME=/home/me", (char *)"LC_ALL=C",
	    (char *)"LC_TIME=a\nb", (char *)"EMPTY=", (char *)"HTTPS=on",
	    (char *)"NOTIFY_SOCKET=/x", (char *)"HTTP_X=1", (char *)"HOMER=no", NULL};
	static char *const names[] = {(char *)"LC_*", (char *)"HOME", (char *)"HOME",
	    (char *)"EMPTY", (char *)"NONE", (char *)"H*", (char *)"NOTIFY_SOCKET"};
	char **env = env_pass_pick(from, names, UTIL_LEN(names));

	(void)state;
	assert_non_null(env);
	assert_string_equal(env[0], "LC_ALL=C");
	assert_string_equal(env[1], "LC_TIME=a b");
	assert_string_equal(env[2], "HOME=/home/me");
	assert_string_equal(env[3], "HOMER=no");
	assert_null(env[4]);
	free(env);
	assert_string_equal(env_pass_why_not(from, "NONE"), "is not set");
	assert_string_equal(env_pass_why_not(from, "HTTPS"), "is reserved");
	assert_null(env_pass_why_not(from, "LC_*"));
}

static void
test_unique_ids_differ(void **state)
{
	char ids[100][ENV_UNIQUE_ID_LEN + 1];

	(void)state;
	for (size_t i = 0; i < UTIL_LEN(ids); i++) {
		assert_true(env_make_unique_id(ids[i]));
		assert_int_equal(strspn(ids[i], "0123456789abcdef"), ENV_UNIQUE_ID_LEN);
		for (size_t k = 0; k < i; k++)
			assert_string_not_equal(ids[i], ids[k]);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_a_request_becomes_the_variables_of_cgi),
	    cmocka_unit_test(test_tls_and_the_subprotocol_have_variables),
	    cmocka_unit_test(test_only_harmless_header_fields_pass),
	    cmocka_unit_test(test_the_trace_has_variables),
	    cmocka_unit_test(test_passenv_picks_by_name),
	    cmocka_unit_test(test_unique_ids_differ),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
