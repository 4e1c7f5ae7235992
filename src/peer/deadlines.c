/* SPDX-License-Identifier: BSD-2-Clause */
/* The deadlines of a peer. */
#include "peer/deadlines.h"

int64_t
deadline_at(const struct deadlines *d, const struct deadlines_facts *f, enum deadline which)
{
	bool open = f->state == PEER_OPEN;
	bool grace = (open || f->state == PEER_LEFT) && d->since_ms != 0;

	if (grace != (which == DEADLINE_GRACE))
		return 0;
	switch (which) {
	case DEADLINE_GRACE:
		return d->since_ms + (open ? DEADLINES_GRACE_MS : DEADLINES_ANSWERS_MS);
	case DEADLINE_MESSAGE:
		if (open && f->reading && d->begun_ms != 0)
			return d->begun_ms + DEADLINES_MESSAGE_MS + (int64_t)f->assembled;
		break;
	case DEADLINE_STALL:
		if (f->queued && f->stall_ms != 0)
			return f->progress_ms + f->stall_ms;
		break;
	case DEADLINE_CHECK:
		if (open && f->ping_ms != 0)
			return d->heard_ms + f->ping_ms;
		break;
	case DEADLINE_IDLE:
		if (open && f->idle_ms != 0)
			return (int64_t)d->active * DEADLINES_TICK_MS + f->idle_ms;
		break;
	case DEADLINE_LIFETIME:
		if (open && f->lifetime_ms != 0)
			return (int64_t)d->opened * DEADLINES_TICK_MS + f->lifetime_ms;
		break;
	case DEADLINE_CLOSE:
		if (f->state == PEER_CLOSING && f->reading && d->since_ms != 0)
			return d->since_ms +
			       (f->close_ms != 0 ? f->close_ms : DEADLINES_CLOSE_MS);
		break;
	case DEADLINES:
		break;
	}
	return 0;
}

int64_t
deadlines_next(const struct deadlines *d, const struct deadlines_facts *facts)
{
	int64_t next = 0;

	for (enum deadline i = DEADLINE_GRACE; i < DEADLINES; i++) {
		int64_t at = deadline_at(d, facts, i);

		if (at != 0 && (next == 0 || at < next))
			next = at;
	}
	return next;
}

const char *
deadlines_restart(struct deadlines *d, enum deadline which, int64_t now_ms)
{
	*(which == DEADLINE_IDLE ? &d->active : &d->opened) = deadlines_ticks(now_ms);
	return which == DEADLINE_IDLE ? "no message for --idle-timeout"
				      : "open for --max-lifetime";
}

void
deadlines_heard(struct deadlines *d, int64_t now_ms)
{
	d->heard_ms = now_ms;
	d->pings = 0;
}

const char *
deadlines_check(struct deadlines *d, const struct deadlines_facts *facts, int64_t now_ms,
    const struct stream *stream)
{
	bool answers = facts->reading && !facts->queued;

	d->heard_ms = now_ms;
	if (answers && d->pings >= DEADLINES_PINGS)
		return "no answer to pings";
	if (!answers && d->checked) {
		struct stream_contact contact = stream_contact(stream);

		if (contact.awaited && contact.silent_ms >= facts->ping_ms)
			return "the client's system does not respond";
	}
	d->pings += answers;
	d->checked = !answers;
	return NULL;
}
