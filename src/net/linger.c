/* SPDX-License-Identifier: BSD-2-Clause */
/* Closing a connection so that the last bytes arrive. */
#include "net/linger.h"

#include "base/util.h"
#include "net/limit.h"

#include <stdlib.h>

struct lingering {
	struct loop_grave grave; /* first: linger_release() casts it back */
	struct list node; /* in loop->lingering */
	struct loop *loop; /* borrowed */
	struct io *io; /* owned */
	struct timer timer;
	size_t left; /* bytes that the other side had not confirmed at the last look */
	int64_t progress_ms; /* when they last became fewer */
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
	int64_t due;

	if (left < linger->left)
		linger->progress_ms = now;
	linger->left = left;
	due = linger->progress_ms + (left > 0 ? LINGER_STALL_MS : LINGER_DRAIN_MS);
	/* Nothing tells when the last is confirmed, so that is looked for. */
	if (due <= now)
		linger_end(linger);
	else
		timer_at(
		    &linger->timer, due < now + LINGER_DRAIN_MS ? due : now + LINGER_DRAIN_MS);
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
linger_take(struct io *io, struct loop *loop)
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
	linger->left = io_queued(io);
	linger->progress_ms = util_clock_ms();
	timer_at(&linger->timer, linger->progress_ms + LINGER_DRAIN_MS);
}

void
linger_abort_all(struct loop *loop)
{
	while (!list_empty(&loop->lingering))
		linger_end(LIST_ENTRY_OF(loop->lingering.next, struct lingering, node));
}
