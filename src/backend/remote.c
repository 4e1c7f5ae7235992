/* SPDX-License-Identifier: BSD-2-Clause */
/* A program that another node runs. */
#include "backend/remote.h"

#include <stdlib.h>

struct remote {
	struct framed framed; /* first: remote_of() casts to the container */
	struct bus_topic *topic; /* borrowed, as the next one */
	struct loop *loop;
	union {
		struct loop_task turn; /* scheduled by backend_finish() */
		struct loop_deferred deferred; /* once freed */
	};
};

static struct remote *
remote_of(const struct backend *backend)
{
	return (struct remote *)(uintptr_t)backend;
}

static void
remote_write(void *arg, const struct iovec *parts, int count)
{
	struct buffer entries = {0};
	bool ok = true;

	for (int i = 0; i < count; i++)
		ok = ok && buffer_append(&entries, parts[i].iov_base, parts[i].iov_len);
	if (ok)
		bus_send_take(((struct remote *)arg)->topic, &entries);
	buffer_clear(&entries);
}

static void
remote_write_take(void *arg, struct buffer *entries)
{
	bus_send_take(((struct remote *)arg)->topic, entries);
}

static const struct records_sink remote_sink = {
    .write = remote_write,
    .write_take = remote_write_take,
};

void
remote_end(struct backend *backend, enum backend_end end, uint8_t value)
{
	backend->state = BACKEND_GONE;
	backend->end = end;
	backend->value = value;
}

/* Ends the backend, because this node has no clients left. */
static void
remote_on_turn(struct loop_task *task)
{
	struct backend *backend = &LIST_ENTRY_OF(task, struct remote, turn)->framed.backend;

	remote_end(backend, BACKEND_LEFT, 0);
	backend->handlers->on_changed(backend->arg);
}

static void
remote_finish(struct backend *backend, uint16_t code, struct span reason)
{
	(void)code;
	(void)reason;
	loop_defer(remote_of(backend)->loop, &remote_of(backend)->turn);
}

static void
remote_set_reading(struct backend *backend, enum backend_reading reading)
{
	backend->reading = reading;
}

static void
remote_set_reading_log(struct backend *backend, bool on)
{
	backend->reading_log = on;
}

static size_t
remote_queued(const struct backend *backend)
{
	return bus_queued(remote_of(backend)->topic);
}

static void
remote_release(struct loop_deferred *deferred)
{
	free(LIST_ENTRY_OF(deferred, struct remote, deferred));
}

static void
remote_free(struct backend *backend)
{
	struct remote *r = remote_of(backend);

	framed_clear(&r->framed);
	loop_cancel(&r->turn);
	loop_defer_free(r->loop, &r->deferred, remote_release);
}

static const struct backend_ops remote_ops = {
    .write = framed_write,
    .flush = framed_flush,
    .finish = remote_finish,
    .set_reading = remote_set_reading,
    .set_reading_log = remote_set_reading_log,
    .queued = remote_queued,
    .free = remote_free,
};

struct backend *
remote_new(struct loop *loop, struct bus_topic *topic, pid_t pid,
    const struct framed_rules *rules, const struct backend_handlers *handlers, void *arg)
{
	struct remote *r = calloc(1, sizeof(*r));

	if (!r)
		return NULL;
	r->framed.backend = (struct backend){.ops = &remote_ops,
	    .handlers = handlers,
	    .arg = arg,
	    .pid = pid,
	    .reading_log = true};
	framed_init(&r->framed, rules, &remote_sink, r);
	r->topic = topic;
	r->loop = loop;
	loop_task_init(&r->turn, remote_on_turn);
	return &r->framed.backend;
}
