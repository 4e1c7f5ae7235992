/* SPDX-License-Identifier: BSD-2-Clause */
/* Closing a connection so that the last bytes arrive. */
#include "net/linger.h"

#include "base/log.h"
#include "base/util.h"
#include "net/limit.h"
#include "net/listener.h"
#include "net/rate.h"

#include <stdlib.h>

struct lingering {
	struct loop_grave grave; /* first: linger_release() casts it back */
	struct list node; /* in loop->lingering */
	struct loop *loop; /* borrowed */
	struct io *io; /* owned */
	struct timer timer;
	int64_t credit_ms;
	struct rate
	    rate; /* of what the other side has not confirmed; started by the first look */
	int64_t due_ms; /* when it ends if all is confirmed */
};

static void
linger_release(struct loop_grave *grave)
{
	struct lingering *linger = (struct lingering *)(void *)grave;

	timer_stop(&linger->timer);
	free(linger);
}

static void
linger_end(struct lingering *linger)
{
	io_free(linger->io);
	timer_stop(&linger->timer);
	list_remove(&linger->node);
	loop_bury(linger->loop, &linger->grave, linger_release);
}

static void
linger_on_evict(void *arg)
{
	linger_end(arg);
}

static void
linger_log_slow(const struct lingering *linger, size_t left)
{
	struct sockaddr_storage peer = {0};
	socklen_t len = sizeof(peer);
	char text[LISTENER_TEXT_MAX] = "a client";

	if (getpeername(io_fd(linger->io), (struct sockaddr *)&peer, &len) == 0 &&
	    (peer.ss_family == AF_INET || peer.ss_family == AF_INET6))
		listener_text(&peer, text);
	log_info(
	    "closed the connection to %s, which reads less than %d bytes/s: %zu bytes lost",
	    text, RATE_MIN, left);
}

/*
 * Ends it when a deadline has passed, else waits for the next one. What the
 * other side's system has not confirmed counts as not sent: to close() now
 * would lose it as soon as one more byte comes from there, which is answered by a RST.
 */
static void
linger_step(void *arg)
{
	struct lingering *linger = arg;
	int64_t now = util_clock_ms();
	size_t left = io_queued(linger->io) + io_unconfirmed(linger->io);

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
		/* Nothing announces that the last byte is confirmed. */
		timer_at(&linger->timer, linger->due_ms);
	}
}

static void
linger_on_readable(void *arg)
{
	struct lingering *linger = arg;
	size_t n;

	switch (io_read(linger->io, linger->loop->in, LOOP_BATCH, &n)) {
	case IO_OK:
	case IO_AGAIN:
		return;
	case IO_EOF:
		/* Their FIN. What is still queued may be for a peer that only half-closed: it
		 * goes out first. */
		if (io_queued(linger->io) > 0) {
			io_set_reading(linger->io, false);
			return;
		}
		break;
	case IO_FAILED:
		break;
	}
	linger_end(linger);
}

static void
linger_on_written(void *arg)
{
	struct lingering *linger = arg;

	if (io_queued(linger->io) == 0 && !io_is_reading(linger->io))
		linger_end(linger);
	else
		linger_step(linger);
}

static void
linger_on_gone(void *arg, bool failed)
{
	struct lingering *linger = arg;

	if (failed || io_queued(linger->io) == 0)
		linger_end(linger);
}

static const struct io_handlers linger_handlers = {
    .on_readable = linger_on_readable,
    .on_written = linger_on_written,
    .on_gone = linger_on_gone,
};

void
linger_take(struct io *io, struct loop *loop, int64_t credit_ms)
{
	struct limit_slot *slot;
	struct lingering *linger;

	if (!io)
		return;
	linger = calloc(1, sizeof(*linger));
	if (!linger) {
		io_free(io);
		return;
	}
	linger->loop = loop;
	linger->io = io;
	timer_init(&linger->timer, loop, linger_step, linger);
	list_append(&loop->lingering, &linger->node);
	slot = io_transport(io)->slot;
	limit_on_evict(slot, linger_on_evict, linger);
	limit_move(slot, LIMIT_RESPONSE);
	io_set_handlers(io, &linger_handlers, linger);
	io_set_reading(io, true);
	io_shutdown(io);
	/* What is not confirmed is not asked for yet: it would change nothing before then. */
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
