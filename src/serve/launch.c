/* SPDX-License-Identifier: BSD-2-Clause */
/* From a request and its endpoint to a running backend. */
#include "serve/launch.h"

#include "base/log.h"
#include "net/limit.h"
#include "process/children.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

static bool
launch_has_room(const struct launcher *launcher, struct reject *reject)
{
	if (children_are_full(launcher->children))
		return reject_busy(reject);
	/* Further descriptors are for clients that wait for a response. */
	if (!limit_has_room_for_program(launcher->limit, children_count(launcher->children)))
		return reject_with(reject, 503, REJECT_RETRY_LATER,
		    "no descriptors for another program; raise the limit of open files "
		    "(ulimit -n)");
	return true;
}

/* The facts of a launch once its script is found. */
static bool
launch_identify(struct launch *launch, struct reject *reject)
{
	if (!env_make_unique_id(launch->unique_id))
		return reject_with(reject, 503, REJECT_RETRY_LATER, "can't get random bytes");
	launch->id = atomic_fetch_add(launch->launcher->last_id, 1) + 1;
	listener_text(launch->request->peer, launch->remote);
	return true;
}

bool
launch_prepare(struct launch *launch, struct reject *reject)
{
	const struct endpoint *endpoint = launch->endpoint;

	launch->script = ENDPOINT_NO_SCRIPT;
	return launch_has_room(launch->launcher, reject) &&
	       reject_unless_found(reject, endpoint,
		   endpoint_find(endpoint, launch->request->path, &launch->script)) &&
	       launch_identify(launch, reject);
}

bool
launch_prepare_script(struct launch *launch, struct reject *reject)
{
	return launch_has_room(launch->launcher, reject) && launch_identify(launch, reject);
}

/* Why the program can't be started, by errno. */
static void
launch_reject(const struct launch *launch, int error, struct reject *reject)
{
	(void)reject_start(reject, launch->script.program, error);
	if (error != EDQUOT)
		log_errorx("%s", reject->reason);
}

struct backend *
launch_start(const struct launch *launch, const struct backend_handlers *handlers, void *arg,
    struct reject *reject)
{
	const struct endpoint *endpoint = launch->endpoint;
	const struct env_request *request = launch->request;
	char *own_argv[] = {launch->script.program, NULL};
	char **env = env_build(endpoint, request, &launch->script, launch->unique_id);
	struct program_spec program = {
	    .loop = launch->launcher->loop,
	    .children = launch->launcher->children,
	    .rules = &endpoint->framed,
	    .command =
		{
		    .path = launch->script.program,
		    .fd = launch->script.fd,
		    .argv = endpoint->kind == ENDPOINT_COMMAND ? endpoint->argv : own_argv,
		    .envp = env,
		},
	    .client =
		{
		    .id = launch->id,
		    .url_path = span_of(request->path),
		    .query = request->uri->query,
		    .remote = span_of(launch->remote),
		    .subprotocol = request->subprotocol,
		},
	};
	struct backend *backend = NULL;
	int error = ENOMEM;

	if (env)
		backend = program_start(&program, handlers, arg, &error);
	free(env);
	if (!backend)
		launch_reject(launch, error, reject);
	return backend;
}

struct child *
launch_start_script(const struct launch *launch, const struct child_handlers *handlers,
    void *arg, struct reject *reject)
{
	char *program = launch->script.program;
	char *argv[] = {program, NULL};
	char **env =
	    env_build(launch->endpoint, launch->request, &launch->script, launch->unique_id);
	char *directory = strndup(program, (size_t)(strrchr(program, '/') - program));
	struct spawn_command command = {
	    .path = program,
	    .fd = launch->script.fd,
	    .directory = directory,
	    .argv = argv,
	    .envp = env,
	};
	struct child *child = NULL;
	int error = ENOMEM;

	if (env && directory)
		error =
		    child_start(launch->launcher->children, &command, handlers, arg, &child);
	free(directory);
	free(env);
	if (!child)
		launch_reject(launch, error, reject);
	return child;
}

void
launch_clear(struct launch *launch)
{
	endpoint_script_clear(&launch->script);
}
