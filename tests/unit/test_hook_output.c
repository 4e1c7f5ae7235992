/* SPDX-License-Identifier: BSD-2-Clause */
/* What an --auth-hook may print. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "serve/hook_output.h"

#include <string.h>

static char *taken[] = {"PATH=/bin", "TENANTS=2", NULL};

static void
test_variables(void **state)
{
	struct identity identity;
	char why[HOOK_OUTPUT_WHY_MAX];

	(void)state;
	assert_true(hook_output_parse(
	    SPAN("REMOTE_USER=ann b\n\nTENANT=a=b\nEMPTY=\n_x9=\xc3\xa9\nAUTH_TYPE=SSO"), taken,
	    &identity, why));
	assert_string_equal(identity.user, "ann b");
	assert_string_equal(identity.type, "SSO");
	assert_string_equal(identity.variables[0], "TENANT=a=b");
	assert_string_equal(identity.variables[1], "EMPTY=");
	assert_string_equal(identity.variables[2], "_x9=\xc3\xa9");
	assert_null(identity.variables[3]);
	identity_clear(&identity);
}

static void
test_nothing(void **state)
{
	static const char *const texts[] = {"", "\n", "\n\n"};
	struct identity identity;
	char why[HOOK_OUTPUT_WHY_MAX];

	(void)state;
	for (size_t i = 0; i < UTIL_LEN(texts); i++) {
		assert_true(hook_output_parse(span_of(texts[i]), taken, &identity, why));
		assert_null(identity.user);
		assert_string_equal(identity.type, "");
		identity_clear(&identity);
	}
}

static void
test_what_is_rejected(void **state)
{
	static const char *const lines[] = {"x", "=x", " A=x", "A =x", "1A=x", "A-B=x",
	    "A\xc3\xa9=x", "A=x\r", "A=x\x01", "A=\tx", "A=x\x7f", "A=1\nA=2",
	    "REMOTE_USER=a\nREMOTE_USER=b", "PATH=x", "TENANTS=x", "HTTP_COOKIE=x", "HTTP_X=x",
	    "HTTPS=on", "REMOTE_ADDR=x", "REMOTE_HOST=x", "SERVER_NAME=x", "REQUEST_URI=x",
	    "SCRIPT_NAME=x", "QUERY_STRING=x", "PATH_INFO=x", "CONTENT_LENGTH=1",
	    "GATEWAY_INTERFACE=x", "SSL_CLIENT_S_DN=x", "UNIQUE_ID=x", "TRACEPARENT=x",
	    "SEC_WEBSOCKET_PROTOCOL=x", "LISTEN_FDS=1", "NOTIFY_SOCKET=x", "LD_PRELOAD=x",
	    "LD_LIBRARY_PATH=x", "LD_AUDIT=x", "GLIBC_TUNABLES=x", "BASH_ENV=x",
	    "BASH_FUNC_x=x", "ENV=x", "IFS=x", "PYTHONPATH=x", "PERL5OPT=x", "NODE_OPTIONS=x",
	    "RUBYOPT=x", "JAVA_TOOL_OPTIONS=x", "HOME=x"};
	struct identity identity;
	char why[HOOK_OUTPUT_WHY_MAX];

	(void)state;
	for (size_t i = 0; i < UTIL_LEN(lines); i++) {
		char text[128];

		snprintf(text, sizeof(text), "GOOD=1\n%s\nREMOTE_USER=x", lines[i]);
		if (hook_output_parse(span_of(text), taken, &identity, why))
			fail_msg("accepted: %s", lines[i]);
	}
	assert_false(hook_output_parse((struct span){"A=x\0B=y", 7}, taken, &identity, why));
	/* A value may be a secret. */
	assert_false(hook_output_parse(SPAN("LD_PRELOAD=secret"), taken, &identity, why));
	assert_non_null(strstr(why, "LD_PRELOAD"));
	assert_null(strstr(why, "secret"));
}

static void
test_limits(void **state)
{
	char text[HOOK_OUTPUT_LINES * 8 + 64], why[HOOK_OUTPUT_WHY_MAX];
	struct identity identity;
	size_t len = 0;

	(void)state;
	for (int i = 0; i < HOOK_OUTPUT_LINES; i++)
		len += (size_t)snprintf(text + len, sizeof(text) - len, "A%d=x\n", i);
	assert_true(hook_output_parse((struct span){text, len}, taken, &identity, why));
	identity_clear(&identity);
	strcpy(text + len, "B=x");
	assert_false(hook_output_parse(span_of(text), taken, &identity, why));
	memset(text, 'A', HOOK_OUTPUT_NAME_MAX);
	strcpy(text + HOOK_OUTPUT_NAME_MAX, "=x");
	assert_true(hook_output_parse(span_of(text), taken, &identity, why));
	identity_clear(&identity);
	strcpy(text + HOOK_OUTPUT_NAME_MAX, "A=x");
	assert_false(hook_output_parse(span_of(text), taken, &identity, why));
	/* The name of a type is short. */
	assert_false(hook_output_parse(
	    SPAN("AUTH_TYPE=0123456789012345678901234567890123456789"), taken, &identity, why));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_variables),
	    cmocka_unit_test(test_nothing),
	    cmocka_unit_test(test_what_is_rejected),
	    cmocka_unit_test(test_limits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
