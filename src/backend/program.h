/* SPDX-License-Identifier: BSD-2-Clause */
/* A program over pipes or on a terminal as a backend: a child process and two framings. */
#ifndef BACKEND_PROGRAM_H
#define BACKEND_PROGRAM_H

#include "backend/framed.h"
#include "process/child.h"
#include "process/spawn.h"

/* Borrowed during the call, except LOOP, CHILDREN and RULES, which must outlive the program. */
struct program_spec {
	struct loop *loop;
	struct children *children;
	const struct framed_rules *rules;
	struct spawn_command command;
	/* A child that is running already (child_adopt()); the backend owns it if
	 * program_start() succeeds. NULL: start COMMAND. */
	struct child *parked;
	struct framed_client client;
};

/* Starts a program. Returns NULL on failure, with the errno of child_start() in *ERROR.
 * HANDLERS and ARG are borrowed; none is called before the return to the loop. */
struct backend *program_start(const struct program_spec *spec,
    const struct backend_handlers *handlers, void *arg, int *error)
    __attribute__((warn_unused_result));

/* Changes the size of its terminal. */
void program_resize(struct backend *backend, struct pty_size size);

#endif
