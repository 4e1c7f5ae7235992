/* SPDX-License-Identifier: BSD-2-Clause */
/* Sessions of clients without a WebSocket. */
#include "serve/streams.h"

#include "net/limit.h"
#include "serve/page.h"
#include "serve/streams_post.h"
#include "serve/streams_request.h"
#include "websocket/frame.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A session being opened. */
struct streams_opening {
	struct opening opening; /* first: streams_opening_of() casts it back */
	struct streams *streams; /* borrowed */
	struct session_entry *session; /* owned until the peer owns it */
	enum events_form form;
	bool made; /* the peer owns SESSION */
};

static struct streams_opening *
streams_opening_of(struct opening *o)
{
	return (struct streams_opening *)(void *)o;
}

/* The session no longer counts as a connection. */
static void
streams_on_ended(void *owner)
{
	struct session_entry *s = owner;

	limit_leave(s->slot);
	s->slot = NULL;
}

static void
streams_on_over(void *owner)
{
	session_entry_free(owner);
}

static struct peer *
streams_make_peer(struct opening *o, struct session *session, struct peer_counts *sent)
{
	struct streams_opening *opening = streams_opening_of(o);
	struct session_entry *s = opening->session;
	struct events_spec spec = {
	    .loop = o->launch.launcher->loop,
	    .format = &o->endpoint->format,
	    .max_message = o->endpoint->websocket.max_message,
	    .sent = sent,
	    .form = opening->form,
	    .max_kept = o->endpoint->resume_buffer,
	    .room = &opening->streams->room,
	    .resume_ms = o->endpoint->resume_ms,
	    .idle_ms = o->endpoint->websocket.idle_ms,
	    .lifetime_ms = o->endpoint->websocket.lifetime_ms,
	    .on_ended = streams_on_ended,
	    .on_over = streams_on_over,
	    .owner = s,
	};
	struct peer *peer;

	/* As secret as the program's UNIQUE_ID, but different. */
	if (!affinity_make_id(opening->streams->affinity, s->id))
		return NULL;
	memcpy(spec.id, s->id, sizeof(spec.id));
	peer = events_new(&spec, &session_peer_handlers, session);
	opening->made = peer != NULL;
	if (peer) {
		s->peer = peer;
		session_table_add(&opening->streams->table, s);
	}
	return peer;
}

static void
streams_begin(struct opening *o, struct peer *peer)
{
	struct streams_opening *opening = streams_opening_of(o);
	const char *id = opening->session->id;
	char *fields = streams_request_fields(o->exchange,
	    opening->form == EVENTS_STREAM ? STREAMS_NO_STORE "X-Accel-Buffering: no\r\n"
					   : STREAMS_NO_STORE);
	struct reply reply = {.status = 200, .type = "application/json", .fields = fields};
	char body[EVENTS_ID_LEN + 32];

	if (opening->form == EVENTS_STREAM) {
		(void)events_attach(peer, o->exchange, 0, fields);
	} else {
		snprintf(body, sizeof(body), "{\"session\":\"%s\"}", id);
		reply.length = (int64_t)strlen(body);
		exchange_set_logged(o->exchange);
		exchange_reply(o->exchange, &reply, span_of(body));
		events_start(peer);
	}
	free(fields);
}

static void
streams_reject(struct opening *o, const struct reject *reject)
{
	streams_request_reply(o->exchange, reject->status, reject->headers, reject->reason);
}

static void
streams_opening_free(struct opening *o)
{
	struct streams_opening *opening = streams_opening_of(o);

	if (!opening->made)
		session_entry_free(opening->session);
	opening_clear(o);
	free(opening);
}

static const struct opening_ops streams_ops = {
    .make_peer = streams_make_peer,
    .begin = streams_begin,
    .reject = streams_reject,
    .free = streams_opening_free,
};

/* No longer counts the connection of a stream as one of its client, because the session itself
 * counts as one. The connection is not reused for another request. */
static void
streams_take_connection(struct exchange *exchange)
{
	struct limit_slot *slot = stream_slot(exchange_stream(exchange));

	limit_set_client(slot, NULL);
	limit_move(slot, LIMIT_PROGRAM);
	exchange_close_after(exchange);
}

static void
streams_open(struct streams *streams, const struct opening_context *context,
    struct endpoint *endpoint, struct exchange *exchange, const char *path,
    enum events_form form)
{
	struct streams_opening *opening = calloc(1, sizeof(*opening));
	struct session_entry *s =
	    session_entry_new(endpoint, exchange_identity(exchange)->user);
	struct reject reject;

	if (form == EVENTS_STREAM)
		streams_take_connection(exchange);
	if (!opening || !s)
		(void)reject_with(&reject, 503, REJECT_RETRY_LATER, "out of memory");
	else if (!session_entry_admit(s, context->launcher.limit, exchange_client(exchange)))
		(void)reject_with(&reject, 429, "Retry-After: 5\r\n",
		    "too many connections and event streams from this address "
		    "(--max-per-ip)");
	else
		reject.status = 0;
	if (reject.status != 0) {
		session_entry_free(s);
		free(opening);
		streams_request_reply(exchange, reject.status, reject.headers, reject.reason);
		return;
	}
	opening->streams = streams;
	opening->session = s;
	opening->form = form;
	opening_init(&opening->opening, &streams_ops, context, endpoint, exchange, path);
	opening->opening.via = form == EVENTS_STREAM ? SESSION_VIA_EVENTS : SESSION_VIA_POLLS;
	opening_start(&opening->opening);
}

/*
 * Later requests
 */

static void
streams_resume(
    struct session_entry *s, struct exchange *exchange, const struct streams_request *asked)
{
	int64_t after = 0;
	char *fields;

	if (asked->after.len > 0 && util_parse_number(asked->after, 0, INT64_MAX, &after)) {
		streams_request_reply(
		    exchange, 400, NULL, "the number of the last message is malformed");
		return;
	}
	fields = streams_request_fields(exchange,
	    asked->poll ? STREAMS_NO_STORE : STREAMS_NO_STORE "X-Accel-Buffering: no\r\n");
	if (!asked->poll)
		streams_take_connection(exchange);
	switch (events_attach(s->peer, exchange, (uint64_t)after, fields)) {
	case EVENTS_ATTACHED:
		break;
	case EVENTS_DROPPED:
		streams_request_reply(exchange, 410, NULL,
		    "messages that the client has not received are no longer kept "
		    "(--resume-buffer)");
		break;
	case EVENTS_OVER:
		streams_request_reply(exchange, 204, NULL, NULL);
		break;
	}
	free(fields);
}

static void
streams_route(struct streams *streams, const struct opening_context *context,
    struct endpoint *endpoint, struct exchange *exchange, const char *path,
    const struct streams_request *asked)
{
	const struct request *request = exchange_request(exchange);
	struct session_entry *s;

	if (asked->session.len > 0) {
		s = session_table_find(&streams->table, endpoint, exchange, asked->session);
		if (!s)
			streams_request_reply(exchange, 404, NULL, "no such session");
		else if (streams_request_is(request, "GET"))
			streams_resume(s, exchange, asked);
		else if (streams_request_is(request, "POST"))
			streams_post(&streams->table, &streams->posted, endpoint, exchange,
			    asked->session);
		else {
			events_leave(s->peer);
			exchange_set_logged(exchange);
			streams_request_reply(exchange, 204, NULL, NULL);
		}
	} else if (streams_request_is(request, "POST")) {
		streams_open(streams, context, endpoint, exchange, path, EVENTS_POLL);
	} else if (asked->poll) {
		streams_request_reply(exchange, 400, NULL,
		    "a poll needs ?session=, which POST with ?poll responds with");
	} else {
		streams_open(streams, context, endpoint, exchange, path, EVENTS_STREAM);
	}
}

/* Reports whether PATH is a CGI script, which handles all requests for its path. */
static bool
streams_is_script(const struct endpoint *endpoint, const char *path)
{
	struct endpoint_script script;
	enum endpoint_result found = endpoint_find_cgi(endpoint, path, &script);

	endpoint_script_clear(&script);
	return found != ENDPOINT_MISSING;
}

/* Reports whether a request is a CORS preflight of a page of another origin (Fetch). */
static bool
streams_wants_preflight(const struct request *request)
{
	return streams_request_is(request, "OPTIONS") &&
	       head_find(request->head, "Origin", NULL) > 0 &&
	       head_find(request->head, "Access-Control-Request-Method", NULL) > 0;
}

static bool
streams_are_at(const struct endpoint *endpoint, const char *path)
{
	return endpoint->streams && endpoint->kind != ENDPOINT_FILES &&
	       !streams_is_script(endpoint, path);
}

bool
streams_preflight(struct endpoint *endpoint, struct exchange *exchange, const char *path)
{
	struct reject reject;

	if (!streams_wants_preflight(exchange_request(exchange)) ||
	    !streams_are_at(endpoint, path))
		return false;
	if (!page_may_request(endpoint, exchange, &reject)) {
		exchange_reply_status(exchange, reject.status, reject.headers, reject.reason);
		return true;
	}
	streams_request_reply(exchange, 204,
	    "Access-Control-Allow-Methods: GET, POST, DELETE\r\n"
	    "Access-Control-Allow-Headers: Authorization, Content-Type, Last-Event-ID, "
	    "Wspipe-Post, Wspipe-Session\r\nAccess-Control-Max-Age: 600\r\n",
	    NULL);
	return true;
}

bool
streams_relay(const struct streams *streams, struct endpoint *endpoint,
    struct exchange *exchange, const char *path)
{
	const struct request *request = exchange_request(exchange);
	struct streams_request asked = streams_request_read(request);
	enum affinity_result where;

	if (asked.session.len != EVENTS_ID_LEN || !streams_request_wants(request, &asked) ||
	    !streams_are_at(endpoint, path))
		return false;
	where = affinity_relay(
	    streams->affinity, affinity_of_id(streams->affinity, asked.session), exchange);
	if (where == AFFINITY_UNREACHABLE)
		streams_request_reply(exchange, 503, REJECT_RETRY_LATER,
		    "the worker that has the session can't be reached now");
	return where != AFFINITY_OWN;
}

bool
streams_serve(struct streams *streams, const struct opening_context *context,
    struct endpoint *endpoint, struct exchange *exchange, const char *path)
{
	const struct request *request = exchange_request(exchange);
	struct streams_request asked = streams_request_read(request);
	struct reject reject;

	if (!streams_request_wants(request, &asked) || !streams_are_at(endpoint, path))
		return false;
	if (!page_may_request(endpoint, exchange, &reject))
		exchange_reply_status(exchange, reject.status, reject.headers, reject.reason);
	else
		streams_route(streams, context, endpoint, exchange, path, &asked);
	return true;
}

void
streams_init(struct streams *streams, const struct affinity *affinity)
{
	session_table_init(&streams->table);
	events_room_init(&streams->room);
	streams->affinity = affinity;
}

static void
streams_restart(struct peer *peer)
{
	events_end(peer, CLOSE_SERVICE_RESTART, "the server accepts no more connections");
}

void
streams_finish(struct streams *streams)
{
	session_table_each(&streams->table, streams_restart);
}

void
streams_clear(struct streams *streams)
{
	session_table_each(&streams->table, events_abandon);
}
