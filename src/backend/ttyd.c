/* SPDX-License-Identifier: BSD-2-Clause */
/* A program on a terminal, for clients that speak ttyd's protocol. */
#include "backend/ttyd.h"

#include "backend/program.h"
#include "framing/ttyd.h"
#include "websocket/frame.h"

#include <stdlib.h>
#include <string.h>

/* TTYD_STARTED is the normal successor of TTYD_WAITS; the others are failures. */
enum ttyd_life {
	TTYD_WAITS, /* for the first message */
	TTYD_STARTED,
	TTYD_FAILED, /* the program could not be started; to be reported */
	TTYD_LATE, /* the first message did not arrive in time; to be reported */
	TTYD_OVER, /* no program; this was reported */
};

struct ttyd {
	struct backend backend; /* first: ttyd_of() casts to the container */
	struct ttyd_spec spec; /* its ARG is owned until released */
	struct backend *program; /* owned; NULL unless STARTED */
	const char *reason; /* FAILED: why; borrowed from ARG */
	struct timer timer; /* for the first message */
	union {
		/* For work that backend functions may not do themselves. */
		struct loop_task turn;
		struct loop_deferred deferred; /* once freed */
	};
	enum ttyd_life life : 8;
	bool finished; /* backend_finish() was called */
	bool greeted; /* title and preferences, which precede all output, were sent */
	bool paused; /* by the client */
	uint8_t title[1 + TTYD_TITLE_MAX];
	uint8_t title_len;
};

const struct batch_format ttyd_format = {
    .text = true,
    .binary = true,
    .separator = BATCH_NO_SEPARATOR,
};

static struct ttyd *
ttyd_of(const struct backend *backend)
{
	return (struct ttyd *)(uintptr_t)backend;
}

static void
ttyd_release_spec(struct ttyd *t)
{
	if (t->spec.release)
		t->spec.release(t->spec.arg);
	t->spec.release = NULL;
}

/* Reads output only if both the session and the client want it. */
static void
ttyd_apply_reading(struct ttyd *t)
{
	enum backend_reading reading = t->backend.reading;

	if (!t->program)
		return;
	if (reading == BACKEND_READS && (t->paused || !t->greeted))
		reading = BACKEND_PAUSES;
	backend_set_reading(t->program, reading);
	if (t->backend.reading == BACKEND_READS && !t->greeted)
		loop_defer(t->spec.loop, &t->turn);
}

/* From the program */

/* A message consists of one read, so it is at the front of the loop's read buffer, after
 * LOOP_HEAD unused bytes. */
static void
ttyd_on_messages(void *arg, struct batch *batch)
{
	struct ttyd *t = arg;

	batch->data--;
	batch->len++;
	batch->data[0] = TTYD_OUTPUT;
	t->backend.handlers->on_messages(t->backend.arg, batch);
}

static void
ttyd_on_log_line(void *arg, const char *line, size_t len)
{
	struct ttyd *t = arg;

	t->backend.handlers->on_log_line(t->backend.arg, line, len);
}

static void
ttyd_on_event(void *arg, const struct backend_event *event)
{
	struct ttyd *t = arg;

	t->backend.handlers->on_event(t->backend.arg, event);
}

static void
ttyd_on_changed(void *arg)
{
	struct ttyd *t = arg;

	t->backend.state = t->program->state;
	t->backend.end = t->program->end;
	t->backend.value = t->program->value;
	t->backend.handlers->on_changed(t->backend.arg);
}

static const struct backend_handlers ttyd_program_handlers = {
    .on_messages = ttyd_on_messages,
    .on_log_line = ttyd_on_log_line,
    .on_event = ttyd_on_event,
    .on_changed = ttyd_on_changed,
};

/* To the program */

/* Starts the program with the terminal size of the first message. */
static enum backend_result
ttyd_start(struct ttyd *t, const struct batch *b)
{
	struct ttyd_message first = ttyd_read_first(b->data, b->len);
	struct pty_size size = t->spec.size;

	if (first.kind == TTYD_NO_MEMORY)
		return BACKEND_WRITE_NO_MEMORY;
	t->backend.why = first.why;
	if (first.kind == TTYD_BAD)
		return BACKEND_REJECTED;
	if (first.columns != 0)
		size.columns = first.columns;
	if (first.rows != 0)
		size.rows = first.rows;
	timer_stop(&t->timer);
	t->program = t->spec.start(t->spec.arg, size, &ttyd_program_handlers, t, &t->reason);
	t->life = t->program ? TTYD_STARTED : TTYD_FAILED;
	if (t->program) {
		t->backend.pid = t->program->pid;
		ttyd_release_spec(t);
		ttyd_apply_reading(t);
	} else {
		loop_defer(t->spec.loop, &t->turn);
	}
	return BACKEND_OK;
}

/* Writes what the client typed: the message without its first byte. */
static enum backend_result
ttyd_type(struct ttyd *t, struct batch *b)
{
	if (b->owner) {
		buffer_consume(b->owner, 1);
		b->data = buffer_data(b->owner);
	} else {
		b->data++;
		b->room++;
	}
	b->len--;
	return b->len > 0 ? backend_write(t->program, b) : BACKEND_OK;
}

static enum backend_result
ttyd_write(struct backend *backend, struct batch *b)
{
	struct ttyd *t = ttyd_of(backend);
	struct ttyd_message message;

	if (t->life == TTYD_WAITS)
		return ttyd_start(t, b);
	if (!t->program)
		return BACKEND_OK;
	message = ttyd_read(b->data, b->len);
	switch (message.kind) {
	case TTYD_INPUT:
		return ttyd_type(t, b);
	case TTYD_RESIZE:
		backend_flush(t->program);
		program_resize(t->program, (struct pty_size){message.columns, message.rows});
		break;
	case TTYD_PAUSE:
	case TTYD_RESUME:
		t->paused = message.kind == TTYD_PAUSE;
		ttyd_apply_reading(t);
		break;
	case TTYD_BAD:
		t->backend.why = message.why;
		return BACKEND_REJECTED;
	case TTYD_NO_MEMORY:
		return BACKEND_WRITE_NO_MEMORY;
	}
	return BACKEND_OK;
}

static void
ttyd_flush(struct backend *backend)
{
	struct ttyd *t = ttyd_of(backend);

	if (t->program)
		backend_flush(t->program);
}

static void
ttyd_finish(struct backend *backend, uint16_t code, struct span reason)
{
	struct ttyd *t = ttyd_of(backend);

	t->finished = true;
	if (t->program)
		backend_finish(t->program, code, reason);
	else
		loop_defer(t->spec.loop, &t->turn);
}

static void
ttyd_set_reading(struct backend *backend, enum backend_reading reading)
{
	backend->reading = reading;
	ttyd_apply_reading(ttyd_of(backend));
}

static void
ttyd_set_reading_log(struct backend *backend, bool on)
{
	struct ttyd *t = ttyd_of(backend);

	backend->reading_log = on;
	if (t->program)
		backend_set_reading_log(t->program, on);
}

static size_t
ttyd_queued(const struct backend *backend)
{
	const struct ttyd *t = ttyd_of(backend);

	return t->program ? backend_queued(t->program) : 0;
}

/* Between client and program */

static void
ttyd_emit(struct ttyd *t, uint8_t *text, size_t len)
{
	struct batch batch = {
	    .type = MESSAGE_BINARY,
	    .data = text,
	    .len = len,
	    .separator = BATCH_NO_SEPARATOR,
	    .first = true,
	    .last = true,
	};

	t->backend.handlers->on_messages(t->backend.arg, &batch);
}

static void
ttyd_greet(struct ttyd *t)
{
	char preferences[] = "2{\"disableStdin\":true}";
	char none[] = "2{}";

	t->greeted = true;
	ttyd_apply_reading(t);
	ttyd_emit(t, t->title, t->title_len);
	if (t->spec.readonly)
		ttyd_emit(t, (uint8_t *)preferences, sizeof(preferences) - 1);
	else
		ttyd_emit(t, (uint8_t *)none, sizeof(none) - 1);
}

/* Closes a session that has no program. */
static void
ttyd_close(struct ttyd *t, uint16_t code, const char *reason)
{
	struct backend_event event = {
	    .kind = BACKEND_CLOSE, .code = code, .text = span_of(reason)};

	t->life = TTYD_OVER;
	t->backend.handlers->on_event(t->backend.arg, &event);
	ttyd_release_spec(t);
}

static void
ttyd_on_turn(struct loop_task *task)
{
	struct ttyd *t = LIST_ENTRY_OF(task, struct ttyd, turn);

	if (t->life == TTYD_FAILED)
		ttyd_close(t, CLOSE_INTERNAL, t->reason);
	else if (t->life == TTYD_LATE)
		ttyd_close(t, CLOSE_POLICY, "the first message did not arrive in time");
	if (t->program) {
		if (!t->greeted && t->backend.reading == BACKEND_READS)
			ttyd_greet(t);
	} else if (t->finished) {
		t->backend.state = BACKEND_GONE;
		t->backend.end = BACKEND_UNUSED;
	}
	/* The user may free T. */
	t->backend.handlers->on_changed(t->backend.arg);
}

static void
ttyd_on_timer(void *arg)
{
	struct ttyd *t = arg;

	if (t->life == TTYD_WAITS) {
		t->life = TTYD_LATE;
		loop_defer(t->spec.loop, &t->turn);
	}
}

static void
ttyd_release(struct loop_deferred *deferred)
{
	free(LIST_ENTRY_OF(deferred, struct ttyd, deferred));
}

static void
ttyd_free(struct backend *backend)
{
	struct ttyd *t = ttyd_of(backend);

	backend_free(t->program);
	ttyd_release_spec(t);
	timer_stop(&t->timer);
	loop_cancel(&t->turn);
	loop_defer_free(t->spec.loop, &t->deferred, ttyd_release);
}

static const struct backend_ops ttyd_ops = {
    .write = ttyd_write,
    .flush = ttyd_flush,
    .finish = ttyd_finish,
    .set_reading = ttyd_set_reading,
    .set_reading_log = ttyd_set_reading_log,
    .queued = ttyd_queued,
    .free = ttyd_free,
};

struct backend *
ttyd_new_take(const struct ttyd_spec *spec, const struct backend_handlers *handlers, void *arg)
{
	struct ttyd *t = calloc(1, sizeof(*t));
	size_t len = strnlen(spec->title, TTYD_TITLE_MAX - 1);

	if (!t) {
		spec->release(spec->arg);
		return NULL;
	}
	t->backend = (struct backend){
	    .ops = &ttyd_ops, .handlers = handlers, .arg = arg, .reading_log = true};
	t->spec = *spec;
	t->title[0] = TTYD_TITLE;
	memcpy(t->title + 1, spec->title, len);
	t->title_len = (uint8_t)(1 + len);
	loop_task_init(&t->turn, ttyd_on_turn);
	timer_init(&t->timer, &spec->loop->timers, ttyd_on_timer, t);
	timer_at(&t->timer, util_clock_ms() + TTYD_FIRST_MS);
	return &t->backend;
}
