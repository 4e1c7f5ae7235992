/* SPDX-License-Identifier: BSD-2-Clause */
/* An HTTP connection: one request, one answer or a change of protocol. */
#include "http/connection.h"

#include "base/log.h"
#include "http/reply.h"
#include "net/limit.h"
#include "net/linger.h"
#include "net/listener.h"
#include "net/rate.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Bytes of one field in the log: with all of them, the line is never truncated. */
enum { CONNECTION_LOGGED_MAX = 400 };

struct connection {
	struct loop_deferred deferred; /* first: connection_release() casts it back */
	struct list node; /* in connections->list */
	struct connections *connections; /* borrowed */
	struct loop *loop; /* borrowed */
	struct stream *stream; /* owned; NULL once it was given away or closed */
	connection_handler *handler;
	void *arg; /* borrowed */
	struct timer timer;
	int64_t due_ms; /* when the head is to be complete */
	struct loop_task turn; /* sends the next piece of the file */
	struct rate rate; /* while a file is sent */
	struct head head;
	struct buffer bytes; /* of the head, as far as they came */
	bool has_head; /* HEAD is complete and valid */
	bool logged; /* somebody else writes the line of the log */
	bool head_only; /* the request was a HEAD */
	int file; /* owned: what is being sent; -1: none */
	int64_t file_left; /* bytes of it */
};

static void
connection_release(struct loop_deferred *deferred)
{
	struct connection *c = (struct connection *)(void *)deferred;

	timer_stop(&c->timer);
	buffer_clear(&c->bytes);
	free(c);
}

/* The one end of a connection. LINGER: what is queued still goes out. */
static void
connection_end(struct connection *c, bool linger)
{
	if (c->file != -1)
		close(c->file);
	c->file = -1;
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

void
connection_drain_all(struct connections *connections)
{
	struct list *list = &connections->list;
	struct list *next;

	for (struct list *node = list->next; node != list; node = next) {
		struct connection *c = LIST_ENTRY_OF(node, struct connection, node);

		next = node->next;
		if (c->file == -1)
			connection_end(c, false);
	}
}

void
connection_abort_all(struct connections *connections)
{
	struct list *list = &connections->list;

	while (!list_empty(list))
		connection_end(LIST_ENTRY_OF(list->next, struct connection, node), false);
}

struct stream *
connection_stream(const struct connection *c)
{
	return c->stream;
}

void
connection_set_logged(struct connection *c)
{
	c->logged = true;
}

/* A field of the request that may be of any length. */
static void
connection_log_field(const char *key, struct span value)
{
	if (value.len > CONNECTION_LOGGED_MAX)
		value.len = CONNECTION_LOGGED_MAX;
	log_text(key, value);
}

/* A line of the log. STATUS is 0 where none was sent. */
static void
connection_log_event(struct connection *c, const char *event, int status, const char *reason)
{
	struct sockaddr_storage peer;
	char remote[LISTENER_TEXT_MAX];
	struct span value;

	if (!log_begin(LOG_ACCESS, "http", 0, span_of(event)))
		return;
	stream_peer_address(c->stream, &peer);
	listener_text(&peer, remote);
	if (status > 0)
		log_number("status", status);
	log_text("remote", span_of(remote));
	if (c->has_head) {
		connection_log_field("method", head_method(&c->head));
		connection_log_field("target", head_target(&c->head));
	}
	if (c->has_head && status >= 400) {
		if (head_find(&c->head, "Host", &value) > 0)
			connection_log_field("host", value);
		if (head_find(&c->head, "Origin", &value) > 0)
			connection_log_field("origin", value);
	}
	if (reason)
		log_text("reason", span_of(reason));
	log_end();
}

/* The request is complete, or will never be. */
static void
connection_enter_response(struct connection *c)
{
	limit_move(stream_slot(c->stream), LIMIT_RESPONSE);
}

static void
connection_log(struct connection *c, int status, const char *reason)
{
	if (!c->logged)
		connection_log_event(
		    c, status > 0 && status < 400 ? "reply" : "rejected", status, reason);
}

/* The client does not get all of a response. */
static void
connection_abort(struct connection *c, const char *reason)
{
	connection_log_event(c, "aborted", 0, reason);
	connection_end(c, false);
}

static void
connection_send(struct connection *c, struct buffer *out, bool built)
{
	bool sent = built && stream_write_take(c->stream, out);

	buffer_clear(out);
	connection_end(c, sent);
}

/* True when the client is on this machine: not when its request was forwarded, as by a proxy
 * on this machine. */
static bool
connection_is_local(const struct connection *c)
{
	static const char *const forwarded[] = {
	    "Forwarded", "X-Forwarded-For", "X-Real-IP", "Via"};
	struct sockaddr_storage peer;

	for (size_t i = 0; i < UTIL_LEN(forwarded) && c->has_head; i++) {
		if (head_find(&c->head, forwarded[i], NULL) > 0)
			return false;
	}
	stream_peer_address(c->stream, &peer);
	return listener_is_loopback(&peer);
}

void
connection_reply_text(
    struct connection *c, int status, const char *extra, const char *reason, const char *text)
{
	struct buffer out = {0};

	if (!text && connection_is_local(c))
		text = reason;
	connection_log(c, status, reason);
	connection_enter_response(c);
	connection_send(c, &out, reply_text(&out, status, extra, text, c->head_only));
}

void
connection_reply(struct connection *c, int status, const char *extra, const char *reason)
{
	connection_reply_text(c, status, extra, reason, NULL);
}

void
connection_reply_body(
    struct connection *c, int status, const char *type, const char *extra, struct span body)
{
	struct buffer out = {0};

	connection_log(c, status, NULL);
	connection_enter_response(c);
	connection_send(c, &out,
	    reply_head(&out, status, type, (int64_t)body.len, extra) &&
		(c->head_only || buffer_append(&out, body.data, body.len)));
}

/* Bytes of the response that the client's system has not confirmed. */
static uint64_t
connection_left(const struct connection *c)
{
	return (uint64_t)c->file_left + stream_queued(c->stream) +
	       stream_unconfirmed(c->stream);
}

/*
 * Sends the next piece of the file. If the system takes all of it, the next one has its turn
 * after everything else in the loop, however fast the client reads.
 */
static void
connection_send_file(struct connection *c)
{
	size_t want = c->file_left < LOOP_BATCH ? (size_t)c->file_left : LOOP_BATCH;
	ssize_t got;

	do {
		got = read(c->file, c->loop->in, want);
	} while (got == -1 && errno == EINTR);
	if (got <= 0) {
		/* A short body shows the client that the file is incomplete. */
		connection_abort(
		    c, got == 0 ? "the file was truncated while being sent" : strerror(errno));
		return;
	}
	c->file_left -= got;
	if (!stream_write(c->stream, c->loop->in, (size_t)got))
		connection_end(c, false);
	else if (c->file_left == 0)
		connection_end(c, true);
	else if (stream_queued(c->stream) <= BUFFER_LOW)
		loop_defer(c->loop, &c->turn);
}

static void
connection_on_turn(struct loop_task *task)
{
	struct connection *c = LIST_ENTRY_OF(task, struct connection, turn);

	if (c->file != -1 && stream_queued(c->stream) <= BUFFER_LOW)
		connection_send_file(c);
}

void
connection_reply_file(struct connection *c, int fd, int64_t size, const char *type,
    const char *extra, bool head_only)
{
	struct buffer out = {0};

	connection_log(c, 200, NULL);
	connection_enter_response(c);
	if (head_only || size == 0) {
		close(fd);
		connection_send(c, &out, reply_head(&out, 200, type, size, extra));
		return;
	}
	c->file = fd;
	c->file_left = size;
	if (!reply_head(&out, 200, type, size, extra) || !stream_write_take(c->stream, &out)) {
		buffer_clear(&out);
		connection_end(c, false);
		return;
	}
	/* Nothing more is read; the death of the client is still seen. */
	stream_set_reading(c->stream, false);
	timer_stop(&c->timer);
	rate_start(&c->rate, connection_left(c), RATE_CREDIT_MS);
	timer_at(&c->timer, c->rate.due_ms);
	connection_send_file(c);
}

struct stream *
connection_give(struct connection *c, struct span *rest)
{
	struct stream *stream = c->stream;
	struct limit_slot *slot = stream_slot(stream);
	size_t used = head_len(&c->head);

	rest->data = (const char *)buffer_data(&c->bytes) + used;
	rest->len = buffer_len(&c->bytes) - used;
	c->stream = NULL;
	limit_on_evict(slot, NULL, NULL);
	limit_move(slot, LIMIT_PROGRAM);
	connection_end(c, false);
	return stream;
}

/* What arrives in place of HTTP when client and server are set up differently; NULL: nothing of
 * the kind. */
static const char *
connection_foreign(const struct connection *c)
{
	static const struct {
		struct span start;
		const char *reason;
	} rows[] = {
	    /* A record with a handshake: RFC 8446, section 5.1. */
	    {{"\x16\x03", 2},
		"TLS on a plain port: connect with ws://, or start wspipe with --ssl"},
	    {{"PROXY ", 6}, "not HTTP; looks like the PROXY protocol, which wspipe does not "
			    "speak: remove send-proxy"},
	    {{"\r\n\r\n\0\r\nQUIT\n", 12},
		"not HTTP; looks like the PROXY protocol, which wspipe does not speak: remove "
		"send-proxy-v2"},
	};

	for (size_t i = 0; i < UTIL_LEN(rows); i++) {
		if (buffer_len(&c->bytes) >= rows[i].start.len &&
		    memcmp(buffer_data(&c->bytes), rows[i].start.data, rows[i].start.len) == 0)
			return rows[i].reason;
	}
	return NULL;
}

/* Hands the request over, unless it is not one for this server. */
static void
connection_serve(struct connection *c)
{
	static const char too_many[] = "too many connections from this address (--max-per-ip)";
	static const char not_tls[] =
	    "plain HTTP on the TLS port: connect with https:// or wss://";

	c->has_head = true;
	c->head_only = span_equal(head_method(&c->head), SPAN("HEAD"));
	if (stream_is_downgraded(c->stream))
		connection_reply_text(c, 400, NULL, not_tls, not_tls);
	else if (!limit_admit(stream_slot(c->stream)))
		connection_reply_text(
		    c, 429, "Retry-After: 5\r\n", too_many, "too many connections");
	else
		c->handler(c->arg, c, &c->head);
}

static void
connection_on_readable(void *arg)
{
	struct connection *c = arg;
	const char *foreign;
	size_t n;
	/* Never more than a head: what a client sends beyond it stays in the socket until
	 * somebody wants it. */
	size_t room = HEAD_MAX_BYTES + 1 - buffer_len(&c->bytes);

	limit_heard(stream_slot(c->stream));
	switch (stream_read(c->stream, c->loop->in, room, &n)) {
	case STREAM_OK:
		break;
	case STREAM_AGAIN:
		return;
	case STREAM_FAILED:
		/* A handshake that failed for a reason, not one that was left. */
		if (stream_error(c->stream))
			connection_log(c, 0, stream_error(c->stream));
		connection_end(c, false);
		return;
	case STREAM_EOF:
		connection_end(c, false);
		return;
	}
	if (!buffer_append(&c->bytes, c->loop->in, n)) {
		connection_end(c, false);
		return;
	}
	foreign = connection_foreign(c);
	if (foreign) {
		connection_reply_text(c, 400, NULL, foreign, foreign);
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
		connection_reply(c, head_status(&c->head), NULL, head_reason(&c->head));
		return;
	case HEAD_HTTP2:
		connection_end(c, true);
		return;
	}
}

static void
connection_on_drained(void *arg)
{
	struct connection *c = arg;

	if (c->file != -1 && stream_queued(c->stream) <= BUFFER_LOW)
		connection_send_file(c);
}

static void
connection_on_gone(void *arg, enum stream_gone reason)
{
	/* A client that only half-closed still reads its answer. */
	if (reason == STREAM_LOST)
		connection_end(arg, false);
}

/* Others need its slot. */
static void
connection_on_evict(void *arg)
{
	struct connection *c = arg;

	if (c->file != -1)
		connection_abort(c, "closed to free a slot for another client");
	else
		connection_end(c, false);
}

static void
connection_check_rate(struct connection *c)
{
	char reason[64];

	if (rate_check(&c->rate, connection_left(c))) {
		timer_at(&c->timer, c->rate.due_ms);
		return;
	}
	snprintf(reason, sizeof(reason), "the client reads less than %d bytes/s", RATE_MIN);
	connection_abort(c, reason);
}

static void
connection_on_timer(void *arg)
{
	struct connection *c = arg;

	if (c->file != -1)
		connection_check_rate(c);
	else if (util_clock_ms() < c->due_ms)
		timer_at(&c->timer, c->due_ms);
	else if (buffer_len(&c->bytes) == 0)
		connection_end(c, false); /* it has sent nothing */
	else
		connection_reply(c, 408, NULL, "the request was not complete in time");
}

static const struct stream_handlers connection_handlers = {
    .on_readable = connection_on_readable,
    .on_drained = connection_on_drained,
    .on_gone = connection_on_gone,
};

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
	c->file = -1;
	head_init(&c->head);
	timer_init(&c->timer, &loop->timers, connection_on_timer, c);
	loop_task_init(&c->turn, connection_on_turn);
	c->stream = stream;
	stream_set_handlers(stream, &connection_handlers, c);
	limit_on_evict(stream_slot(stream), connection_on_evict, c);
	c->due_ms = util_clock_ms() + CONNECTION_HEAD_MS;
	timer_at(&c->timer, c->due_ms);
	c->connections = connections;
	list_append(&connections->list, &c->node);
	atomic_fetch_add(connections->count, 1);
	stream_set_reading(c->stream, true);
	return true;
}
