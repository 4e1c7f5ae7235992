/* SPDX-License-Identifier: BSD-2-Clause */
/* From a handshake request to a session, or to a rejection. */
#include "serve/upgrade.h"

#include "base/buffer.h"
#include "http/credentials.h"
#include "serve/access.h"
#include "session/session.h"
#include "websocket/deflate_offer.h"
#include "websocket/negotiate.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	UPGRADE_PROTOCOLS_MAX = 64, /* that a client may offer; above: 400 */
	UPGRADE_OFFERED_MAX = 64, /* bytes of one that is repeated in a hint */
};

#define UPGRADE_VERSION_LINE "Sec-WebSocket-Version: 13\r\n"

/* The result of the negotiation. */
struct handshake {
	struct span key;
	struct span subprotocol; /* empty: none */
	bool deflates;
	struct deflate_agreed deflate;
	char extensions[DEFLATE_ANSWER_MAX]; /* the value for the response; empty: none */
};

/* A handshake from its request to the response. */
struct upgrade {
	struct list node; /* in context->upgrades */
	const struct upgrade_context *context; /* borrowed, as EXCHANGE */
	struct endpoint *endpoint; /* a reference */
	struct exchange *exchange;
	struct handshake handshake;
	struct sockaddr_storage local; /* for the PROXY protocol only */
	struct stream_cert client; /* owned */
	struct env_request request;
	struct launch launch;
};

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
	struct span protocols[UPGRADE_PROTOCOLS_MAX] = {{0}};
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

/* Walks the subprotocols that the client offers; a token is none where tokens are accepted. */
static bool
upgrade_next_protocol(const struct endpoint *endpoint, const struct head *head, size_t *cursor,
    struct span *element, bool *paired)
{
	if (endpoint->access && endpoint->access->tokens)
		return credentials_next_protocol(head, cursor, element, paired);
	return head_next_element(head, "Sec-WebSocket-Protocol", cursor, element);
}

/*
 * Of the subprotocols that the client offers, in its order of preference (section 4.1, item
 * 10), the first that the program supports. Empty when there is none; the response then omits
 * the field (section 4.2.2, item 4).
 */
static struct span
upgrade_choose_protocol(const struct endpoint *endpoint, const struct head *head)
{
	struct span element;
	size_t cursor = 0;
	bool paired = false;

	while (upgrade_next_protocol(endpoint, head, &cursor, &element, &paired)) {
		for (size_t i = 0; i < endpoint->subprotocol_count; i++) {
			if (span_equal(element, span_of(endpoint->subprotocols[i])))
				return element;
		}
	}
	/* A browser fails a connection for which none of its subprotocols is selected. */
	return paired && !endpoint->require_subprotocol ? SPAN(CREDENTIALS_SUBPROTOCOL)
							: (struct span){0};
}

/* The client's preferred subprotocol; empty when it offers none, or one of absurd length. */
static struct span
upgrade_offered_protocol(const struct endpoint *endpoint, const struct head *head)
{
	struct span element;
	size_t cursor = 0;

	while (upgrade_next_protocol(endpoint, head, &cursor, &element, NULL)) {
		if (element.len > 0)
			return element.len <= UPGRADE_OFFERED_MAX ? element : (struct span){0};
	}
	return (struct span){0};
}

/* Section 9.1: the offered extensions; several lines are one list. False: a syntax error, which
 * is rejected also without --deflate (section 4.2.1). */
static bool
upgrade_choose_extensions(
    const struct endpoint *endpoint, const struct head *head, struct handshake *handshake)
{
	struct span values[HEAD_MAX_FIELDS];
	size_t count = 0;

	for (size_t i = 0; i < head_field_count(head); i++) {
		struct head_field field = head_field(head, i);

		if (span_equal_nocase(field.name, SPAN("Sec-WebSocket-Extensions")))
			values[count++] = field.value;
	}
	switch (deflate_negotiate(
	    &endpoint->websocket.deflate, values, count, &handshake->deflate)) {
	case DEFLATE_NONE:
		break;
	case DEFLATE_AGREED:
		if (!endpoint->websocket.deflate.on)
			break;
		handshake->deflates = true;
		deflate_answer(&handshake->deflate, handshake->extensions);
		break;
	case DEFLATE_BROKEN:
		return false;
	}
	return true;
}

static bool
upgrade_choose(const struct endpoint *endpoint, const struct head *head,
    struct handshake *handshake, struct reject *reject)
{
	handshake->subprotocol = upgrade_choose_protocol(endpoint, head);
	if (endpoint->require_subprotocol && handshake->subprotocol.len == 0)
		return reject_with(reject, 400, NULL,
		    "the client offers none of the subprotocols in --subprotocol");
	if (!upgrade_choose_extensions(endpoint, head, handshake))
		return reject_with(
		    reject, 400, NULL, "Sec-WebSocket-Extensions is not a list of extensions");
	return true;
}

/* The opening handshake to the letter: RFC 6455, section 4.2.1. The key goes to *KEY. */
static bool
upgrade_check_handshake(const struct request *request, struct span *key, struct reject *reject)
{
	const struct head *head = request->head;
	struct span version;

	/* Item 1. */
	if (!span_equal(head_method(head), SPAN("GET")))
		return reject_with(reject, 405, "Allow: GET\r\n",
		    "the method of a WebSocket handshake must be GET");
	if (head_minor(head) == 0)
		return reject_with(reject, 400, NULL,
		    "Upgrade requires HTTP/1.1; a proxy may use HTTP/1.0 (nginx: "
		    "proxy_http_version 1.1)");
	if (request->body != BODY_NONE)
		return reject_with(
		    reject, 400, NULL, "a WebSocket handshake must not have a body");
	/* Item 4. */
	if (!head_has_token(head, "Connection", "upgrade"))
		return reject_with(reject, 400, NULL,
		    "missing 'Connection: Upgrade'; a proxy may have removed it (nginx: "
		    "proxy_set_header Connection upgrade)");
	/* Item 6; the response to another version: section 4.4 and RFC 9110, section 15.5.22.
	 */
	if (head_find(head, "Sec-WebSocket-Version", &version) != 1)
		return reject_with(reject, 400, UPGRADE_VERSION_LINE,
		    "missing or repeated Sec-WebSocket-Version");
	switch (negotiate_version(version)) {
	case NEGOTIATE_VERSION_OK:
		break;
	case NEGOTIATE_VERSION_OTHER:
		return reject_with(reject, 426,
		    UPGRADE_VERSION_LINE "Upgrade: websocket\r\nConnection: Upgrade\r\n",
		    "unsupported Sec-WebSocket-Version; only 13 (RFC 6455) is supported");
	case NEGOTIATE_VERSION_BAD:
		return reject_with(
		    reject, 400, UPGRADE_VERSION_LINE, "Sec-WebSocket-Version is not a number");
	}
	/* Item 5; once only: section 11.3.1. */
	if (head_find(head, "Sec-WebSocket-Key", key) != 1)
		return reject_with(reject, 400, NULL, "missing or repeated Sec-WebSocket-Key");
	if (!negotiate_key_valid(*key))
		return reject_with(
		    reject, 400, NULL, "Sec-WebSocket-Key is not 16 bytes in base64");
	if (!upgrade_protocols_valid(head))
		return reject_with(reject, 400, NULL,
		    "Sec-WebSocket-Protocol is not a list of at most 64 different tokens");
	return true;
}

static bool
upgrade_check_origin(const struct endpoint *endpoint, bool secure, const struct head *head,
    struct span host, struct reject *reject)
{
	struct span origin = {0};
	size_t count = head_find(head, "Origin", &origin);
	const char *refused =
	    origin_refused(&endpoint->origin, secure, count, origin, host, reject->text);

	return !refused || reject_with(reject, 403, NULL, refused);
}

/* A header field of the response, unless its value is empty. */
static bool
upgrade_put_field(struct buffer *out, const char *name, struct span value)
{
	return value.len == 0 ||
	       (buffer_append(out, name, strlen(name)) && buffer_append(out, ": ", 2) &&
		   buffer_append(out, value.data, value.len) && buffer_append(out, "\r\n", 2));
}

/* The user's header lines, in which a variable stands for the session's value. */
static bool
upgrade_put_headers(struct buffer *out, const char *headers, const char *unique_id)
{
	static const char variable[] = ENDPOINT_UNIQUE_ID;
	const char *found;

	while ((found = strstr(headers, variable))) {
		if (!buffer_append(out, headers, (size_t)(found - headers)) ||
		    !buffer_append(out, unique_id, ENV_UNIQUE_ID_LEN))
			return false;
		headers = found + sizeof(variable) - 1;
	}
	return buffer_append(out, headers, strlen(headers));
}

/* The 101 of section 4.2.2, item 5. What was not negotiated is left out. */
static bool
upgrade_switch(struct buffer *out, const struct endpoint *endpoint,
    const struct handshake *handshake, const char *unique_id)
{
	char accept[NEGOTIATE_ACCEPT_LEN + 1];
	static const char start[] = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n"
				    "Connection: Upgrade\r\nSec-WebSocket-Accept: ";

	return negotiate_accept(handshake->key, accept) &&
	       buffer_append(out, start, sizeof(start) - 1) &&
	       buffer_append(out, accept, NEGOTIATE_ACCEPT_LEN) &&
	       buffer_append(out, "\r\n", 2) &&
	       upgrade_put_field(out, "Sec-WebSocket-Protocol", handshake->subprotocol) &&
	       upgrade_put_field(
		   out, "Sec-WebSocket-Extensions", span_of(handshake->extensions)) &&
	       upgrade_put_headers(out, endpoint->switch_headers, unique_id) &&
	       buffer_append(out, "\r\n", 2);
}

/* Opens a session: the backend, and then the 101. */
static bool
upgrade_open(struct upgrade *u, struct reject *reject)
{
	const struct env_request *request = &u->request;
	const struct handshake *handshake = &u->handshake;
	struct endpoint *endpoint = u->endpoint;
	struct launch *launch = &u->launch;
	char target[HEAD_MAX_LINE];
	struct websocket_spec websocket = {
	    .loop = launch->launcher->loop,
	    .rules = &endpoint->websocket,
	    .format = &endpoint->format,
	    .deflate = handshake->deflates ? &handshake->deflate : NULL,
	};
	struct session_log_spec spec = {
	    .rules = &endpoint->session.log,
	    .id = launch->id,
	    .remote = launch->remote,
	    .program = launch_name(launch),
	    .secure = request->secure,
	    .user = exchange_identity(u->exchange)->user,
	    .target =
		credentials_log_target(head_target(request->head), target, sizeof(target)),
	    .host = request->host,
	    .subprotocol = handshake->subprotocol,
	    .extensions = span_of(handshake->extensions),
	    .traceparent = launch->traceparent,
	};
	struct buffer answer = {0};
	struct session *session;
	struct backend *backend = NULL;
	struct peer *peer = NULL;
	struct stream *stream;
	struct span rest;

	(void)head_find(request->head, "Origin", &spec.origin);
	if (handshake->subprotocol.len == 0)
		spec.offered = upgrade_offered_protocol(endpoint, request->head);
	session = session_new(websocket.loop, u->context->sessions, &endpoint->session, &spec);
	if (session) {
		(void)endpoint_ref(endpoint); /* until it ends: session_rules.release */
		websocket.sent = session_sent(session);
		peer = websocket_new(&websocket, &session_peer_handlers, session);
	}
	if (!peer || !upgrade_switch(&answer, endpoint, handshake, launch->unique_id))
		(void)reject_with(reject, 503, REJECT_RETRY_LATER, "out of memory");
	else
		backend = launch_start(launch, &session_backend_handlers, session, reject);
	if (backend) {
		session_start_take(session, peer, backend, &spec);
		stream = exchange_upgrade(u->exchange, &rest);
		websocket_start_take(peer, stream,
		    (struct span){(char *)buffer_data(&answer), buffer_len(&answer)}, rest);
	} else {
		peer_free(peer);
		session_cancel(session);
	}
	buffer_clear(&answer);
	return backend != NULL;
}

/* websocketd's lines for a handshake that is rejected, because of its ORIGIN or else. */
static void
upgrade_log_compat(const struct endpoint *endpoint, const struct env_request *request,
    const struct reject *reject, bool origin)
{
	char remote[LISTENER_TEXT_MAX];
	char texts[SESSION_LOG_TEXTS_MAX];
	char message[ORIGIN_REASON_MAX + 32];
	char target[HEAD_MAX_LINE];
	struct session_log_spec spec = {
	    .rules = &endpoint->session.log,
	    .remote = remote,
	    .secure = request->secure,
	    .target =
		credentials_log_target(head_target(request->head), target, sizeof(target)),
	    .host = request->host,
	};
	struct session_log log;

	listener_text(request->peer, remote);
	(void)head_find(request->head, "Origin", &spec.origin);
	(void)session_log_texts(&spec, texts);
	session_log_init(&log, &spec, texts);
	if (origin && endpoint->origin.mode != ORIGIN_ANY) {
		session_log_line(&log, LOG_ACCESS,
		    endpoint->origin.same ? SPAN("Same origin policy mismatch")
					  : SPAN("Origin is not listed in allowed list"));
	} else if (reject->status == 404) {
		session_log_line(&log, LOG_ACCESS, SPAN("NOT FOUND: script not found"));
		session_log_line(&log, LOG_ACCESS, SPAN("NOT FOUND: script not found"));
	} else if (reject->status == 429) {
		if (session_log_begin(&log, LOG_ERROR, "http",
			SPAN("Max of possible forks already active, upgrade rejected")))
			log_end();
	} else {
		snprintf(message, sizeof(message), "Unable to Upgrade: %s", reject->reason);
		session_log_line(&log, LOG_ACCESS, span_of(message));
	}
}

/* The one end of an upgrade, whose exchange is over. */
static void
upgrade_free(struct upgrade *u)
{
	list_remove(&u->node);
	launch_clear(&u->launch);
	stream_cert_clear(&u->client);
	endpoint_unref(u->endpoint);
	free(u);
}

/* Rejects it, because of its ORIGIN or else, and frees. */
static void
upgrade_reject(struct upgrade *u, const struct reject *reject, bool origin)
{
	if (u->endpoint->session.log.compat) {
		exchange_set_logged(u->exchange);
		upgrade_log_compat(u->endpoint, &u->request, reject, origin);
	}
	exchange_reply_status(u->exchange, reject->status, reject->headers, reject->reason);
	upgrade_free(u);
}

/* While the backend is being connected. */

static void
upgrade_on_connected(void *arg, const struct reject *rejected)
{
	struct upgrade *u = arg;
	struct reject reject;

	if (rejected)
		upgrade_reject(u, rejected, false);
	else if (upgrade_open(u, &reject))
		upgrade_free(u);
	else
		upgrade_reject(u, &reject, false);
}

/* No client may send more before the 101 (RFC 6455, section 4.1), so it has disconnected. */
static void
upgrade_on_half_closed(void *arg)
{
	struct upgrade *u = arg;

	exchange_abort(u->exchange, "the client disconnected before the response");
	upgrade_free(u);
}

static void
upgrade_on_gone(void *arg)
{
	upgrade_free(arg);
}

static void
upgrade_on_drained(void *arg)
{
	(void)arg;
}

static const struct exchange_handlers upgrade_handlers = {
    .on_drained = upgrade_on_drained,
    .on_half_closed = upgrade_on_half_closed,
    .on_gone = upgrade_on_gone,
};

void
upgrade_drain_all(const struct upgrade_context *context)
{
	static const struct reject reject = {.status = 503,
	    .headers = REJECT_RETRY_LATER,
	    .reason = "the server is shutting down"};

	while (!list_empty(context->upgrades))
		upgrade_reject(LIST_ENTRY_OF(context->upgrades->next, struct upgrade, node),
		    &reject, false);
}

/* A session, after all checks of the request itself. False: *REJECT is the response. */
static bool
upgrade_launch(struct upgrade *u, struct reject *reject)
{
	u->launch.request = &u->request;
	u->request.client = &u->client;
	u->request.subprotocol = u->handshake.subprotocol;
	if (!stream_client_cert(exchange_stream(u->exchange), &u->client))
		return reject_with(reject, 503, REJECT_RETRY_LATER, "out of memory");
	if (!launch_prepare(&u->launch, reject))
		return false;
	if (launch_must_connect(&u->launch)) {
		if (!launch_connect(&u->launch, upgrade_on_connected, u, reject))
			return false;
		exchange_set_handlers(u->exchange, &upgrade_handlers, u);
		u->request.path = NULL;
		return true;
	}
	if (!upgrade_open(u, reject))
		return false;
	upgrade_free(u);
	return true;
}

/* One that has passed all checks of the request itself; PATH is borrowed. NULL: it has been
 * rejected. */
static struct upgrade *
upgrade_new(const struct upgrade_context *context, struct endpoint *endpoint,
    struct exchange *exchange, const char *path)
{
	const struct request *asked = exchange_request(exchange);
	const struct client *client = exchange_client(exchange);
	struct upgrade *u = calloc(1, sizeof(*u));
	struct reject reject;
	bool agreed, allowed;

	if (!u) {
		exchange_reply_status(exchange, 503, REJECT_RETRY_LATER, "out of memory");
		return NULL;
	}
	list_init(&u->node);
	list_append(context->upgrades, &u->node);
	u->context = context;
	u->endpoint = endpoint_ref(endpoint);
	u->exchange = exchange;
	u->launch = (struct launch){
	    .launcher = &context->launcher, .endpoint = endpoint, .script = ENDPOINT_NO_SCRIPT};
	u->request = (struct env_request){
	    .head = asked->head,
	    .uri = &asked->uri,
	    .host = asked->host,
	    .secure = client->secure,
	    .peer = &client->address,
	    .local = &u->local,
	    .traceparent = u->launch.traceparent,
	    .peer_name = client->name,
	    .identity = exchange_identity(exchange),
	    .path = path,
	};
	if (endpoint->proxy_protocol)
		stream_local_address(exchange_stream(exchange), &u->local);
	agreed = upgrade_check_handshake(asked, &u->handshake.key, &reject) &&
		 upgrade_choose(endpoint, asked->head, &u->handshake, &reject);
	allowed = agreed && upgrade_check_origin(
				endpoint, u->request.secure, asked->head, asked->host, &reject);
	if (allowed)
		return u;
	upgrade_reject(u, &reject, agreed);
	return NULL;
}

bool
upgrade_accept(
    const struct upgrade_context *context, struct endpoint *endpoint, struct exchange *exchange)
{
	struct upgrade *u = upgrade_new(context, endpoint, exchange, NULL);

	if (!u)
		return false;
	upgrade_free(u);
	return true;
}

void
upgrade_serve(const struct upgrade_context *context, struct endpoint *endpoint,
    struct exchange *exchange, const char *path)
{
	struct upgrade *u = upgrade_new(context, endpoint, exchange, path);
	struct reject reject;

	if (u && !upgrade_launch(u, &reject))
		upgrade_reject(u, &reject, false);
}
