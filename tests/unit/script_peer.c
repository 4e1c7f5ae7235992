/* SPDX-License-Identifier: BSD-2-Clause */
/* A scripted peer. */
#include "script_peer.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

static struct script_peer *
script_of(const struct peer *peer)
{
	return (struct script_peer *)(uintptr_t)peer;
}

static void
script_put(struct script_peer *p, const struct batch *batch, const char *end)
{
	bool ok =
	    buffer_append(&p->sent, batch->data, batch->len) && buffer_append(&p->sent, end, 1);

	assert(ok);
	(void)ok;
	p->peer.sent->messages += batch->last;
	p->peer.sent->bytes += batch->len;
}

static void
script_send(struct peer *peer, struct batch *batch)
{
	struct script_peer *p = script_of(peer);

	if (batch->separator == BATCH_NO_SEPARATOR)
		script_put(p, batch, batch->last ? "|" : "+");
	while (batch->separator != BATCH_NO_SEPARATOR && batch->len > 0) {
		struct batch rest = *batch;
		struct batch one = batch_next(&rest);

		/* Stands for text that is not UTF-8. */
		if (memchr(one.data, 0xff, one.len))
			return;
		*batch = rest;
		script_put(p, &one, "|");
	}
}

static void
script_flush(struct peer *peer)
{
	script_of(peer)->flushes++;
}

static void
script_violation(struct peer *peer)
{
	script_of(peer)->violations++;
}

static void
script_close(struct peer *peer, uint16_t code, struct span reason)
{
	struct script_peer *p = script_of(peer);

	p->closes++;
	p->code = code;
	snprintf(p->reason, sizeof(p->reason), "%.*s", (int)reason.len,
	    reason.len > 0 ? reason.data : "");
	if (peer->state == PEER_OPEN)
		peer->state = PEER_CLOSING;
}

static void
script_set_reading(struct peer *peer, bool on)
{
	peer->reading = on;
}

static size_t
script_queued(const struct peer *peer)
{
	return script_of(peer)->queued;
}

static void
script_free(struct peer *peer)
{
	assert(!script_of(peer)->freed);
	script_of(peer)->freed = true;
}

static void
script_finish(struct peer *peer)
{
	script_of(peer)->finished = true;
	script_free(peer);
}

static const struct peer_ops script_ops = {
    .send = script_send,
    .flush = script_flush,
    .violation = script_violation,
    .close = script_close,
    .set_reading = script_set_reading,
    .queued = script_queued,
    .finish = script_finish,
    .free = script_free,
};

void
script_peer_init(struct script_peer *p, const struct peer_handlers *handlers, void *arg)
{
	memset(p, 0, sizeof(*p));
	p->peer = (struct peer){
	    .ops = &script_ops, .handlers = handlers, .arg = arg, .sent = &p->counts};
}

bool
script_peer_message(struct script_peer *p, const char *text)
{
	struct batch batch = {.data = (uint8_t *)(uintptr_t)text,
	    .len = strlen(text),
	    .separator = BATCH_NO_SEPARATOR,
	    .first = true,
	    .last = true,
	    .messages = 1};

	return p->peer.handlers->on_messages(p->peer.arg, &batch);
}

void
script_peer_enter(struct script_peer *p, enum peer_state state)
{
	p->peer.state = state;
	p->peer.reason = "lost";
	p->peer.handlers->on_changed(p->peer.arg);
}
