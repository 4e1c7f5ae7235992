/* SPDX-License-Identifier: BSD-2-Clause */
/* From a request to a WebSocket, or to its refusal. */
#include "serve/upgrade.h"

#include "base/log.h"
#include "net/listener.h"
#include "serve/env.h"
#include "serve/session.h"
#include "websocket/negotiate.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { UPGRADE_PROTOCOLS_MAX = 64 }; /* that a client may name; above: 400 */

#define UPGRADE_VERSION_LINE "Sec-WebSocket-Version: 13\r\n"
/* In seconds: there may be room by then. */
#define UPGRADE_LATER "Retry-After: 5\r\n"

/* What a handshake agrees on. */
struct terms {
	struct span key;
	struct span subprotocol; /* empty: none */
	bool deflates;
	struct deflate_agreed deflate;
	char extensions[DEFLATE_ANSWER_MAX]; /* as the answer says it; empty: none */
};

/* Why a request is refused; STATUS 0: it is not. */
struct refusal {
	int status;
	const char *headers;
	const char *reason;
};

#define REFUSE(status, headers, reason) ((struct refusal){(status), (headers), (reason)})
#define PASS ((struct refusal){0})

bool
upgrade_is_wanted(const struct head *head)
{
	return head_has_token(head, "Upgrade", "websocket");
}

static int
upgrade_compare_protocols(const void *a, const void *b)
{
	const struct span *x = a;
	const struct span *y = b;

	if (x->len != y->len)
		return x->len < y->len ? -1 : 1;
	return memcmp(x->data, y->data, x->len);
}

/*
 * RFC 6455, section 11.3.4: tokens, and section 4.1, item 10: all different. An empty element
 * is none (RFC 9110, section 5.6.1.2).
 */
static bool
upgrade_protocols_valid(const struct head *head)
{
	struct span protocols[UPGRADE_PROTOCOLS_MAX];
	struct span element;
	size_t cursor = 0;
	size_t count = 0;

	while (head_next_element(head, "Sec-WebSocket-Protocol", &cursor, &element)) {
		if (element.len == 0)
			continue;
		if (count == UPGRADE_PROTOCOLS_MAX || !util_is_token(element))
			return false;
		protocols[count++] = element;
	}
	qsort(protocols, count, sizeof(protocols[0]), upgrade_compare_protocols);
	for (size_t i = 1; i < count; i++) {
		if (span_equal(protocols[i - 1], protocols[i]))
			return false;
	}
	return true;
}

/*
 * Of the subprotocols that the client names, in its order of preference (section 4.1, item 10),
 * the first that the program speaks. An empty span, and then none is answered (section 4.2.2,
 * item 4), when there is none.
 */
static struct span
upgrade_choose_protocol(const struct endpoint *endpoint, const struct head *head)
{
	struct span element;
	size_t cursor = 0;

	while (endpoint->subprotocol_count > 0 &&
	       head_next_element(head, "Sec-WebSocket-Protocol", &cursor, &element)) {
		for (size_t i = 0; i < endpoint->subprotocol_count; i++) {
			if (span_equal(element, span_of(endpoint->subprotocols[i])))
				return element;
		}
	}
	return (struct span){0};
}

/* Section 9.1: extensions that are offered; several lines are one list. False: it breaks the
 * grammar, which is refused also by who speaks none (section 4.2.1). */
static bool
upgrade_choose_extensions(
    const struct endpoint *endpoint, const struct head *head, struct terms *terms)
{
	struct span values[HEAD_MAX_FIELDS];
	size_t count = 0;

	for (size_t i = 0; i < head_field_count(head); i++) {
		struct head_field field = head_field(head, i);

		if (span_equal_nocase(field.name, SPAN("Sec-WebSocket-Extensions")))
			values[count++] = field.value;
	}
	switch (deflate_negotiate(&endpoint->deflate, values, count, &terms->deflate)) {
	case DEFLATE_NONE:
		break;
	case DEFLATE_AGREED:
		if (!endpoint->deflate.on)
			break;
		terms->deflates = true;
		deflate_answer(&terms->deflate, terms->extensions);
		break;
	case DEFLATE_BROKEN:
		return false;
	}
	return true;
}

static struct refusal
upgrade_choose(const struct endpoint *endpoint, const struct head *head, struct terms *terms)
{
	terms->subprotocol = upgrade_choose_protocol(endpoint, head);
	if (endpoint->require_subprotocol && terms->subprotocol.len == 0)
		return REFUSE(400, NULL, "Sec-WebSocket-Protocol names none of --subprotocol");
	if (!upgrade_choose_extensions(endpoint, head, terms))
		return REFUSE(
		    400, NULL, "Sec-WebSocket-Extensions is not a list of extensions");
	return PASS;
}

/* The opening handshake to the letter: RFC 6455, section 4.2.1. The key goes to *KEY. */
static struct refusal
upgrade_check_handshake(const struct head *head, struct span *key)
{
	struct span version;

	/* Item 1. */
	if (!span_equal(head_method(head), SPAN("GET")))
		return REFUSE(
		    405, "Allow: GET\r\n", "the method of a WebSocket handshake is GET");
	if (head_minor(head) == 0)
		return REFUSE(400, NULL, "HTTP/1.0 knows no Upgrade");
	if (head_has_body(head))
		return REFUSE(400, NULL, "a WebSocket handshake has no body");
	/* Item 4. */
	if (!head_has_token(head, "Connection", "upgrade"))
		return REFUSE(
		    400, NULL, "Connection does not say Upgrade; a proxy may have removed it");
	/* Item 6; the answer to a wrong version: section 4.4 and RFC 9110, section 15.5.22. */
	if (head_find(head, "Sec-WebSocket-Version", &version) != 1)
		return REFUSE(
		    400, UPGRADE_VERSION_LINE, "Sec-WebSocket-Version is not there once");
	switch (negotiate_version(version)) {
	case NEGOTIATE_VERSION_OK:
		break;
	case NEGOTIATE_VERSION_OTHER:
		return REFUSE(426,
		    UPGRADE_VERSION_LINE "Upgrade: websocket\r\nConnection: Upgrade\r\n",
		    "a version of the protocol other than 13");
	case NEGOTIATE_VERSION_BAD:
		return REFUSE(
		    400, UPGRADE_VERSION_LINE, "Sec-WebSocket-Version is not a number");
	}
	/* Item 5; once only: section 11.3.1. */
	if (head_find(head, "Sec-WebSocket-Key", key) != 1 || !negotiate_key_valid(*key))
		return REFUSE(
		    400, NULL, "Sec-WebSocket-Key is not one key of 16 bytes in base64");
	if (!upgrade_protocols_valid(head))
		return REFUSE(400, NULL,
		    "Sec-WebSocket-Protocol is not a list of at most 64 different tokens");
	return PASS;
}

static struct refusal
upgrade_find_program(
    const struct endpoint *endpoint, const char *path, struct endpoint_script *script)
{
	switch (endpoint_find(endpoint, path, script)) {
	case ENDPOINT_OK:
		break;
	case ENDPOINT_MISSING:
		return REFUSE(404, NULL, "there is no such program");
	case ENDPOINT_FORBIDDEN:
		return REFUSE(403, NULL, "the program is not executable; chmod +x allows it");
	case ENDPOINT_NOMEM:
		return REFUSE(503, UPGRADE_LATER, "out of memory");
	}
	return PASS;
}

static struct refusal
upgrade_too_many(void)
{
	return REFUSE(429, UPGRADE_LATER, "--maxforks programs are running");
}

/* What to answer when a program could not be started: the client may try again when it was for
 * want of something. */
static struct refusal
upgrade_start_failed(int error)
{
	switch (error) {
	case EAGAIN:
	case EMFILE:
	case ENFILE:
	case ENOMEM:
		return REFUSE(503, UPGRADE_LATER,
		    "the program can't be started now: a limit of the system");
	case EACCES:
		return REFUSE(403, NULL, "the program can't be started: permission denied");
	case EDQUOT:
		return upgrade_too_many();
	default:
		return REFUSE(500, NULL, "the program can't be started");
	}
}

/* Tells the user, who knows the program's file, what the words of the system don't. */
static void
upgrade_log_failure(const char *program, int error)
{
	const char *hint = "";

	if (error == ENOEXEC)
		hint = " (neither a program of this machine nor a script with a #! line)";
	else if (error == ENOENT && access(program, F_OK) == 0)
		hint = " (it is there, but not what starts it: see its #! line, which a "
		       "carriage return may end)";
	errno = error;
	log_error("can't start %s%s", program, hint);
}

/* A header field of the answer, unless its value is empty. */
static bool
upgrade_put_field(struct buffer *out, const char *name, struct span value)
{
	return value.len == 0 ||
	       (buffer_append(out, name, strlen(name)) && buffer_append(out, ": ", 2) &&
		   buffer_append(out, value.data, value.len) && buffer_append(out, "\r\n", 2));
}

/* The 101 of section 4.2.2, item 5. What was not agreed on is not named. */
static bool
upgrade_switch(struct buffer *out, const struct endpoint *endpoint, const struct terms *terms)
{
	char accept[NEGOTIATE_ACCEPT_LEN + 1];
	static const char start[] = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n"
				    "Connection: Upgrade\r\nSec-WebSocket-Accept: ";

	return negotiate_accept(terms->key, accept) &&
	       buffer_append(out, start, sizeof(start) - 1) &&
	       buffer_append(out, accept, NEGOTIATE_ACCEPT_LEN) &&
	       buffer_append(out, "\r\n", 2) &&
	       upgrade_put_field(out, "Sec-WebSocket-Protocol", terms->subprotocol) &&
	       upgrade_put_field(out, "Sec-WebSocket-Extensions", span_of(terms->extensions)) &&
	       buffer_append(out, endpoint->switch_headers, strlen(endpoint->switch_headers)) &&
	       buffer_append(out, "\r\n", 2);
}

/* Starts the program and, when that went well, hands the connection over. */
static struct refusal
upgrade_start(const struct upgrade_context *context, struct connection *connection,
    const struct env_request *request, const struct terms *terms)
{
	const struct endpoint *endpoint = context->endpoint;
	char remote[LISTENER_TEXT_MAX];
	char *own_argv[] = {request->script->program, NULL};
	char **env = env_build(endpoint, request);
	struct buffer answer = {0};
	struct span origin = {0};
	struct span rest;
	struct session_spec spec;
	struct session *session = NULL;
	struct refusal refusal = PASS;
	uint64_t id = atomic_fetch_add(context->last_id, 1) + 1;
	uint64_t last = id;
	int error = ENOMEM;

	listener_text(request->peer, remote);
	(void)head_find(request->head, "Origin", &origin);
	spec = (struct session_spec){
	    .loop = context->loop,
	    .children = context->children,
	    .list = context->sessions,
	    .endpoint = endpoint,
	    .id = id,
	    .program = request->script->program,
	    .argv = endpoint->program ? endpoint->argv : own_argv,
	    .envp = env,
	    .remote = remote,
	    .path = span_of(request->path),
	    .query = request->uri->query,
	    .target = head_target(request->head),
	    .host = request->host,
	    .origin = origin,
	    .subprotocol = terms->subprotocol,
	    .extensions = span_of(terms->extensions),
	    .deflate = terms->deflates ? &terms->deflate : NULL,
	};
	if (env && upgrade_switch(&answer, endpoint, terms))
		session = session_open(&spec, &error);
	if (session) {
		session_accept_take(session, connection_give(connection, &rest),
		    (struct span){(char *)buffer_data(&answer), buffer_len(&answer)}, rest);
	} else {
		/* The number is the next one's, unless another process has gone on already. */
		atomic_compare_exchange_strong(context->last_id, &last, id - 1);
		if (error != EDQUOT)
			upgrade_log_failure(request->script->program, error);
		refusal = upgrade_start_failed(error);
	}
	buffer_clear(&answer);
	free(env);
	return refusal;
}

void
upgrade_serve(const struct upgrade_context *context, struct connection *connection,
    const struct head *head, const struct uri *uri, struct span host, const char *path)
{
	const struct endpoint *endpoint = context->endpoint;
	struct endpoint_script script = {0};
	struct terms terms = {.deflates = false};
	struct span origin = {0};
	size_t origins = head_find(head, "Origin", &origin);
	const char *refused;
	struct refusal refusal = upgrade_check_handshake(head, &terms.key);

	if (refusal.status == 0)
		refusal = upgrade_choose(endpoint, head, &terms);
	if (refusal.status == 0) {
		refused = origin_refused(&endpoint->origin, origins, origin, host);
		if (refused)
			refusal = REFUSE(403, NULL, refused);
	}
	if (refusal.status == 0 && children_are_full(context->children))
		refusal = upgrade_too_many();
	/* Further descriptors are those of clients who wait for an answer. */
	if (refusal.status == 0 && endpoint->room != 0 &&
	    children_count(context->children) >= endpoint->room)
		refusal = upgrade_start_failed(EMFILE);
	if (refusal.status == 0)
		refusal = upgrade_find_program(endpoint, path, &script);
	if (refusal.status == 0) {
		struct tls_client client;
		struct env_request request = {
		    .head = head,
		    .uri = uri,
		    .host = host,
		    .peer = connection_peer(connection),
		    .script = &script,
		    .path = path,
		    .client = &client,
		    .subprotocol = terms.subprotocol,
		};

		if (tls_client_get(connection_transport(connection), &client))
			refusal = upgrade_start(context, connection, &request, &terms);
		else
			refusal = upgrade_start_failed(ENOMEM);
		tls_client_clear(&client);
	}
	endpoint_script_clear(&script);
	if (refusal.status != 0)
		connection_reply(connection, refusal.status, refusal.headers, refusal.reason);
}
