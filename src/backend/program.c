/* SPDX-License-Identifier: BSD-2-Clause */
/* A program over pipes as a backend. */
#include "backend/program.h"

#include "backend/records.h"
#include "framing/framing_json.h"
#include "net/loop.h"
#include "process/child.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum {
	PROGRAM_READ_LITTLE = 8 * 1024, /* at once; else the content of a full pipe */
};

struct program {
	struct backend backend; /* first: program_of() casts it back */
	struct loop *loop; /* borrowed, as the next one */
	const struct program_rules *rules;
	struct child *child; /* owned */
	struct records records;
	struct framing_reader reader;
	union {
		struct loop_task drain; /* reads what a dead program left in its pipe */
		struct loop_deferred deferred; /* once it is freed */
	};
	bool reaped; /* on_reaped was called: nothing more comes of the child */
	bool initialized; /* the request of framing.null_process_id was seen */
	bool finished;
};

static struct program *
program_of(const struct backend *backend)
{
	return (struct program *)(uintptr_t)backend;
}

struct batch_format
program_format(const struct program_rules *rules)
{
	const struct framing *framing = &rules->to_program;
	struct batch_format format = {
	    /* To websocketd, text is no message for a program that reads bytes. */
	    .text = framing_takes(framing, MESSAGE_TEXT) &&
		    !(rules->drops_wrong_type && framing->kind == FRAMING_STREAM),
	    .binary = framing_takes(framing, MESSAGE_BINARY),
	    .parts = !framing_has_boundaries(framing),
	};
	int tail = FRAMING_NO_TAIL;

	format.joins = framing_is_plain(framing, &tail);
	format.separator = tail == FRAMING_NO_TAIL ? BATCH_NO_SEPARATOR : tail;
	return format;
}

/* To the program */

static void
program_flush(struct backend *backend)
{
	records_flush(&program_of(backend)->records, program_of(backend)->child);
}

/* Writes one message, or a part of one. */
static enum backend_result
program_write_one(struct program *p, struct batch *b)
{
	struct framing framing = p->rules->to_program;
	struct message m = {.type = b->type, .data = b->data, .len = b->len};
	struct framing_envelope wrapped;

	framing.null_process_id = framing.null_process_id && !p->initialized;
	switch (framing_wrap(&framing, &m, &wrapped, &p->records.assembled)) {
	case FRAMING_AROUND:
		if (records_put(&p->records, p->child, b, &wrapped))
			break;
		/* fallthrough */
	case FRAMING_NO_ROOM:
		/* What was begun must not reach the program. */
		buffer_clear(&p->records.assembled);
		return BACKEND_WRITE_NO_MEMORY;
	case FRAMING_APPENDED:
		break;
	case FRAMING_REFUSED:
		p->backend.why = wrapped.reason;
		return BACKEND_REJECTED;
	}
	p->initialized = p->initialized || wrapped.initialize;
	if (buffer_len(&p->records.assembled) >= LOOP_BATCH)
		program_flush(&p->backend);
	return BACKEND_OK;
}

static enum backend_result
program_write(struct backend *backend, struct batch *b)
{
	static const struct framing_envelope none = {.tail = {"", 0}};
	struct program *p = program_of(backend);
	struct batch_format format = program_format(p->rules);

	if (b->type == MESSAGE_TEXT ? !format.text : !format.binary)
		return p->rules->drops_wrong_type ? BACKEND_DROPPED : BACKEND_WRONG_TYPE;
	if (b->messages <= 1 && b->separator == BATCH_NO_SEPARATOR)
		return program_write_one(p, b);
	assert(format.joins && b->separator == format.separator);
	return records_put(&p->records, p->child, b, &none) ? BACKEND_OK
							    : BACKEND_WRITE_NO_MEMORY;
}

static bool
program_build_open(const struct program_spec *spec, struct buffer *event)
{
	const struct framing_json_open open = {
	    .id = spec->id,
	    .path = spec->url_path,
	    .query = spec->query,
	    .remote = spec->remote,
	    .subprotocol = spec->subprotocol,
	};

	return !spec->rules->events || framing_json_put_open(event, &open);
}

static void
program_finish(struct backend *backend, uint16_t code, struct span reason)
{
	struct program *p = program_of(backend);
	struct buffer event = {0};

	if (p->finished)
		return;
	p->finished = true;
	program_flush(backend);
	/* One that has ended its output asks nothing any more. Without memory its input ends
	 * without this record. */
	if (p->rules->events && backend->state == BACKEND_RUNNING &&
	    framing_json_put_close(&event, code, reason))
		child_write_take(p->child, &event);
	buffer_clear(&event);
	child_end(p->child);
}

static size_t
program_queued(const struct backend *backend)
{
	return child_queued(program_of(backend)->child);
}

/* From the program */

/* Nobody is left to write, so no event comes when the pipe is empty. That it is empty is no
 * message, and is not paused. */
static bool
program_drains(const struct program *p)
{
	const struct child_facts *facts = child_facts(p->child);

	return p->reaped && !facts->stdout_ended &&
	       (p->backend.reading != BACKEND_PAUSES || facts->left == 0);
}

static void
program_drain(struct program *p)
{
	if (program_drains(p))
		loop_defer(p->loop, &p->drain);
}

/* The state follows from three facts about the child. */
static void
program_changed(struct program *p)
{
	const struct child_facts *facts = child_facts(p->child);

	p->backend.by_signal = facts->by_signal;
	p->backend.value = facts->value;
	if (facts->stdout_ended)
		p->backend.state = p->reaped ? BACKEND_GONE : BACKEND_OUTPUT_ENDED;
	else if (facts->dead)
		p->backend.state = BACKEND_EXITED;
	program_drain(p);
	p->backend.handlers->on_changed(p->backend.arg);
}

static void
program_emit(struct program *p, struct batch *batch)
{
	p->backend.handlers->on_messages(p->backend.arg, batch);
}

/* Emits the complete records at the front of what was read, if they are messages as they are.
 */
static void
program_emit_records(struct program *p)
{
	struct batch batch = {.type = MESSAGE_TEXT, .first = true, .last = true};
	char separator;
	uint8_t *end;

	if (!framing_splits(&p->reader, &separator, &batch.cr))
		return;
	end = memrchr(p->reader.bytes, separator, p->reader.len);
	if (!end)
		return;
	batch.separator = (unsigned char)separator;
	batch.data = p->reader.bytes;
	batch.len = (size_t)(end - batch.data) + 1;
	framing_take(&p->reader, batch.len);
	program_emit(p, &batch);
}

/* Emits what the framing found; false when that is all for now. */
static bool
program_emit_item(
    struct program *p, enum framing_event event, const struct framing_item *item, bool first)
{
	const struct message *m = &item->message;
	struct batch batch = {.type = m->type,
	    .data = m->data,
	    .len = m->len,
	    .separator = BATCH_NO_SEPARATOR,
	    .first = first,
	    .last = event == FRAMING_MESSAGE};
	struct backend_event note = {.code = item->code, .why = item->why};

	switch (event) {
	case FRAMING_MORE:
		return false;
	case FRAMING_MESSAGE:
	case FRAMING_PART:
		program_emit(p, &batch);
		return true;
	case FRAMING_CLOSE:
		note.kind = BACKEND_CLOSE;
		note.text = (struct span){(const char *)m->data, m->len};
		note.shown = (struct span){(const char *)item->shown, item->shown_len};
		break;
	case FRAMING_BAD:
		note.kind = BACKEND_MALFORMED;
		note.shown = (struct span){(const char *)m->data, m->len};
		break;
	case FRAMING_TOO_BIG:
		note.kind = BACKEND_TOO_BIG;
		break;
	case FRAMING_NOMEM:
		note.kind = BACKEND_NO_MEMORY;
		break;
	}
	p->backend.handlers->on_event(p->backend.arg, &note);
	return true;
}

static void
program_emit_all(struct program *p, size_t len)
{
	struct framing_item item;
	bool first;

	framing_feed(&p->reader, p->loop->in, len);
	do {
		program_emit_records(p);
		first = !p->reader.in_message;
	} while (program_emit_item(p, framing_next(&p->reader, &item), &item, first));
}

/* One read of its output. */
static void
program_read(struct program *p)
{
	static const struct backend_event lost = {.kind = BACKEND_NO_MEMORY};
	struct framing_item item;
	bool first;
	size_t n;

	/* All of it may have to be queued for a client that does not read. */
	switch (child_read(p->child, p->loop->in,
	    p->rules->reads_little ? PROGRAM_READ_LITTLE : LOOP_BATCH, &n)) {
	case STREAM_OK:
		program_emit_all(p, n);
		break;
	case STREAM_AGAIN:
		return;
	case STREAM_EOF:
		/* The last line counts also without its end. */
		first = !p->reader.in_message;
		(void)program_emit_item(p, framing_end(&p->reader, &item), &item, first);
		framing_clear(&p->reader);
		break;
	case STREAM_FAILED:
		p->backend.handlers->on_event(p->backend.arg, &lost);
		framing_clear(&p->reader);
		break;
	}
	program_changed(p);
}

static void
program_on_drain(struct loop_task *task)
{
	struct program *p = LIST_ENTRY_OF(task, struct program, drain);

	if (program_drains(p))
		program_read(p);
}

static void
program_set_reading(struct backend *backend, enum backend_reading reading)
{
	struct program *p = program_of(backend);

	backend->reading = reading;
	if (reading == BACKEND_DROPS)
		framing_stop(&p->reader);
	child_set_reading(p->child, reading != BACKEND_PAUSES);
	program_drain(p);
}

static void
program_set_reading_log(struct backend *backend, bool on)
{
	backend->reading_log = on;
	child_set_reading_stderr(program_of(backend)->child, on);
}

static void
program_on_stdout(void *arg)
{
	program_read(arg);
}

static void
program_on_stderr(void *arg, const char *line, size_t len)
{
	struct program *p = arg;

	p->backend.handlers->on_log_line(p->backend.arg, line, len);
}

static void
program_on_changed(void *arg)
{
	program_changed(arg);
}

static void
program_on_stuck(void *arg)
{
	static const struct backend_event event = {.kind = BACKEND_STUCK};
	struct program *p = arg;

	p->backend.handlers->on_event(p->backend.arg, &event);
	program_changed(p);
}

static void
program_on_reaped(void *arg)
{
	struct program *p = arg;

	p->reaped = true;
	program_changed(p);
}

static const struct child_handlers program_child_handlers = {
    .on_stdout = program_on_stdout,
    .on_written = program_on_changed,
    .on_stderr = program_on_stderr,
    .on_stderr_read = program_on_changed,
    .on_exit = program_on_changed,
    .on_stuck = program_on_stuck,
    .on_reaped = program_on_reaped,
};

static void
program_release(struct loop_deferred *deferred)
{
	free(LIST_ENTRY_OF(deferred, struct program, deferred));
}

static void
program_free(struct backend *backend)
{
	struct program *p = program_of(backend);

	child_free(p->child);
	p->child = NULL;
	framing_clear(&p->reader);
	buffer_clear(&p->records.assembled);
	loop_cancel(&p->drain);
	loop_defer_free(p->loop, &p->deferred, program_release);
}

static const struct backend_ops program_ops = {
    .write = program_write,
    .flush = program_flush,
    .finish = program_finish,
    .set_reading = program_set_reading,
    .set_reading_log = program_set_reading_log,
    .queued = program_queued,
    .free = program_free,
};

struct backend *
program_start(const struct program_spec *spec, const struct backend_handlers *handlers,
    void *arg, int *error)
{
	struct program *p = calloc(1, sizeof(*p));
	struct buffer event = {0};

	*error = ENOMEM;
	if (p && program_build_open(spec, &event))
		*error = child_start(
		    spec->children, &spec->command, &program_child_handlers, p, &p->child);
	if (*error != 0) {
		buffer_clear(&event);
		free(p);
		return NULL;
	}
	p->backend = (struct backend){
	    .ops = &program_ops,
	    .handlers = handlers,
	    .arg = arg,
	    .pid = child_facts(p->child)->pid,
	    .reading_log = true,
	};
	p->loop = spec->loop;
	p->rules = spec->rules;
	loop_task_init(&p->drain, program_on_drain);
	framing_init(&p->reader, &spec->rules->from_program);
	child_write_take(p->child, &event);
	return &p->backend;
}
