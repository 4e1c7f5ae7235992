/* SPDX-License-Identifier: BSD-2-Clause */
/* A program over pipes or on a terminal as a backend. */
#include "backend/program.h"

#include "net/loop.h"
#include "process/child.h"
#include "websocket/frame.h"

#include <errno.h>
#include <stdlib.h>

struct program {
	struct framed framed; /* first: program_of() casts to the container */
	struct loop *loop; /* borrowed */
	struct child *child; /* owned */
	union {
		struct loop_task drain; /* reads what a dead program left in its pipe */
		struct loop_deferred deferred; /* once freed */
	};
	bool reaped; /* on_reaped was called: the child reports no more events */
	bool terminal; /* has a controlling terminal */
};

static struct program *
program_of(const struct backend *backend)
{
	return (struct program *)(uintptr_t)backend;
}

/* To the program */

static void
program_write(void *arg, const struct iovec *parts, int count)
{
	child_write(((struct program *)arg)->child, parts, count);
}

static void
program_write_take(void *arg, struct buffer *buffer)
{
	child_write_take(((struct program *)arg)->child, buffer);
}

static const struct records_sink program_sink = {
    .write = program_write,
    .write_take = program_write_take,
};

/* Returns true for protocol errors, after which earlier messages are still answered. */
static bool
program_answers(uint16_t code)
{
	return code == CLOSE_PROTOCOL || code == CLOSE_TYPE || code == CLOSE_INVALID_DATA ||
	       code == CLOSE_POLICY || code == CLOSE_TOO_BIG;
}

/* A terminal has no end of input, so it is hung up immediately, unless the program is about to
 * exit or to answer. */
static void
program_finish(struct backend *backend, uint16_t code, struct span reason)
{
	struct program *p = program_of(backend);

	if (!framed_finish(&p->framed, code, reason))
		return;
	if (p->terminal && backend->state == BACKEND_RUNNING && !program_answers(code))
		child_interrupt(p->child);
	else
		child_end(p->child);
}

void
program_resize(struct backend *backend, struct pty_size size)
{
	child_resize(program_of(backend)->child, size);
}

static size_t
program_queued(const struct backend *backend)
{
	return child_queued(program_of(backend)->child);
}

/* From the program */

/*
 * Returns true if output must be read without waiting for an event: nobody is left to write, so
 * no event comes when the pipe is empty. Finding it empty emits no message, so this is allowed
 * while paused.
 */
static bool
program_drains(const struct program *p)
{
	const struct child_facts *facts = child_facts(p->child);

	return p->reaped && !facts->stdout_ended &&
	       (p->framed.backend.reading != BACKEND_PAUSES || facts->left == 0);
}

static void
program_drain(struct program *p)
{
	if (program_drains(p))
		loop_defer(p->loop, &p->drain);
}

/* Derives the state from three facts about the child. */
static void
program_changed(struct program *p)
{
	const struct child_facts *facts = child_facts(p->child);

	p->framed.backend.end = facts->by_signal ? BACKEND_SIGNAL : BACKEND_EXIT;
	p->framed.backend.value = facts->value;
	if (facts->stdout_ended)
		p->framed.backend.state = p->reaped ? BACKEND_GONE : BACKEND_OUTPUT_ENDED;
	else if (facts->dead)
		p->framed.backend.state = BACKEND_EXITED;
	program_drain(p);
	p->framed.backend.handlers->on_changed(p->framed.backend.arg);
}

/* Reads once from its output. */
static void
program_read(struct program *p)
{
	static const struct backend_event lost = {.kind = BACKEND_NO_MEMORY};
	struct backend *backend = &p->framed.backend;
	size_t n;

	switch (child_read(p->child, p->loop->in, framed_capacity(&p->framed), &n)) {
	case STREAM_OK:
		framed_emit(&p->framed, p->loop->in, n);
		break;
	case STREAM_AGAIN:
		return;
	case STREAM_EOF:
		framed_emit_end(&p->framed);
		break;
	case STREAM_FAILED:
		backend->handlers->on_event(backend->arg, &lost);
		framed_lose(&p->framed);
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
		framing_stop(&p->framed.reader);
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

	p->framed.backend.handlers->on_log_line(p->framed.backend.arg, line, len);
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

	p->framed.backend.handlers->on_event(p->framed.backend.arg, &event);
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
	framed_clear(&p->framed);
	loop_cancel(&p->drain);
	loop_defer_free(p->loop, &p->deferred, program_release);
}

static const struct backend_ops program_ops = {
    .write = framed_write,
    .flush = framed_flush,
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
	if (p && framed_put_open(spec->rules, &spec->client, &event)) {
		p->child = spec->parked;
		*error = p->child ? 0
				  : child_start(spec->children, &spec->command,
					&program_child_handlers, p, &p->child);
	}
	if (*error != 0) {
		buffer_clear(&event);
		free(p);
		return NULL;
	}
	p->framed.backend = (struct backend){
	    .ops = &program_ops,
	    .handlers = handlers,
	    .arg = arg,
	    .pid = child_facts(p->child)->pid,
	    .reading_log = true,
	};
	p->loop = spec->loop;
	p->terminal = spec->command.pty == PTY_TERMINAL;
	loop_task_init(&p->drain, program_on_drain);
	framed_init(&p->framed, spec->rules, &program_sink, p);
	if (spec->parked)
		child_adopt(p->child, &program_child_handlers, p);
	child_write_take(p->child, &event);
	return &p->framed.backend;
}
