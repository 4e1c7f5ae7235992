/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Programs that authorize requests (--auth-hook). A hook gets the environment of a CGI script
 * and an empty stdin. Exit status 0 allows the request; the NAME=VALUE lines it printed are
 * then added to the identity. --auth-timeout limits its run time.
 */
#ifndef SERVE_HOOK_H
#define SERVE_HOOK_H

#include "base/list.h"
#include "serve/launch.h"

#include <stdbool.h>

enum {
	HOOK_RUNNING_MAX = 16, /* concurrently; others are queued */
	HOOK_WAITING_MAX = 256, /* queued; beyond that, 503 */
};

/* All hooks of a process. */
struct hooks {
	struct list running; /* started and not reaped yet */
	struct list waiting;
	size_t running_count;
	size_t waiting_count;
};

struct hook;

/* REJECT is the error response, 401 if the hook demands other credentials. NULL: the request is
 * allowed, and *IDENTITY is the hook's output, which the handler takes. */
typedef void hook_handler(void *arg, const struct reject *reject, struct identity *identity);

void hooks_init(struct hooks *hooks);

/* Starts the hook of ENDPOINT for REQUEST, or queues it. REQUEST is borrowed during the call.
 * HANDLER is called once, later, unless hook_cancel() is called. NULL: *REJECT is the
 * response. */
struct hook *hook_start(struct hooks *hooks, const struct launcher *launcher,
    struct endpoint *endpoint, const struct env_request *request, hook_handler *handler,
    void *arg, struct reject *reject) __attribute__((warn_unused_result));

/* Starts the termination sequence because the client may have disconnected. A hook that exits
 * by itself meanwhile still decides; a queued hook is rejected. */
void hook_end(struct hook *hook);

/* Like hook_end(), but the handler is not called any more. */
void hook_cancel(struct hook *hook);

#endif
