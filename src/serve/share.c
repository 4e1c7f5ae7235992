/* SPDX-License-Identifier: BSD-2-Clause */
/* The shared program of an endpoint. */
#include "serve/share.h"

#include "base/log.h"
#include "serve/env.h"

#include <errno.h>
#include <stdlib.h>

/* Returns the address that clients connect to; the first of several. */
static struct sockaddr_storage
share_listener(const struct launcher *launcher)
{
	struct sockaddr_storage address = {.ss_family = AF_UNIX};

	if (launcher->listeners->count > 0)
		listener_address(launcher->listeners->items[0], &address);
	return address;
}

struct backend *
share_start_program(const struct launcher *launcher, const struct endpoint *endpoint,
    const struct framed_rules *rules, const struct backend_handlers *handlers, void *arg,
    int *error)
{
	struct sockaddr_storage listener = share_listener(launcher);
	char **env = env_build_shared(endpoint, &listener, launcher->secure);
	const char *option = NULL;
	struct program_spec program = {
	    .loop = launcher->loop,
	    .children = launcher->children,
	    .rules = rules,
	    .command =
		{
		    .path = endpoint->program,
		    .fd = -1,
		    .argv = endpoint->argv,
		    .envp = env,
		    .confine = &endpoint->confine,
		    .option = &option,
		    .pty = endpoint->pty,
		},
	};
	struct backend *backend = NULL;
	struct reject reject;

	*error = ENOMEM;
	if (env)
		backend = program_start(&program, handlers, arg, error);
	free(env);
	if (!backend) {
		(void)reject_start(&reject, endpoint->program, *error, option);
		log_errorx("%s", reject.reason);
	}
	return backend;
}

static struct backend *
share_start(void *arg, const struct backend_handlers *handlers, void *shared, int *error)
{
	const struct endpoint *endpoint = arg;

	return share_start_program(endpoint->launcher, endpoint,
	    &endpoint->shared_rules.program, handlers, shared, error);
}

static void
share_hold(void *arg)
{
	(void)endpoint_ref(arg);
}

static void
share_release(void *arg)
{
	endpoint_unref(arg);
}

static const struct shared_handlers share_handlers = {
    .start = share_start,
    .hold = share_hold,
    .release = share_release,
};

static struct shared_spec
share_spec(const struct launcher *launcher, struct endpoint *endpoint)
{
	return (struct shared_spec){
	    .loop = launcher->loop,
	    .list = launcher->shared,
	    .bus = launcher->bus,
	    .topic =
		{
		    .name = *endpoint->path ? endpoint->path : "/",
		    .number = endpoint->number,
		    .history = (uint64_t)endpoint->shared_rules.settings.members.history,
		    .one = endpoint->shared_rules.settings.programs == SHARED_ONE,
		},
	    .clients = launcher->members,
	    .down = launcher->down,
	    .rules = &endpoint->shared_rules,
	    .name = *endpoint->path ? endpoint->path : "/",
	    .handlers = &share_handlers,
	    .arg = endpoint,
	};
}

struct shared *
share_of(const struct launcher *launcher, struct endpoint *endpoint)
{
	struct shared_spec spec = share_spec(launcher, endpoint);

	if (!endpoint->shared) {
		endpoint->launcher = launcher;
		endpoint->shared = shared_new(&spec);
	}
	return endpoint->shared;
}

void
share_move(struct endpoint *to, struct endpoint *from)
{
	struct shared_spec spec;

	to->number = from->number;
	if (!from->shared)
		return;
	spec = share_spec(from->launcher, to);
	to->launcher = from->launcher;
	to->shared = from->shared;
	from->shared = NULL;
	shared_adopt(to->shared, &spec);
}

void
share_reject_full(struct reject *reject)
{
	(void)reject_with(
	    reject, 503, REJECT_RETRY_LATER, "--max-clients clients are connected");
}

void
share_reject(const struct endpoint *endpoint, int error, struct reject *reject)
{
	if (error == EUSERS) {
		share_reject_full(reject);
		return;
	}
	(void)reject_start(reject, endpoint->program, error, NULL);
	/* The program is restarted, so it may be available to a later client. */
	if (reject->status != 429)
		(void)reject_with(reject, 503, REJECT_RETRY_LATER, reject->reason);
}

bool
share_start_all(const struct launcher *launcher, const struct endpoints *endpoints)
{
	struct endpoint *endpoint;

	for (size_t i = 0; (endpoint = endpoints_get(endpoints, i)); i++) {
		bool always = endpoint->shared_rules.settings.begin == SHARED_ALWAYS;

		if (!endpoint_is_shared(endpoint) || !(always || launcher->bus_is_remote))
			continue;
		if (!share_of(launcher, endpoint))
			return false;
		if (always)
			shared_start(endpoint->shared);
	}
	return true;
}
