/* SPDX-License-Identifier: BSD-2-Clause */
/* Launches, with a scripted start: no process, no socket. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "net/limit.h"
#include "process/children.h"
#include "script_request.h"
#include "serve/launch.h"

#include <errno.h>

static struct {
	bool full; /* as many programs run as --maxforks allows */
	bool has_room; /* for the descriptors of another one */
	int error; /* of the next start */
	unsigned int starts;
	size_t parked; /* programs; one that yields makes room */
	unsigned int removed;
	unsigned int presses;
	bool adopted; /* by the last start */
	char id[32];
	char first[64]; /* of the environment */
	const char *path;
	char *const *argv;
	const void *arg;
	char directory[64]; /* of a CGI script */
	int argc;
	const struct connect_target *target;
	int64_t timeout_ms;
	connect_handler *on_connected;
	void *connect_arg;
	unsigned int cancels;
	int fd;
	size_t head_len;
	int status; /* of a connect; 0: it succeeded */
} script;

static struct backend backend;
static _Atomic uint64_t last_id;
static atomic_size_t socket_count;
static struct sockets sockets = {.count = &socket_count};

bool
children_are_full(const struct children *children)
{
	(void)children;
	return script.full;
}

size_t
children_count(const struct children *children)
{
	(void)children;
	return 0;
}

bool
limit_has_room_for_program(const struct limit *limit, size_t programs)
{
	(void)limit;
	(void)programs;
	return script.has_room;
}

uint64_t
limit_address(const struct sockaddr_storage *peer)
{
	(void)peer;
	return 1;
}

bool
limit_has_room_for_client(const struct limit *limit, size_t programs)
{
	return limit_has_room_for_program(limit, programs);
}

struct connect *
connect_start(struct loop *loop, struct lookup *lookup, const struct connect_target *target,
    int64_t timeout_ms, connect_handler *handler, void *arg)
{
	(void)loop;
	(void)lookup;
	script.target = target;
	script.timeout_ms = timeout_ms;
	script.on_connected = handler;
	script.connect_arg = arg;
	return (struct connect *)(void *)&backend;
}

void
connect_cancel(struct connect *connect)
{
	script.cancels += connect != NULL;
}

struct backend *
socket_start_take(
    const struct socket_spec *spec, const struct backend_handlers *handlers, void *arg)
{
	(void)handlers;
	script.arg = arg;
	script.fd = spec->fd;
	script.head_len = spec->head.len;
	return &backend;
}

void
program_resize(struct backend *program, struct pty_size size)
{
	(void)program;
	(void)size;
}

struct backend *
program_start(const struct program_spec *spec, const struct backend_handlers *handlers,
    void *arg, int *error)
{
	(void)handlers;
	script.starts++;
	script.path = spec->command.path;
	script.argv = spec->command.argv;
	script.arg = arg;
	snprintf(script.id, sizeof(script.id), "%ju of %.*s", (uintmax_t)spec->client.id,
	    (int)spec->client.remote.len, spec->client.remote.data);
	script.adopted = spec->parked != NULL;
	snprintf(script.first, sizeof(script.first), "%s", spec->command.envp[0]);
	*error = script.error;
	return script.error == 0 ? &backend : NULL;
}

bool
pools_yield(struct pools *pools)
{
	(void)pools;
	if (script.parked == 0)
		return false;
	script.parked--;
	script.full = false;
	script.has_room = true;
	return true;
}

void
pools_press(struct pools *pools)
{
	(void)pools;
	script.presses++;
}

struct child *
pool_first(const struct pool *pool)
{
	return pool && script.parked > 0 ? (struct child *)(void *)&backend : NULL;
}

void
pool_remove(struct pool *pool, const struct child *child)
{
	(void)pool;
	(void)child;
	script.parked--;
	script.removed++;
}

int
child_start(struct children *children, const struct spawn_command *command,
    const struct child_handlers *handlers, void *arg, struct child **out)
{
	(void)children;
	(void)handlers;
	script.starts++;
	script.arg = arg;
	snprintf(script.directory, sizeof(script.directory), "%s", command->directory);
	for (script.argc = 0; command->argv[script.argc]; script.argc++)
		continue;
	*out = script.error == 0 ? (struct child *)(void *)&backend : NULL;
	return script.error;
}

/* Launches ENDPOINT for a request of "/a?q". The result's status; 0: it runs. */
static int
launch(struct endpoint *endpoint, struct reject *reject)
{
	static const struct launcher launcher = {.sockets = &sockets, .last_id = &last_id};
	char text[HEAD_MAX_LINE];
	struct script_request request;
	struct launch launch = {
	    .launcher = &launcher, .endpoint = endpoint, .request = &request.facts};
	struct backend *started = NULL;

	script_request(&request, text, "/a?q", "");
	*reject = (struct reject){.status = -1};
	if (launch_prepare(&launch, reject))
		started = launch_start(&launch, NULL, &launch, reject);
	assert_true(!started || (started == &backend && script.arg == &launch));
	launch_clear(&launch);
	return started ? 0 : reject->status;
}

static char *const argv[] = {(char *)"cat", (char *)"-u", NULL};
static char *no_env[] = {NULL};
static struct endpoint command = {.path = (char *)"",
    .kind = ENDPOINT_COMMAND,
    .program = "/bin/cat",
    .argv = argv,
    .pass_env = no_env};

static int
begin(void **state)
{
	(void)state;
	memset(&script, 0, sizeof(script));
	script.has_room = true;
	last_id = 0;
	return 0;
}

static void
test_a_command_is_started_with_its_arguments(void **state)
{
	struct reject reject;

	(void)state;
	assert_int_equal(launch(&command, &reject), 0);
	assert_int_equal(script.starts, 1);
	assert_ptr_equal(script.argv, argv);
	assert_string_equal(script.id, "1 of 192.0.2.7:4711");
	assert_memory_equal(script.first, "SERVER_SOFTWARE=wspipe/", 23);
	assert_int_equal(launch(&command, &reject), 0);
	assert_string_equal(script.id, "2 of 192.0.2.7:4711");
}

static void
test_nothing_is_started_without_room(void **state)
{
	struct reject reject;

	(void)state;
	script.full = true;
	assert_int_equal(launch(&command, &reject), 429);
	assert_string_equal(reject.headers, REJECT_RETRY_LATER);
	script.full = false;
	script.has_room = false;
	assert_int_equal(launch(&command, &reject), 503);
	assert_string_equal(reject.headers, REJECT_RETRY_LATER);
	assert_int_equal(script.starts, 0);
}

static void
test_a_parked_program_has_its_slot(void **state)
{
	struct endpoint ahead = command;
	struct reject reject;

	(void)state;
	ahead.pool = (struct pool *)(void *)&backend;
	script.full = true;
	script.parked = 1;
	assert_int_equal(launch(&ahead, &reject), 0);
	assert_true(script.adopted);
	assert_int_equal(script.removed, 1);
	/* Without one it is as any other. */
	assert_int_equal(launch(&ahead, &reject), 429);
	script.full = false;
	assert_int_equal(launch(&ahead, &reject), 0);
	assert_false(script.adopted);
	assert_memory_equal(script.first, "SERVER_SOFTWARE=wspipe/", 23);
	/* One that could not be given to the client is kept. */
	script.parked = 1;
	script.error = ENOMEM;
	assert_int_equal(launch(&ahead, &reject), 503);
	assert_int_equal(script.parked, 1);
	assert_int_equal(script.removed, 1);
}

static void
test_parked_programs_give_way(void **state)
{
	struct reject reject;

	(void)state;
	script.parked = 2;
	script.full = true;
	assert_int_equal(launch(&command, &reject), 0);
	assert_false(script.adopted);
	script.has_room = false;
	assert_int_equal(launch(&command, &reject), 0);
	assert_int_equal(script.parked, 0);
	assert_int_equal(script.presses, 0);
	script.full = true;
	assert_int_equal(launch(&command, &reject), 429);
	assert_int_equal(script.presses, 1);
}

static void
test_an_address_keeps_its_rate(void **state)
{
	static struct buckets buckets;
	struct launcher limited = {
	    .sockets = &sockets, .last_id = &last_id, .buckets = &buckets};
	char text[HEAD_MAX_LINE];
	struct script_request request;
	struct reject reject;

	(void)state;
	launcher_set_rate(&limited, &(struct bucket_rate){INT64_C(1500000), 2});
	for (int i = 0; i < 3; i++) {
		struct launch launch = {
		    .launcher = &limited, .endpoint = &command, .request = &request.facts};

		script_request(&request, text, "/a?q", "");
		/* What another limit rejects costs nothing. */
		script.full = true;
		assert_false(launch_prepare(&launch, &reject));
		launch_clear(&launch);
		script.full = false;
		assert_int_equal(launch_prepare(&launch, &reject), i < 2);
		launch_clear(&launch);
	}
	assert_int_equal(reject.status, 429);
	assert_string_equal(reject.headers, "Retry-After: 2\r\n");
}

/* It has no arguments, and works in its own directory. */
static void
test_a_cgi_script_is_started_without_framing(void **state)
{
	static const struct launcher launcher = {.sockets = &sockets, .last_id = &last_id};
	char text[HEAD_MAX_LINE];
	struct script_request request;
	struct reject reject;
	struct launch launch = {
	    .launcher = &launcher,
	    .endpoint = &command,
	    .request = &request.facts,
	    .script = {.program = (char *)"/a/b/c.sh",
		.fd = -1,
		.script_name = (char *)"/c.sh",
		.path_info = (char *)""},
	};

	(void)state;
	script_request(&request, text, "/c.sh?a+b", "");
	assert_true(launch_prepare_script(&launch, &reject));
	assert_ptr_equal(launch_start_script(&launch, NULL, &launch, &reject), &backend);
	assert_ptr_equal(script.arg, &launch);
	assert_string_equal(script.directory, "/a/b");
	assert_int_equal(script.argc, 1);
	script.error = EDQUOT;
	assert_null(launch_start_script(&launch, NULL, &launch, &reject));
	assert_int_equal(reject.status, 429);
	script.has_room = false;
	assert_false(launch_prepare_script(&launch, &reject));
	assert_int_equal(reject.status, 503);
}

static void
test_a_path_without_a_program_is_not_found(void **state)
{
	struct endpoint none = {.path = (char *)"",
	    .kind = ENDPOINT_DIR,
	    .dir = -1,
	    .dir_path = "/none",
	    .pass_env = no_env};
	struct reject reject;

	(void)state;
	assert_int_equal(launch(&none, &reject), 404);
	assert_null(reject.headers);
	assert_int_equal(script.starts, 0);
}

static const struct connect_target target = {.kind = CONNECT_TCP, .port = 80, .host = "h"};
static struct endpoint socket_endpoint = {.path = (char *)"",
    .kind = ENDPOINT_SOCKET,
    .program = "tcp:h:80",
    .target = &target,
    .connect_ms = 5000,
    .proxy_protocol = true};

static void
on_connected(void *arg, const struct reject *reject)
{
	(void)arg;
	script.status = reject ? reject->status : 0;
}

static void
test_a_socket_is_connected_first(void **state)
{
	static const struct launcher launcher = {.sockets = &sockets, .last_id = &last_id};
	static const struct {
		int error;
		int status;
	} rows[] = {{0, 0}, {ECONNREFUSED, 502}, {EHOSTUNREACH, 502}, {ENOENT, 502},
	    {ETIMEDOUT, 504}, {EMFILE, 503}, {EADDRNOTAVAIL, 503}};

	(void)state;
	script.full = true; /* of programs */
	for (size_t i = 0; i < UTIL_LEN(rows); i++) {
		char text[HEAD_MAX_LINE];
		struct script_request request;
		struct sockaddr_storage local = {.ss_family = AF_INET};
		struct reject reject;
		struct launch launch = {.launcher = &launcher,
		    .endpoint = &socket_endpoint,
		    .request = &request.facts};
		struct connect_result result = {
		    .fd = rows[i].error == 0 ? 100 : -1, .error = rows[i].error, .why = "why"};

		script_request(&request, text, "/a?q", "");
		request.facts.local = &local;
		assert_true(launch_prepare(&launch, &reject));
		assert_true(launch_must_connect(&launch));
		assert_true(launch_connect(&launch, on_connected, NULL, &reject));
		assert_ptr_equal(script.target, &target);
		assert_int_equal(script.timeout_ms, 5000);
		assert_int_equal(socket_count, 1);
		((struct sockaddr_in *)&result.address)->sin_family = AF_INET;
		((struct sockaddr_in *)&result.address)->sin_port = htons(80);
		script.on_connected(script.connect_arg, &result);
		assert_int_equal(script.status, rows[i].status);
		if (rows[i].error == 0) {
			assert_ptr_equal(
			    launch_start(&launch, NULL, &launch, &reject), &backend);
			assert_int_equal(script.fd, 100);
			assert_int_equal(script.head_len, 16 + 12);
			assert_string_equal(launch_name(&launch), "tcp:0.0.0.0:80");
			socket_count = 0; /* the backend's now */
		}
		launch_clear(&launch);
		assert_int_equal(socket_count, 0);
		assert_int_equal(script.cancels, 0);
	}
}

static void
test_a_connect_is_cancelled(void **state)
{
	static const struct launcher launcher = {.sockets = &sockets, .last_id = &last_id};
	char text[HEAD_MAX_LINE];
	struct script_request request;
	struct reject reject;
	struct launch launch = {
	    .launcher = &launcher, .endpoint = &socket_endpoint, .request = &request.facts};

	(void)state;
	script_request(&request, text, "/", "");
	script.has_room = false;
	assert_false(launch_prepare(&launch, &reject));
	assert_int_equal(reject.status, 503);
	script.has_room = true;
	assert_true(launch_prepare(&launch, &reject));
	assert_true(launch_connect(&launch, on_connected, NULL, &reject));
	launch_clear(&launch);
	launch_clear(&launch);
	assert_int_equal(script.cancels, 1);
	assert_int_equal(socket_count, 0);
}

static void
test_the_error_of_a_start_decides_the_status(void **state)
{
	static const struct {
		int error;
		int status;
		bool later; /* it may succeed later */
	} rows[] = {{EDQUOT, 429, true}, {EAGAIN, 503, true}, {ENOMEM, 503, true},
	    {EMFILE, 503, true}, {ENFILE, 503, true}, {EACCES, 403, false},
	    {ENOENT, 500, false}, {ENOEXEC, 500, false}, {ESTALE, 500, false}};

	(void)state;
	for (size_t i = 0; i < UTIL_LEN(rows); i++) {
		struct reject reject;

		script.error = rows[i].error;
		assert_int_equal(launch(&command, &reject), rows[i].status);
		assert_int_equal(reject.headers != NULL, rows[i].later);
		assert_true(reject.reason && *reject.reason);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup(test_a_command_is_started_with_its_arguments, begin),
	    cmocka_unit_test_setup(test_nothing_is_started_without_room, begin),
	    cmocka_unit_test_setup(test_a_parked_program_has_its_slot, begin),
	    cmocka_unit_test_setup(test_parked_programs_give_way, begin),
	    cmocka_unit_test_setup(test_an_address_keeps_its_rate, begin),
	    cmocka_unit_test_setup(test_a_cgi_script_is_started_without_framing, begin),
	    cmocka_unit_test_setup(test_a_path_without_a_program_is_not_found, begin),
	    cmocka_unit_test_setup(test_a_socket_is_connected_first, begin),
	    cmocka_unit_test_setup(test_a_connect_is_cancelled, begin),
	    cmocka_unit_test_setup(test_the_error_of_a_start_decides_the_status, begin),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
