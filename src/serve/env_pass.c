/* SPDX-License-Identifier: BSD-2-Clause */
/* Selects the variables that may be passed. */
#include "serve/env_pass.h"

#include "serve/env_block.h"

#include <string.h>

/* Reports whether NAME matches PATTERN, in which a '*' at the end matches any suffix. */
static bool
env_pass_matches(const char *pattern, struct span name)
{
	size_t len = strlen(pattern);

	if (len > 0 && pattern[len - 1] == '*')
		return name.len >= len - 1 && memcmp(name.data, pattern, len - 1) == 0;
	return span_equal(name, span_of(pattern));
}

/* Reports whether NAME is a variable that programs must be able to trust, or that belongs to
 * the server and its service manager. */
static bool
env_pass_is_reserved(struct span name)
{
	static const char *const patterns[] = {"HTTP_*", "HTTPS", "SERVER_*", "REMOTE_*",
	    "REQUEST_*", "SCRIPT_NAME", "PATH_INFO", "PATH_TRANSLATED", "QUERY_STRING",
	    "GATEWAY_INTERFACE", "AUTH_TYPE", "CONTENT_*", "SEC_WEBSOCKET_*", "SSL_CLIENT_*",
	    "WSPIPE_SHARED", "UNIQUE_ID", "TRACEPARENT", "TRACESTATE", "NOTIFY_SOCKET",
	    "LISTEN_*", "WATCHDOG_*"};

	for (size_t i = 0; i < UTIL_LEN(patterns); i++) {
		if (env_pass_matches(patterns[i], name))
			return true;
	}
	return false;
}

bool
env_pass_may_set(struct span name)
{
	/* Variables that change how a program is loaded or interpreted. */
	static const char *const patterns[] = {"LD_*", "GLIBC_*", "MALLOC_*", "GCONV_PATH",
	    "GETCONF_DIR", "HOSTALIASES", "LOCALDOMAIN", "LOCPATH", "NLSPATH", "NIS_PATH",
	    "RES_OPTIONS", "RESOLV_*", "TZDIR", "PATH", "HOME", "SHELL", "TMPDIR", "IFS", "ENV",
	    "BASH*", "CDPATH", "GLOBIGNORE", "PROMPT_COMMAND", "PS1", "PS2", "PS4", "SHELLOPTS",
	    "ZDOTDIR", "FPATH", "PYTHON*", "PERL*", "RUBY*", "GEM_*", "BUNDLE_*", "NODE_*",
	    "NPM_*", "LUA_*", "JAVA_*", "JDK_*", "_JAVA_*", "CLASSPATH", "PHP*", "TCL*", "AWK*",
	    "GUILE_*", "ERL_*", "R_*", "JULIA_*", "DOTNET_*", "CORECLR_*", "GIT_*", "OPENSSL_*",
	    "SSL_CERT_*", "SSLKEYLOGFILE", "EDITOR", "VISUAL", "PAGER", "LESS*"};

	if (span_equal(name, SPAN("REMOTE_USER")) || span_equal(name, SPAN("AUTH_TYPE")))
		return true;
	for (size_t i = 0; i < UTIL_LEN(patterns); i++) {
		if (env_pass_matches(patterns[i], name))
			return false;
	}
	return !env_pass_is_reserved(name);
}

/* Returns the name in a "NAME=value" string. */
static struct span
env_pass_name(const char *entry)
{
	return (struct span){entry, strcspn(entry, "=")};
}

/* Reports whether the variable NAME is already set. */
static bool
env_pass_has(const struct env_block *env, struct span name)
{
	const char *text = (const char *)buffer_data(&env->strings);

	for (size_t i = 0; i < env->count; i++) {
		if (span_equal(env_pass_name(text), name))
			return true;
		text += strlen(text) + 1;
	}
	return false;
}

/* Adds a variable of the server's own environment unless it is already set, empty or
 * reserved. */
static void
env_pass_put(struct env_block *env, const char *entry)
{
	struct span name = env_pass_name(entry);
	struct span value = span_trim(span_of(entry + name.len + 1));
	size_t start = buffer_len(&env->strings);

	if (value.len == 0 || env_pass_is_reserved(name) || env_pass_has(env, name))
		return;
	env_block_put(env, name, value);
	for (size_t i = start; i < buffer_len(&env->strings); i++) {
		uint8_t *c = buffer_data(&env->strings) + i;

		if (*c == '\n' || *c == '\r')
			*c = ' ';
	}
}

char **
env_pass_pick(char *const *from, char *const *names, size_t count)
{
	struct env_block env = {0};

	for (size_t i = 0; i < count; i++) {
		for (char *const *entry = from; *entry; entry++) {
			if (strchr(*entry, '=') &&
			    env_pass_matches(names[i], env_pass_name(*entry)))
				env_pass_put(&env, *entry);
		}
	}
	return env_block_finish(&env);
}

const char *
env_pass_why_not(char *const *from, const char *name)
{
	if (env_pass_is_reserved(span_of(name)))
		return "is reserved";
	for (; *from; from++) {
		if (strchr(*from, '=') && env_pass_matches(name, env_pass_name(*from)))
			return NULL;
	}
	return "is not set";
}
