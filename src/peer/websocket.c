/* SPDX-License-Identifier: BSD-2-Clause */
/* Implements struct peer for a WebSocket over a stream. */
#include "peer/websocket.h"

#include "net/linger.h"
#include "peer/deadlines.h"
#include "peer/receiver.h"
#include "peer/sender.h"

#include <assert.h>
#include <stdlib.h>

enum {
	/* Bytes per read. Together with a partial record before it, which waits for those after
	 * it, this still fits into an empty pipe. */
	WEBSOCKET_READ = LOOP_BATCH - 4 * 1024,
};

struct websocket {
	struct peer peer; /* first: websocket_of() casts to the container */
	const struct websocket_rules *rules; /* borrowed */
	struct sender sender; /* its stream is owned; NULL once GONE or finished */
	struct receiver receiver;
	union {
		struct loop_task resume; /* processes input that the receiver kept */
		struct loop_deferred deferred; /* once freed */
	};
	struct timer timer;
	struct deadlines deadlines;
};

static struct websocket *
websocket_of(const struct peer *peer)
{
	return (struct websocket *)(uintptr_t)peer;
}

/* Facts */

static void
websocket_lose(struct websocket *w, const char *reason)
{
	if (w->peer.state == PEER_GONE)
		return;
	stream_free(w->sender.stream);
	w->sender.stream = NULL;
	sender_stop(&w->sender);
	decoder_end(&w->receiver.decoder);
	w->peer.reason = reason;
	w->peer.state = PEER_GONE;
}

static void
websocket_leave(struct websocket *w)
{
	if (w->peer.state == PEER_OPEN || w->peer.state == PEER_CLOSING)
		w->peer.state = PEER_LEFT;
	deflater_drop(w->sender.deflater);
}

/* Must be called after each use of the sender. */
static void
websocket_check_sender(struct websocket *w)
{
	if (w->sender.failed != SENDER_OK)
		websocket_lose(w, sender_reason(&w->sender));
}

/* Ignores all input after the violation, however reads divide it. */
static void
websocket_begin_grace(struct websocket *w)
{
	decoder_end(&w->receiver.decoder);
	if (w->peer.state == PEER_OPEN && w->deadlines.since_ms == 0)
		w->deadlines.since_ms = util_clock_ms();
}

static void
websocket_violation_with(struct websocket *w, uint16_t code, const char *reason)
{
	websocket_begin_grace(w);
	w->peer.handlers->on_violation(w->peer.arg, code, reason);
}

static void
websocket_error(struct websocket *w)
{
	w->peer.handlers->on_error(w->peer.arg, CLOSE_INTERNAL, "out of memory");
}

/* Deadlines */

static size_t
websocket_queued(const struct peer *peer)
{
	return sender_queued(&websocket_of(peer)->sender);
}

static struct deadlines_facts
websocket_facts(const struct websocket *w)
{
	struct deadlines_facts facts = {
	    .state = w->peer.state,
	    .reading = w->peer.reading,
	    .queued = websocket_queued(&w->peer) > 0,
	    .assembled = decoder_assembled(&w->receiver.decoder),
	    .ping_ms = w->rules->ping_ms,
	    .close_ms = w->rules->close_ms,
	    .stall_ms = w->rules->stall_ms,
	    .idle_ms = w->rules->idle_ms,
	    .lifetime_ms = w->rules->lifetime_ms,
	};

	if (facts.queued)
		facts.progress_ms = stream_progress_ms(w->sender.stream);
	return facts;
}

/* One timer serves all deadlines. It is only ever moved earlier, so setting it again costs
 * nothing. */
static void
websocket_arm(struct websocket *w)
{
	struct deadlines_facts facts = websocket_facts(w);
	int64_t next = w->sender.stream ? deadlines_next(&w->deadlines, &facts) : 0;

	if (next != 0)
		timer_at(&w->timer, next);
}

/* Records that our Close was sent. After a violation the peer's Close is not awaited, because
 * no input after a violation is read. */
static void
websocket_note_sent(struct websocket *w)
{
	if (w->peer.state != PEER_CLOSING || websocket_queued(&w->peer) > 0)
		return;
	if (w->deadlines.since_ms == 0)
		w->deadlines.since_ms = util_clock_ms();
	if (w->receiver.decoder.over)
		websocket_leave(w);
}

static void websocket_changed(struct websocket *w);
static void websocket_flush(struct peer *peer);

static void
websocket_expire(
    struct websocket *w, enum deadline which, const struct deadlines_facts *facts, int64_t now)
{
	const char *dead;

	switch (which) {
	case DEADLINE_GRACE:
		w->peer.handlers->on_grace_over(w->peer.arg);
		break;
	case DEADLINE_MESSAGE:
		websocket_violation_with(w, CLOSE_POLICY, "message timeout");
		break;
	case DEADLINE_STALL:
		websocket_lose(w, "write timeout (--write-timeout)");
		break;
	case DEADLINE_CHECK:
		dead = deadlines_check(&w->deadlines, facts, now, w->sender.stream);
		if (dead)
			websocket_lose(w, dead);
		else if (!facts->queued)
			sender_control(&w->sender, FRAME_PING, NULL, 0);
		websocket_flush(&w->peer);
		break;
	case DEADLINE_IDLE:
	case DEADLINE_LIFETIME:
		w->peer.handlers->on_error(w->peer.arg, CLOSE_GOING_AWAY,
		    deadlines_restart(&w->deadlines, which, now));
		break;
	case DEADLINE_CLOSE:
		if (facts->queued)
			websocket_lose(w, "the client did not read our Close in time");
		else
			websocket_leave(w);
		break;
	case DEADLINES:
		break;
	}
}

static void
websocket_on_timer(void *arg)
{
	struct websocket *w = arg;
	int64_t now = util_clock_ms();

	for (enum deadline i = DEADLINE_GRACE; w->sender.stream && i < DEADLINES; i++) {
		struct deadlines_facts facts = websocket_facts(w);
		int64_t at = deadline_at(&w->deadlines, &facts, i);

		if (at != 0 && now >= at)
			websocket_expire(w, i, &facts, now);
	}
	if (w->sender.stream || w->peer.state == PEER_GONE)
		websocket_changed(w);
}

/* Input */

/* Each ping gets a pong (section 5.5.2), within the limit of pings; none follows our Close
 * (section 5.5.1). */
static void
websocket_on_ping(void *arg, struct span payload)
{
	struct websocket *w = arg;
	uint16_t second = (uint16_t)(w->deadlines.heard_ms / 1000);

	if (w->deadlines.ping_second != second)
		w->deadlines.ping_count = 0;
	w->deadlines.ping_second = second;
	if (w->rules->max_pings != 0 && w->deadlines.ping_count++ >= w->rules->max_pings)
		websocket_violation_with(w, CLOSE_POLICY, w->rules->reason_pings);
	else if (w->peer.state == PEER_OPEN && !sender_pong(&w->sender, payload))
		websocket_error(w);
	websocket_check_sender(w);
}

/* Names the option of a rule that has one. Out of memory is not the peer's fault, and there is
 * no memory to wait with. */
static void
websocket_on_fail(void *arg, uint16_t code, const char *reason)
{
	struct websocket *w = arg;

	if (code == CLOSE_INTERNAL)
		websocket_error(w);
	else
		websocket_violation_with(w, code,
		    code == CLOSE_TOO_BIG  ? w->rules->reason_message
		    : code == CLOSE_POLICY ? w->rules->reason_empty_fragments
					   : reason);
}

static bool
websocket_on_messages(void *arg, struct batch *batch)
{
	struct websocket *w = arg;

	w->deadlines.begun_ms = 0;
	w->deadlines.active = deadlines_ticks(w->deadlines.heard_ms);
	return w->peer.handlers->on_messages(w->peer.arg, batch);
}

static void
websocket_on_close(void *arg, uint16_t code, struct span reason)
{
	struct websocket *w = arg;

	if (w->peer.state == PEER_OPEN) { /* answers may still be sent */
		w->peer.state = PEER_LEFT;
		w->deadlines.since_ms = util_clock_ms();
	} else {
		websocket_leave(w);
	}
	w->peer.handlers->on_close(w->peer.arg, code, reason);
}

static const struct receiver_handlers websocket_receiver_handlers = {
    .on_messages = websocket_on_messages,
    .on_ping = websocket_on_ping,
    .on_close = websocket_on_close,
    .on_fail = websocket_on_fail,
};

static void
websocket_decode(struct websocket *w, uint8_t *bytes, size_t len)
{
	receiver_decode(&w->receiver, bytes, len, &websocket_receiver_handlers, w);
	if (!w->sender.stream)
		return;
	/* Note since when a message is partial. */
	if (w->receiver.format->parts || !decoder_is_within(&w->receiver.decoder))
		w->deadlines.begun_ms = 0;
	else if (w->deadlines.begun_ms == 0)
		w->deadlines.begun_ms = w->deadlines.heard_ms;
	websocket_flush(&w->peer);
}

static void
websocket_on_resume(struct loop_task *task)
{
	struct websocket *w = LIST_ENTRY_OF(task, struct websocket, resume);
	size_t len = buffer_len(&w->receiver.rest);

	if (!w->sender.stream || !w->peer.reading || len == 0)
		return;
	memcpy(w->sender.loop->in, buffer_data(&w->receiver.rest), len);
	buffer_clear(&w->receiver.rest);
	websocket_decode(w, w->sender.loop->in, len);
	websocket_changed(w);
}

/* Input that was read but not processed precedes the rest of the stream. */
static void
websocket_apply_reading(struct websocket *w)
{
	bool rest = buffer_len(&w->receiver.rest) > 0;
	bool on = w->peer.reading && !rest;

	if (w->peer.reading && rest)
		loop_defer(w->sender.loop, &w->resume);
	if (stream_is_reading(w->sender.stream) != on)
		stream_set_reading(w->sender.stream, on);
}

/* Ends each call from the loop: lets the user act on the changes. The user may free the
 * peer. */
static void
websocket_changed(struct websocket *w)
{
	w->peer.handlers->on_changed(w->peer.arg);
	if (!w->sender.stream)
		return;
	websocket_apply_reading(w);
	websocket_arm(w);
}

static void
websocket_on_readable(void *arg)
{
	struct websocket *w = arg;
	size_t capacity = w->receiver.inflater	      ? WEBSOCKET_DEFLATE_READ
			  : w->receiver.format->parts ? LOOP_BATCH
						      : WEBSOCKET_READ;
	const char *error;
	size_t n;

	assert(buffer_len(&w->receiver.rest) == 0);
	switch (stream_read(w->sender.stream, w->sender.loop->in, capacity, &n)) {
	case STREAM_OK:
		deadlines_heard(&w->deadlines, util_clock_ms());
		websocket_decode(w, w->sender.loop->in, n);
		break;
	case STREAM_AGAIN:
		return;
	case STREAM_EOF:
		if (w->peer.state == PEER_LEFT) /* after the peer's Close */
			w->peer.handlers->on_grace_over(w->peer.arg);
		else
			websocket_leave(w);
		break;
	case STREAM_FAILED:
		error = stream_error(w->sender.stream);
		websocket_lose(w, error ? error : "connection reset");
		break;
	}
	websocket_changed(w);
}

static void
websocket_on_drained(void *arg)
{
	struct websocket *w = arg;

	if (websocket_queued(&w->peer) == 0)
		sender_put_pong(&w->sender);
	websocket_check_sender(w);
	websocket_note_sent(w);
	websocket_changed(w);
}

static void
websocket_on_gone(void *arg, enum stream_gone reason)
{
	struct websocket *w = arg;

	if (reason == STREAM_LOST)
		websocket_lose(w, "connection lost");
	else if (w->deadlines.since_ms != 0 && w->peer.state == PEER_OPEN)
		; /* the FIN follows the violation and is not read */
	else if (w->receiver.inflater)
		websocket_leave(w); /* the rest of the input is unbounded once decompressed */
	else
		w->peer.ending = true; /* messages and a Close may precede the FIN */
	websocket_changed(w);
}

static const struct stream_handlers websocket_stream_handlers = {
    .on_readable = websocket_on_readable,
    .on_drained = websocket_on_drained,
    .on_gone = websocket_on_gone,
};

/* Operations */

static void
websocket_send(struct peer *peer, struct batch *batch)
{
	struct websocket *w = websocket_of(peer);

	if (w->rules->idle_ms != 0)
		w->deadlines.active = deadlines_ticks(util_clock_ms());
	sender_send(&w->sender, batch);
	websocket_check_sender(w);
}

static void
websocket_flush(struct peer *peer)
{
	struct websocket *w = websocket_of(peer);

	sender_flush(&w->sender);
	websocket_check_sender(w);
	if (websocket_queued(peer) > 0)
		websocket_arm(w);
}

static void
websocket_violation(struct peer *peer)
{
	websocket_begin_grace(websocket_of(peer));
	websocket_arm(websocket_of(peer));
}

static void
websocket_close(struct peer *peer, uint16_t code, struct span reason)
{
	struct websocket *w = websocket_of(peer);

	if (peer->state == PEER_OPEN) {
		sender_flush(&w->sender);
		sender_put_pong(&w->sender);
	}
	/* Nothing follows the answer to a Close. */
	sender_close(&w->sender, code, reason, peer->state == PEER_LEFT);
	if (peer->state == PEER_OPEN) {
		peer->state = PEER_CLOSING;
		/* A client that is closed because of its queue gets no extra time to
		 * read it. */
		w->deadlines.since_ms = code == CLOSE_TRY_LATER ? util_clock_ms() : 0;
	}
	websocket_check_sender(w);
	websocket_note_sent(w);
	websocket_arm(w);
}

static void
websocket_set_reading(struct peer *peer, bool on)
{
	struct websocket *w = websocket_of(peer);

	peer->reading = on;
	if (!w->sender.stream)
		return;
	/* While reading was paused we could not hear the peer, so it is not to blame for the
	 * silence. */
	if (on) {
		deadlines_heard(&w->deadlines, util_clock_ms());
		if (w->deadlines.begun_ms != 0)
			w->deadlines.begun_ms = w->deadlines.heard_ms;
		if (peer->state == PEER_CLOSING && w->deadlines.since_ms != 0)
			w->deadlines.since_ms = w->deadlines.heard_ms;
	}
	websocket_apply_reading(w);
	websocket_arm(w);
}

static void
websocket_release(struct loop_deferred *deferred)
{
	struct websocket *w = LIST_ENTRY_OF(deferred, struct websocket, deferred);

	inflater_free(w->receiver.inflater);
	deflater_free(w->sender.deflater);
	free(w);
}

static void
websocket_free(struct peer *peer)
{
	struct websocket *w = websocket_of(peer);
	struct loop *loop = w->sender.loop;

	stream_free(w->sender.stream);
	w->sender.stream = NULL;
	receiver_stop(&w->receiver);
	sender_stop(&w->sender);
	timer_stop(&w->timer);
	loop_cancel(&w->resume);
	loop_defer_free(loop, &w->deferred, websocket_release);
}

static void
websocket_finish(struct peer *peer)
{
	struct websocket *w = websocket_of(peer);

	linger_take(w->sender.stream, w->sender.loop, LINGER_CREDIT_MS);
	w->sender.stream = NULL;
	websocket_free(peer);
}

static const struct peer_ops websocket_ops = {
    .send = websocket_send,
    .flush = websocket_flush,
    .violation = websocket_violation,
    .close = websocket_close,
    .set_reading = websocket_set_reading,
    .queued = websocket_queued,
    .finish = websocket_finish,
    .free = websocket_free,
};

struct peer *
websocket_new(
    const struct websocket_spec *spec, const struct peer_handlers *handlers, void *arg)
{
	struct websocket *w = calloc(1, sizeof(*w));

	if (!w)
		return NULL;
	w->peer = (struct peer){.ops = &websocket_ops,
	    .handlers = handlers,
	    .arg = arg,
	    .sent = spec->sent,
	    .is_server = spec->client};
	w->rules = spec->rules;
	w->receiver.format = spec->format;
	w->sender.loop = spec->loop;
	w->sender.counts = spec->sent;
	w->sender.deflate_min = (uint32_t)spec->rules->deflate.min;
	w->sender.encoder.masks = spec->client;
	loop_task_init(&w->resume, websocket_on_resume);
	timer_init(&w->timer, &spec->loop->timers, websocket_on_timer, w);
	if (spec->deflate) {
		w->peer.compresses = true;
		w->sender.deflates_broadcasts =
		    !spec->deflate->server_takeover &&
		    spec->deflate->server_bits == spec->rules->deflate.window;
		w->receiver.inflater = inflater_new(spec->deflate);
		w->sender.deflater =
		    deflater_new(spec->deflate, (int)spec->rules->deflate.level);
		if (!w->receiver.inflater || !w->sender.deflater) {
			websocket_free(&w->peer);
			return NULL;
		}
	}
	w->receiver.decoder.rules = (struct decoder_rules){
	    .max_message = spec->rules->max_message,
	    .max_empty_fragments = spec->rules->max_empty_fragments,
	    .client = spec->client,
	    .parts = spec->format->parts,
	    .inflater = w->receiver.inflater,
	};
	return &w->peer;
}

void
websocket_start_take(
    struct peer *peer, struct stream *stream, struct span head, struct span rest)
{
	struct websocket *w = websocket_of(peer);

	w->sender.stream = stream;
	stream_set_handlers(stream, &websocket_stream_handlers, w);
	w->deadlines.heard_ms = util_clock_ms();
	w->deadlines.active = w->deadlines.opened = deadlines_ticks(w->deadlines.heard_ms);
	if (!stream_write(stream, head.data, head.len))
		websocket_lose(w, "connection lost");
	else if (!buffer_append(&w->receiver.rest, rest.data, rest.len))
		websocket_error(w);
	websocket_changed(w);
}
