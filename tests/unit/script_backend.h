/* SPDX-License-Identifier: BSD-2-Clause */
/* A scripted backend: a test calls its handlers and sets its state; what is done with it is
 * kept.
 */
#ifndef TESTS_UNIT_SCRIPT_BACKEND_H
#define TESTS_UNIT_SCRIPT_BACKEND_H

#include "backend/backend.h"

struct script_backend {
	struct backend backend; /* first */
	struct buffer written; /* each message with a bar after it */
	enum backend_result result; /* of the next write */
	size_t queued;
	uint16_t close; /* how the client left */
	unsigned int finishes;
	bool freed;
};

void script_backend_init(
    struct script_backend *b, const struct backend_handlers *handlers, void *arg);

/* The backend emits records, each with a newline. */
void script_backend_records(struct script_backend *b, const char *text);

/* Changes its state, and reports that. */
void script_backend_enter(struct script_backend *b, enum backend_state state);

#endif
