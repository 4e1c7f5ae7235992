/* SPDX-License-Identifier: BSD-2-Clause */
/* The environment of a program. */
#include "serve/env.h"

#include "base/buffer.h"
#include "config.h"
#include "http/credentials.h"
#include "net/listener.h"
#include "serve/access.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/random.h>

enum {
	ENV_USUAL = 2048, /* bytes of an environment that are there from the start */
	ENV_RANDOM = 256, /* random bytes that are fetched at a time; of more, a signal may cut
			     it short */
};

/* An environment that grows: strings in a row, each with its NUL. */
struct env {
	struct buffer strings;
	size_t count;
	bool failed;
};

static void
env_put_bytes(struct env *env, struct span bytes)
{
	if (!buffer_append(&env->strings, bytes.data, bytes.len))
		env->failed = true;
}

static void
env_end(struct env *env)
{
	if (!buffer_append(&env->strings, "", 1))
		env->failed = true;
	env->count++;
}

static void
env_put(struct env *env, struct span name, struct span value)
{
	size_t len = name.len + 1 + value.len + 1;
	uint8_t *to = buffer_reserve(&env->strings, len);

	if (!to) {
		env->failed = true;
		return;
	}
	memcpy(to, name.data, name.len);
	to += name.len;
	*to++ = '=';
	if (value.len > 0)
		memcpy(to, value.data, value.len);
	to[value.len] = '\0';
	buffer_commit(&env->strings, len);
	env->count++;
}

/* VALUE is not negative. */
static void
env_put_number(struct env *env, struct span name, int64_t value)
{
	char text[UTIL_NUMBER_MAX];
	const char *end = util_put_number(text, (uint64_t)value, 1);

	env_put(env, name, (struct span){text, (size_t)(end - text)});
}

/* Makes one block of it: the array of pointers, and after it the strings. */
static char **
env_finish(struct env *env)
{
	size_t bytes = buffer_len(&env->strings);
	size_t table = (env->count + 1) * sizeof(char *);
	char **block = env->failed ? NULL : calloc(1, table + bytes);

	if (block) {
		char *text = (char *)block + table;
		const char *end = text + bytes;
		bool bad = false;

		if (bytes > 0) {
			memcpy(text, buffer_data(&env->strings), bytes);
			bad = memchr(text, '\n', bytes) || memchr(text, '\r', bytes);
		}
		for (size_t i = 0; i < env->count; i++) {
			block[i] = text;
			text += strlen(text) + 1;
		}
		/* The head parser let no such byte through; checked again, where it would do
		 * harm. A NUL within a value makes two of it. */
		if (bad || text != end) {
			free(block);
			block = NULL;
		}
	}
	buffer_clear(&env->strings);
	return block;
}

/* The name of a header field as that of a variable: RFC 3875, section 4.1.18. */
static void
env_put_field_name(struct env *env, struct span name)
{
	static const char prefix[] = {'H', 'T', 'T', 'P', '_'};
	uint8_t *to = buffer_reserve(&env->strings, sizeof(prefix) + name.len + 1);

	if (!to) {
		env->failed = true;
		return;
	}
	memcpy(to, prefix, sizeof(prefix));
	to += sizeof(prefix);
	/* They are letters, digits and '-': env_field_passes(). */
	for (size_t i = 0; i < name.len; i++) {
		char c = name.data[i];

		if (c >= 'a' && c <= 'z')
			c = (char)(c - 'a' + 'A');
		else if (c == '-')
			c = '_';
		*to++ = (uint8_t)c;
	}
	*to = '=';
	buffer_commit(&env->strings, sizeof(prefix) + name.len + 1);
}

/* What of a request reaches no variable. */
struct env_secrets {
	bool on; /* the endpoint accepts tokens */
	bool hook; /* it is for --auth-hook, which needs Authorization */
	struct span tokens[CREDENTIALS_TOKENS_MAX]; /* those that are valid */
	size_t count;
	char room[CREDENTIALS_TOKEN_MAX];
};

static void
env_find_secrets(
    struct env_secrets *secrets, const struct access *access, const struct env_request *request)
{
	size_t found;

	secrets->on = access && access->tokens;
	secrets->hook = request->hook;
	secrets->count = 0;
	if (!secrets->on)
		return;
	found = credentials_tokens(
	    request->head, request->uri->query, secrets->tokens, secrets->room);
	for (size_t i = 0; i < found; i++) {
		if (tokens_find(access->tokens, secrets->tokens[i], NULL))
			secrets->tokens[secrets->count++] = secrets->tokens[i];
	}
}

typedef size_t env_hide(char *text, size_t len);

/* Removes a token from the value that begins at START and is not ended yet. False: nothing is
 * left of it, or it contains a token where none is expected. */
static bool
env_hide_value(struct env *env, const struct env_secrets *secrets, size_t start, env_hide *hide)
{
	size_t len = buffer_len(&env->strings) - start;
	char *text;

	if (!secrets->on || len == 0)
		return true;
	text = (char *)buffer_data(&env->strings) + start;
	if (hide)
		len = hide(text, len);
	for (size_t i = 0; i < secrets->count && len > 0; i++) {
		if (credentials_contain((struct span){text, len}, secrets->tokens[i]))
			len = 0;
	}
	buffer_cut(&env->strings, start + len);
	return len > 0;
}

/* A variable, NAME with its '=', without a token. */
static void
env_put_hidden(struct env *env, const struct env_secrets *secrets, struct span name,
    struct span value, env_hide *hide)
{
	size_t start;

	env_put_bytes(env, name);
	start = buffer_len(&env->strings);
	env_put_bytes(env, value);
	if (!env->failed)
		(void)env_hide_value(env, secrets, start, hide);
	env_end(env);
}

static bool
env_shows_authorization(const struct env_secrets *secrets, struct span name)
{
	return secrets->hook && span_equal_nocase(name, SPAN("Authorization"));
}

/* Whether all of a field is a token. */
static bool
env_is_secret(const struct env_secrets *secrets, struct head_field field)
{
	struct span token;

	return secrets->on && span_equal_nocase(field.name, SPAN("Authorization")) &&
	       credentials_bearer(field.value, &token);
}

/* How a token is removed from a field; NULL: it has no place for one. */
static env_hide *
env_hides_field(struct span name)
{
	static const struct {
		const char *name;
		env_hide *hide;
	} rows[] = {
	    {"Cookie", credentials_hide_cookie},
	    {"Referer", credentials_hide_url},
	    {"Sec-WebSocket-Protocol", credentials_hide_protocol},
	};

	for (size_t i = 0; i < UTIL_LEN(rows); i++) {
		if (span_equal_nocase(name, span_of(rows[i].name)))
			return rows[i].hide;
	}
	return NULL;
}

static bool
env_field_passes(const struct endpoint *endpoint, struct span name)
{
	static const char *const never[] = {
	    "Proxy", "Content-Length", "Content-Type", "Transfer-Encoding"};
	static const char *const secrets[] = {"Authorization", "Proxy-Authorization"};

	for (size_t i = 0; i < name.len; i++) {
		unsigned char c = (unsigned char)name.data[i];

		if (!util_is_alpha(c) && !util_is_digit(c) && c != '-')
			return false;
	}
	for (size_t i = 0; i < UTIL_LEN(never); i++) {
		if (span_equal_nocase(name, span_of(never[i])))
			return false;
	}
	for (size_t i = 0; i < UTIL_LEN(secrets) && !endpoint->pass_auth; i++) {
		if (span_equal_nocase(name, span_of(secrets[i])))
			return false;
	}
	return !endpoint->access || !access_drops_field(endpoint->access, name);
}

/* The order of two fields, given by their numbers: equal names are neighbours, in the order of
 * the request. */
static int
env_compare_fields(const void *a, const void *b, void *head)
{
	uint8_t i = *(const uint8_t *)a;
	uint8_t j = *(const uint8_t *)b;
	struct span x = head_field(head, i).name;
	struct span y = head_field(head, j).name;
	int order = (x.len > y.len) - (x.len < y.len);

	if (order == 0)
		order = strncasecmp(x.data, y.data, x.len);
	return order != 0 ? order : i - j;
}

/* One variable for each name; repeated fields are joined (RFC 3875, section 4.1.18; cookies:
 * RFC 6265, section 5.4). Sorting finds them without comparing each field with all others. */
static void
env_put_fields(struct env *env, const struct env_secrets *secrets,
    const struct endpoint *endpoint, const struct head *head)
{
	uint8_t sorted[HEAD_MAX_FIELDS];
	size_t count = head_field_count(head);
	size_t next;

	for (size_t i = 0; i < count; i++)
		sorted[i] = (uint8_t)i;
	qsort_r(sorted, count, sizeof(sorted[0]), env_compare_fields, (void *)(uintptr_t)head);
	for (size_t i = 0; i < count; i = next) {
		struct span name = head_field(head, sorted[i]).name;
		struct span joint =
		    span_equal_nocase(name, SPAN("Cookie")) ? SPAN("; ") : SPAN(", ");
		bool shown = env_shows_authorization(secrets, name);
		bool passes =
		    shown || (env_field_passes(endpoint, name) &&
				 !env_is_secret(secrets, head_field(head, sorted[i])));
		size_t start = buffer_len(&env->strings);

		if (passes) {
			env_put_field_name(env, name);
			env_put_bytes(env, head_field(head, sorted[i]).value);
		}
		for (next = i + 1; next < count &&
				   span_equal_nocase(name, head_field(head, sorted[next]).name);
		     next++) {
			if (!passes)
				continue;
			env_put_bytes(env, joint);
			env_put_bytes(env, head_field(head, sorted[next]).value);
		}
		if (!passes || env->failed)
			continue;
		if (shown ||
		    env_hide_value(env, secrets, start + sizeof("HTTP_") - 1 + name.len + 1,
			env_hides_field(name)))
			env_end(env);
		else
			buffer_cut(&env->strings, start);
	}
}

/* NULL when the system has none. */
static const unsigned char *
env_random(size_t count)
{
	/* Taken from the system for several sessions at once. No process is forked that has
	 * some left: one that forks serves nobody. */
	static unsigned char random[ENV_RANDOM];
	static size_t left;

	if (left < count) {
		if (getrandom(random, sizeof(random), 0) != (ssize_t)sizeof(random))
			return NULL;
		left = sizeof(random);
	}
	left -= count;
	return random + left;
}

bool
env_make_unique_id(char out[ENV_UNIQUE_ID_LEN + 1])
{
	static const char digits[] = "0123456789abcdef";
	const unsigned char *random = env_random(ENV_UNIQUE_ID_LEN / 2);

	for (size_t i = 0; random && i < ENV_UNIQUE_ID_LEN; i += 2) {
		out[i] = digits[random[i / 2] >> 4];
		out[i + 1] = digits[random[i / 2] & 15];
	}
	out[ENV_UNIQUE_ID_LEN] = '\0';
	return random != NULL;
}

bool
env_make_traceparent(const struct head *head, char out[TRACE_PARENT_LEN + 1])
{
	const unsigned char *random;

	if (trace_parent(head, out))
		return true;
	random = env_random(TRACE_RANDOM);
	if (random)
		trace_make_parent(random, out);
	return random != NULL;
}

/* Tracestate belongs to a Traceparent that is valid, and may have several lines (W3C Trace
 * Context, section 3.3). */
static void
env_put_trace(struct env *env, const struct env_request *request)
{
	char own[TRACE_PARENT_LEN + 1];
	size_t count = head_field_count(request->head);
	bool first = true;

	env_put(env, SPAN("TRACEPARENT"), span_of(request->traceparent));
	if (!trace_parent(request->head, own))
		return;
	for (size_t i = 0; i < count; i++) {
		struct head_field field = head_field(request->head, i);

		if (!span_equal_nocase(field.name, SPAN("Tracestate")) || field.value.len == 0)
			continue;
		env_put_bytes(env, first ? SPAN("TRACESTATE=") : SPAN(","));
		env_put_bytes(env, field.value);
		first = false;
	}
	if (!first)
		env_end(env);
}

/* Where the request was sent to: SERVER_NAME and SERVER_PORT are never empty (RFC 3875,
 * sections 4.1.14 and 4.1.15). */
static void
env_put_server(struct env *env, const struct env_request *request)
{
	struct uri_authority host;
	int port = request->secure ? 443 : 80;

	if (!uri_parse_authority(request->host, &host)) {
		env_put(env, SPAN("SERVER_NAME"), SPAN("localhost"));
		env_put_number(env, SPAN("SERVER_PORT"), port);
		return;
	}
	env_put(env, SPAN("SERVER_NAME"), host.host);
	env_put_number(env, SPAN("SERVER_PORT"), host.port != 0 ? host.port : port);
}

/* PATH_INFO as the name of a file (RFC 3875, section 4.1.6): one of the static files, if there
 * are any. WebSocket programs and websocketd's scripts get the decoded path. */
static void
env_put_translated(struct env *env, const struct endpoint *endpoint,
    const struct env_request *request, const struct endpoint_script *script)
{
	if (!request->cgi || endpoint->compat) {
		env_put(env, SPAN("PATH_TRANSLATED"), span_of(request->path));
	} else if (endpoint->files.root != -1 && *script->path_info != '\0') {
		env_put_bytes(env, SPAN("PATH_TRANSLATED="));
		env_put_bytes(env, span_of(endpoint->files.root_path));
		env_put_bytes(env, span_of(script->path_info));
		env_end(env);
	}
}

/* What the request's body is. A CGI script gets no empty value for a length that is not known:
 * RFC 3875, section 4.1.2. */
static void
env_put_content(struct env *env, const struct env_request *request)
{
	struct span type = {0};

	if (!request->cgi) {
		env_put(env, SPAN("CONTENT_LENGTH"), SPAN(""));
		env_put(env, SPAN("CONTENT_TYPE"), SPAN(""));
		return;
	}
	if (head_find(request->head, "Content-Length", NULL) > 0)
		env_put_number(env, SPAN("CONTENT_LENGTH"), request->cgi->length);
	if (head_find(request->head, "Content-Type", &type) > 0)
		env_put(env, SPAN("CONTENT_TYPE"), type);
}

/* What does not depend on a request. */
static void
env_put_constant(struct env *env, const struct endpoint *endpoint, const char *term)
{
	env_put(env, SPAN("SERVER_SOFTWARE"),
	    endpoint->compat ? SPAN("websocketd/" ENV_WEBSOCKETD_VERSION)
			     : SPAN(PACKAGE_NAME "/" PACKAGE_VERSION));
	if (term)
		env_put(env, SPAN("TERM"), span_of(term));
	for (char *const *pass = endpoint->pass_env; *pass; pass++) {
		if (term && strncmp(*pass, "TERM=", 5) == 0)
			continue;
		env_put_bytes(env, span_of(*pass));
		env_end(env);
	}
}

char **
env_build_parked(const struct endpoint *endpoint)
{
	struct env env = {0};

	env_put_constant(&env, endpoint, endpoint->term);
	env_put(&env, SPAN("GATEWAY_INTERFACE"), SPAN("CGI/1.1"));
	env_put(&env, SPAN("SCRIPT_NAME"), span_of(*endpoint->path ? endpoint->path : "/"));
	return env_finish(&env);
}

char **
env_build(const struct endpoint *endpoint, const struct env_request *request,
    const struct endpoint_script *script, const char *unique_id)
{
	const struct identity none = {0};
	const struct identity *identity = request->identity ? request->identity : &none;
	const char *term = request->cgi ? NULL : endpoint->term;
	struct env env = {0};
	struct env_secrets secrets;
	char remote[LISTENER_TEXT_MAX];

	/* Room for what is usual, so that it need not grow. */
	env.failed = !buffer_reserve(&env.strings, ENV_USUAL);
	env_find_secrets(&secrets, endpoint->access, request);
	listener_host_text(request->peer, remote);
	env_put_constant(&env, endpoint, term);
	for (char *const *set = identity->variables; set && *set; set++) {
		env_put_bytes(&env, span_of(*set));
		env_end(&env);
	}
	env_put(&env, SPAN("REMOTE_ADDR"), span_of(remote));
	env_put(&env, SPAN("REMOTE_HOST"),
	    span_of(request->peer_name ? request->peer_name : remote));
	env_put_server(&env, request);
	env_put(&env, SPAN("SERVER_PROTOCOL"),
	    head_minor(request->head) == 0 ? SPAN("HTTP/1.0") : SPAN("HTTP/1.1"));
	env_put(&env, SPAN("GATEWAY_INTERFACE"), SPAN("CGI/1.1"));
	env_put(&env, SPAN("REQUEST_METHOD"), head_method(request->head));
	env_put(&env, SPAN("SCRIPT_NAME"), span_of(script->script_name));
	env_put(&env, SPAN("PATH_INFO"), span_of(script->path_info));
	env_put_translated(&env, endpoint, request, script);
	env_put_hidden(
	    &env, &secrets, SPAN("QUERY_STRING="), request->uri->query, credentials_hide_query);
	env_put(&env, SPAN("AUTH_TYPE"), span_of(identity->type));
	env_put_content(&env, request);
	env_put(&env, SPAN("REMOTE_IDENT"), SPAN(""));
	env_put(&env, SPAN("REMOTE_USER"), span_of(identity->user ? identity->user : ""));
	env_put(&env, SPAN("UNIQUE_ID"), span_of(unique_id));
	/* A proxy may not report it. */
	if (listener_port(request->peer) == 0)
		env_put(&env, SPAN("REMOTE_PORT"), SPAN(""));
	else
		env_put_number(&env, SPAN("REMOTE_PORT"), listener_port(request->peer));
	env_put_hidden(&env, &secrets, SPAN("REQUEST_URI="), head_target(request->head),
	    credentials_hide_url);
	if (request->secure)
		env_put(&env, SPAN("HTTPS"), SPAN("on"));
	if (request->client->subject) {
		/* A client whose certificate is not valid does not get here. */
		env_put(&env, SPAN("SSL_CLIENT_VERIFY"), SPAN("SUCCESS"));
		env_put(&env, SPAN("SSL_CLIENT_S_DN"), span_of(request->client->subject));
		if (request->client->serial)
			env_put(
			    &env, SPAN("SSL_CLIENT_SERIAL"), span_of(request->client->serial));
	}
	if (request->subprotocol.len > 0)
		env_put(&env, SPAN("SEC_WEBSOCKET_PROTOCOL"), request->subprotocol);
	if (request->traceparent && !endpoint->compat)
		env_put_trace(&env, request);
	env_put_fields(&env, &secrets, endpoint, request->head);
	return env_finish(&env);
}

char **
env_build_shared(
    const struct endpoint *endpoint, const struct sockaddr_storage *listener, bool secure)
{
	struct env env = {0};
	char host[LISTENER_TEXT_MAX];
	int port = listener_port(listener);

	env_put_constant(&env, endpoint, endpoint->term);
	listener_host_text(listener, host);
	env_put(&env, SPAN("SERVER_NAME"),
	    listener->ss_family == AF_UNIX ? SPAN("localhost") : span_of(host));
	env_put_number(&env, SPAN("SERVER_PORT"), port != 0 ? port : secure ? 443 : 80);
	env_put(&env, SPAN("SERVER_PROTOCOL"), SPAN("HTTP/1.1"));
	env_put(&env, SPAN("WSPIPE_SHARED"),
	    endpoint->shared_rules.settings.mode == SHARED_BROADCAST ? SPAN("broadcast")
								     : SPAN("addressed"));
	return env_finish(&env);
}

bool
env_find_field(char *const *env, struct span name, struct span *value)
{
	for (; env && *env; env++) {
		const char *at = *env;

		if (strncmp(at, "HTTP_", 5) != 0)
			continue;
		at += 5;
		for (size_t i = 0; i < name.len && at; i++, at++) {
			char c = name.data[i] == '-' ? '_' : name.data[i];

			if (*at != (c >= 'a' && c <= 'z' ? c - 'a' + 'A' : c))
				at = NULL;
			if (!at)
				break;
		}
		if (!at || *at != '=')
			continue;
		*value = span_of(at + 1);
		return true;
	}
	return false;
}

/* Whether PATTERN, in which a '*' at the end matches the rest, is NAME. */
static bool
env_matches(const char *pattern, struct span name)
{
	size_t len = strlen(pattern);

	if (len > 0 && pattern[len - 1] == '*')
		return name.len >= len - 1 && memcmp(name.data, pattern, len - 1) == 0;
	return span_equal(name, span_of(pattern));
}

/* Names that a program must be able to trust, or that are between the server and its service
 * manager. */
static bool
env_is_reserved(struct span name)
{
	static const char *const patterns[] = {"HTTP_*", "HTTPS", "SERVER_*", "REMOTE_*",
	    "REQUEST_*", "SCRIPT_NAME", "PATH_INFO", "PATH_TRANSLATED", "QUERY_STRING",
	    "GATEWAY_INTERFACE", "AUTH_TYPE", "CONTENT_*", "SEC_WEBSOCKET_*", "SSL_CLIENT_*",
	    "WSPIPE_SHARED", "UNIQUE_ID", "TRACEPARENT", "TRACESTATE", "NOTIFY_SOCKET",
	    "LISTEN_*", "WATCHDOG_*"};

	for (size_t i = 0; i < UTIL_LEN(patterns); i++) {
		if (env_matches(patterns[i], name))
			return true;
	}
	return false;
}

bool
env_may_set(struct span name)
{
	/* What changes how a program is loaded or interpreted. */
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
		if (env_matches(patterns[i], name))
			return false;
	}
	return !env_is_reserved(name);
}

/* The name of a variable. */
static struct span
env_name(const char *entry)
{
	return (struct span){entry, strcspn(entry, "=")};
}

/* Whether the variable NAME is set already. */
static bool
env_has(const struct env *env, struct span name)
{
	const char *text = (const char *)buffer_data(&env->strings);

	for (size_t i = 0; i < env->count; i++) {
		if (span_equal(env_name(text), name))
			return true;
		text += strlen(text) + 1;
	}
	return false;
}

/* Puts a variable of the server's own environment, unless it is set already, empty or
 * reserved. */
static void
env_put_own(struct env *env, const char *entry)
{
	struct span name = env_name(entry);
	struct span value = span_trim(span_of(entry + name.len + 1));
	size_t start = buffer_len(&env->strings);

	if (value.len == 0 || env_is_reserved(name) || env_has(env, name))
		return;
	env_put(env, name, value);
	for (size_t i = start; i < buffer_len(&env->strings); i++) {
		uint8_t *c = buffer_data(&env->strings) + i;

		if (*c == '\n' || *c == '\r')
			*c = ' ';
	}
}

char **
env_pick(char *const *from, char *const *names, size_t count)
{
	struct env env = {0};

	for (size_t i = 0; i < count; i++) {
		for (char *const *entry = from; *entry; entry++) {
			if (strchr(*entry, '=') && env_matches(names[i], env_name(*entry)))
				env_put_own(&env, *entry);
		}
	}
	return env_finish(&env);
}

const char *
env_why_not_passed(char *const *from, const char *name)
{
	if (env_is_reserved(span_of(name)))
		return "is reserved";
	for (; *from; from++) {
		if (strchr(*from, '=') && env_matches(name, env_name(*from)))
			return NULL;
	}
	return "is not set";
}
