/* SPDX-License-Identifier: BSD-2-Clause */
/* Handles the requests of MCP clients. */
#include "serve/mcp.h"

#include "base/json.h"
#include "serve/mcp_headers.h"
#include "serve/mcp_reply.h"
#include "serve/page.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MCP_METHODS "GET, POST, DELETE, OPTIONS"
#define MCP_RETRY_LATER "Retry-After: 1\r\n"
#define MCP_SUPPORTED "{\"supported\":[\"" MCP_STATELESS "\"],\"requested\":"

enum { MCP_POSTED_MAX = 64 << 20 }; /* bytes of all bodies being read */

/* A request with a message, while its body is read. */
struct mcp_post {
	struct mcp *mcp; /* borrowed, as EXCHANGE */
	struct exchange *exchange;
	struct endpoint *endpoint; /* a reference */
	struct buffer body;
	size_t counted; /* bytes of its body counted in MCP */
};

/*
 * Messages
 */

static void
mcp_reply_reject(const struct mcp_post *post, struct span id, const struct reject *reject)
{
	mcp_reply_error(post->endpoint, post->exchange, reject->status,
	    reject->headers ? reject->headers : "", id, MCP_INTERNAL_ERROR, reject->reason,
	    NULL);
}

static void
mcp_reply_no_session(const struct endpoint *endpoint, struct exchange *exchange)
{
	mcp_reply_invalid(endpoint, exchange, 404, "no such session");
}

/* Forwards a message to SESSION, or sends an error response. */
static void
mcp_pass(
    const struct mcp_post *post, struct session_entry *session, const struct mcp_message *m)
{
	enum mcp_posted result;
	const char *why = NULL;
	char *fields;

	if (m->kind == MCP_REQUEST) {
		fields = mcp_reply_fields(post->endpoint, post->exchange, "");
		result = fields
			     ? mcp_peer_request(session->peer, m, post->exchange, fields, &why)
			     : MCP_NO_MEMORY;
		free(fields);
	} else {
		result = mcp_peer_post(session->peer, m);
		if (result == MCP_POSTED)
			mcp_reply(post->endpoint, post->exchange, 202, "");
	}
	switch (result) {
	case MCP_POSTED:
		break;
	case MCP_BUSY:
		mcp_reply_error(post->endpoint, post->exchange, 429, MCP_RETRY_LATER, m->id,
		    MCP_INTERNAL_ERROR, "too many messages are queued for the MCP program",
		    NULL);
		break;
	case MCP_MISMATCH:
		mcp_reply_error(post->endpoint, post->exchange, 400, "", m->id,
		    MCP_HEADER_MISMATCH, why, NULL);
		break;
	case MCP_UNSUPPORTED:
		mcp_reply_error(post->endpoint, post->exchange, 400, "", m->id,
		    MCP_INVALID_REQUEST, MCP_NOT_STATELESS, NULL);
		break;
	case MCP_OVER:
		mcp_reply_error(post->endpoint, post->exchange, 503, MCP_RETRY_LATER, m->id,
		    MCP_INTERNAL_ERROR, "the MCP program has exited", NULL);
		break;
	case MCP_NO_MEMORY:
		mcp_reply_error(post->endpoint, post->exchange, 503, REJECT_RETRY_LATER, m->id,
		    MCP_INTERNAL_ERROR, "out of memory", NULL);
		break;
	}
}

static void
mcp_post_session(const struct mcp_post *post, const struct mcp_message *m)
{
	struct span id = {0};
	size_t count = head_find(exchange_request(post->exchange)->head, "Mcp-Session-Id", &id);
	bool initialize = m->kind == MCP_REQUEST && mcp_message_is(m, "initialize");
	struct session_entry *session = NULL;
	struct reject reject;

	if (count > 0)
		session =
		    session_table_find(&post->mcp->table, post->endpoint, post->exchange, id);
	if (count > 0 && !session) {
		mcp_reply_no_session(post->endpoint, post->exchange);
	} else if (count > 0 && initialize) {
		mcp_reply_error(post->endpoint, post->exchange, 400, "", m->id,
		    MCP_INVALID_REQUEST, "initialize begins a session, without Mcp-Session-Id",
		    NULL);
	} else if (count == 0 && !initialize) {
		mcp_reply_error(post->endpoint, post->exchange, 400, "", m->id,
		    MCP_INVALID_REQUEST,
		    "Mcp-Session-Id is missing; a session begins with initialize", NULL);
	} else {
		if (!session)
			session = mcp_session_open(
			    post->mcp, post->endpoint, post->exchange, &reject);
		if (session)
			mcp_pass(post, session, m);
		else
			mcp_reply_reject(post, m->id, &reject);
	}
}

/* Reports an unsupported version and the supported ones (basic/versioning). */
static void
mcp_reply_version(const struct mcp_post *post, struct span id, const char *why)
{
	struct span version = {0};
	struct buffer data = {0};
	bool ok;

	(void)head_find(
	    exchange_request(post->exchange)->head, "MCP-Protocol-Version", &version);
	ok = buffer_append(&data, MCP_SUPPORTED "\"", sizeof(MCP_SUPPORTED)) &&
	     json_escape(
		 &data, (const uint8_t *)version.data, version.len, JSON_ESCAPE_MINIMAL) &&
	     buffer_append(&data, "\"}", sizeof("\"}"));
	mcp_reply_error(post->endpoint, post->exchange, 400, "", id, MCP_UNSUPPORTED_VERSION,
	    why, ok ? (const char *)buffer_data(&data) : NULL);
	buffer_clear(&data);
}

static void
mcp_post_stateless(const struct mcp_post *post, const struct mcp_message *m)
{
	const char *why;
	int code = mcp_headers_check(exchange_request(post->exchange)->head, m, &why);
	struct session_entry *session;
	struct reject reject;

	if (code == MCP_UNSUPPORTED_VERSION) {
		mcp_reply_version(post, m->id, why);
	} else if (code != 0) {
		mcp_reply_error(
		    post->endpoint, post->exchange, 400, "", m->id, code, why, NULL);
	} else if (m->kind == MCP_NOTIFICATION) {
		/* The protocol defines no notifications from stateless clients, and the program
		 * could not tell their sender. */
		mcp_reply(post->endpoint, post->exchange, 202, "");
	} else if (mcp_message_is(m, "initialize")) {
		/* The program would start a session for all clients. */
		mcp_reply_error(post->endpoint, post->exchange, 404, "", m->id,
		    MCP_METHOD_NOT_FOUND, "method not found: initialize", NULL);
	} else {
		session = mcp_session_shared(post->mcp, post->endpoint, &reject);
		if (session)
			mcp_pass(post, session, m);
		else
			mcp_reply_reject(post, m->id, &reject);
	}
}

static void
mcp_post_free(struct mcp_post *post)
{
	post->mcp->posted -= post->counted;
	endpoint_unref(post->endpoint);
	buffer_clear(&post->body);
	free(post);
}

static void
mcp_post_on_body_end(void *arg)
{
	struct mcp_post *post = arg;
	const struct head *head = exchange_request(post->exchange)->head;
	struct span text = {(char *)buffer_data(&post->body), buffer_len(&post->body)};
	struct mcp_message message;
	const char *why;
	int code = mcp_message_read(text, &message, &why);

	if (code != 0) {
		mcp_reply_error(
		    post->endpoint, post->exchange, 400, "", message.id, code, why, NULL);
	} else {
		switch (mcp_headers_protocol(head, &message)) {
		case MCP_PROTOCOL_SESSION:
			mcp_post_session(post, &message);
			break;
		case MCP_PROTOCOL_STATELESS:
			mcp_post_stateless(post, &message);
			break;
		case MCP_PROTOCOL_UNKNOWN:
			mcp_reply_version(post, message.id, "unsupported protocol version");
			break;
		}
	}
	mcp_post_free(post);
}

static void
mcp_post_on_body(void *arg, struct span bytes)
{
	struct mcp_post *post = arg;
	struct mcp *mcp = post->mcp;
	uint64_t max = post->endpoint->max_body;
	size_t others = mcp->posted - post->counted;

	/* A single body may be as large as --max-body allows. */
	if (max != 0 && post->counted + bytes.len > max) {
		mcp_reply_invalid(post->endpoint, post->exchange, 413,
		    "the request body is larger than --max-body");
	} else if ((others > 0 && mcp->posted + bytes.len > MCP_POSTED_MAX) ||
		   !buffer_append(&post->body, bytes.data, bytes.len)) {
		mcp_reply_error(post->endpoint, post->exchange, 503, REJECT_RETRY_LATER,
		    (struct span){0}, MCP_INTERNAL_ERROR, "no memory for request bodies", NULL);
	} else {
		post->counted += bytes.len;
		mcp->posted += bytes.len;
		return;
	}
	mcp_post_free(post);
}

static void
mcp_post_on_gone(void *arg)
{
	mcp_post_free(arg);
}

static const struct exchange_handlers mcp_post_handlers = {
    .on_body = mcp_post_on_body,
    .on_body_end = mcp_post_on_body_end,
    .on_gone = mcp_post_on_gone,
};

static void
mcp_post(struct mcp *mcp, struct endpoint *endpoint, struct exchange *exchange)
{
	const struct request *request = exchange_request(exchange);
	struct mcp_post *post;

	if (!mcp_headers_accept(request->head, "application/json") ||
	    !mcp_headers_accept(request->head, "text/event-stream")) {
		mcp_reply_invalid(endpoint, exchange, 406,
		    "Accept must list application/json and text/event-stream");
		return;
	}
	if (!mcp_headers_are_json(request->head)) {
		mcp_reply_invalid(
		    endpoint, exchange, 415, "Content-Type must be application/json");
		return;
	}
	if (endpoint->max_body != 0 && (uint64_t)request->length > endpoint->max_body) {
		mcp_reply_invalid(
		    endpoint, exchange, 413, "the request body is larger than --max-body");
		return;
	}
	post = calloc(1, sizeof(*post));
	if (!post) {
		mcp_reply_invalid(endpoint, exchange, 503, "out of memory");
		return;
	}
	*post = (struct mcp_post){
	    .mcp = mcp, .exchange = exchange, .endpoint = endpoint_ref(endpoint)};
	exchange_set_handlers(exchange, &mcp_post_handlers, post);
	exchange_set_reading(exchange, true);
}

/*
 * Streams, and ends of sessions
 */

/* Returns the session of a request without a body, or NULL after sending an error response. */
static struct session_entry *
mcp_session_of(struct mcp *mcp, struct endpoint *endpoint, struct exchange *exchange)
{
	const struct head *head = exchange_request(exchange)->head;
	struct session_entry *session;
	struct span id;

	switch (mcp_headers_protocol(head, NULL)) {
	case MCP_PROTOCOL_SESSION:
		break;
	case MCP_PROTOCOL_STATELESS:
		mcp_reply_error(endpoint, exchange, 405, "Allow: POST\r\n", (struct span){0},
		    MCP_INVALID_REQUEST, "version " MCP_STATELESS " has POST only", NULL);
		return NULL;
	case MCP_PROTOCOL_UNKNOWN:
		mcp_reply_invalid(endpoint, exchange, 400, "unsupported protocol version");
		return NULL;
	}
	if (head_find(head, "Mcp-Session-Id", &id) == 0) {
		mcp_reply_invalid(endpoint, exchange, 400, "Mcp-Session-Id is missing");
		return NULL;
	}
	session = session_table_find(&mcp->table, endpoint, exchange, id);
	if (!session)
		mcp_reply_no_session(endpoint, exchange);
	return session;
}

static void
mcp_get(struct mcp *mcp, struct endpoint *endpoint, struct exchange *exchange)
{
	const struct head *head = exchange_request(exchange)->head;
	uint64_t stream = 0, event = MCP_STREAM_CONTINUE;
	struct session_entry *session;
	struct span last;
	char *fields;

	if (!mcp_headers_accept(head, "text/event-stream")) {
		mcp_reply_invalid(
		    endpoint, exchange, 406, "Accept must list text/event-stream");
		return;
	}
	session = mcp_session_of(mcp, endpoint, exchange);
	if (!session)
		return;
	if (head_find(head, "Last-Event-ID", &last) > 0 &&
	    !mcp_headers_event(last, &stream, &event)) {
		mcp_reply_invalid(endpoint, exchange, 400, "Last-Event-ID is malformed");
		return;
	}
	fields = mcp_reply_fields(endpoint, exchange, "");
	if (!mcp_peer_listen(session->peer, exchange, fields ? fields : "", stream, event))
		mcp_reply_invalid(endpoint, exchange, event == MCP_STREAM_CONTINUE ? 409 : 400,
		    event == MCP_STREAM_CONTINUE ? "the session has a stream already"
						 : "no such stream");
	free(fields);
}

static void
mcp_delete(struct mcp *mcp, struct endpoint *endpoint, struct exchange *exchange)
{
	struct session_entry *session = mcp_session_of(mcp, endpoint, exchange);

	if (!session)
		return;
	mcp_peer_leave(session->peer);
	mcp_reply(endpoint, exchange, 204, "");
}

static void
mcp_options(struct endpoint *endpoint, struct exchange *exchange)
{
	struct span asked = {0};
	char *others = NULL;

	(void)head_find(
	    exchange_request(exchange)->head, "Access-Control-Request-Headers", &asked);
	if (asprintf(&others,
		"Allow: " MCP_METHODS "\r\nAccess-Control-Allow-Methods: GET, POST, DELETE\r\n"
		"%s%.*s%sAccess-Control-Max-Age: 600\r\n",
		asked.len > 0 ? "Access-Control-Allow-Headers: " : "", (int)asked.len,
		asked.len > 0 ? asked.data : "", asked.len > 0 ? "\r\n" : "") == -1)
		others = NULL;
	mcp_reply(endpoint, exchange, 204, others ? others : "");
	free(others);
}

/*
 * Requests
 */

/* Reports whether a browser requests a page: it gets the console of the endpoint. */
static bool
mcp_is_page(const struct request *request)
{
	return (request->is_head || span_equal(request->method, SPAN("GET"))) &&
	       head_has_token(request->head, "Accept", "text/html");
}

static bool
mcp_is_at(const struct endpoint *endpoint, const char *path)
{
	const char *rest = endpoint_rest(endpoint, path);

	return endpoint->mcp.on && (*rest == '\0' || strcmp(rest, "/") == 0);
}

bool
mcp_covers(const struct endpoint *endpoint, const struct exchange *exchange, const char *path)
{
	return mcp_is_at(endpoint, path) && !mcp_is_page(exchange_request(exchange));
}

bool
mcp_preflight(struct endpoint *endpoint, struct exchange *exchange, const char *path)
{
	const struct request *request = exchange_request(exchange);
	struct reject reject;

	if (!mcp_is_at(endpoint, path) || !span_equal(request->method, SPAN("OPTIONS")) ||
	    head_find(request->head, "Access-Control-Request-Method", NULL) == 0 ||
	    !page_may_request(endpoint, exchange, &reject))
		return false;
	mcp_options(endpoint, exchange);
	return true;
}

bool
mcp_relay(const struct mcp *mcp, struct endpoint *endpoint, struct exchange *exchange)
{
	const struct head *head = exchange_request(exchange)->head;
	enum affinity_result where = AFFINITY_OWN;
	struct span id;

	switch (mcp_headers_protocol(head, NULL)) {
	case MCP_PROTOCOL_SESSION:
		if (head_find(head, "Mcp-Session-Id", &id) > 0 && id.len == ENV_UNIQUE_ID_LEN)
			where = affinity_relay(
			    mcp->affinity, affinity_of_id(mcp->affinity, id), exchange);
		break;
	case MCP_PROTOCOL_STATELESS:
		where = affinity_relay(
		    mcp->affinity, affinity_of_path(mcp->affinity, endpoint->path), exchange);
		break;
	case MCP_PROTOCOL_UNKNOWN:
		break;
	}
	if (where == AFFINITY_UNREACHABLE)
		mcp_reply_error(endpoint, exchange, 503, MCP_RETRY_LATER, (struct span){0},
		    MCP_INTERNAL_ERROR,
		    "the worker that has the MCP program can't be reached now", NULL);
	return where != AFFINITY_OWN;
}

bool
mcp_serve(
    struct mcp *mcp, struct endpoint *endpoint, struct exchange *exchange, const char *path)
{
	const struct request *request = exchange_request(exchange);
	struct reject reject;

	if (!mcp_covers(endpoint, exchange, path))
		return false;
	if (!page_may_request(endpoint, exchange, &reject))
		exchange_reply_status(exchange, reject.status, reject.headers, reject.reason);
	else if (span_equal(request->method, SPAN("POST")))
		mcp_post(mcp, endpoint, exchange);
	else if (span_equal(request->method, SPAN("GET")))
		mcp_get(mcp, endpoint, exchange);
	else if (span_equal(request->method, SPAN("DELETE")))
		mcp_delete(mcp, endpoint, exchange);
	else if (span_equal(request->method, SPAN("OPTIONS")))
		mcp_options(endpoint, exchange);
	else
		mcp_reply_error(endpoint, exchange, 405, "Allow: " MCP_METHODS "\r\n",
		    (struct span){0}, MCP_INVALID_REQUEST, "MCP has GET, POST and DELETE only",
		    NULL);
	return true;
}
