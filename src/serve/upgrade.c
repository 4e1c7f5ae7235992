/* SPDX-License-Identifier: BSD-2-Clause */
/* Turns a handshake request into a session, or rejects it. */
#include "serve/upgrade.h"

#include "base/buffer.h"
#include "http/credentials.h"
#include "serve/access.h"
#include "serve/page.h"
#include "session/session.h"
#include "websocket/deflate_offer.h"
#include "websocket/negotiate.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	UPGRADE_PROTOCOLS_MAX = 64, /* subprotocols a client may offer; beyond that, 400 */
	UPGRADE_OFFERED_MAX = 64, /* bytes of a subprotocol quoted in a hint */
};

#define UPGRADE_VERSION_LINE "Sec-WebSocket-Version: 13\r\n"

/* The result of the negotiation. */
struct handshake {
	struct span key;
	struct span subprotocol; /* empty: none */
	bool deflates;
	struct deflate_agreed deflate;
	char extensions[DEFLATE_ANSWER_MAX]; /* value of the response field; empty: none */
};

/* A handshake, from the request to the response. */
struct upgrade {
	struct opening opening; /* first: upgrade_of() casts it back */
	struct handshake handshake;
	struct buffer answer; /* owned: the 101 response */
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
 * Checks the offered subprotocols: tokens (RFC 6455, section 11.3.4), all different (section
 * 4.1, item 10). A limited number of empty elements is ignored (RFC 9110, section 5.6.1.2).
 */
static bool
upgrade_protocols_valid(const struct head *head)
{
	struct span protocols[UPGRADE_PROTOCOLS_MAX] = {{0}};
	struct span element;
	size_t cursor = 0;
	size_t count = 0, empty = 0;

	while (head_next_element(head, "Sec-WebSocket-Protocol", &cursor, &element)) {
		if (element.len == 0 && empty++ < UPGRADE_PROTOCOLS_MAX)
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

/* Iterates over the offered subprotocols, skipping a token if tokens are accepted. */
static bool
upgrade_next_protocol(const struct endpoint *endpoint, const struct head *head, size_t *cursor,
    struct span *element, bool *paired)
{
	if (endpoint->access && endpoint->access->tokens)
		return credentials_next_protocol(head, cursor, element, paired);
	return head_next_element(head, "Sec-WebSocket-Protocol", cursor, element);
}

/*
 * Returns the first subprotocol, in the client's order of preference (section 4.1, item 10),
 * that the program supports. Empty if there is none; the response then omits the field (section
 * 4.2.2, item 4).
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
	/* A browser fails the connection if none of its subprotocols is selected. */
	return paired && !endpoint->require_subprotocol ? SPAN(CREDENTIALS_SUBPROTOCOL)
							: (struct span){0};
}

/* Returns the client's preferred subprotocol; empty if it offers none, or an overlong one. */
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

/* Parses the offered extensions (section 9.1); several lines are one list. Returns false on a
 * syntax error, which is rejected even without --deflate (section 4.2.1). */
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

/* Checks the opening handshake strictly (RFC 6455, section 4.2.1). Sets *KEY. */
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
	/* Item 5; exactly once: section 11.3.1. */
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

/* Appends a header field unless its value is empty. */
static bool
upgrade_put_field(struct buffer *out, const char *name, struct span value)
{
	return value.len == 0 ||
	       (buffer_append(out, name, strlen(name)) && buffer_append(out, ": ", 2) &&
		   buffer_append(out, value.data, value.len) && buffer_append(out, "\r\n", 2));
}

/* Appends the user's header lines with the session's UNIQUE_ID substituted. */
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

/* Builds the 101 response (section 4.2.2, item 5). Omits fields that were not negotiated. */
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

static struct upgrade *
upgrade_of(struct opening *o)
{
	return (struct upgrade *)(void *)o;
}

static struct peer *
upgrade_make_peer(struct opening *o, struct session *session, struct peer_counts *sent)
{
	struct upgrade *u = upgrade_of(o);
	struct websocket_spec websocket = {
	    .loop = o->launch.launcher->loop,
	    .rules = launch_websocket_rules(&o->launch),
	    .format = launch_format(&o->launch),
	    .deflate = u->handshake.deflates ? &u->handshake.deflate : NULL,
	    .sent = sent,
	};

	return upgrade_switch(&u->answer, o->endpoint, &u->handshake, o->launch.unique_id)
		   ? websocket_new(&websocket, &session_peer_handlers, session)
		   : NULL;
}

static void
upgrade_begin(struct opening *o, struct peer *peer)
{
	const struct buffer *answer = &upgrade_of(o)->answer;
	struct span rest;
	struct stream *stream = exchange_upgrade(o->exchange, &rest);

	websocket_start_take(
	    peer, stream, (struct span){(char *)buffer_data(answer), buffer_len(answer)}, rest);
}

/* Logs a rejected handshake in websocketd's format; ORIGIN: because of its origin. */
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

/* Rejects a handshake; ORIGIN: because of its origin. */
static void
upgrade_reject_with(struct opening *o, const struct reject *reject, bool origin)
{
	if (o->endpoint->session.log.compat) {
		exchange_set_logged(o->exchange);
		upgrade_log_compat(o->endpoint, &o->request, reject, origin);
	}
	exchange_reply_status(o->exchange, reject->status, reject->headers, reject->reason);
}

static void
upgrade_reject(struct opening *o, const struct reject *reject)
{
	upgrade_reject_with(o, reject, false);
}

static void
upgrade_free(struct opening *o)
{
	struct upgrade *u = upgrade_of(o);

	opening_clear(o);
	buffer_clear(&u->answer);
	free(u);
}

static const struct opening_ops upgrade_ops = {
    .make_peer = upgrade_make_peer,
    .begin = upgrade_begin,
    .reject = upgrade_reject,
    .free = upgrade_free,
};

/* Returns an upgrade for a request that passed its checks; PATH is borrowed. Returns NULL if
 * the request was rejected. */
static struct upgrade *
upgrade_new(const struct opening_context *context, struct endpoint *endpoint,
    struct exchange *exchange, const char *path)
{
	const struct request *asked = exchange_request(exchange);
	struct upgrade *u = calloc(1, sizeof(*u));
	struct opening *o;
	struct reject reject;
	bool agreed, allowed;

	if (!u) {
		exchange_reply_status(exchange, 503, REJECT_RETRY_LATER, "out of memory");
		return NULL;
	}
	o = &u->opening;
	opening_init(o, &upgrade_ops, context, endpoint, exchange, path);
	agreed = upgrade_check_handshake(asked, &u->handshake.key, &reject) &&
		 upgrade_choose(endpoint, asked->head, &u->handshake, &reject);
	allowed = agreed && page_may_connect(endpoint, exchange, &reject);
	o->request.subprotocol = u->handshake.subprotocol;
	o->extensions = span_of(u->handshake.extensions);
	if (u->handshake.subprotocol.len == 0)
		o->offered = upgrade_offered_protocol(endpoint, asked->head);
	if (allowed)
		return u;
	upgrade_reject_with(o, &reject, agreed);
	upgrade_free(o);
	return NULL;
}

bool
upgrade_accept(
    const struct opening_context *context, struct endpoint *endpoint, struct exchange *exchange)
{
	struct upgrade *u = upgrade_new(context, endpoint, exchange, NULL);

	if (!u)
		return false;
	upgrade_free(&u->opening);
	return true;
}

void
upgrade_serve(const struct opening_context *context, struct endpoint *endpoint,
    struct exchange *exchange, const char *path)
{
	struct upgrade *u = upgrade_new(context, endpoint, exchange, path);

	if (u)
		opening_start(&u->opening);
}
