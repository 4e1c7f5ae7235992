/* SPDX-License-Identifier: BSD-2-Clause */
/* An HTTP/1.1 connection: one exchange after the other. */
#include "http/connection.h"

#include "http/access_log.h"
#include "net/limit.h"
#include "net/linger.h"
#include "net/rate.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Interval of checks on the rest of the last response. */
enum { CONNECTION_LOOK_MS = 2000 };

enum connection_state {
	CONNECTION_READING, /* reading a head */
	CONNECTION_HANDLING, /* inside the handler of the exchange */
	CONNECTION_WAITING, /* waiting for the exchange to end */
	CONNECTION_ANSWERED, /* continue with the next request */
};

struct connection {
	struct loop_deferred deferred; /* first: connection_release() casts it back */
	struct list node; /* in connections->list */
	struct connections *connections; /* borrowed */
	struct loop *loop; /* borrowed */
	struct stream *stream; /* owned; NULL once transferred or closed */
	connection_handler *handler;
	void *arg; /* borrowed */
	enum connection_state state;
	struct exchange *exchange; /* borrowed; NULL: none */
	struct timer timer;
	int64_t due_ms; /* deadline of the head, or end of the idle timeout */
	struct rate rate; /* rate of the rest of the last response */
	struct loop_task turn; /* continues with bytes already read */
	size_t requests; /* number of requests so far */
	struct head head;
	struct request request;
	struct client client; /* client of the request; before a request, the peer */
	struct buffer bytes; /* bytes of the head so far */
	struct buffer rest; /* bytes read after the head */
};

static void
connection_release(struct loop_deferred *deferred)
{
	struct connection *c = (struct connection *)(void *)deferred;

	timer_stop(&c->timer);
	buffer_clear(&c->bytes);
	buffer_clear(&c->rest);
	free(c);
}

/* The only place where a connection ends; it must have no exchange. LINGER: send the queue
 * first. */
static void
connection_end(struct connection *c, bool linger)
{
	if (linger)
		linger_take(c->stream, c->loop, RATE_CREDIT_MS);
	else
		stream_free(c->stream);
	c->stream = NULL;
	timer_stop(&c->timer);
	loop_cancel(&c->turn);
	list_remove(&c->node);
	atomic_fetch_sub(c->connections->count, 1);
	loop_defer_free(c->loop, &c->deferred, connection_release);
}

/* Ends the connection because the client sends no further request. Part of the last response
 * may still be unsent. */
static void
connection_end_idle(struct connection *c)
{
	connection_end(c, c->requests > 0);
}

/* Reports whether the connection waits for a further request, of which nothing has arrived. */
static bool
connection_is_idle(const struct connection *c)
{
	return c->state == CONNECTION_READING && c->requests > 0 && buffer_len(&c->bytes) == 0;
}

/* Closes connections. FINISH: keeps those that wait for their first request, or have part of
 * one. */
static void
connection_close_all(struct connections *connections, bool finish)
{
	struct list *list = &connections->list;
	struct list *next;

	connections->draining = true;
	for (struct list *node = list->next; node != list; node = next) {
		struct connection *c = LIST_ENTRY_OF(node, struct connection, node);

		next = node->next;
		if (c->exchange)
			exchange_close_after(c->exchange);
		else if (!finish || connection_is_idle(c))
			connection_end_idle(c);
	}
}

void
connection_drain_all(struct connections *connections)
{
	connection_close_all(connections, false);
}

void
connection_finish_all(struct connections *connections)
{
	connection_close_all(connections, true);
}

void
connection_abort_all(struct connections *connections)
{
	struct list *list = &connections->list;

	while (!list_empty(list)) {
		struct connection *c = LIST_ENTRY_OF(list->next, struct connection, node);

		if (c->exchange)
			exchange_kill(c->exchange, NULL);
		else
			connection_end(c, false);
	}
}

static void connection_on_exchange_end(void *arg, enum exchange_result result);

/* Starts an exchange for the request. Returns false if the connection has ended. */
static bool
connection_begin(struct connection *c)
{
	struct exchange_spec spec = {
	    .loop = c->loop,
	    .stream = c->stream,
	    .request = &c->request,
	    .client = &c->client,
	    .rest = &c->rest,
	    .handshakes = c->connections->handshakes,
	    .keep = ++c->requests < CONNECTION_REQUESTS_MAX && !c->connections->draining,
	    .on_end = connection_on_exchange_end,
	    .owner = c,
	};

	c->exchange = exchange_new(&spec);
	if (!c->exchange) {
		connection_end(c, false);
		return false;
	}
	c->state = CONNECTION_HANDLING;
	limit_move(stream_slot(c->stream), LIMIT_RESPONSE);
	return true;
}

/* Responds with an error and closes. The request may be incomplete. */
static void
connection_reject(
    struct connection *c, int status, const char *fields, const char *reason, const char *text)
{
	if (!connection_begin(c))
		return;
	exchange_close_after(c->exchange);
	exchange_reply_text(c->exchange, status, fields, reason, text);
}

/* Recognizes input that is not HTTP, from a client that is configured differently; NULL: not
 * recognized. */
static const char *
connection_foreign(const struct connection *c)
{
	static const struct {
		struct span start;
		const char *reason;
	} rows[] = {
	    /* A TLS handshake record: RFC 8446, section 5.1. */
	    {{"\x16\x03", 2},
		"TLS on a plain port: connect with ws://, or start wspipe with --ssl"},
	    {{"PROXY ", 6}, "not HTTP; looks like the PROXY protocol: start wspipe with "
			    "--proxy-protocol, or remove send-proxy"},
	    {{"\r\n\r\n\0\r\nQUIT\n", 12},
		"not HTTP; looks like the PROXY protocol: start wspipe with --proxy-protocol, "
		"or remove send-proxy-v2"},
	};

	for (size_t i = 0; i < UTIL_LEN(rows) && c->requests == 0; i++) {
		if (buffer_len(&c->bytes) >= rows[i].start.len &&
		    memcmp(buffer_data(&c->bytes), rows[i].start.data, rows[i].start.len) == 0)
			return rows[i].reason;
	}
	return NULL;
}

/* Passes the request to the handler, unless it is not for this server. */
static void
connection_serve(struct connection *c)
{
	static const char too_many[] = "too many connections from this address (--max-per-ip)";
	static const char not_tls[] =
	    "plain HTTP on the TLS port: connect with https:// or wss://";
	size_t len = head_len(&c->head);
	const char *reason;
	int status;
	bool valid;

	if (!buffer_append(
		&c->rest, buffer_data(&c->bytes) + len, buffer_len(&c->bytes) - len)) {
		connection_end(c, false);
		return;
	}
	buffer_cut(&c->bytes, len);
	valid = request_init(&c->request, &c->head, &status, &reason);
	if (valid) {
		status = 400;
		reason = client_resolve(
		    &c->client, &c->connections->clients, &c->head, &c->request.host);
		valid = !reason;
	}
	if (c->client.trusted)
		limit_set_client(stream_slot(c->stream), &c->client.address);
	if (stream_is_downgraded(c->stream))
		connection_reject(c, 400, NULL, not_tls, not_tls);
	else if (!valid)
		connection_reject(c, status, NULL, reason, NULL);
	else if (!limit_admit(stream_slot(c->stream)))
		connection_reject(
		    c, 429, "Retry-After: 5\r\n", too_many, "too many connections");
	else if (connection_begin(c))
		c->handler(c->arg, c->exchange);
}

/* Parses the bytes read so far. */
static void
connection_parse(struct connection *c)
{
	const char *foreign = connection_foreign(c);

	if (foreign) {
		connection_reject(c, 400, NULL, foreign, foreign);
		return;
	}
	switch (
	    head_parse(&c->head, (const char *)buffer_data(&c->bytes), buffer_len(&c->bytes))) {
	case HEAD_MORE:
		return;
	case HEAD_DONE:
		connection_serve(c);
		return;
	case HEAD_BAD:
		connection_reject(c, head_status(&c->head), NULL, head_reason(&c->head), NULL);
		return;
	case HEAD_HTTP2:
		connection_end(c, true);
		return;
	}
}

/* Waits for a head, at most WAIT_MS. */
static void
connection_await(struct connection *c, int64_t wait_ms)
{
	c->due_ms = util_clock_ms() + wait_ms;
	timer_at(&c->timer, c->due_ms);
}

/* Continues with the next request. */
static void
connection_next(struct connection *c)
{
	if (c->connections->draining) {
		connection_end(c, true);
		return;
	}
	c->state = CONNECTION_READING;
	c->request = (struct request){0};
	if (c->client.trusted)
		limit_set_client(stream_slot(c->stream), NULL);
	client_init(&c->client, c->stream);
	head_init(&c->head);
	buffer_clear(&c->bytes);
	buffer_move(&c->bytes, &c->rest);
	limit_move(
	    stream_slot(c->stream), buffer_len(&c->bytes) == 0 ? LIMIT_IDLE : LIMIT_PENDING);
	if (buffer_len(&c->bytes) == 0) {
		connection_await(c, CONNECTION_IDLE_MS);
		c->rate.due_ms = 0;
		timer_at(&c->timer, util_clock_ms() + CONNECTION_LOOK_MS);
		stream_set_reading(c->stream, true);
		return;
	}
	connection_await(c, c->connections->head_ms);
	connection_parse(c);
}

/* Arms the next event or task after a piece of input. */
static void
connection_settle(struct connection *c)
{
	if (!c->stream)
		return;
	switch (c->state) {
	case CONNECTION_READING:
		stream_set_reading(c->stream, true);
		return;
	case CONNECTION_HANDLING:
		c->state = CONNECTION_WAITING;
		exchange_wait(c->exchange);
		return;
	case CONNECTION_WAITING:
		return;
	case CONNECTION_ANSWERED:
		if (buffer_len(&c->rest) == 0) {
			connection_next(c);
			return;
		}
		/* Let the rest of the loop run first. */
		stream_set_reading(c->stream, false);
		loop_defer(c->loop, &c->turn);
		return;
	}
}

static void
connection_on_turn(struct loop_task *task)
{
	struct connection *c = LIST_ENTRY_OF(task, struct connection, turn);

	connection_next(c);
	connection_settle(c);
}

static void
connection_on_readable(void *arg)
{
	struct connection *c = arg;
	/* Never read more than a head: further input stays in the socket until it is needed. */
	size_t room = HEAD_MAX_BYTES + 1 - buffer_len(&c->bytes);
	size_t n;

	if (c->state == CONNECTION_ANSWERED) { /* continued in its task */
		stream_set_reading(c->stream, false);
		return;
	}
	limit_heard(stream_slot(c->stream));
	switch (stream_read(c->stream, c->loop->in, room, &n)) {
	case STREAM_OK:
		break;
	case STREAM_AGAIN:
		return;
	case STREAM_FAILED:
		/* A TLS handshake that failed for a reason, rather than being abandoned. */
		if (stream_error(c->stream))
			access_log_write("rejected", &c->client, &c->request, NULL, 0,
			    stream_error(c->stream));
		connection_end_idle(c);
		return;
	case STREAM_EOF:
		connection_end_idle(c);
		return;
	}
	if (c->requests > 0 && buffer_len(&c->bytes) == 0) {
		limit_move(stream_slot(c->stream), LIMIT_PENDING);
		connection_await(c, c->connections->head_ms);
	}
	if (!buffer_append(&c->bytes, c->loop->in, n)) {
		connection_end(c, false);
		return;
	}
	connection_parse(c);
	connection_settle(c);
}

static void
connection_on_gone(void *arg, enum stream_gone reason)
{
	/* A client that only half-closed may have sent more requests. */
	if (reason == STREAM_LOST)
		connection_end(arg, false);
}

/* Closes the connection because others need its slot. */
static void
connection_on_evict(void *arg)
{
	struct connection *c = arg;

	if (c->exchange)
		exchange_kill(c->exchange, "closed to free a slot for another client");
	else
		connection_end(c, false);
}

/* Enforces the minimum rate for the rest of the last response. Returns false if the connection
 * has ended. */
static bool
connection_check_rate(struct connection *c)
{
	size_t left = stream_unconfirmed(c->stream);
	char reason[64];

	if (left == 0)
		return true;
	if (c->rate.due_ms == 0)
		rate_start(&c->rate, left, RATE_CREDIT_MS);
	if (rate_check(&c->rate, left)) {
		timer_at(&c->timer, util_clock_ms() + CONNECTION_LOOK_MS);
		return true;
	}
	snprintf(reason, sizeof(reason), "the client reads less than %d bytes/s", RATE_MIN);
	access_log_write("aborted", &c->client, &c->request, NULL, 0, reason);
	connection_end(c, false);
	return false;
}

static void
connection_on_timer(void *arg)
{
	struct connection *c = arg;

	if (c->state != CONNECTION_READING)
		return;
	if (c->requests > 0 && buffer_len(&c->bytes) == 0 && !connection_check_rate(c))
		return;
	if (util_clock_ms() < c->due_ms)
		timer_at(&c->timer, c->due_ms);
	else if (buffer_len(&c->bytes) == 0)
		connection_end_idle(c);
	else
		connection_reject(c, 408, NULL,
		    "the request was not complete in time (--handshake-timeout)", NULL);
}

static const struct stream_handlers connection_handlers = {
    .on_readable = connection_on_readable,
    .on_gone = connection_on_gone,
};

static void
connection_on_exchange_end(void *arg, enum exchange_result result)
{
	struct connection *c = arg;
	struct limit_slot *slot = stream_slot(c->stream);

	c->exchange = NULL;
	switch (result) {
	case EXCHANGE_KEEP:
		stream_set_handlers(c->stream, &connection_handlers, c);
		/* The user may still read the request, so do not read on yet. */
		if (c->state == CONNECTION_WAITING)
			loop_defer(c->loop, &c->turn);
		c->state = CONNECTION_ANSWERED;
		return;
	case EXCHANGE_CLOSE:
	case EXCHANGE_LOST:
		connection_end(c, result == EXCHANGE_CLOSE);
		return;
	case EXCHANGE_UPGRADED:
		c->stream = NULL;
		limit_on_evict(slot, NULL, NULL);
		limit_move(slot, LIMIT_PROGRAM);
		connection_end(c, false);
		return;
	}
}

bool
connection_open_take(struct loop *loop, struct connections *connections, struct stream *stream,
    connection_handler *handler, void *arg)
{
	struct connection *c = calloc(1, sizeof(*c));

	if (!c) {
		stream_free(stream);
		return false;
	}
	list_init(&c->node);
	c->loop = loop;
	c->handler = handler;
	c->arg = arg;
	head_init(&c->head);
	timer_init(&c->timer, &loop->timers, connection_on_timer, c);
	loop_task_init(&c->turn, connection_on_turn);
	c->stream = stream;
	client_init(&c->client, stream);
	stream_set_handlers(stream, &connection_handlers, c);
	limit_on_evict(stream_slot(stream), connection_on_evict, c);
	connection_await(c, connections->head_ms);
	c->connections = connections;
	list_append(&connections->list, &c->node);
	atomic_fetch_add(connections->count, 1);
	stream_set_reading(c->stream, true);
	return true;
}
