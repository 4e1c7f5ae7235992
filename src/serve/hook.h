/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Programs that decide about requests (--auth-hook). One gets the environment of a CGI script
 * and an empty stdin. It allows the request by exit status 0, and then what it has printed,
 * NAME=VALUE lines, is added to the identity. It has the time of --auth-timeout.
 */
#ifndef SERVE_HOOK_H
#define SERVE_HOOK_H

#include "base/list.h"
#include "serve/launch.h"

#include <stdbool.h>

enum {
	HOOK_RUNNING_MAX = 16, /* at once; others wait */
	HOOK_WAITING_MAX = 256, /* above: 503 */
};

/* All hooks of a process. */
struct hooks {
	struct list running; /* until they are reaped */
	struct list waiting;
	size_t running_count;
	size_t waiting_count;
};

struct hook;

/* REJECT is the response, with a status of 401 if the hook demands other credentials; NULL: the
 * request is allowed, and *IDENTITY is what the hook has printed, which the handler takes. */
typedef void hook_handler(void *arg, const struct reject *reject, struct identity *identity);

void hooks_init(struct hooks *hooks);

/* Starts the hook of ENDPOINT for REQUEST, which is borrowed during the call, or has it wait.
 * HANDLER is called once, later, unless hook_cancel() is. NULL: *REJECT is the response. */
struct hook *hook_start(struct hooks *hooks, const struct launcher *launcher,
    struct endpoint *endpoint, const struct env_request *request, hook_handler *handler,
    void *arg, struct reject *reject) __attribute__((warn_unused_result));

/* The client may have disconnected: begins the termination sequence. A hook that exits by
 * itself within it still decides; one that waits is rejected. */
void hook_end(struct hook *hook);

/* The same, and the handler is not called any more. */
void hook_cancel(struct hook *hook);

#endif
