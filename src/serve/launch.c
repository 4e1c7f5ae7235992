/* SPDX-License-Identifier: BSD-2-Clause */
/* Turns a request and its endpoint into a running backend. */
#include "serve/launch.h"

#include "backend/ttyd.h"
#include "base/log.h"
#include "framing/ttyd.h"
#include "http/credentials.h"
#include "net/limit.h"
#include "net/proxy_protocol.h"
#include "process/landlock.h"
#include "serve/access.h"
#include "serve/share.h"
#include "serve/terminal.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Completes the request data of a launch whose script has been found. */
static bool
launch_identify(struct launch *launch, struct reject *reject)
{
	if (!launcher_keeps_rate(launch->launcher, launch->request->peer, reject))
		return false;
	if (!env_make_unique_id(launch->unique_id) ||
	    !env_make_traceparent(launch->request->head, launch->traceparent))
		return reject_with(reject, 503, REJECT_RETRY_LATER, "can't get random bytes");
	launch->id = atomic_fetch_add(launch->launcher->last_id, 1) + 1;
	if (launch->launcher->first_id)
		launch->id += atomic_load(launch->launcher->first_id);
	listener_text(launch->request->peer, launch->remote);
	return true;
}

/* Storage for the strings that launch_client() refers to. */
struct launch_memory {
	struct framing_field fields[HEAD_MAX_FIELDS];
	char target[HEAD_MAX_LINE]; /* without tokens, which no program may get */
};

/* Returns the client for the "open" event. Its header fields are taken from the environment
 * ENV, which may be NULL if the endpoint names none. */
static struct framed_client
launch_client(const struct launch *launch, char *const *env, struct launch_memory *memory)
{
	const struct endpoint *endpoint = launch->endpoint;
	const struct env_request *request = launch->request;
	const struct uri *uri = request->uri;
	/* cppcheck-suppress ctuuninitvar; filled here */
	char *query = memory->target + uri->path.len + 1;
	size_t query_len = uri->query.len, fields = 0;

	memcpy(memory->target, uri->path.data, uri->path.len);
	memory->target[uri->path.len] = '?';
	if (query_len > 0)
		memcpy(query, uri->query.data, query_len);
	if (endpoint->access && endpoint->access->tokens && query_len > 0)
		query_len = credentials_hide_query(query, query_len);
	for (size_t i = 0; i < endpoint->event_header_count && fields < HEAD_MAX_FIELDS; i++) {
		struct framing_field *field = &memory->fields[fields];

		field->name = span_of(endpoint->event_headers[i]);
		fields += env_find_field(env, field->name, &field->value);
	}
	return (struct framed_client){
	    .id = launch->id,
	    .target = {memory->target, uri->path.len + (query_len > 0) + query_len},
	    .url_path = span_of(request->path),
	    .query = {query, query_len},
	    .remote = span_of(launch->remote),
	    .user = span_of(
		request->identity && request->identity->user ? request->identity->user : ""),
	    .subprotocol = request->subprotocol,
	    .headers = memory->fields,
	    .header_count = fields,
	};
}

bool
launch_must_connect(const struct launch *launch)
{
	return launch->shared ? shared_must_wait(launch->shared)
			      : launch->endpoint->kind == ENDPOINT_SOCKET;
}

/* Builds the "open" event now, because path and query no longer exist when the backend has
 * started. */
static bool
launch_put_event(struct launch *launch, struct reject *reject)
{
	static const struct endpoint_script none = {
	    .script_name = (char *)"", .path_info = (char *)""};
	const struct endpoint *endpoint = launch->endpoint;
	struct launch_memory memory;
	struct framed_client client;
	char **env = NULL;
	bool ok = true;

	if (endpoint->event_header_count > 0) {
		env = env_build(endpoint, launch->request, &none, launch->unique_id);
		ok = env != NULL;
	}
	if (ok) {
		client = launch_client(launch, env, &memory);
		ok = framed_put_open(&endpoint->framed, &client, &launch->event);
	}
	free(env);
	return ok || reject_with(reject, 503, REJECT_RETRY_LATER, "out of memory");
}

/* Prepares the shared program, unless it has too many clients. */
static bool
launch_prepare_shared(struct launch *launch, struct reject *reject)
{
	launch->shared = share_of(launch->launcher, launch->endpoint);
	if (!launch->shared)
		return reject_with(reject, 503, REJECT_RETRY_LATER, "out of memory");
	if (!shared_has_room(launch->shared)) {
		share_reject_full(reject);
		return false;
	}
	return launcher_check_room(limit_has_room_for_client(launch->launcher->limit,
				       launcher_count(launch->launcher)),
		   reject) &&
	       launch_identify(launch, reject) && launch_put_event(launch, reject);
}

bool
launch_prepare(struct launch *launch, struct reject *reject)
{
	const struct endpoint *endpoint = launch->endpoint;

	launch->script = ENDPOINT_NO_SCRIPT;
	if (endpoint_is_shared(endpoint))
		return launch_prepare_shared(launch, reject);
	if (launch_must_connect(launch))
		return launcher_has_room(launch->launcher, reject) &&
		       launch_identify(launch, reject);
	if (endpoint->pty == PTY_TERMINAL &&
	    !terminal_size(launch->request->uri->query, &launch->size, reject))
		return false;
	return (pool_first(endpoint->pool) || launcher_may_fork(launch->launcher, reject)) &&
	       reject_unless_found(reject, endpoint,
		   endpoint_find(endpoint, launch->request->path, &launch->script)) &&
	       launch_identify(launch, reject);
}

bool
launch_prepare_script(struct launch *launch, struct reject *reject)
{
	return launcher_may_fork(launch->launcher, reject) && launch_identify(launch, reject);
}

/* Fills *REJECT: the program can't be started because of ERROR, an errno, and OPTION or
 * NULL. */
static void
launch_reject(const struct launch *launch, int error, const char *option, struct reject *reject)
{
	(void)reject_start(reject, launch->script.program, error, option);
	if (error != EDQUOT)
		log_errorx("%s", reject->reason);
}

/* Allows the interpreter of a program in a directory, which was unknown until now. If that
 * fails, so does the start. */
static void
launch_allow(const struct launch *launch)
{
	int ruleset = launch->endpoint->confine.ruleset;

	if (ruleset != -1 && !landlock_allow_program(ruleset, launch->script.program))
		log_error("can't let %s read its own file", launch->script.program);
}

/* A program */

static bool
launch_speaks_tty(const struct launch *launch)
{
	return launch->endpoint->pty == PTY_TERMINAL &&
	       span_equal(launch->request->subprotocol, SPAN(TTYD_SUBPROTOCOL));
}

static char **
launch_env(const struct launch *launch)
{
	return env_build(launch->endpoint, launch->request, &launch->script, launch->unique_id);
}

static struct backend *
launch_program(struct launch *launch, const struct backend_handlers *handlers, void *arg,
    struct reject *reject)
{
	const struct endpoint *endpoint = launch->endpoint;
	struct launch_memory memory;
	char *own_argv[] = {launch->script.program, NULL};
	const char *option = NULL;
	struct child *parked = pool_first(endpoint->pool);
	char **env = launch->env ? launch->env : launch_env(launch);
	struct program_spec program = {
	    .loop = launch->launcher->loop,
	    .children = launch->launcher->children,
	    .rules = launch->env ? &endpoint->tty_framed : &endpoint->framed,
	    .command =
		{
		    .path = launch->script.program,
		    .fd = launch->script.fd,
		    .argv = endpoint->kind == ENDPOINT_COMMAND ? endpoint->argv : own_argv,
		    .envp = env,
		    .confine = &endpoint->confine,
		    .option = &option,
		    .pty = endpoint->pty,
		    .size = launch->size,
		},
	    .parked = parked,
	};
	struct backend *backend = NULL;
	int error = ENOMEM;

	if (endpoint->kind == ENDPOINT_DIR)
		launch_allow(launch);
	if (env) {
		if (!launch->env)
			program.client = launch_client(launch, env, &memory);
		backend = program_start(&program, handlers, arg, &error);
	}
	if (backend && parked)
		pool_remove(endpoint->pool, parked);
	free(env);
	launch->env = NULL;
	if (!backend)
		launch_reject(launch, error, option, reject);
	return backend;
}

/* A program that starts later, once the client has sent its terminal size */

/* Until it starts, the program counts as a socket, so that its descriptors stay reserved. */
struct launch_later {
	struct launch launch;
	struct reject reject;
};

static void
launch_later_release(void *arg)
{
	struct launch_later *later = arg;

	launch_clear(&later->launch);
	free(later);
}

static struct backend *
launch_later_start(void *arg, struct pty_size size, const struct backend_handlers *handlers,
    void *handlers_arg, const char **reason)
{
	struct launch_later *later = arg;
	struct launch *launch = &later->launch;
	struct backend *backend;

	launch->size = size;
	backend = launch_program(launch, handlers, handlers_arg, &later->reject);
	if (!backend) {
		*reason = later->reject.reason;
	} else if (log_begin(LOG_ACCESS, "session", launch->id, SPAN("start"))) {
		log_text("program", span_of(launch->script.program));
		log_number("pid", backend->pid);
		log_end();
	}
	return backend;
}

static struct backend *
launch_later(struct launch *launch, const struct backend_handlers *handlers, void *arg,
    struct reject *reject)
{
	const char *slash = strrchr(launch->script.program, '/');
	struct launch_later *later = calloc(1, sizeof(*later));
	struct ttyd_spec spec = {
	    .loop = launch->launcher->loop,
	    .title = slash ? slash + 1 : launch->script.program,
	    .readonly = launch->endpoint->tty_framed.drops_all,
	    .size = launch->size,
	    .start = launch_later_start,
	    .release = launch_later_release,
	    .arg = later,
	};
	struct backend *backend = NULL;

	launch->env = launch_env(launch);
	if (later && launch->env) {
		later->launch = *launch;
		later->launch.request = NULL;
		later->launch.fd = -1;
		later->launch.counted = true;
		atomic_fetch_add(launch->launcher->sockets->count, 1);
		launch->script = ENDPOINT_NO_SCRIPT;
		launch->env = NULL;
		backend = ttyd_new_take(&spec, handlers, arg);
	} else {
		free(later);
	}
	if (!backend)
		(void)reject_with(reject, 503, REJECT_RETRY_LATER, "out of memory");
	return backend;
}

const struct batch_format *
launch_format(const struct launch *launch)
{
	return launch_speaks_tty(launch) ? &ttyd_format : &launch->endpoint->format;
}

const struct websocket_rules *
launch_websocket_rules(const struct launch *launch)
{
	return launch_speaks_tty(launch) ? &launch->endpoint->tty_websocket
					 : &launch->endpoint->websocket;
}

struct child *
launch_start_script(const struct launch *launch, const struct child_handlers *handlers,
    void *arg, struct reject *reject)
{
	char *program = launch->script.program;
	char *argv[] = {program, NULL};
	const char *option = NULL;
	char **env =
	    env_build(launch->endpoint, launch->request, &launch->script, launch->unique_id);
	char *directory = strndup(program, (size_t)(strrchr(program, '/') - program));
	struct spawn_command command = {
	    .path = program,
	    .fd = launch->script.fd,
	    .directory = directory,
	    .argv = argv,
	    .envp = env,
	    .confine = &launch->endpoint->confine,
	    .option = &option,
	};
	struct child *child = NULL;
	int error = ENOMEM;

	launch_allow(launch);
	if (env && directory)
		error =
		    child_start(launch->launcher->children, &command, handlers, arg, &child);
	free(directory);
	free(env);
	if (!child)
		launch_reject(launch, error, option, reject);
	return child;
}

/* A shared program */

static void
launch_on_shared(void *arg, int error)
{
	struct launch *launch = arg;
	struct reject reject;

	if (error != 0)
		share_reject(launch->endpoint, error, &reject);
	launch->on_connected(launch->arg, error != 0 ? &reject : NULL);
}

static struct backend *
launch_shared(struct launch *launch, const struct backend_handlers *handlers, void *arg,
    struct reject *reject)
{
	int error;
	struct backend *backend =
	    shared_join(launch->shared, launch->id, &launch->event, handlers, arg, &error);

	if (!backend)
		share_reject(launch->endpoint, error, reject);
	return backend;
}

/* A socket */

static void
launch_on_connected(void *arg, const struct connect_result *result)
{
	struct launch *launch = arg;
	struct reject reject = {0};

	launch->connect = NULL;
	launch->fd = result->fd;
	if (result->fd == -1) {
		(void)reject_connect(&reject, launch->endpoint->program, result);
		log_errorx("%s", reject.reason);
	} else if (result->address.ss_family == AF_UNIX) {
		snprintf(
		    launch->address, sizeof(launch->address), "%s", launch->endpoint->program);
	} else {
		strcpy(launch->address, "tcp:");
		listener_text(&result->address, launch->address + 4);
	}
	launch->on_connected(launch->arg, result->fd == -1 ? &reject : NULL);
}

bool
launch_connect(
    struct launch *launch, launch_handler *on_connected, void *arg, struct reject *reject)
{
	const struct launcher *launcher = launch->launcher;
	const struct endpoint *endpoint = launch->endpoint;

	launch->on_connected = on_connected;
	launch->arg = arg;
	if (launch->shared) {
		launch->wait.done = launch_on_shared;
		launch->wait.arg = launch;
		shared_wait(launch->shared, &launch->wait);
		return true;
	}
	if (!launch_put_event(launch, reject))
		return false;
	launch->connect = connect_start(launcher->loop, launcher->lookup, endpoint->target,
	    endpoint->connect_ms, launch_on_connected, launch);
	if (!launch->connect)
		return reject_with(reject, 503, REJECT_RETRY_LATER, "out of memory");
	launch->counted = true;
	atomic_fetch_add(launcher->sockets->count, 1);
	return true;
}

static struct backend *
launch_socket(struct launch *launch, const struct backend_handlers *handlers, void *arg,
    struct reject *reject)
{
	uint8_t head[PROXY_PROTOCOL_MAX];
	struct socket_spec spec = {
	    .sockets = launch->launcher->sockets,
	    .rules = &launch->endpoint->framed,
	    .fd = launch->fd,
	    .head = {(char *)head, 0},
	    .event = {(char *)buffer_data(&launch->event), buffer_len(&launch->event)},
	};
	struct backend *backend;

	if (launch->endpoint->proxy_protocol)
		spec.head.len =
		    proxy_protocol_put(head, launch->request->peer, launch->request->local);
	launch->counted = false;
	backend = socket_start_take(&spec, handlers, arg);
	if (!backend)
		(void)reject_with(reject, 503, REJECT_RETRY_LATER, "out of memory");
	return backend;
}

struct backend *
launch_start(struct launch *launch, const struct backend_handlers *handlers, void *arg,
    struct reject *reject)
{
	if (launch->shared)
		return launch_shared(launch, handlers, arg, reject);
	if (launch_must_connect(launch))
		return launch_socket(launch, handlers, arg, reject);
	return launch_speaks_tty(launch) ? launch_later(launch, handlers, arg, reject)
					 : launch_program(launch, handlers, arg, reject);
}

const char *
launch_name(const struct launch *launch)
{
	if (launch->shared)
		return launch->endpoint->program;
	return launch_must_connect(launch) ? launch->address : launch->script.program;
}

void
launch_clear(struct launch *launch)
{
	if (launch->counted && !launch->connect && launch->fd != -1)
		close(launch->fd);
	if (launch->counted)
		atomic_fetch_sub(launch->launcher->sockets->count, 1);
	launch->counted = false;
	connect_cancel(launch->connect);
	launch->connect = NULL;
	shared_cancel(&launch->wait);
	buffer_clear(&launch->event);
	free(launch->env);
	launch->env = NULL;
	endpoint_script_clear(&launch->script);
}
