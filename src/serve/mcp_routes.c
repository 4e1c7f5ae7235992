/* SPDX-License-Identifier: BSD-2-Clause */
/* Routes messages of an MCP program to streams. */
#include "serve/mcp_routes.h"

#include "base/json_scan.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum { MCP_SHOWN_MAX = 256 }; /* bytes of a malformed message to log */

static void mcp_routes_on_gone(struct mcp_stream *stream);
static void mcp_routes_on_deadline(struct mcp_stream *stream);

static const struct mcp_stream_handlers mcp_routes_handlers = {
    .on_gone = mcp_routes_on_gone,
    .on_deadline = mcp_routes_on_deadline,
};

static struct mcp_stream *
mcp_routes_stream(struct list *node)
{
	return LIST_ENTRY_OF(node, struct mcp_stream, node);
}

/*
 * Table
 */

static struct mcp_stream *
mcp_routes_put(struct mcp_routes *r, struct mcp_stream_spec *spec)
{
	struct mcp_stream *stream;

	spec->loop = r->loop;
	spec->handlers = &mcp_routes_handlers;
	spec->owner = r;
	spec->room = r->room;
	spec->resumable = !r->stateless;
	stream = mcp_stream_new(spec);
	if (stream)
		list_append(&r->streams, &stream->node);
	return stream;
}

bool
mcp_routes_init(struct mcp_routes *r)
{
	struct mcp_stream_spec spec = {.number = 0};

	list_init(&r->streams);
	mcp_tools_init(&r->ask.tools);
	r->since_ms = r->begun_ms = util_clock_ms();
	r->era = r->stateless ? MCP_ERA_ASKED : MCP_ERA_SESSION;
	return r->stateless ? mcp_ask_begin(&r->ask, ++r->last)
			    : mcp_routes_put(r, &spec) != NULL;
}

void
mcp_routes_clear(struct mcp_routes *r)
{
	while (!list_empty(&r->streams))
		mcp_stream_free(mcp_routes_stream(r->streams.next));
	buffer_clear(&r->lines);
	mcp_ask_clear(&r->ask);
}

static void
mcp_routes_extend(struct mcp_routes *r, struct mcp_stream *stream)
{
	if (r->idle_ms > 0)
		mcp_stream_set_deadline(stream, util_clock_ms() + r->idle_ms);
}

struct mcp_stream *
mcp_routes_add(struct mcp_routes *r, const struct mcp_message *request)
{
	struct mcp_stream_spec spec = {
	    .number = r->last + 1, .id = request->id, .token = request->token};
	struct mcp_stream *stream = mcp_routes_put(r, &spec);

	if (!stream)
		return NULL;
	stream->primes = r->primes;
	stream->logs = request->log_level.len > 0;
	stream->lists = mcp_message_is(request, "tools/list");
	if (mcp_message_is(request, "initialize"))
		stream->session = r->session;
	r->last++;
	r->pending++;
	r->since_ms = util_clock_ms();
	mcp_routes_extend(r, stream);
	return stream;
}

void
mcp_routes_remove(struct mcp_routes *r, struct mcp_stream *stream)
{
	if (stream->over)
		r->finished--;
	else if (stream->spec.number != 0)
		r->pending--;
	mcp_stream_free(stream);
}

struct mcp_stream *
mcp_routes_find(const struct mcp_routes *r, uint64_t number)
{
	for (struct list *node = r->streams.next; node != &r->streams; node = node->next) {
		if (mcp_routes_stream(node)->spec.number == number)
			return mcp_routes_stream(node);
	}
	return NULL;
}

struct mcp_stream *
mcp_routes_find_id(const struct mcp_routes *r, struct span id)
{
	for (struct list *node = r->streams.prev; node != &r->streams; node = node->prev) {
		struct mcp_stream *stream = mcp_routes_stream(node);

		if (!stream->over && id.len > 0 && span_equal(stream->spec.id, id))
			return stream;
	}
	return NULL;
}

bool
mcp_routes_are_connected(const struct mcp_routes *r)
{
	for (struct list *node = r->streams.next; node != &r->streams; node = node->next) {
		if (mcp_routes_stream(node)->exchange)
			return true;
	}
	return false;
}

/* Returns the pending request with the number in ID, or NULL. */
static struct mcp_stream *
mcp_routes_pending(const struct mcp_routes *r, struct span id)
{
	uint64_t number = mcp_message_number(id);
	struct mcp_stream *stream = number > 0 ? mcp_routes_find(r, number) : NULL;

	return stream && !stream->over ? stream : NULL;
}

/*
 * End
 */

/* Keeps a stream whose response was sent, for a client that has not received it. */
static void
mcp_routes_finish(struct mcp_routes *r, struct mcp_stream *stream)
{
	stream->over = true;
	r->pending--;
	r->finished++;
	if (!stream->begun || !stream->spec.resumable) {
		mcp_routes_remove(r, stream);
		return;
	}
	mcp_stream_set_deadline(stream, util_clock_ms() + MCP_FINISHED_MS);
	for (struct list *node = r->streams.next;
	     r->finished > MCP_FINISHED_MAX && node != &r->streams; node = node->next) {
		if (!mcp_routes_stream(node)->over)
			continue;
		mcp_routes_remove(r, mcp_routes_stream(node));
		break;
	}
}

/* Cancels a request; its number is invalid from now on. While the program is being queried, it
 * has not received the request and never will. */
static void
mcp_routes_cancel(struct mcp_routes *r, struct mcp_stream *stream, const char *reason)
{
	char line[256];
	int len = snprintf(line, sizeof(line),
	    "{\"jsonrpc\":\"2.0\",\"method\":\"notifications/cancelled\",\"params\":"
	    "{\"requestId\":%" PRIu64 ",\"reason\":\"%s\"}}\n",
	    stream->spec.number, reason);

	mcp_routes_remove(r, stream);
	if (r->era != MCP_ERA_ASKED && !buffer_append(&r->lines, line, (size_t)len))
		r->leaves = true;
	r->wake(r->owner);
}

static void
mcp_routes_fail_one(struct mcp_stream *stream, int code, const char *text, int status)
{
	struct buffer out = {0};

	if (mcp_message_put_error(&out, stream->spec.id, code, text, NULL))
		(void)mcp_stream_respond(
		    stream, (struct span){(char *)buffer_data(&out), buffer_len(&out)}, status);
	else
		mcp_stream_abort(stream, "out of memory");
	buffer_clear(&out);
}

void
mcp_routes_reject(
    struct mcp_routes *r, struct mcp_stream *stream, int code, const char *text, int status)
{
	mcp_routes_fail_one(stream, code, text, status);
	mcp_routes_remove(r, stream);
}

static void
mcp_routes_on_gone(struct mcp_stream *stream)
{
	struct mcp_routes *r = stream->spec.owner;

	r->since_ms = util_clock_ms();
	if (r->stateless)
		mcp_routes_cancel(r, stream, "the client disconnected");
	else
		r->wake(r->owner);
}

static void
mcp_routes_on_deadline(struct mcp_stream *stream)
{
	struct mcp_routes *r = stream->spec.owner;

	if (stream->over) {
		mcp_routes_remove(r, stream);
		return;
	}
	mcp_routes_fail_one(stream, MCP_INTERNAL_ERROR,
	    "the MCP program did not respond in time (--mcp-idle)", 200);
	mcp_routes_cancel(r, stream, "the response timed out");
}

void
mcp_routes_fail(struct mcp_routes *r, int code, const char *text, int status)
{
	while (!list_empty(&r->streams)) {
		struct mcp_stream *stream = mcp_routes_stream(r->streams.next);

		if (stream->spec.number != 0 && !stream->over)
			mcp_routes_fail_one(stream, code, text, status);
		mcp_routes_remove(r, stream);
	}
}

/*
 * Messages of the program
 */

void
mcp_routes_drop(struct mcp_routes *r, const char *why, struct span line)
{
	if (!log_limit_allows(&r->limit, util_clock_ms()) ||
	    !log_begin(LOG_WARN, "mcp", r->log_id,
		SPAN("dropped what the MCP program wrote, as it is not a message")))
		return;
	log_text("reason", span_of(why));
	if (line.len > MCP_SHOWN_MAX)
		line.len = MCP_SHOWN_MAX;
	log_text("line", line);
	log_end();
}

/* Sends an edited message. RESPONSE: status of the last message; 0: more follow. */
static void
mcp_routes_send(struct mcp_routes *r, struct mcp_stream *stream, const struct mcp_message *m,
    struct mcp_edit edit, int response)
{
	struct mcp_edit edits[] = {edit, {{0}, {0}}};
	struct buffer out = {0};
	struct span text;
	bool sent = false;

	if (m->subscription.len > 0 &&
	    mcp_message_number(m->subscription) == stream->spec.number &&
	    stream->spec.number != 0)
		edits[1] = (struct mcp_edit){m->subscription, stream->spec.id};
	if (mcp_message_put(&out, m, edits, UTIL_LEN(edits))) {
		text = (struct span){(char *)buffer_data(&out), buffer_len(&out)};
		sent = response ? mcp_stream_respond(stream, text, response)
				: mcp_stream_send(stream, text);
	} else {
		mcp_stream_abort(stream, "out of memory");
	}
	buffer_clear(&out);
	if (response)
		mcp_routes_finish(r, stream);
	else if (!sent && r->stateless)
		mcp_routes_cancel(r, stream, "the client does not read");
	else if (stream->spec.number != 0)
		mcp_routes_extend(r, stream);
}

void
mcp_routes_decide(struct mcp_routes *r)
{
	r->era = r->ask.pages > 0 ? MCP_ERA_STATELESS : MCP_ERA_LEGACY;
	if (r->era == MCP_ERA_LEGACY)
		mcp_routes_fail(r, MCP_INVALID_REQUEST, MCP_NOT_STATELESS, 400);
	r->wake(r->owner);
}

/* Handles the program's response to a query. */
static void
mcp_routes_take_asked(struct mcp_routes *r, const struct mcp_message *m)
{
	if (!mcp_ask_take(&r->ask, m, r->last + 1)) {
		mcp_routes_decide(r);
		return;
	}
	r->last++;
	r->wake(r->owner);
}

/* Returns the HTTP status of a stateless response (transport specification, "Server
 * Validation"). */
static int
mcp_routes_status(const struct mcp_routes *r, const struct mcp_message *m)
{
	if (!r->stateless || m->error.len == 0)
		return 200;
	switch (mcp_message_code(m)) {
	case MCP_METHOD_NOT_FOUND:
		return 404;
	case MCP_HEADER_MISMATCH:
	case MCP_MISSING_CAPABILITY:
	case MCP_UNSUPPORTED_VERSION:
		return 400;
	default:
		return 200;
	}
}

/* Handles the response to initialize: the session begins or fails. */
static void
mcp_routes_initialize(
    struct mcp_routes *r, struct mcp_stream *stream, const struct mcp_message *m)
{
	struct json_member version = {.name = "protocolVersion"};
	struct mcp_stream *zero = mcp_routes_find(r, 0);

	if (m->error.len > 0) {
		r->leaves = true;
		r->wake(r->owner);
	} else if (!stream->begun) {
		mcp_stream_add_fields(stream, r->session);
	}
	json_find(m->result, &version, 1);
	/* Older clients treat an event without data as malformed JSON. */
	r->primes = json_is_text(version.value, SPAN("2025-11-25"));
	if (zero)
		zero->primes = r->primes;
}

static void
mcp_routes_take_response(struct mcp_routes *r, const struct mcp_message *m)
{
	struct mcp_stream *stream = mcp_routes_pending(r, m->id);

	if (r->era == MCP_ERA_ASKED && mcp_message_number(m->id) == r->ask.number) {
		mcp_routes_take_asked(r, m);
	} else if (stream) {
		if (stream->lists && r->stateless)
			mcp_tools_learn(&r->ask.tools, m->result);
		if (stream->session)
			mcp_routes_initialize(r, stream, m);
		mcp_routes_send(r, stream, m, (struct mcp_edit){m->id, stream->spec.id},
		    mcp_routes_status(r, m));
	}
}

/* Returns the stream for a message without a number; NULL: no client can get it. */
static struct mcp_stream *
mcp_routes_any(const struct mcp_routes *r, bool related)
{
	struct mcp_stream *zero = NULL, *newest = NULL;
	size_t count = 0;

	for (struct list *node = r->streams.next; node != &r->streams; node = node->next) {
		struct mcp_stream *stream = mcp_routes_stream(node);

		if (stream->spec.number == 0) {
			zero = stream;
		} else if (!stream->over && (stream->exchange || stream->begun)) {
			newest = stream;
			count++;
		}
	}
	if (zero && (!newest || (zero->exchange && (count > 1 || !related))))
		return zero;
	return newest;
}

/* Stateless programs: returns the only request that asked for log messages. */
static struct mcp_stream *
mcp_routes_logging(const struct mcp_routes *r)
{
	struct mcp_stream *only = NULL;

	for (struct list *node = r->streams.next; node != &r->streams; node = node->next) {
		struct mcp_stream *stream = mcp_routes_stream(node);

		if (stream->over || !stream->logs)
			continue;
		if (only)
			return NULL;
		only = stream;
	}
	return only;
}

/* Reports whether a message is about changes of the MCP server itself. */
static bool
mcp_routes_is_unrelated(const struct mcp_message *m)
{
	static const char *const methods[] = {"notifications/tools/list_changed",
	    "notifications/prompts/list_changed", "notifications/resources/list_changed",
	    "notifications/resources/updated"};

	for (size_t i = 0; i < UTIL_LEN(methods); i++) {
		if (mcp_message_is(m, methods[i]))
			return true;
	}
	return false;
}

static struct mcp_stream *
mcp_routes_choose(const struct mcp_routes *r, const struct mcp_message *m)
{
	if (!r->stateless)
		return mcp_routes_any(r, m->kind == MCP_REQUEST || !mcp_routes_is_unrelated(m));
	return m->kind == MCP_NOTIFICATION && mcp_message_is(m, "notifications/message")
		   ? mcp_routes_logging(r)
		   : NULL;
}

/* Handles the end of a subscription by a stateless program, which ends its stream. */
static bool
mcp_routes_take_cancelled(struct mcp_routes *r, const struct mcp_message *m)
{
	struct mcp_stream *stream;

	if (!r->stateless || !mcp_message_is(m, "notifications/cancelled"))
		return false;
	stream = mcp_routes_pending(r, m->request_id);
	if (stream)
		mcp_routes_remove(r, stream);
	return true;
}

static void
mcp_routes_take_other(struct mcp_routes *r, const struct mcp_message *m)
{
	struct mcp_edit edit = {{0}, {0}};
	struct mcp_stream *stream = NULL;

	if (m->kind == MCP_NOTIFICATION && mcp_routes_take_cancelled(r, m))
		return;
	if (m->kind == MCP_NOTIFICATION && m->token.len > 0) {
		stream = mcp_routes_pending(r, m->token);
		if (!stream)
			return; /* already answered or cancelled */
		edit = (struct mcp_edit){m->token, stream->spec.token};
	} else if (m->subscription.len > 0 && r->stateless) {
		stream = mcp_routes_pending(r, m->subscription);
	} else {
		stream = mcp_routes_choose(r, m);
	}
	if (stream)
		mcp_routes_send(r, stream, m, edit, 0);
	else if (r->stateless && m->kind == MCP_REQUEST)
		mcp_routes_drop(
		    r, "it is a request, which a stateless program does not send", m->text);
}

void
mcp_routes_take(struct mcp_routes *r, struct span line)
{
	struct mcp_message message;
	const char *why;

	r->since_ms = util_clock_ms();
	if (mcp_message_read(line, &message, &why) != 0)
		mcp_routes_drop(r, why, line);
	else if (message.kind == MCP_RESPONSE)
		mcp_routes_take_response(r, &message);
	else
		mcp_routes_take_other(r, &message);
}
