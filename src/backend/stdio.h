/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Our own stdin and stdout as a backend, with two framings. Sessions use it one after the
 * other, because a client may reconnect.
 *
 * The end of stdin closes the session with 1000; messages that still arrive are written. Input
 * that a session has not read remains for the next one. If stdout is lost, the session is
 * closed with 1001.
 */
#ifndef BACKEND_STDIO_H
#define BACKEND_STDIO_H

#include "backend/framed.h"

#include <stdbool.h>

struct stdio;

struct stdio_spec {
	struct loop *loop; /* borrowed, like RULES, until the process exits */
	const struct framed_rules *rules;
	bool stays_open; /* the end of stdin does not close the session */
};

/* Starts to read. Returns NULL with errno. The object is never freed, because its threads run
 * until the process exits. */
struct stdio *stdio_new(const struct stdio_spec *spec) __attribute__((warn_unused_result));

/* Begins a session; there may be only one at a time. HANDLERS and ARG are borrowed; none is
 * called before the return to the loop. Returns NULL if out of memory. */
struct backend *stdio_start(struct stdio *stdio, const struct framed_client *client,
    const struct backend_handlers *handlers, void *arg) __attribute__((warn_unused_result));

/* Ends stdout after queued data; there must be no session. Calls ON_WRITTEN then, possibly
 * before it returns. */
void stdio_end(struct stdio *stdio, void (*on_written)(void *arg), void *arg);

/* Returns true if all of stdin was read, and this ends the session. */
bool stdio_has_ended(const struct stdio *stdio);

/* Return the errno for which stdin or stdout was lost, or 0. */
int stdio_read_error(const struct stdio *stdio);
int stdio_write_error(const struct stdio *stdio);

#endif
