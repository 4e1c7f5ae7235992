/* SPDX-License-Identifier: BSD-2-Clause */
/* A program over pipes or on a terminal as a backend: a child process and two framings. */
#ifndef BACKEND_PROGRAM_H
#define BACKEND_PROGRAM_H

#include "backend/framed.h"
#include "process/child.h"
#include "process/spawn.h"

/* All borrowed during the call but LOOP, CHILDREN and RULES, which outlive the program. */
struct program_spec {
	struct loop *loop;
	struct children *children;
	const struct framed_rules *rules;
	struct spawn_command command;
	/* It was started before (child_adopt()), and is the program's if that starts. NULL: it
	 * is started by COMMAND. */
	struct child *parked;
	struct framed_client client;
};

/* Starts a program. NULL on failure, and *ERROR is the errno (child_start()). HANDLERS and ARG
 * are borrowed; none is called before the return to the loop. */
struct backend *program_start(const struct program_spec *spec,
    const struct backend_handlers *handlers, void *arg, int *error)
    __attribute__((warn_unused_result));

/* Changes the size of its terminal. */
void program_resize(struct backend *backend, struct pty_size size);

#endif
