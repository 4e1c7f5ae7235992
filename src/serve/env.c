/* SPDX-License-Identifier: BSD-2-Clause */
/* The environment of a program. */
#include "serve/env.h"

#include "config.h"
#include "net/listener.h"
#include "serve/env_block.h"
#include "serve/env_fields.h"

#include <string.h>
#include <sys/random.h>

enum {
	ENV_USUAL = 2048, /* initial capacity in bytes */
	/* Random bytes per getrandom(); a signal may interrupt larger requests. */
	ENV_RANDOM = 256,
};

/* Returns COUNT random bytes, or NULL if none are available. */
static const unsigned char *
env_random(size_t count)
{
	/* Filled for several sessions at once. Safe across fork: a process that forks serves no
	 * clients, so no two processes use the same bytes. */
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

struct env_request
env_request_of(const struct request *request, const struct client *client,
    const struct identity *identity, const char *path)
{
	return (struct env_request){
	    .head = request->head,
	    .uri = &request->uri,
	    .host = request->host,
	    .secure = client->secure,
	    .peer = &client->address,
	    .peer_name = client->name,
	    .identity = identity,
	    .path = path,
	};
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

/* Tracestate is only passed with a valid Traceparent, and may have several lines (W3C Trace
 * Context, section 3.3). */
static void
env_put_trace(struct env_block *env, const struct env_request *request)
{
	char own[TRACE_PARENT_LEN + 1];
	size_t count = head_field_count(request->head);
	bool first = true;

	env_block_put(env, SPAN("TRACEPARENT"), span_of(request->traceparent));
	if (!trace_parent(request->head, own))
		return;
	for (size_t i = 0; i < count; i++) {
		struct head_field field = head_field(request->head, i);

		if (!span_equal_nocase(field.name, SPAN("Tracestate")) || field.value.len == 0)
			continue;
		env_block_put_bytes(env, first ? SPAN("TRACESTATE=") : SPAN(","));
		env_block_put_bytes(env, field.value);
		first = false;
	}
	if (!first)
		env_block_end(env);
}

/* Adds the server's address: SERVER_NAME and SERVER_PORT are never empty (RFC 3875, sections
 * 4.1.14 and 4.1.15). */
static void
env_put_server(struct env_block *env, const struct env_request *request)
{
	struct uri_authority host;
	int port = request->secure ? 443 : 80;

	if (!uri_parse_authority(request->host, &host)) {
		env_block_put(env, SPAN("SERVER_NAME"), SPAN("localhost"));
		env_block_put_number(env, SPAN("SERVER_PORT"), port);
		return;
	}
	env_block_put(env, SPAN("SERVER_NAME"), host.host);
	env_block_put_number(env, SPAN("SERVER_PORT"), host.port != 0 ? host.port : port);
}

/* Adds PATH_INFO as a file name (RFC 3875, section 4.1.6), below the static files if there are
 * any. WebSocket programs and websocketd's scripts get the decoded path. */
static void
env_put_translated(struct env_block *env, const struct endpoint *endpoint,
    const struct env_request *request, const struct endpoint_script *script)
{
	if (!request->cgi || endpoint->compat) {
		env_block_put(env, SPAN("PATH_TRANSLATED"), span_of(request->path));
	} else if (endpoint->files.root != -1 && *script->path_info != '\0') {
		env_block_put_bytes(env, SPAN("PATH_TRANSLATED="));
		env_block_put_bytes(env, span_of(endpoint->files.root_path));
		env_block_put_bytes(env, span_of(script->path_info));
		env_block_end(env);
	}
}

/* Adds the variables of the request body. A CGI script gets no empty value for an unknown
 * length (RFC 3875, section 4.1.2). */
static void
env_put_content(struct env_block *env, const struct env_request *request)
{
	struct span type = {0};

	if (!request->cgi) {
		env_block_put(env, SPAN("CONTENT_LENGTH"), SPAN(""));
		env_block_put(env, SPAN("CONTENT_TYPE"), SPAN(""));
		return;
	}
	if (head_find(request->head, "Content-Length", NULL) > 0)
		env_block_put_number(env, SPAN("CONTENT_LENGTH"), request->cgi->length);
	if (head_find(request->head, "Content-Type", &type) > 0)
		env_block_put(env, SPAN("CONTENT_TYPE"), type);
}

/* Adds the variables that do not depend on a request. */
static void
env_put_constant(struct env_block *env, const struct endpoint *endpoint, const char *term)
{
	env_block_put(env, SPAN("SERVER_SOFTWARE"),
	    endpoint->compat ? SPAN("websocketd/" ENV_WEBSOCKETD_VERSION)
			     : SPAN(PACKAGE_NAME "/" PACKAGE_VERSION));
	if (term)
		env_block_put(env, SPAN("TERM"), span_of(term));
	for (char *const *pass = endpoint->pass_env; *pass; pass++) {
		if (term && strncmp(*pass, "TERM=", 5) == 0)
			continue;
		env_block_put_bytes(env, span_of(*pass));
		env_block_end(env);
	}
}

char **
env_build_parked(const struct endpoint *endpoint)
{
	struct env_block env = {0};

	env_put_constant(&env, endpoint, endpoint->term);
	env_block_put(&env, SPAN("GATEWAY_INTERFACE"), SPAN("CGI/1.1"));
	env_block_put(
	    &env, SPAN("SCRIPT_NAME"), span_of(*endpoint->path ? endpoint->path : "/"));
	return env_block_finish(&env);
}

char **
env_build(const struct endpoint *endpoint, const struct env_request *request,
    const struct endpoint_script *script, const char *unique_id)
{
	const struct identity none = {0};
	const struct identity *identity = request->identity ? request->identity : &none;
	const char *term = request->cgi ? NULL : endpoint->term;
	struct env_block env = {0};
	struct env_fields_secrets secrets;
	char remote[LISTENER_TEXT_MAX];

	/* Reserve the usual size, so that the buffer seldom grows. */
	env.failed = !buffer_reserve(&env.strings, ENV_USUAL);
	secrets.hook = request->hook;
	env_fields_find_secrets(&secrets, endpoint->access, request->head, request->uri->query);
	listener_host_text(request->peer, remote);
	env_put_constant(&env, endpoint, term);
	for (char *const *set = identity->variables; set && *set; set++) {
		env_block_put_bytes(&env, span_of(*set));
		env_block_end(&env);
	}
	env_block_put(&env, SPAN("REMOTE_ADDR"), span_of(remote));
	env_block_put(&env, SPAN("REMOTE_HOST"),
	    span_of(request->peer_name ? request->peer_name : remote));
	env_put_server(&env, request);
	env_block_put(&env, SPAN("SERVER_PROTOCOL"),
	    head_minor(request->head) == 0 ? SPAN("HTTP/1.0") : SPAN("HTTP/1.1"));
	env_block_put(&env, SPAN("GATEWAY_INTERFACE"), SPAN("CGI/1.1"));
	env_block_put(&env, SPAN("REQUEST_METHOD"), head_method(request->head));
	env_block_put(&env, SPAN("SCRIPT_NAME"), span_of(script->script_name));
	env_block_put(&env, SPAN("PATH_INFO"), span_of(script->path_info));
	env_put_translated(&env, endpoint, request, script);
	env_fields_put_hidden(
	    &env, &secrets, SPAN("QUERY_STRING="), request->uri->query, credentials_hide_query);
	env_block_put(&env, SPAN("AUTH_TYPE"), span_of(identity->type));
	env_put_content(&env, request);
	env_block_put(&env, SPAN("REMOTE_IDENT"), SPAN(""));
	env_block_put(&env, SPAN("REMOTE_USER"), span_of(identity->user ? identity->user : ""));
	env_block_put(&env, SPAN("UNIQUE_ID"), span_of(unique_id));
	/* A proxy may not report the port. */
	if (listener_port(request->peer) == 0)
		env_block_put(&env, SPAN("REMOTE_PORT"), SPAN(""));
	else
		env_block_put_number(&env, SPAN("REMOTE_PORT"), listener_port(request->peer));
	env_fields_put_hidden(&env, &secrets, SPAN("REQUEST_URI="), head_target(request->head),
	    credentials_hide_url);
	if (request->secure)
		env_block_put(&env, SPAN("HTTPS"), SPAN("on"));
	if (request->client->subject) {
		/* Clients with an invalid certificate are rejected before this. */
		env_block_put(&env, SPAN("SSL_CLIENT_VERIFY"), SPAN("SUCCESS"));
		env_block_put(&env, SPAN("SSL_CLIENT_S_DN"), span_of(request->client->subject));
		if (request->client->serial)
			env_block_put(
			    &env, SPAN("SSL_CLIENT_SERIAL"), span_of(request->client->serial));
	}
	if (request->subprotocol.len > 0)
		env_block_put(&env, SPAN("SEC_WEBSOCKET_PROTOCOL"), request->subprotocol);
	if (request->traceparent && !endpoint->compat)
		env_put_trace(&env, request);
	env_fields_put(&env, &secrets, endpoint, request->head);
	return env_block_finish(&env);
}

char **
env_build_shared(
    const struct endpoint *endpoint, const struct sockaddr_storage *listener, bool secure)
{
	struct env_block env = {0};
	char host[LISTENER_TEXT_MAX];
	int port = listener_port(listener);

	env_put_constant(&env, endpoint, endpoint->term);
	listener_host_text(listener, host);
	env_block_put(&env, SPAN("SERVER_NAME"),
	    listener->ss_family == AF_UNIX ? SPAN("localhost") : span_of(host));
	env_block_put_number(&env, SPAN("SERVER_PORT"), port != 0 ? port : secure ? 443 : 80);
	env_block_put(&env, SPAN("SERVER_PROTOCOL"), SPAN("HTTP/1.1"));
	env_block_put(&env, SPAN("WSPIPE_SHARED"),
	    endpoint->shared_rules.settings.mode == SHARED_BROADCAST ? SPAN("broadcast")
								     : SPAN("addressed"));
	return env_block_finish(&env);
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
