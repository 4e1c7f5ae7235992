/* SPDX-License-Identifier: BSD-2-Clause */
/* A peer over plain HTTP. */
#include "peer/events.h"

#include "peer/deadlines.h"
#include "peer/event_output.h"
#include "peer/event_response.h"
#include "websocket/frame.h"

#include <stdlib.h>

#define EVENTS_TOO_LARGE "a message of the program is larger than --resume-buffer"

struct events {
	struct peer peer; /* first: events_of() casts to the container */
	struct events_spec spec;
	struct event_response response;
	struct event_output output;
	/* Owned: messages from the client that were not delivered; see peer/event_input.h. */
	struct buffer input;
	union {
		struct loop_task resume; /* delivers INPUT */
		struct loop_deferred deferred; /* once freed */
	};
	struct timer timer;
	/* SINCE_MS: when the client broke a rule or left; 0: neither. */
	struct deadlines deadlines;
	struct events_kept kept; /* the share of the room that OUTPUT uses */
	bool left; /* the client closed the session and fetches nothing more */
	bool finished; /* the user has released the peer */
	bool freed;
};

static struct events *
events_of(const struct peer *peer)
{
	return (struct events *)(uintptr_t)peer;
}

static bool
events_is_stream(const struct events *e)
{
	return e->response.form == EVENTS_STREAM;
}

static void
events_lose(struct events *e, const char *reason)
{
	if (e->peer.state == PEER_GONE)
		return;
	e->peer.reason = reason;
	e->peer.state = PEER_GONE;
}

/* Memory */

/* Updates the share of the room. While there is a user, unsent records don't count, because
 * backpressure limits them. */
static void
events_count(struct events *e)
{
	const struct replay *replay = &e->output.records.replay;

	events_room_set(
	    e->spec.room, &e->kept, e->finished ? buffer_len(&replay->bytes) : replay->sent);
}

/* End */

static void
events_release(struct loop_deferred *deferred)
{
	free(LIST_ENTRY_OF(deferred, struct events, deferred));
}

/* The only destructor. */
static void
events_free(struct peer *peer)
{
	struct events *e = events_of(peer);

	e->freed = true;
	e->peer.state = PEER_GONE;
	if (e->response.exchange)
		exchange_abort(e->response.exchange, NULL);
	e->response.exchange = NULL;
	timer_stop(&e->timer);
	loop_cancel(&e->resume);
	events_room_remove(e->spec.room, &e->kept);
	loop_count_stream(e->spec.loop, false);
	buffer_clear(&e->output.records.replay.bytes);
	buffer_clear(&e->output.partial);
	buffer_clear(&e->input);
	e->spec.on_over(e->spec.owner);
	loop_defer_free(e->spec.loop, &e->deferred, events_release);
}

/* Time */

static struct deadlines_facts
events_facts(const struct events *e)
{
	return (struct deadlines_facts){
	    .state = e->finished ? PEER_GONE : e->peer.state,
	    .idle_ms = e->spec.idle_ms,
	    .lifetime_ms = e->spec.lifetime_ms,
	};
}

static void
events_arm(struct events *e)
{
	struct deadlines_facts facts = events_facts(e);
	int64_t next = deadlines_next(&e->deadlines, &facts);

	if (e->freed)
		return;
	if (next != 0)
		timer_at(&e->timer, next);
	timer_at(&e->timer, event_response_due(&e->response, e->spec.resume_ms));
}

/* A message was sent or received. */
static void
events_touch(struct events *e)
{
	if (e->spec.idle_ms != 0)
		e->deadlines.active = deadlines_ticks(util_clock_ms());
}

/* Ends each call from outside: lets the user act on the changes. The user may free the peer. */
static void
events_changed(struct events *e)
{
	if (!e->finished && !e->freed)
		e->peer.handlers->on_changed(e->peer.arg);
	events_arm(e);
}

void
events_start(struct peer *peer)
{
	events_changed(events_of(peer));
}

void
events_abandon(struct peer *peer)
{
	if (events_of(peer)->finished)
		events_free(peer);
}

/* Output */

static void
events_put_close(struct events *e, uint16_t code, struct span reason)
{
	if (!e->output.records.ended && !event_records_end(&e->output.records, code, reason))
		events_lose(e, "out of memory");
}

static void
events_flush(struct peer *peer)
{
	struct events *e = events_of(peer);
	struct replay *replay = &e->output.records.replay;
	struct span unsent = replay_unsent(replay);

	if (!e->response.exchange)
		return;
	if (unsent.len > 0) {
		event_response_send(&e->response, unsent);
		replay->sent = buffer_len(&replay->bytes);
	}
	if (unsent.len > 0 && events_is_stream(e)) {
		replay_trim(replay, events_room_share(e->spec.room, e->spec.max_kept));
		events_count(e);
	}
	if (e->output.records.ended && events_is_stream(e))
		event_response_end(&e->response);
}

static void
events_send(struct peer *peer, struct batch *batch)
{
	struct events *e = events_of(peer);
	uint64_t before = peer->sent->messages;

	switch (event_output_send(&e->output, batch)) {
	case EVENT_OUTPUT_SENT:
		break;
	case EVENT_OUTPUT_TOO_BIG:
		events_put_close(e, CLOSE_TOO_BIG, SPAN(EVENTS_TOO_LARGE));
		events_flush(peer);
		events_lose(e, EVENTS_TOO_LARGE);
		break;
	case EVENT_OUTPUT_NO_MEMORY:
		events_lose(e, "out of memory");
		break;
	}
	if (peer->sent->messages != before)
		events_touch(e);
}

static void
events_close(struct peer *peer, uint16_t code, struct span reason)
{
	struct events *e = events_of(peer);

	events_put_close(e, code, reason);
	if (peer->state == PEER_OPEN)
		peer->state = PEER_LEFT; /* there is no answer to wait for */
	events_flush(peer);
}

static size_t
events_queued(const struct peer *peer)
{
	const struct events *e = events_of(peer);
	size_t unsent = replay_unsent(&e->output.records.replay).len;

	if (!events_is_stream(e))
		return buffer_len(&e->output.records.replay.bytes);
	return unsent + event_response_queued(&e->response);
}

/* Schedules the freeing of a finished peer. Its owner may be iterating over all peers, so it is
 * not freed here. */
static void
events_drop(struct events *e)
{
	struct replay *replay = &e->output.records.replay;

	replay->sent = buffer_len(&replay->bytes);
	replay_trim(replay, 0);
	events_room_remove(e->spec.room, &e->kept);
	e->spec.resume_ms = 0;
	events_arm(e);
}

/*
 * Called when the user has nothing more to send. The peer lives on while its client may fetch
 * the rest, or fetch records again: nothing shows that a client, and not just a proxy, has
 * received them.
 */
static void
events_finish(struct peer *peer)
{
	struct events *e = events_of(peer);
	struct events_room *room = e->spec.room;
	struct events_kept *excess;

	events_flush(peer);
	e->finished = true;
	if (!e->output.records.ended || e->left) {
		events_free(peer);
		return;
	}
	buffer_clear(&e->input);
	buffer_clear(&e->output.partial);
	events_count(e);
	events_room_end(room, &e->kept);
	while ((excess = events_room_excess(room, e->spec.max_kept)))
		events_drop(LIST_ENTRY_OF(excess, struct events, kept));
	events_arm(e);
	e->spec.on_ended(e->spec.owner);
}

/* Input */

static void
events_violation(struct peer *peer)
{
	struct events *e = events_of(peer);

	e->deadlines.since_ms = util_clock_ms();
	buffer_clear(&e->input);
	events_arm(e);
}

static void
events_set_left(struct events *e)
{
	e->peer.state = PEER_LEFT;
	e->left = true;
	e->deadlines.since_ms = util_clock_ms();
}

/* Delivers pending input until the user accepts no more. */
static void
events_deliver(struct events *e)
{
	while (e->peer.state == PEER_OPEN && e->peer.reading && e->deadlines.since_ms == 0 &&
	       buffer_len(&e->input) > 0) {
		struct event_input next = event_input_first(&e->input);
		bool more = true;

		if (next.code != 0) {
			events_set_left(e);
			e->peer.handlers->on_close(e->peer.arg, next.code,
			    (struct span){(char *)next.batch.data, next.batch.len});
		} else {
			more = e->peer.handlers->on_messages(e->peer.arg, &next.batch);
		}
		/* A handler may have cleared INPUT. */
		if (buffer_len(&e->input) > 0)
			event_input_take(&e->input);
		if (!more)
			break;
	}
}

static void
events_on_resume(struct loop_task *task)
{
	struct events *e = LIST_ENTRY_OF(task, struct events, resume);

	events_deliver(e);
	events_changed(e);
}

static void
events_set_reading(struct peer *peer, bool on)
{
	struct events *e = events_of(peer);

	peer->reading = on;
	if (on && buffer_len(&e->input) > 0)
		loop_defer(e->spec.loop, &e->resume);
}

enum events_posted
events_post(struct peer *peer, enum events_kind kind, struct buffer *body, const char **why)
{
	struct events *e = events_of(peer);
	enum events_posted result;

	if (e->finished || e->left)
		return EVENTS_ENDED;
	if (peer->state != PEER_OPEN || !peer->reading || e->deadlines.since_ms != 0 ||
	    buffer_len(&e->input) > 0)
		return EVENTS_BUSY;
	result = event_input_read(&e->input, e->spec.format,
	    e->spec.max_message != 0 ? e->spec.max_message : UINT64_MAX, kind, body, why);
	if (result != EVENTS_POSTED)
		return result;
	events_touch(e);
	events_deliver(e);
	events_changed(e);
	return EVENTS_POSTED;
}

void
events_leave(struct peer *peer)
{
	struct events *e = events_of(peer);

	if (e->finished) {
		events_free(peer);
		return;
	}
	if (peer->state != PEER_OPEN) {
		e->left = true; /* already closing; the client fetches nothing more */
		return;
	}
	events_set_left(e);
	buffer_clear(&e->input);
	peer->handlers->on_close(peer->arg, CLOSE_NORMAL, (struct span){0});
	events_changed(e);
}

void
events_end(struct peer *peer, uint16_t code, const char *constant_reason)
{
	struct events *e = events_of(peer);

	if (!e->finished)
		peer->handlers->on_error(peer->arg, code, constant_reason);
	events_changed(e);
}

/* Connection */

static void
events_on_drained(void *arg)
{
	events_changed(arg);
}

static void
events_on_gone(void *arg)
{
	struct events *e = arg;

	event_response_detach(&e->response);
	events_changed(e);
}

/* The client no longer reads. */
static void
events_on_half_closed(void *arg)
{
	struct events *e = arg;

	exchange_abort(e->response.exchange, NULL);
	events_on_gone(arg);
}

static const struct exchange_handlers events_exchange_handlers = {
    .on_drained = events_on_drained,
    .on_half_closed = events_on_half_closed,
    .on_gone = events_on_gone,
};

static void
events_expire(struct events *e, enum deadline which, int64_t now)
{
	if (which == DEADLINE_GRACE)
		e->peer.handlers->on_grace_over(e->peer.arg);
	else
		e->peer.handlers->on_error(e->peer.arg, CLOSE_GOING_AWAY,
		    deadlines_restart(&e->deadlines, which, now));
}

static void
events_on_timer(void *arg)
{
	struct events *e = arg;
	int64_t now = util_clock_ms();

	for (enum deadline i = DEADLINE_GRACE; !e->freed && i < DEADLINES; i++) {
		struct deadlines_facts facts = events_facts(e);
		int64_t at = deadline_at(&e->deadlines, &facts, i);

		if (at != 0 && now >= at)
			events_expire(e, i, now);
	}
	if (!e->freed && now >= event_response_due(&e->response, e->spec.resume_ms)) {
		if (e->response.exchange)
			event_response_refresh(&e->response);
		else if (e->finished)
			events_free(&e->peer);
		else
			events_lose(e, "the client did not reconnect in time (--resume-wait)");
	}
	events_changed(e);
}

enum events_attached
events_attach(struct peer *peer, struct exchange *exchange, uint64_t after, const char *fields)
{
	struct events *e = events_of(peer);

	if (!replay_seek(&e->output.records.replay, after))
		return EVENTS_DROPPED;
	if (!events_is_stream(e)) /* the client has received them */
		replay_trim(&e->output.records.replay, 0);
	events_count(e);
	if (e->output.records.ended && replay_unsent(&e->output.records.replay).len == 0) {
		if (e->finished)
			events_free(peer);
		return EVENTS_OVER;
	}
	event_response_replace(&e->response);
	exchange_set_handlers(exchange, &events_exchange_handlers, e);
	event_response_begin(&e->response, exchange, e->spec.id, fields);
	events_flush(peer);
	events_changed(e);
	return EVENTS_ATTACHED;
}

static const struct peer_ops events_ops = {
    .send = events_send,
    .flush = events_flush,
    .violation = events_violation,
    .close = events_close,
    .set_reading = events_set_reading,
    .queued = events_queued,
    .finish = events_finish,
    .free = events_free,
};

struct peer *
events_new(const struct events_spec *spec, const struct peer_handlers *handlers, void *arg)
{
	struct events *e = calloc(1, sizeof(*e));

	if (!e)
		return NULL;
	e->peer = (struct peer){
	    .ops = &events_ops, .handlers = handlers, .arg = arg, .sent = spec->sent};
	e->spec = *spec;
	event_records_init(&e->output.records, spec->form, spec->id);
	e->output.sent = spec->sent;
	e->output.max_message = spec->max_kept;
	events_kept_init(&e->kept);
	e->response.form = spec->form;
	e->response.since_ms = util_clock_ms();
	e->deadlines.active = e->deadlines.opened = deadlines_ticks(e->response.since_ms);
	loop_count_stream(spec->loop, true);
	loop_task_init(&e->resume, events_on_resume);
	timer_init(&e->timer, &spec->loop->timers, events_on_timer, e);
	events_arm(e);
	return &e->peer;
}
