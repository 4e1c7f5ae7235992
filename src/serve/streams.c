/* SPDX-License-Identifier: BSD-2-Clause */
/* Sessions of clients without a WebSocket. */
#include "serve/streams.h"

#include "net/limit.h"
#include "peer/events.h"
#include "serve/page.h"
#include "serve/wspipe_js.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define STREAMS_NO_STORE "Cache-Control: no-store\r\n"

struct streams_session {
	struct list node; /* in a bucket */
	struct endpoint *endpoint; /* a reference */
	char *user; /* owned: who opened it; NULL: it was not authenticated */
	struct peer *peer; /* borrowed until on_over */
	int64_t posts; /* the highest number of a request with messages */
	char id[EVENTS_ID_LEN + 1];
};

/* A session that is being opened. */
struct streams_opening {
	struct opening opening; /* first: streams_opening_of() casts it back */
	struct streams *streams;
	struct streams_session *session; /* owned until it has begun */
	enum events_form form;
	bool made; /* the peer owns SESSION */
};

/* What a request says, as spans of it. */
struct streams_request {
	struct span session;
	struct span after; /* a number */
	bool stream; /* it accepts one */
	bool poll;
};

/*
 * Requests.
 */

/* The value of a parameter of the query; empty if there is none. */
static struct span
streams_parameter(struct span query, const char *name, bool *found)
{
	size_t len = strlen(name);

	*found = false;
	while (query.len > 0) {
		const char *end = memchr(query.data, '&', query.len);
		size_t part = end ? (size_t)(end - query.data) : query.len;

		if (part >= len && memcmp(query.data, name, len) == 0 &&
		    (part == len || query.data[len] == '=')) {
			*found = true;
			return part == len
				   ? (struct span){0}
				   : (struct span){query.data + len + 1, part - len - 1};
		}
		part += end != NULL;
		query = (struct span){query.data + part, query.len - part};
	}
	return (struct span){0};
}

static struct streams_request
streams_read(const struct request *request)
{
	struct streams_request result = {0};
	struct span query = request->uri.query, last;
	bool found;

	(void)streams_parameter(query, "poll", &result.poll);
	result.session = streams_parameter(query, "session", &found);
	result.after = streams_parameter(query, "after", &found);
	(void)head_find(request->head, "Wspipe-Session", &result.session);
	if (!result.poll && head_find(request->head, "Last-Event-ID", &last) == 1) {
		size_t len = last.len < EVENTS_ID_LEN ? last.len : EVENTS_ID_LEN;

		result.session = (struct span){last.data, len};
		result.after = (struct span){last.data + len, last.len - len};
		if (result.after.len > 0 && *result.after.data == '-')
			result.after =
			    (struct span){result.after.data + 1, result.after.len - 1};
	}
	result.stream = head_has_token(request->head, "Accept", "text/event-stream");
	return result;
}

static bool
streams_is_method(const struct request *request, const char *method)
{
	return span_equal(request->method, span_of(method));
}

static bool
streams_wants(const struct request *request, const struct streams_request *asked)
{
	struct span ignored;

	if (streams_is_method(request, "GET"))
		return asked->stream || asked->poll;
	if (streams_is_method(request, "POST"))
		return asked->poll || asked->session.len > 0;
	if (streams_is_method(request, "DELETE"))
		return asked->session.len > 0;
	/* A page of another origin asks first (Fetch, CORS preflight). */
	return streams_is_method(request, "OPTIONS") &&
	       head_find(request->head, "Origin", &ignored) > 0 &&
	       head_find(request->head, "Access-Control-Request-Method", &ignored) > 0;
}

/* Header lines for a response: those for a page that may read it, and OTHERS. Empty without
 * memory. Owned by the caller. */
static char *
streams_fields(const struct exchange *exchange, const char *others)
{
	struct span origin = {0};
	char *fields = NULL;

	if (head_find(exchange_request(exchange)->head, "Origin", &origin) == 0)
		return strdup(others);
	if (asprintf(&fields,
		"Access-Control-Allow-Origin: %.*s\r\nAccess-Control-Allow-Credentials: "
		"true\r\n"
		"Vary: Origin\r\n%s",
		(int)origin.len, origin.data, others) == -1)
		return NULL;
	return fields;
}

static void
streams_reply(struct exchange *exchange, int status, const char *others, const char *reason)
{
	char *fields = streams_fields(exchange, others ? others : STREAMS_NO_STORE);

	exchange_reply_status(exchange, status, fields, reason);
	free(fields);
}

/*
 * Sessions.
 */

static struct list *
streams_bucket(struct streams *streams, struct span id)
{
	size_t hash = 0;

	for (size_t i = 0; i < 4 && i < id.len; i++)
		hash = hash * 16 + (size_t)util_hex_value((unsigned char)id.data[i]);
	return &streams->buckets[hash % STREAMS_BUCKETS];
}

static bool
streams_same_user(const struct streams_session *s, const struct exchange *exchange)
{
	const char *user = exchange_identity(exchange)->user;

	return s->user && user ? strcmp(s->user, user) == 0 : !s->user && !user;
}

/* The session with an ID, if the request may use it. */
static struct streams_session *
streams_find(struct streams *streams, const struct endpoint *endpoint,
    const struct exchange *exchange, struct span id)
{
	struct list *bucket;

	if (id.len != EVENTS_ID_LEN)
		return NULL;
	bucket = streams_bucket(streams, id);
	for (struct list *node = bucket->next; node != bucket; node = node->next) {
		struct streams_session *s = LIST_ENTRY_OF(node, struct streams_session, node);
		unsigned char differs = 0;

		/* In a time that does not depend on where they differ. */
		for (size_t i = 0; i < EVENTS_ID_LEN; i++)
			differs |= (unsigned char)(s->id[i] ^ id.data[i]);
		if (differs == 0)
			return strcmp(s->endpoint->path, endpoint->path) == 0 &&
				       streams_same_user(s, exchange)
				   ? s
				   : NULL;
	}
	return NULL;
}

static void
streams_free_session(struct streams_session *s)
{
	if (!s)
		return;
	list_remove(&s->node);
	endpoint_unref(s->endpoint);
	free(s->user);
	free(s);
}

static void
streams_on_over(void *owner)
{
	streams_free_session(owner);
}

void
streams_init(struct streams *streams, bool alone)
{
	for (size_t i = 0; i < STREAMS_BUCKETS; i++)
		list_init(&streams->buckets[i]);
	streams->alone = alone;
}

void
streams_clear(struct streams *streams)
{
	for (size_t i = 0; i < STREAMS_BUCKETS; i++) {
		struct list *bucket = &streams->buckets[i];
		struct list *next;

		for (struct list *node = bucket->next; node != bucket; node = next) {
			next = node->next;
			events_abandon(LIST_ENTRY_OF(node, struct streams_session, node)->peer);
		}
	}
}

/*
 * The start.
 */

static struct streams_opening *
streams_opening_of(struct opening *o)
{
	return (struct streams_opening *)(void *)o;
}

static struct peer *
streams_make_peer(struct opening *o, struct session *session, struct peer_counts *sent)
{
	struct streams_opening *opening = streams_opening_of(o);
	struct streams_session *s = opening->session;
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
	    .on_over = streams_on_over,
	    .owner = s,
	};

	/* It is as secret as that of the session's program, but another one. */
	if (!env_make_unique_id(s->id))
		return NULL;
	memcpy(spec.id, s->id, sizeof(spec.id));
	s->peer = events_new(&spec, &session_peer_handlers, session);
	opening->made = s->peer != NULL;
	if (s->peer)
		list_append(streams_bucket(opening->streams, span_of(s->id)), &s->node);
	return s->peer;
}

static void
streams_begin(struct opening *o, struct peer *peer)
{
	struct streams_opening *opening = streams_opening_of(o);
	const char *id = opening->session->id;
	char *fields = streams_fields(o->exchange,
	    opening->form == EVENTS_STREAM ? STREAMS_NO_STORE "X-Accel-Buffering: no\r\n"
					   : STREAMS_NO_STORE);
	struct reply reply = {.status = 200, .type = "application/json", .fields = fields};
	char body[EVENTS_ID_LEN + 32];

	if (opening->form == EVENTS_STREAM) {
		limit_move(stream_slot(exchange_stream(o->exchange)), LIMIT_PROGRAM);
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
	streams_reply(o->exchange, reject->status, reject->headers, reject->reason);
}

static void
streams_opening_free(struct opening *o)
{
	struct streams_opening *opening = streams_opening_of(o);

	if (!opening->made)
		streams_free_session(opening->session);
	opening_clear(o);
	free(opening);
}

static const struct opening_ops streams_ops = {
    .make_peer = streams_make_peer,
    .begin = streams_begin,
    .reject = streams_reject,
    .free = streams_opening_free,
};

static void
streams_open(struct streams *streams, const struct opening_context *context,
    struct endpoint *endpoint, struct exchange *exchange, const char *path,
    enum events_form form)
{
	struct streams_opening *opening = calloc(1, sizeof(*opening));
	struct streams_session *s = calloc(1, sizeof(*s));
	const char *user = exchange_identity(exchange)->user;

	if (s) {
		list_init(&s->node);
		s->endpoint = endpoint_ref(endpoint);
		s->user = user ? strdup(user) : NULL;
	}
	if (!opening || !s || (user && !s->user)) {
		streams_free_session(s);
		free(opening);
		streams_reply(exchange, 503, REJECT_RETRY_LATER, "out of memory");
		return;
	}
	opening->streams = streams;
	opening->session = s;
	opening->form = form;
	opening_init(&opening->opening, &streams_ops, context, endpoint, exchange, path);
	opening_start(&opening->opening);
}

/*
 * What follows.
 */

static void
streams_resume(
    struct streams_session *s, struct exchange *exchange, const struct streams_request *asked)
{
	int64_t after = 0;
	char *fields;

	if (asked->after.len > 0 && util_parse_number(asked->after, 0, INT64_MAX, &after)) {
		streams_reply(
		    exchange, 400, NULL, "the number of the last message is malformed");
		return;
	}
	fields = streams_fields(exchange,
	    asked->poll ? STREAMS_NO_STORE : STREAMS_NO_STORE "X-Accel-Buffering: no\r\n");
	switch (events_attach(s->peer, exchange, (uint64_t)after, fields)) {
	case EVENTS_ATTACHED:
		break;
	case EVENTS_DROPPED:
		streams_reply(exchange, 410, NULL,
		    "messages that the client has not got are not kept any more "
		    "(--resume-buffer)");
		break;
	case EVENTS_OVER:
		streams_reply(exchange, 204, NULL, NULL);
		break;
	}
	free(fields);
}

/* A request with messages, whose body is being read. */
struct streams_post {
	struct streams *streams; /* borrowed, as EXCHANGE */
	struct exchange *exchange;
	struct endpoint *endpoint; /* a reference */
	struct buffer body;
	enum events_kind kind;
	char id[EVENTS_ID_LEN];
};

static void
streams_post_free(struct streams_post *post)
{
	endpoint_unref(post->endpoint);
	buffer_clear(&post->body);
	free(post);
}

static void
streams_on_body(void *arg, struct span bytes)
{
	struct streams_post *post = arg;
	bool fits = buffer_len(&post->body) + bytes.len <= STREAMS_POST_MAX;

	if (fits && buffer_append(&post->body, bytes.data, bytes.len))
		return;
	streams_reply(post->exchange, fits ? 503 : 413, NULL,
	    fits ? "out of memory" : "the request body is larger than 1 MiB");
	streams_post_free(post);
}

/* A client may number its requests with messages, and send one that got no response again.
 * False: S has its messages. */
static bool
streams_is_new(
    const struct streams_session *s, const struct exchange *exchange, int64_t *number)
{
	struct span value;

	*number = s->posts;
	return head_find(exchange_request(exchange)->head, "Wspipe-Post", &value) != 1 ||
	       util_parse_number(value, 1, INT64_MAX, number) || *number > s->posts;
}

static void
streams_on_body_end(void *arg)
{
	struct streams_post *post = arg;
	struct streams_session *s = streams_find(post->streams, post->endpoint, post->exchange,
	    (struct span){post->id, sizeof(post->id)});
	const char *why = NULL;
	int64_t before, number;
	enum events_posted result;

	if (!s) {
		streams_reply(post->exchange, 404, NULL, "there is no such session any more");
		streams_post_free(post);
		return;
	}
	if (!streams_is_new(s, post->exchange, &number)) {
		exchange_set_logged(post->exchange);
		streams_reply(post->exchange, 202, NULL, NULL);
		streams_post_free(post);
		return;
	}
	/* A session that ends is freed; one that accepts nothing stays. */
	before = s->posts;
	s->posts = number;
	result = events_post(s->peer, post->kind, &post->body, &why);
	if (result != EVENTS_POSTED)
		s->posts = before;
	switch (result) {
	case EVENTS_POSTED:
		exchange_set_logged(post->exchange);
		streams_reply(post->exchange, 202, NULL, NULL);
		break;
	case EVENTS_BUSY:
		streams_reply(post->exchange, 429, STREAMS_NO_STORE "Retry-After: 1\r\n",
		    "the program does not read as fast as messages come");
		break;
	case EVENTS_TOO_BIG:
		streams_reply(
		    post->exchange, 413, NULL, "a message is larger than --maxframesize");
		break;
	case EVENTS_WRONG_TYPE:
		streams_reply(post->exchange, 415, NULL,
		    "binary messages are not accepted: the program reads text (see --binary, "
		    "--framing)");
		break;
	case EVENTS_BAD:
		streams_reply(post->exchange, 400, NULL, why);
		break;
	case EVENTS_NO_MEMORY:
		streams_reply(post->exchange, 503, REJECT_RETRY_LATER, "out of memory");
		break;
	}
	streams_post_free(post);
}

static void
streams_on_post_gone(void *arg)
{
	streams_post_free(arg);
}

static void
streams_on_drained(void *arg)
{
	(void)arg;
}

static const struct exchange_handlers streams_post_handlers = {
    .on_body = streams_on_body,
    .on_body_end = streams_on_body_end,
    .on_drained = streams_on_drained,
    .on_gone = streams_on_post_gone,
};

/* Of a Content-Type, but for its parameters. Without one it is text. */
static bool
streams_kind_of(const struct head *head, enum events_kind *kind)
{
	static const struct {
		const char *type;
		enum events_kind kind;
	} rows[] = {
	    {"text/plain", EVENTS_TEXT},
	    {"application/octet-stream", EVENTS_BINARY},
	    {"application/x-ndjson", EVENTS_LINES},
	};
	struct span type = SPAN("text/plain");
	const char *end;

	(void)head_find(head, "Content-Type", &type);
	end = memchr(type.data, ';', type.len);
	if (end)
		type.len = (size_t)(end - type.data);
	type = span_trim(type);
	for (size_t i = 0; i < UTIL_LEN(rows); i++) {
		*kind = rows[i].kind;
		if (span_equal_nocase(type, span_of(rows[i].type)))
			return true;
	}
	return false;
}

static void
streams_post(struct streams *streams, struct endpoint *endpoint, struct exchange *exchange,
    struct span id)
{
	struct streams_post *post = calloc(1, sizeof(*post));

	if (!post) {
		streams_reply(exchange, 503, REJECT_RETRY_LATER, "out of memory");
		return;
	}
	if (!streams_kind_of(exchange_request(exchange)->head, &post->kind)) {
		free(post);
		streams_reply(exchange, 415, NULL,
		    "the Content-Type is not text/plain, application/octet-stream or "
		    "application/x-ndjson; with curl add -H 'Content-Type: text/plain'");
		return;
	}
	post->streams = streams;
	post->exchange = exchange;
	post->endpoint = endpoint_ref(endpoint);
	memcpy(post->id, id.data, sizeof(post->id));
	exchange_set_handlers(exchange, &streams_post_handlers, post);
	exchange_set_reading(exchange, true);
}

static void
streams_route(struct streams *streams, const struct opening_context *context,
    struct endpoint *endpoint, struct exchange *exchange, const char *path,
    const struct streams_request *asked)
{
	const struct request *request = exchange_request(exchange);
	struct streams_session *s = NULL;

	if (asked->session.len > 0) {
		s = streams_find(streams, endpoint, exchange, asked->session);
		if (!s)
			streams_reply(exchange, 404, NULL, "there is no such session any more");
		else if (streams_is_method(request, "GET"))
			streams_resume(s, exchange, asked);
		else if (streams_is_method(request, "POST"))
			streams_post(streams, endpoint, exchange, asked->session);
		else {
			events_leave(s->peer);
			exchange_set_logged(exchange);
			streams_reply(exchange, 204, NULL, NULL);
		}
	} else if (streams_is_method(request, "POST")) {
		streams_open(streams, context, endpoint, exchange, path, EVENTS_POLL);
	} else if (asked->poll) {
		streams_reply(exchange, 400, NULL,
		    "a poll needs ?session=, which POST with ?poll responds with");
	} else {
		streams_open(streams, context, endpoint, exchange, path, EVENTS_STREAM);
	}
}

bool
streams_serve_script(
    const struct endpoint *endpoint, struct exchange *exchange, const char *path)
{
	const struct request *request = exchange_request(exchange);
	const char *rest = endpoint_rest(endpoint, path);
	bool gzip = head_has_token(request->head, "Accept-Encoding", "gzip");
	const struct wspipe_js *script;
	struct reply reply = {.status = 200,
	    .type = "text/javascript; charset=utf-8",
	    .fields = gzip ? "Cache-Control: no-cache\r\nVary: Accept-Encoding\r\n"
			     "Content-Encoding: gzip\r\n"
			   : "Cache-Control: no-cache\r\nVary: Accept-Encoding\r\n"};
	struct span body;

	if (!endpoint->streams || (!request->is_head && !streams_is_method(request, "GET")))
		return false;
	if (strcmp(rest, "/-/wspipe.js") == 0)
		script = &wspipe_js;
	else if (strcmp(rest, "/-/wspipe.mjs") == 0)
		script = &wspipe_mjs;
	else
		return false;
	body = gzip ? (struct span){(const char *)script->gzip, script->gzip_len}
		    : (struct span){(const char *)script->plain, script->plain_len};
	reply.length = (int64_t)body.len;
	exchange_reply(exchange, &reply, body);
	return true;
}

/* CGI scripts respond to all requests for them. */
static bool
streams_is_script(const struct endpoint *endpoint, const char *path)
{
	struct endpoint_script script;
	enum endpoint_result found = endpoint_find_cgi(endpoint, path, &script);

	endpoint_script_clear(&script);
	return found != ENDPOINT_MISSING;
}

bool
streams_serve(struct streams *streams, const struct opening_context *context,
    struct endpoint *endpoint, struct exchange *exchange, const char *path)
{
	const struct request *request = exchange_request(exchange);
	struct streams_request asked = streams_read(request);
	struct reject reject;

	if (!endpoint->streams || endpoint->kind == ENDPOINT_FILES ||
	    !streams_wants(request, &asked) || streams_is_script(endpoint, path))
		return false;
	if (!page_may_request(endpoint, exchange, &reject))
		exchange_reply_status(exchange, reject.status, reject.headers, reject.reason);
	else if (streams_is_method(request, "OPTIONS"))
		streams_reply(exchange, 204,
		    "Access-Control-Allow-Methods: GET, POST, DELETE\r\n"
		    "Access-Control-Allow-Headers: Authorization, Content-Type, Last-Event-ID, "
		    "Wspipe-Post, Wspipe-Session\r\nAccess-Control-Max-Age: 600\r\n",
		    NULL);
	else if (!streams->alone)
		streams_reply(exchange, 501, NULL,
		    "event streams need a single process: --workers must be 1");
	else
		streams_route(streams, context, endpoint, exchange, path, &asked);
	return true;
}
