/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a client talks to: messages in, messages out, lines for the log, and an end with a
 * result. A session uses this interface alone; backend/program and backend/socket implement it.
 */
#ifndef BACKEND_BACKEND_H
#define BACKEND_BACKEND_H

#include "base/batch.h"
#include "base/util.h"

#include <sys/types.h>

enum backend_state {
	BACKEND_RUNNING,
	BACKEND_OUTPUT_ENDED, /* no messages come any more; it has not ended */
	BACKEND_EXITED, /* it has ended; the last messages are still to come */
	BACKEND_GONE, /* both, and nothing is left of it: backend_free() may follow */
};

/* How it ended, with a value. */
enum backend_end {
	BACKEND_EXIT, /* the exit status of a program */
	BACKEND_SIGNAL, /* the number of the signal that killed a program */
	BACKEND_CLOSED, /* the other side of a socket closed the connection */
	BACKEND_LOST, /* the connection was lost, for this errno */
	BACKEND_CUT, /* the other side did not close it in time */
	BACKEND_LEFT, /* a shared program: continues for others, or has ended for all */
	BACKEND_UNUSED, /* its program was never started */
};

/* The first four are about its output. */
enum backend_event_kind {
	BACKEND_CLOSE, /* it closes the session with CODE; TEXT is the reason, SHOWN the record
			*/
	BACKEND_MALFORMED, /* its output is not what was agreed on: WHY, and its bytes in SHOWN
			    */
	BACKEND_TOO_BIG, /* a message exceeds the limit */
	BACKEND_NO_MEMORY,
	BACKEND_STUCK, /* it can't be terminated: how it ends will not be known */
};

struct backend_event {
	enum backend_event_kind kind;
	uint16_t code;
	const char *why; /* constant */
	struct span text; /* borrowed, as the next one */
	struct span shown;
};

/* None is called from inside a function of this header. */
struct backend_handlers {
	void (*on_messages)(void *arg, struct batch *batch);
	void (*on_log_line)(void *arg, const char *line, size_t len);
	void (*on_event)(void *arg, const struct backend_event *event);
	/* After each of these, and whenever the state or the length of the queue has changed.
	 */
	void (*on_changed)(void *arg);
};

enum backend_result {
	BACKEND_OK,
	BACKEND_DROPPED, /* it does not want messages of this type, and ignores them */
	BACKEND_WRONG_TYPE, /* it does not accept messages of this type */
	BACKEND_REJECTED, /* the message can't be written; backend->why is the reason */
	BACKEND_WRITE_NO_MEMORY, /* no part of it was written */
};

/* What is done with its messages. */
enum backend_reading {
	BACKEND_PAUSES, /* they wait */
	BACKEND_READS,
	BACKEND_DROPS, /* they are read, so that it can end, and dropped; for ever */
};

struct backend;
struct backend_ops {
	enum backend_result (*write)(struct backend *backend, struct batch *batch);
	void (*flush)(struct backend *backend);
	void (*finish)(struct backend *backend, uint16_t code, struct span reason);
	void (*set_reading)(struct backend *backend, enum backend_reading reading);
	void (*set_reading_log)(struct backend *backend, bool on);
	size_t (*queued)(const struct backend *backend);
	void (*free)(struct backend *backend);
};

/* Embedded in an implementation, first. What follows OPS is set by it and read by all. */
struct backend {
	const struct backend_ops *ops;
	const struct backend_handlers *handlers; /* borrowed */
	void *arg; /* borrowed: the handlers' */
	const char *why;
	pid_t pid; /* of a program, else 0 */
	enum backend_state state : 8;
	enum backend_end end : 8; /* once EXITED or GONE */
	uint8_t value; /* of END */
	enum backend_reading reading : 8;
	bool reading_log;
	bool listens; /* it accepts messages, if any come, until the peer has left */
};

/* Writes a batch, or holds it until backend_flush(), which must follow before the memory of the
 * batch is used again. */
static inline enum backend_result
backend_write(struct backend *backend, struct batch *batch)
{
	return backend->ops->write(backend, batch);
}

static inline void
backend_flush(struct backend *backend)
{
	backend->ops->flush(backend);
}

/*
 * Ends its input after what is queued, and begins the termination sequence. CODE and REASON are
 * how the client left, for a backend that reports this. Only the first call counts; messages
 * may still come.
 */
static inline void
backend_finish(struct backend *backend, uint16_t code, struct span reason)
{
	backend->ops->finish(backend, code, reason);
}

/* At first it PAUSES. */
static inline void
backend_set_reading(struct backend *backend, enum backend_reading reading)
{
	if (backend->reading != reading)
		backend->ops->set_reading(backend, reading);
}

/* Lines for the log come while this is on, as it is at first. */
static inline void
backend_set_reading_log(struct backend *backend, bool on)
{
	if (backend->reading_log != on)
		backend->ops->set_reading_log(backend, on);
}

/* Bytes that wait to be written to it. */
static inline size_t
backend_queued(const struct backend *backend)
{
	return backend->ops->queued(backend);
}

/* Only once it is GONE. Accepts NULL. */
static inline void
backend_free(struct backend *backend)
{
	if (backend)
		backend->ops->free(backend);
}

#endif
