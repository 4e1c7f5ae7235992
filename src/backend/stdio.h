/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Our own stdin and stdout as a backend, with two framings: one session after the other, as a
 * client may connect again.
 *
 * The end of stdin closes the session with 1000; messages that still come are written. What a
 * session has not read stays for the next one. When stdout is lost, the session is closed with
 * 1001.
 */
#ifndef BACKEND_STDIO_H
#define BACKEND_STDIO_H

#include "backend/framed.h"

#include <stdbool.h>

struct stdio;

struct stdio_spec {
	struct loop *loop; /* borrowed, as RULES, for as long as the process lives */
	const struct framed_rules *rules;
	bool stays_open; /* the end of stdin does not close the session */
};

/* Starts to read. NULL with errno. It exists until the process ends, as its threads do. */
struct stdio *stdio_new(const struct stdio_spec *spec) __attribute__((warn_unused_result));

/* A session, of which there is one at a time. NULL without memory. HANDLERS and ARG are
 * borrowed; none is called before the return to the loop. */
struct backend *stdio_start(struct stdio *stdio, const struct framed_client *client,
    const struct backend_handlers *handlers, void *arg) __attribute__((warn_unused_result));

/* Without a session: ends stdout after what is queued, and then calls ON_WRITTEN, maybe at
 * once. */
void stdio_end(struct stdio *stdio, void (*on_written)(void *arg), void *arg);

/* Whether all of stdin was read, and that ends the session. */
bool stdio_has_ended(const struct stdio *stdio);

/* Why stdin or stdout was lost: an errno; 0: it was not. */
int stdio_read_error(const struct stdio *stdio);
int stdio_write_error(const struct stdio *stdio);

#endif
