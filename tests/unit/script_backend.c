/* SPDX-License-Identifier: BSD-2-Clause */
/* A scripted backend. */
#include "script_backend.h"

#include <assert.h>
#include <string.h>

static struct script_backend *
script_of(const struct backend *backend)
{
	return (struct script_backend *)(uintptr_t)backend;
}

static enum backend_result
script_write(struct backend *backend, struct batch *batch)
{
	struct script_backend *b = script_of(backend);
	bool ok =
	    b->result != BACKEND_OK || (buffer_append(&b->written, batch->data, batch->len) &&
					   buffer_append(&b->written, "|", 1));

	assert(ok);
	(void)ok;
	return b->result;
}

static void
script_flush(struct backend *backend)
{
	(void)backend;
}

static void
script_finish(struct backend *backend, uint16_t code, struct span reason)
{
	struct script_backend *b = script_of(backend);

	(void)reason;
	if (b->finishes++ == 0)
		b->close = code;
}

static void
script_set_reading(struct backend *backend, enum backend_reading reading)
{
	backend->reading = reading;
}

static void
script_set_reading_log(struct backend *backend, bool on)
{
	backend->reading_log = on;
}

static size_t
script_queued(const struct backend *backend)
{
	return script_of(backend)->queued;
}

static void
script_free(struct backend *backend)
{
	assert(!script_of(backend)->freed && backend->state == BACKEND_GONE);
	script_of(backend)->freed = true;
}

static const struct backend_ops script_ops = {
    .write = script_write,
    .flush = script_flush,
    .finish = script_finish,
    .set_reading = script_set_reading,
    .set_reading_log = script_set_reading_log,
    .queued = script_queued,
    .free = script_free,
};

void
script_backend_init(
    struct script_backend *b, const struct backend_handlers *handlers, void *arg)
{
	memset(b, 0, sizeof(*b));
	b->backend = (struct backend){
	    .ops = &script_ops, .handlers = handlers, .arg = arg, .reading_log = true};
}

void
script_backend_records(struct script_backend *b, const char *text)
{
	struct buffer bytes = {0};
	struct batch batch = {.len = strlen(text), .separator = '\n', .cr = true};
	bool ok = buffer_append(&bytes, text, batch.len);

	assert(ok);
	(void)ok;
	batch.data = buffer_data(&bytes);
	b->backend.handlers->on_messages(b->backend.arg, &batch);
	b->backend.handlers->on_changed(b->backend.arg);
	buffer_clear(&bytes);
}

void
script_backend_enter(struct script_backend *b, enum backend_state state)
{
	b->backend.state = state;
	b->backend.handlers->on_changed(b->backend.arg);
}
