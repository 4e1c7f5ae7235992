/* SPDX-License-Identifier: BSD-2-Clause */
/* A program over pipes as a backend: a child process and two framings. */
#ifndef BACKEND_PROGRAM_H
#define BACKEND_PROGRAM_H

#include "backend/backend.h"
#include "framing/framing.h"
#include "process/children.h"
#include "process/spawn.h"

struct program_rules {
	struct framing to_program;
	struct framing from_program;
	bool events; /* the first record names the client, the last one how it left: json */
	bool reads_little; /* its records become much longer: little is read at once */
	bool drops_wrong_type; /* messages of a type that it does not accept are ignored */
};

/* What a program with these rules accepts. */
struct batch_format program_format(const struct program_rules *rules);

/* All borrowed during the call but LOOP, CHILDREN and RULES, which outlive the program. */
struct program_spec {
	struct loop *loop;
	struct children *children;
	const struct program_rules *rules;
	struct spawn_command command;
	/* For the event that opens a session. */
	uint64_t id;
	struct span url_path; /* decoded */
	struct span query; /* raw */
	struct span remote;
	struct span subprotocol;
};

/* Starts a program. NULL on failure, and *ERROR is the errno (child_start()). HANDLERS and ARG
 * are borrowed; none is called before the return to the loop. */
struct backend *program_start(const struct program_spec *spec,
    const struct backend_handlers *handlers, void *arg, int *error)
    __attribute__((warn_unused_result));

#endif
