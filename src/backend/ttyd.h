/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A program on a terminal as a backend, for clients that speak ttyd's protocol (framing/ttyd).
 * It wraps another backend, the program, which is started when the client has sent its first
 * message.
 */
#ifndef BACKEND_TTYD_H
#define BACKEND_TTYD_H

#include "backend/backend.h"
#include "net/loop.h"
#include "process/pty.h"

enum { TTYD_FIRST_MS = 10 * 1000 }; /* timeout for the first message */

/* All pointers except ARG are borrowed and must outlive the backend. */
struct ttyd_spec {
	struct loop *loop;
	const char *title; /* copied; at most TTYD_TITLE_MAX - 1 bytes are sent */
	bool readonly; /* drop input of the client */
	struct pty_size size; /* default, if the client sends none */
	/* Starts the program over raw bytes, as program_start(). Returns NULL with a reason in
	 * *REASON, which is valid until ARG is released. */
	struct backend *(*start)(void *arg, struct pty_size size,
	    const struct backend_handlers *handlers, void *handlers_arg, const char **reason);
	/* Called once, at the latest when the backend is freed. */
	void (*release)(void *arg);
	void *arg;
};

enum { TTYD_TITLE_MAX = 255 };

/* Accepts whole messages only. */
extern const struct batch_format ttyd_format;

/* Creates a backend whose program is not started; its pid is 0 until then. Takes ownership of
 * the ARG of SPEC, even on failure. Returns NULL if out of memory. */
struct backend *ttyd_new_take(const struct ttyd_spec *spec,
    const struct backend_handlers *handlers, void *arg) __attribute__((warn_unused_result));

#endif
