/* SPDX-License-Identifier: BSD-2-Clause */
/* The clients of an MCP program as a peer: their messages, and the life cycle. */
#include "serve/mcp_peer.h"

#include "base/json_scan.h"
#include "serve/mcp_routes.h"
#include "websocket/frame.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct mcp_peer {
	struct peer peer; /* first: mcp_peer_of() casts it back */
	struct mcp_peer_spec spec;
	struct mcp_routes routes;
	struct buffer partial; /* owned, as the next two: partial message of the program */
	struct buffer input; /* lines for the program */
	struct buffer waiting; /* requests held back while the program is queried */
	struct loop_task resume; /* handles changes of the routes and delivers INPUT */
	struct loop_deferred deferred; /* for the deferred free */
	struct timer timer;
	bool finishes; /* ends with its last connection */
	bool skips; /* discards the rest of an oversized message */
	bool freed;
};

static struct mcp_peer *
mcp_peer_of(const struct peer *peer)
{
	return (struct mcp_peer *)(uintptr_t)peer;
}

/* End */

static void
mcp_peer_release(struct loop_deferred *deferred)
{
	free(LIST_ENTRY_OF(deferred, struct mcp_peer, deferred));
}

/* Reports that the peer accepts no more requests. */
static void
mcp_peer_end(struct mcp_peer *p)
{
	void (*on_over)(void *owner) = p->spec.on_over;

	p->spec.on_over = NULL;
	if (on_over)
		on_over(p->spec.owner);
}

/* The only destructor. */
static void
mcp_peer_free(struct peer *peer)
{
	struct mcp_peer *p = mcp_peer_of(peer);

	p->freed = true;
	p->peer.state = PEER_GONE;
	mcp_routes_clear(&p->routes);
	timer_stop(&p->timer);
	loop_cancel(&p->resume);
	buffer_clear(&p->partial);
	buffer_clear(&p->input);
	buffer_clear(&p->waiting);
	mcp_peer_end(p);
	loop_defer_free(p->spec.loop, &p->deferred, mcp_peer_release);
}

static void
mcp_peer_arm(struct mcp_peer *p)
{
	if (p->freed)
		return;
	if (p->routes.era == MCP_ERA_ASKED)
		timer_at(&p->timer, p->routes.begun_ms + MCP_DISCOVER_MS);
	else if (p->spec.idle_ms > 0 && !mcp_routes_are_connected(&p->routes))
		timer_at(&p->timer, p->routes.since_ms + p->spec.idle_ms);
}

/* Called last in each call from outside: the user acts on the state, and may free the peer. */
static void
mcp_peer_changed(struct mcp_peer *p)
{
	if (!p->freed)
		p->peer.handlers->on_changed(p->peer.arg);
	mcp_peer_arm(p);
}

/* Input */

/* Delivers queued input until the user pauses it. */
static void
mcp_peer_deliver(struct mcp_peer *p)
{
	bool more = true;

	while (more && p->peer.state == PEER_OPEN && p->peer.reading &&
	       buffer_len(&p->input) > 0) {
		uint8_t *data = buffer_data(&p->input);
		uint8_t *end = memchr(data, '\n', buffer_len(&p->input));
		size_t len = (size_t)(end - data);
		struct batch batch = {
		    .type = MESSAGE_TEXT,
		    .data = data,
		    .len = len,
		    .separator = BATCH_NO_SEPARATOR,
		    .first = true,
		    .last = true,
		    .messages = 1,
		    .bytes = len,
		    .wire = len,
		    .fleeting = true,
		};

		more = p->peer.handlers->on_messages(p->peer.arg, &batch);
		if (buffer_len(&p->input) > 0) /* the callback may have cleared it */
			buffer_consume(&p->input, len + 1);
	}
}

/* Moves the contents of FROM to the end of the input. */
static void
mcp_peer_move(struct mcp_peer *p, struct buffer *from)
{
	if (buffer_len(from) > 0 &&
	    !buffer_append(&p->input, buffer_data(from), buffer_len(from)))
		p->routes.leaves = true;
	buffer_clear(from);
}

/* Moves the requests received while the program was queried to the input, except cancelled
 * ones. Rejects those whose header does not agree with the program's tools. */
static void
mcp_peer_sift(struct mcp_peer *p)
{
	const char *at = (const char *)buffer_data(&p->waiting), *newline;
	const char *end = at + buffer_len(&p->waiting), *why;

	for (; at < end; at = newline + 1) {
		struct mcp_stream *stream = NULL;
		struct mcp_message m;
		struct span line;
		int code = 0;

		newline = memchr(at, '\n', (size_t)(end - at));
		line = (struct span){at, (size_t)(newline - at)};
		if (mcp_message_read(line, &m, &why) == 0 && m.kind == MCP_REQUEST)
			stream = mcp_routes_find(&p->routes, mcp_message_number(m.id));
		if (!stream)
			continue;
		if (stream->exchange)
			code = mcp_tools_check(&p->routes.ask.tools,
			    exchange_request(stream->exchange)->head, &m, &why);
		if (code != 0)
			mcp_routes_reject(&p->routes, stream, code, why, 400);
		else if (!buffer_append(&p->input, at, line.len + 1))
			p->routes.leaves = true;
	}
	buffer_clear(&p->waiting);
}

static void
mcp_peer_on_resume(struct loop_task *task)
{
	struct mcp_peer *p = LIST_ENTRY_OF(task, struct mcp_peer, resume);

	if (p->routes.era == MCP_ERA_LEGACY)
		buffer_clear(&p->waiting);
	mcp_peer_move(p, &p->routes.ask.lines);
	if (p->routes.era != MCP_ERA_ASKED) {
		mcp_peer_sift(p);
		mcp_peer_move(p, &p->routes.lines);
	}
	mcp_peer_deliver(p);
	if (p->finishes && !mcp_routes_are_connected(&p->routes))
		p->routes.leaves = true;
	if (p->routes.leaves && p->peer.state == PEER_OPEN)
		mcp_peer_leave(&p->peer);
	else
		mcp_peer_changed(p);
}

static void
mcp_peer_wake(void *owner)
{
	struct mcp_peer *p = owner;

	loop_defer(p->spec.loop, &p->resume);
}

static void
mcp_peer_set_reading(struct peer *peer, bool on)
{
	struct mcp_peer *p = mcp_peer_of(peer);

	peer->reading = on;
	if (on && buffer_len(&p->input) > 0)
		loop_defer(p->spec.loop, &p->resume);
}

/* Queues a message for delivery. */
static bool
mcp_peer_queue(
    struct mcp_peer *p, const struct mcp_message *m, const struct mcp_edit *edits, size_t count)
{
	struct buffer *to = p->routes.era == MCP_ERA_ASKED ? &p->waiting : &p->input;
	size_t before = buffer_len(to);

	if (mcp_message_put(to, m, edits, count) && buffer_append(to, "\n", 1))
		return true;
	buffer_cut(to, before);
	return false;
}

static enum mcp_posted
mcp_peer_check(const struct mcp_peer *p)
{
	if (p->peer.state != PEER_OPEN || p->routes.leaves)
		return MCP_OVER;
	if (p->routes.era == MCP_ERA_LEGACY)
		return MCP_UNSUPPORTED;
	if (buffer_len(&p->input) + buffer_len(&p->waiting) > MCP_INPUT_MAX)
		return MCP_BUSY;
	return MCP_POSTED;
}

enum mcp_posted
mcp_peer_request(struct peer *peer, const struct mcp_message *message,
    struct exchange *exchange, const char *fields, const char **why)
{
	struct mcp_peer *p = mcp_peer_of(peer);
	enum mcp_posted result = mcp_peer_check(p);
	struct mcp_stream *stream;
	char number[24];
	struct span ours;

	if (result != MCP_POSTED)
		return result;
	if (p->routes.pending >=
	    (p->spec.stateless ? MCP_STATELESS_PENDING_MAX : MCP_PENDING_MAX))
		return MCP_BUSY;
	if (p->routes.era == MCP_ERA_STATELESS) {
		switch (mcp_tools_check(
		    &p->routes.ask.tools, exchange_request(exchange)->head, message, why)) {
		case 0:
			break;
		case MCP_HEADER_MISMATCH:
			return MCP_MISMATCH;
		default:
			return MCP_NO_MEMORY;
		}
	}
	stream = mcp_routes_add(&p->routes, message);
	if (!stream)
		return MCP_NO_MEMORY;
	ours = (struct span){
	    number, (size_t)snprintf(number, sizeof(number), "%" PRIu64, stream->spec.number)};
	if (!mcp_peer_queue(p, message,
		(const struct mcp_edit[]){{message->id, ours}, {message->token, ours}}, 2)) {
		mcp_routes_remove(&p->routes, stream);
		return MCP_NO_MEMORY;
	}
	mcp_stream_attach(stream, exchange, fields, MCP_STREAM_CONTINUE);
	mcp_peer_deliver(p);
	mcp_peer_changed(p);
	return MCP_POSTED;
}

enum mcp_posted
mcp_peer_post(struct peer *peer, const struct mcp_message *message)
{
	struct mcp_peer *p = mcp_peer_of(peer);
	enum mcp_posted result = mcp_peer_check(p);
	struct mcp_edit edit = {{0}, {0}};
	struct mcp_stream *stream;
	char number[24];

	if (result != MCP_POSTED)
		return result;
	if (mcp_message_is(message, "notifications/cancelled")) {
		stream = mcp_routes_find_id(&p->routes, message->request_id);
		if (!stream)
			return MCP_POSTED; /* its response has been sent */
		edit.at = message->request_id;
		edit.by = (struct span){number,
		    (size_t)snprintf(number, sizeof(number), "%" PRIu64, stream->spec.number)};
	}
	if (!mcp_peer_queue(p, message, &edit, 1))
		return MCP_NO_MEMORY;
	p->routes.since_ms = util_clock_ms();
	mcp_peer_deliver(p);
	mcp_peer_changed(p);
	return MCP_POSTED;
}

bool
mcp_peer_listen(struct peer *peer, struct exchange *exchange, const char *fields,
    uint64_t number, uint64_t after)
{
	struct mcp_peer *p = mcp_peer_of(peer);
	struct mcp_stream *stream = mcp_routes_find(&p->routes, number);

	if (!stream || peer->state != PEER_OPEN ||
	    (after == MCP_STREAM_CONTINUE && stream->exchange) ||
	    (number != 0 && !stream->begun))
		return false;
	mcp_stream_attach(stream, exchange, fields, after);
	mcp_peer_changed(p);
	return true;
}

void
mcp_peer_finish(struct peer *peer)
{
	struct mcp_peer *p = mcp_peer_of(peer);
	struct mcp_stream *zero = mcp_routes_find(&p->routes, 0);

	mcp_peer_end(p);
	if (zero)
		mcp_routes_remove(&p->routes, zero);
	p->finishes = true;
	mcp_peer_wake(p);
}

void
mcp_peer_leave(struct peer *peer)
{
	struct mcp_peer *p = mcp_peer_of(peer);

	if (peer->state != PEER_OPEN)
		return;
	peer->state = PEER_LEFT;
	mcp_peer_end(p);
	buffer_clear(&p->input);
	mcp_routes_fail(&p->routes, MCP_INTERNAL_ERROR, "the session has ended", 200);
	peer->handlers->on_close(peer->arg, CLOSE_NORMAL, (struct span){0});
	mcp_peer_changed(p);
}

/* Output */

/* Handles a line, or the last part of one. */
static void
mcp_peer_take_line(struct mcp_peer *p, struct span line)
{
	p->peer.sent->messages++;
	p->peer.sent->bytes += line.len;
	mcp_routes_take(&p->routes, line);
}

/* Appends to a partial message. */
static void
mcp_peer_take_part(struct mcp_peer *p, const struct batch *batch)
{
	if (batch->first) {
		buffer_clear(&p->partial);
		p->skips = false;
	}
	if (!p->skips && buffer_len(&p->partial) + batch->len > MCP_LINE_MAX) {
		p->skips = true;
		mcp_routes_drop(&p->routes, "it is too long", (struct span){0});
	} else if (!p->skips && !buffer_append(&p->partial, batch->data, batch->len)) {
		/* The message may have been a response, but its stream is unknown. */
		p->skips = p->routes.leaves = true;
		mcp_peer_wake(p);
	}
	if (p->skips)
		buffer_clear(&p->partial);
	if (batch->last && !p->skips)
		mcp_peer_take_line(p,
		    (struct span){(char *)buffer_data(&p->partial), buffer_len(&p->partial)});
	if (batch->last)
		buffer_clear(&p->partial);
}

static void
mcp_peer_send(struct peer *peer, struct batch *batch)
{
	struct mcp_peer *p = mcp_peer_of(peer);

	if (batch->separator == BATCH_NO_SEPARATOR)
		mcp_peer_take_part(p, batch);
	while (batch->separator != BATCH_NO_SEPARATOR && batch->len > 0 &&
	       peer->state == PEER_OPEN) {
		struct batch one = batch_next(batch);

		mcp_peer_take_line(p, (struct span){(char *)one.data, one.len});
	}
	if (p->finishes)
		mcp_peer_wake(p);
}

static void
mcp_peer_flush(struct peer *peer)
{
	(void)peer;
}

static void
mcp_peer_close(struct peer *peer, uint16_t code, struct span reason)
{
	struct mcp_peer *p = mcp_peer_of(peer);
	char text[128];

	if (peer->state != PEER_OPEN)
		return;
	peer->state = PEER_LEFT; /* there is no close response to wait for */
	mcp_peer_end(p);
	if (code == CLOSE_GOING_AWAY)
		snprintf(text, sizeof(text), "the server is shutting down");
	else
		snprintf(text, sizeof(text), "the MCP program has exited%s%.*s",
		    reason.len > 0 ? ": " : "", (int)reason.len,
		    reason.len > 0 ? reason.data : "");
	mcp_routes_fail(&p->routes, MCP_INTERNAL_ERROR, text, 200);
}

/* Always 0: unread output is limited per stream, because one client must not block the
 * others. */
static size_t
mcp_peer_queued(const struct peer *peer)
{
	(void)peer;
	return 0;
}

/* Drops undelivered messages; no partial ones exist. */
static void
mcp_peer_violation(struct peer *peer)
{
	buffer_clear(&mcp_peer_of(peer)->input);
}

static const struct peer_ops mcp_peer_ops = {
    .send = mcp_peer_send,
    .flush = mcp_peer_flush,
    .violation = mcp_peer_violation,
    .close = mcp_peer_close,
    .set_reading = mcp_peer_set_reading,
    .queued = mcp_peer_queued,
    .finish = mcp_peer_free,
    .free = mcp_peer_free,
};

/* Start */

static void
mcp_peer_on_timer(void *arg)
{
	struct mcp_peer *p = arg;
	int64_t now = util_clock_ms();

	if (p->routes.era == MCP_ERA_ASKED && now >= p->routes.begun_ms + MCP_DISCOVER_MS)
		mcp_routes_decide(&p->routes);
	else if (p->spec.idle_ms > 0 && !mcp_routes_are_connected(&p->routes) &&
		 now >= p->routes.since_ms + p->spec.idle_ms)
		p->routes.leaves = true;
	mcp_peer_on_resume(&p->resume);
}

struct peer *
mcp_peer_new(const struct mcp_peer_spec *spec, const struct peer_handlers *handlers, void *arg)
{
	struct mcp_peer *p = calloc(1, sizeof(*p));

	if (!p)
		return NULL;
	p->peer = (struct peer){
	    .ops = &mcp_peer_ops, .handlers = handlers, .arg = arg, .sent = spec->sent};
	p->spec = *spec;
	p->routes = (struct mcp_routes){.loop = spec->loop,
	    .log_id = spec->log_id,
	    .room = spec->room,
	    .idle_ms = spec->idle_ms,
	    .stateless = spec->stateless,
	    .session = p->spec.session,
	    .wake = mcp_peer_wake,
	    .owner = p};
	loop_task_init(&p->resume, mcp_peer_on_resume);
	timer_init(&p->timer, &spec->loop->timers, mcp_peer_on_timer, p);
	if (mcp_routes_init(&p->routes))
		mcp_peer_move(p, &p->routes.ask.lines);
	else
		p->routes.leaves = true;
	if (!p->routes.leaves) {
		mcp_peer_arm(p);
		return &p->peer;
	}
	p->spec.on_over = NULL;
	mcp_peer_free(&p->peer);
	return NULL;
}
