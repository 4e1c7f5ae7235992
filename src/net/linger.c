/* SPDX-License-Identifier: BSD-2-Clause */
/* Closes a connection without losing the last bytes. */
#include "net/linger.h"

#include "base/log.h"
#include "base/util.h"
#include "net/limit.h"
#include "net/listener.h"
#include "net/rate.h"

#include <stdlib.h>

struct lingering {
	struct loop_deferred deferred; /* first: linger_release() casts it back */
	struct list node; /* in loop->lingering */
	struct loop *loop; /* borrowed */
	struct stream *stream; /* owned */
	struct timer timer;
	int64_t credit_ms;
	struct rate rate; /* rate of acknowledgements; started by the first check */
	int64_t due_ms; /* deadline once everything is acknowledged */
};

static void
linger_release(struct loop_deferred *deferred)
{
	struct lingering *linger = (struct lingering *)(void *)deferred;

	timer_stop(&linger->timer);
	free(linger);
}

static void
linger_end(struct lingering *linger)
{
	stream_free(linger->stream);
	timer_stop(&linger->timer);
	list_remove(&linger->node);
	loop_defer_free(linger->loop, &linger->deferred, linger_release);
}

static void
linger_on_evict(void *arg)
{
	linger_end(arg);
}

static void
linger_log_slow(const struct lingering *linger, size_t left)
{
	struct sockaddr_storage peer;
	char text[LISTENER_TEXT_MAX] = "a client";

	stream_peer_address(linger->stream, &peer);
	if (peer.ss_family != AF_UNSPEC)
		listener_text(&peer, text);
	log_info("closed the connection to %s: the client reads less than %d bytes/s; %zu "
		 "bytes were "
		 "not delivered",
	    text, RATE_MIN, left);
}

/*
 * Closes the connection if a deadline has passed, else waits for the next one. Unacknowledged
 * data counts as unsent: closing now would lose it as soon as one more byte arrives, which the
 * kernel answers with a RST.
 */
static void
linger_step(void *arg)
{
	struct lingering *linger = arg;
	int64_t now = util_clock_ms();
	size_t left = stream_queued(linger->stream) + stream_unconfirmed(linger->stream);

	if (left > 0 || linger->rate.left > 0)
		linger->due_ms = now + LINGER_DRAIN_MS;
	if (linger->rate.due_ms == 0)
		rate_start(&linger->rate, left, linger->credit_ms);
	if (!rate_check(&linger->rate, left)) {
		linger_log_slow(linger, left);
		linger_end(linger);
	} else if (linger->due_ms <= now) {
		linger_end(linger);
	} else {
		/* No event announces the acknowledgement of the last byte. */
		timer_at(&linger->timer, linger->due_ms);
	}
}

static void
linger_on_readable(void *arg)
{
	struct lingering *linger = arg;
	size_t n;

	switch (stream_read(linger->stream, linger->loop->in, LOOP_BATCH, &n)) {
	case STREAM_OK:
	case STREAM_AGAIN:
		return;
	case STREAM_EOF:
	case STREAM_FAILED:
		break;
	}
	/* The peer's FIN, which TLS may report as a failure. Queued data may be for a peer that
	 * only half-closed, so it is sent first. */
	if (stream_queued(linger->stream) > 0)
		stream_set_reading(linger->stream, false);
	else
		linger_end(linger);
}

static void
linger_on_drained(void *arg)
{
	struct lingering *linger = arg;

	if (stream_queued(linger->stream) == 0 && !stream_is_reading(linger->stream))
		linger_end(linger);
	else
		linger_step(linger);
}

static void
linger_on_gone(void *arg, enum stream_gone reason)
{
	struct lingering *linger = arg;

	if (reason == STREAM_LOST || stream_queued(linger->stream) == 0)
		linger_end(linger);
}

static const struct stream_handlers linger_handlers = {
    .on_readable = linger_on_readable,
    .on_drained = linger_on_drained,
    .on_gone = linger_on_gone,
};

void
linger_take(struct stream *stream, struct loop *loop, int64_t credit_ms)
{
	struct limit_slot *slot;
	struct lingering *linger;

	if (!stream)
		return;
	linger = calloc(1, sizeof(*linger));
	if (!linger) {
		stream_free(stream);
		return;
	}
	linger->loop = loop;
	linger->stream = stream;
	timer_init(&linger->timer, &loop->timers, linger_step, linger);
	list_append(&loop->lingering, &linger->node);
	slot = stream_slot(stream);
	limit_on_evict(slot, linger_on_evict, linger);
	limit_move(slot, LIMIT_RESPONSE);
	stream_set_handlers(stream, &linger_handlers, linger);
	stream_set_reading(stream, true);
	stream_shutdown(stream);
	/* Unacknowledged bytes are not queried yet: that would change nothing before the first
	 * check. */
	linger->credit_ms = credit_ms;
	linger->due_ms = util_clock_ms() + LINGER_DRAIN_MS;
	timer_at(&linger->timer, linger->due_ms);
}

void
linger_abort_all(struct loop *loop)
{
	while (!list_empty(&loop->lingering))
		linger_end(LIST_ENTRY_OF(loop->lingering.next, struct lingering, node));
}
