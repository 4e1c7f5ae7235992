/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The interface to what a client talks to: messages in, messages out, log lines, and an end
 * with a result. A session uses only this interface; backend/program, backend/socket and others
 * implement it.
 */
#ifndef BACKEND_BACKEND_H
#define BACKEND_BACKEND_H

#include "base/batch.h"
#include "base/util.h"

#include <sys/types.h>

enum backend_state {
	BACKEND_RUNNING,
	BACKEND_OUTPUT_ENDED, /* no more messages will come; it has not exited */
	BACKEND_EXITED, /* it has exited; its last messages are still to be read */
	BACKEND_GONE, /* both, and nothing remains: backend_free() may be called */
};

/* How the backend ended. VALUE has details. */
enum backend_end {
	BACKEND_EXIT, /* VALUE is the exit status of the program */
	BACKEND_SIGNAL, /* VALUE is the signal that killed the program */
	BACKEND_CLOSED, /* the other end of a socket closed the connection */
	BACKEND_LOST, /* the connection was lost; VALUE is the errno */
	BACKEND_CUT, /* the other end did not close the connection in time */
	/* A shared program: it goes on for other clients, or ended for all of them. */
	BACKEND_LEFT,
	BACKEND_UNUSED, /* its program was never started */
};

/* The first four concern the backend's output. */
enum backend_event_kind {
	/* It closes the session with CODE; TEXT is the reason, SHOWN the record. */
	BACKEND_CLOSE,
	BACKEND_MALFORMED, /* malformed output: WHY is the reason, SHOWN the bytes */
	BACKEND_TOO_BIG, /* a message exceeds the limit */
	BACKEND_NO_MEMORY,
	BACKEND_STUCK, /* it can't be terminated: its result will not be known */
};

struct backend_event {
	enum backend_event_kind kind;
	uint16_t code;
	const char *why; /* constant */
	struct span text; /* borrowed, as the next one */
	struct span shown;
};

/* No handler is called from inside a function of this header. */
struct backend_handlers {
	void (*on_messages)(void *arg, struct batch *batch);
	void (*on_log_line)(void *arg, const char *line, size_t len);
	void (*on_event)(void *arg, const struct backend_event *event);
	/* Called after each of the above, and when the state or the length of the queue has
	 * changed. */
	void (*on_changed)(void *arg);
};

enum backend_result {
	BACKEND_OK,
	BACKEND_DROPPED, /* it ignores messages of this type */
	BACKEND_WRONG_TYPE, /* it does not accept messages of this type */
	BACKEND_REJECTED, /* the message can't be written; backend->why has the reason */
	BACKEND_WRITE_NO_MEMORY, /* nothing of the batch was written */
};

/* How to handle messages from the backend. */
enum backend_reading {
	BACKEND_PAUSES, /* leave them unread */
	BACKEND_READS,
	BACKEND_DROPS, /* read and discard them, permanently, so that the backend can end */
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

/* Embedded as the first member of an implementation, which sets what follows OPS. Read-only for
 * others. */
struct backend {
	const struct backend_ops *ops;
	const struct backend_handlers *handlers; /* borrowed */
	void *arg; /* borrowed: argument of the handlers */
	const char *why;
	pid_t pid; /* of the program; 0 if there is none */
	enum backend_state state : 8;
	enum backend_end end : 8; /* valid once EXITED or GONE */
	uint8_t value; /* details of END */
	enum backend_reading reading : 8;
	bool reading_log;
	bool listens; /* it accepts messages until the peer has left, even after our Close */
};

/* Writes a batch, or keeps it until backend_flush(), which must be called before the memory of
 * the batch is reused. */
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
 * Ends the backend's input after queued data, and begins the termination sequence. CODE and
 * REASON say how the client left, for backends that report this. Only the first call counts.
 * Messages may still come.
 */
static inline void
backend_finish(struct backend *backend, uint16_t code, struct span reason)
{
	backend->ops->finish(backend, code, reason);
}

/* Sets how messages are handled; BACKEND_PAUSES at first. */
static inline void
backend_set_reading(struct backend *backend, enum backend_reading reading)
{
	if (backend->reading != reading)
		backend->ops->set_reading(backend, reading);
}

/* Starts or stops the reading of log lines, which is on at first. */
static inline void
backend_set_reading_log(struct backend *backend, bool on)
{
	if (backend->reading_log != on)
		backend->ops->set_reading_log(backend, on);
}

/* Returns the number of bytes queued for the backend. */
static inline size_t
backend_queued(const struct backend *backend)
{
	return backend->ops->queued(backend);
}

/* Frees the backend, which must be GONE. Accepts NULL. */
static inline void
backend_free(struct backend *backend)
{
	if (backend)
		backend->ops->free(backend);
}

#endif
