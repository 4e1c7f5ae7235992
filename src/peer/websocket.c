/* SPDX-License-Identifier: BSD-2-Clause */
/* A WebSocket over a stream as a peer. */
#include "peer/websocket.h"

#include "net/linger.h"
#include "peer/receiver.h"
#include "peer/sender.h"

#include <assert.h>
#include <stdlib.h>

enum {
	/* What is read at once. With a cut record before it, which waits for those after it, it
	 * still fits into an empty pipe. */
	WEBSOCKET_READ = LOOP_BATCH - 4 * 1024,
	WEBSOCKET_PONGS = 1024, /* bytes of them that are put together before they leave */
};

struct websocket {
	struct peer peer; /* first: websocket_of() casts it back */
	const struct websocket_rules *rules; /* borrowed */
	struct sender sender; /* its stream is owned here; NULL once GONE or finished */
	struct receiver receiver;
	struct buffer pong; /* owned: the frame that waits until the queue has left */
	union {
		struct loop_task resume; /* processes what the receiver kept */
		struct loop_deferred deferred; /* once it is freed */
	};
	struct timer timer;
	int64_t heard_ms; /* when the peer last sent something, or was last checked */
	int64_t
	    since_ms; /* OPEN: when it broke a rule; CLOSING: when our Close had left; or 0 */
	int64_t begun_ms; /* since when a part of a message is kept; 0: none is */
	uint16_t ping_second; /* the last one in which the peer sent pings, and how many */
	uint16_t ping_count;
	uint8_t pings; /* without an answer */
	bool awaited; /* at the last check the peer's system had something to confirm */
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

/* After each use of the sender. */
static void
websocket_check_sender(struct websocket *w)
{
	if (w->sender.failed != SENDER_OK)
		websocket_lose(w, sender_reason(&w->sender));
}

/* Nothing after the violation is read, wherever reads cut it. */
static void
websocket_begin_grace(struct websocket *w)
{
	decoder_end(&w->receiver.decoder);
	if (w->peer.state == PEER_OPEN && w->since_ms == 0)
		w->since_ms = util_clock_ms();
}

static bool
websocket_in_grace(const struct websocket *w)
{
	return w->since_ms != 0 && w->peer.state == PEER_OPEN;
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

/* Deadlines. One timer is for all of them, and is only put forward: to set it again costs
 * nothing.
 */

/* When the begun message is to be complete; 0: there is none, or we do not read. */
static int64_t
websocket_message_due(const struct websocket *w)
{
	if (w->begun_ms == 0 || w->peer.state != PEER_OPEN || !w->peer.reading)
		return 0;
	return w->begun_ms + WEBSOCKET_MESSAGE_MS +
	       (int64_t)decoder_assembled(&w->receiver.decoder);
}

/* When to check whether the peer is alive. */
static int64_t
websocket_check_due(const struct websocket *w)
{
	if (w->rules->ping_ms == 0 || w->peer.state != PEER_OPEN)
		return 0;
	return w->heard_ms + w->rules->ping_ms;
}

static size_t
websocket_queued(const struct peer *peer)
{
	const struct websocket *w = websocket_of(peer);

	return w->sender.stream ? stream_queued(w->sender.stream) : 0;
}

/* The earlier of two deadlines; 0: none. */
static int64_t
websocket_first(int64_t a, int64_t b)
{
	return a == 0 || (b != 0 && b < a) ? b : a;
}

static void
websocket_arm(struct websocket *w)
{
	int64_t due = 0;

	if (!w->sender.stream)
		return;
	if (websocket_in_grace(w)) {
		due = w->since_ms + WEBSOCKET_GRACE_MS;
	} else {
		if (websocket_queued(&w->peer) > 0)
			due = stream_progress_ms(w->sender.stream) + WEBSOCKET_STALL_MS;
		else if (w->peer.state == PEER_CLOSING)
			due = w->since_ms + WEBSOCKET_CLOSE_MS;
		due = websocket_first(due, websocket_check_due(w));
		due = websocket_first(due, websocket_message_due(w));
	}
	if (due != 0)
		timer_at(&w->timer, due);
}

/* Records that our Close has left. After a violation theirs is not awaited: nothing after it is
 * read. */
static void
websocket_note_sent(struct websocket *w)
{
	if (w->peer.state != PEER_CLOSING || websocket_queued(&w->peer) > 0)
		return;
	if (w->since_ms == 0)
		w->since_ms = util_clock_ms();
	if (w->receiver.decoder.over)
		websocket_leave(w);
}

/*
 * A ping interval has passed in which nothing came. A peer that we read must answer. While its
 * input is paused, or a ping would wait in the queue, no answer can be asked for, but its
 * system must confirm what was sent; and if it has disconnected, its system answers any byte
 * with a RST, even while its FIN waits for our window to open.
 */
static void
websocket_check(struct websocket *w)
{
	bool queued = websocket_queued(&w->peer) > 0;
	bool answers = !queued && w->peer.reading;
	struct stream_contact contact = {0};

	if (answers && w->pings >= WEBSOCKET_PINGS) {
		websocket_lose(w, "no answer to pings");
		return;
	}
	if (!answers)
		contact = stream_contact(w->sender.stream);
	if (w->awaited && contact.awaited && contact.silent_ms >= w->rules->ping_ms) {
		websocket_lose(w, "the client's system does not respond");
		return;
	}
	if (!queued) {
		sender_control(&w->sender, FRAME_PING, NULL, 0);
		sender_flush(&w->sender);
		websocket_check_sender(w);
	}
	w->pings += answers;
	w->awaited = !answers && w->sender.stream && stream_contact(w->sender.stream).awaited;
}

static void websocket_changed(struct websocket *w);

static void
websocket_on_timer(void *arg)
{
	struct websocket *w = arg;
	int64_t now = util_clock_ms();
	int64_t message = websocket_message_due(w);
	int64_t check = websocket_check_due(w);

	if (!w->sender.stream)
		return;
	if (websocket_in_grace(w) && now >= w->since_ms + WEBSOCKET_GRACE_MS)
		w->peer.handlers->on_grace_over(w->peer.arg);
	if (message != 0 && now >= message)
		websocket_violation_with(w, CLOSE_POLICY, "message timeout");
	if (websocket_queued(&w->peer) > 0 &&
	    now >= stream_progress_ms(w->sender.stream) + WEBSOCKET_STALL_MS)
		websocket_lose(w, "write timeout");
	if (w->sender.stream && check != 0 && now >= check) {
		w->heard_ms = now;
		websocket_check(w);
	}
	if (w->peer.state == PEER_CLOSING && w->since_ms != 0 &&
	    now >= w->since_ms + WEBSOCKET_CLOSE_MS)
		websocket_leave(w);
	websocket_changed(w);
}

/* Input */

/* What the peer does not read is not answered one by one: RFC 6455, section 5.5.3, asks for the
 * most recent alone. */
static void
websocket_keep_pong(struct websocket *w, struct span payload)
{
	uint8_t frame[SENDER_CONTROL_MAX];
	size_t len = sender_build_control(
	    &w->sender, frame, FRAME_PONG, (const uint8_t *)payload.data, payload.len);

	buffer_clear(&w->pong);
	if (!buffer_append(&w->pong, frame, len))
		websocket_error(w);
}

static void
websocket_put_pong(struct websocket *w)
{
	if (w->sender.stream && !stream_write_take(w->sender.stream, &w->pong))
		w->sender.failed = SENDER_LOST;
	buffer_clear(&w->pong);
	websocket_check_sender(w);
}

/* Each ping has its pong (section 5.5.2), as long as they leave and are for looking whether we
 * live; none follows our Close (section 5.5.1). */
static void
websocket_on_ping(void *arg, struct span payload)
{
	struct websocket *w = arg;
	uint16_t second = (uint16_t)(w->heard_ms / 1000);

	if (w->ping_second != second)
		w->ping_count = 0;
	w->ping_second = second;
	if (w->rules->max_pings != 0 && w->ping_count++ >= w->rules->max_pings)
		websocket_violation_with(w, CLOSE_POLICY, w->rules->reason_pings);
	else if (w->peer.state != PEER_OPEN)
		return;
	else if (websocket_queued(&w->peer) > 0)
		websocket_keep_pong(w, payload);
	else
		sender_control(
		    &w->sender, FRAME_PONG, (const uint8_t *)payload.data, payload.len);
	if (w->sender.out_len >= WEBSOCKET_PONGS)
		sender_flush(&w->sender);
	websocket_check_sender(w);
}

/* A rule that has an option is named with it. */
static void
websocket_on_fail(void *arg, uint16_t code, const char *reason)
{
	struct websocket *w = arg;

	/* Without memory the violation is ours, and there is none to wait with. */
	if (code == CLOSE_INTERNAL)
		websocket_error(w);
	else if (code == CLOSE_TOO_BIG)
		websocket_violation_with(w, code, w->rules->reason_message);
	else if (code == CLOSE_POLICY)
		websocket_violation_with(w, code, w->rules->reason_empty_fragments);
	else
		websocket_violation_with(w, code, reason);
}

static bool
websocket_on_messages(void *arg, struct batch *batch)
{
	struct websocket *w = arg;

	w->begun_ms = 0;
	return w->peer.handlers->on_messages(w->peer.arg, batch);
}

static void
websocket_on_close(void *arg, uint16_t code, struct span reason)
{
	struct websocket *w = arg;

	websocket_leave(w);
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
	/* Whether a part of a message is kept. */
	if (w->receiver.format->parts || !decoder_is_within(&w->receiver.decoder))
		w->begun_ms = 0;
	else if (w->begun_ms == 0)
		w->begun_ms = w->heard_ms;
	sender_flush(&w->sender);
	websocket_check_sender(w);
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

/* What was read and not processed comes before what is in the stream. */
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

/* Ends each call from the loop: the user acts on the facts, and may free the peer. */
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
		w->heard_ms = util_clock_ms();
		w->pings = 0;
		websocket_decode(w, w->sender.loop->in, n);
		break;
	case STREAM_AGAIN:
		return;
	case STREAM_EOF:
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
		websocket_put_pong(w);
	websocket_note_sent(w);
	websocket_changed(w);
}

static void
websocket_on_gone(void *arg, enum stream_gone reason)
{
	struct websocket *w = arg;

	if (reason == STREAM_LOST)
		websocket_lose(w, "connection lost");
	else if (websocket_in_grace(w))
		; /* its FIN follows the violation, and is not read */
	else if (w->receiver.inflater)
		websocket_leave(w); /* its rest is not bounded once decompressed */
	else
		w->peer.ending = true; /* its messages and its Close may precede the FIN */
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
	sender_send(&websocket_of(peer)->sender, batch);
	websocket_check_sender(websocket_of(peer));
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
		websocket_put_pong(w);
	}
	buffer_clear(&w->pong);
	/* Nothing follows the answer to a Close. */
	sender_close(&w->sender, code, reason, peer->state == PEER_LEFT);
	if (peer->state == PEER_OPEN) {
		peer->state = PEER_CLOSING;
		w->since_ms = 0;
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
	/* While we did not read we could not hear: the peer is not to blame for that silence.
	 */
	if (on) {
		w->heard_ms = util_clock_ms();
		w->pings = 0;
		if (w->begun_ms != 0)
			w->begun_ms = w->heard_ms;
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
	deflater_drop(w->sender.deflater);
	buffer_clear(&w->pong);
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
	w->peer = (struct peer){
	    .ops = &websocket_ops, .handlers = handlers, .arg = arg, .sent = spec->sent};
	w->rules = spec->rules;
	w->receiver.format = spec->format;
	w->sender.loop = spec->loop;
	w->sender.counts = spec->sent;
	w->sender.deflate_min = (uint32_t)spec->rules->deflate.min;
	w->sender.encoder.masks = spec->client;
	loop_task_init(&w->resume, websocket_on_resume);
	timer_init(&w->timer, &spec->loop->timers, websocket_on_timer, w);
	decoder_init(&w->receiver.decoder, spec->rules->max_message);
	w->receiver.decoder.rules.max_empty_fragments = spec->rules->max_empty_fragments;
	if (spec->client)
		w->receiver.decoder.rules.client = true;
	if (spec->format->parts)
		w->receiver.decoder.rules.parts = true;
	if (spec->deflate) {
		w->peer.compresses = true;
		w->receiver.inflater = inflater_new(spec->deflate);
		w->sender.deflater =
		    deflater_new(spec->deflate, (int)spec->rules->deflate.level);
		if (!w->receiver.inflater || !w->sender.deflater) {
			websocket_free(&w->peer);
			return NULL;
		}
	}
	w->receiver.decoder.rules.inflater = w->receiver.inflater;
	return &w->peer;
}

void
websocket_start_take(
    struct peer *peer, struct stream *stream, struct span head, struct span rest)
{
	struct websocket *w = websocket_of(peer);

	w->sender.stream = stream;
	stream_set_handlers(stream, &websocket_stream_handlers, w);
	w->heard_ms = util_clock_ms();
	if (!stream_write(stream, head.data, head.len)) {
		websocket_lose(w, "connection lost");
	} else if (rest.len > 0) {
		/* The decoder works in place, so what came early is copied to where reads go.
		 */
		assert(rest.len <= LOOP_BATCH);
		memcpy(w->sender.loop->in, rest.data, rest.len);
		websocket_decode(w, w->sender.loop->in, rest.len);
	}
	websocket_changed(w);
}
