/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A program on a terminal whose client speaks ttyd's protocol (framing/ttyd), as a backend. The
 * program is another backend, which is started when the client has sent its first message.
 */
#ifndef BACKEND_TTYD_H
#define BACKEND_TTYD_H

#include "backend/backend.h"
#include "net/loop.h"
#include "process/pty.h"

enum { TTYD_FIRST_MS = 10 * 1000 }; /* within which the first message must come */

/* All borrowed for longer than the backend, but for ARG. */
struct ttyd_spec {
	struct loop *loop;
	const char *title; /* copied; at most TTYD_TITLE_MAX bytes are sent */
	bool readonly; /* what the client types is dropped */
	struct pty_size size; /* unless the client sends one */
	/* Starts the program, as program_start() over raw bytes. NULL: *REASON is why, until
	 * ARG is released. */
	struct backend *(*start)(void *arg, struct pty_size size,
	    const struct backend_handlers *handlers, void *handlers_arg, const char **reason);
	/* Called once, at the latest when the backend is freed. */
	void (*release)(void *arg);
	void *arg;
};

enum { TTYD_TITLE_MAX = 255 };

/* What it accepts: whole messages. */
extern const struct batch_format ttyd_format;

/* A backend whose program is not started yet; its pid is 0 until then. Takes the ARG of SPEC,
 * even on failure. NULL without memory. */
struct backend *ttyd_new_take(const struct ttyd_spec *spec,
    const struct backend_handlers *handlers, void *arg) __attribute__((warn_unused_result));

#endif
