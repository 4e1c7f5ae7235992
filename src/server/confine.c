/* SPDX-License-Identifier: BSD-2-Clause */
/* Builds the confinement of an endpoint's programs from its options. */
#include "server/confine.h"

#include "options/served.h"
#include "process/landlock.h"
#include "serve/env_pass.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Sets the user and the group. Returns 0 or the exit status. */
static int
confine_set_account(const struct server *server, const struct options_served *served,
    const struct options_endpoint *options, struct confine *confine)
{
	const char *name = options->child_user ? "user" : "group";
	const char *value = options->child_user ? options->child_user : options->child_group;
	char why[ACCOUNT_WHY_MAX];

	if (!value)
		return 0;
	if (!account_find(&confine->account, options->child_user, options->child_group, why))
		return server_fail_endpoint(
		    server, served, EX_CONFIG, "--child-%s=%s: %s", name, value, why);
	confine->has_account = true;
	if (server->options->server.user)
		return server_fail_endpoint(server, served, EX_CONFIG,
		    "--child-%s and --user can't be combined: without its privileges the "
		    "server can't change the %s of programs, which run as --user; leave out "
		    "one of them",
		    name, name);
	if (account_may_change())
		return 0;
	return server_fail_endpoint(server, served, EX_CONFIG,
	    "--child-%s=%s: only a server that runs as root can change the %s of programs "
	    "(CAP_SETUID, CAP_SETGID, CAP_KILL)",
	    name, value, name);
}

static int
confine_allow_paths(const struct server *server, const struct options_served *served,
    int ruleset, const struct options_list *paths, enum landlock_access access)
{
	for (size_t i = 0; i < paths->count; i++) {
		if (!landlock_allow(ruleset, paths->items[i], access))
			return server_fail_endpoint(server, served, EX_CONFIG,
			    "--child-%s=%s: %s", access == LANDLOCK_READ ? "read" : "write",
			    paths->items[i], strerror(errno));
	}
	return 0;
}

/* Allows the program and its interpreter; for a directory, they are added when a program
 * starts. */
static bool
confine_allow_programs(const struct endpoint *endpoint, int ruleset)
{
	switch (endpoint->kind) {
	case ENDPOINT_COMMAND:
		return landlock_allow_program(ruleset, endpoint->program);
	case ENDPOINT_FILES:
	case ENDPOINT_SOCKET:
	case ENDPOINT_DIR:
		break;
	}
	return true;
}

/* Sets the rules for files. Returns 0 or the exit status. */
static int
confine_set_files(const struct server *server, const struct options_served *served,
    const struct options_endpoint *options, struct endpoint *endpoint)
{
	const char *name = options->child_read.count > 0 ? "read" : "write";
	int ruleset, status;

	if (options->child_read.count + options->child_write.count == 0)
		return 0;
	ruleset = landlock_new();
	if (ruleset == -1)
		return server_fail_endpoint(
		    server, served, EX_CONFIG, "--child-%s: %s", name, landlock_why(errno));
	endpoint->confine.ruleset = ruleset;
	if (server->parent == 0 && landlock_gap())
		log_warnx("--child-%s: this kernel %s", name, landlock_gap());
	status =
	    confine_allow_paths(server, served, ruleset, &options->child_read, LANDLOCK_READ);
	if (status == 0)
		status = confine_allow_paths(
		    server, served, ruleset, &options->child_write, LANDLOCK_WRITE);
	if (status == 0 && !confine_allow_programs(endpoint, ruleset))
		status = server_fail_endpoint(server, served, EX_OSERR, "--child-%s: %s: %s",
		    name, endpoint->program, strerror(errno));
	return status;
}

/* Only root may write to /proc files of a process that must not be dumped. */
static int
confine_check_oom_score(const struct server *server, const struct options_served *served,
    const struct options_endpoint *options)
{
	const struct options_server *fixed = &server->options->server;
	const char *other = fixed->user ? "user" : "no-core-dumps";

	if (!options->confine.oom_score.given ||
	    (!fixed->user && (!fixed->no_core_dumps || geteuid() == 0)))
		return 0;
	return server_fail_endpoint(server, served, EX_CONFIG,
	    "--child-oom-score and --%s can't be combined: only root could set the score then; "
	    "leave out one of them",
	    other);
}

int
server_set_confine(const struct server *server, const struct options_served *served,
    const struct options_endpoint *options, struct endpoint *endpoint)
{
	int status;

	endpoint->confine.settings = options->confine;
	endpoint->confine.directory = options->chdir;
	status = confine_check_oom_score(server, served, options);
	if (status == 0)
		status = confine_set_account(server, served, options, &endpoint->confine);
	if (status == 0)
		status = confine_set_files(server, served, options, endpoint);
	return status;
}

/* Reports whether one of VARIABLES has the same name as ENTRY, "NAME=value". */
static bool
confine_replaces(char *const *variables, const char *entry)
{
	for (; *variables; variables++) {
		size_t len = (size_t)(strchr(*variables, '=') - *variables) + 1;

		if (strncmp(*variables, entry, len) == 0)
			return true;
	}
	return false;
}

char **
server_pick_env(const struct options_endpoint *options, const struct endpoint *endpoint)
{
	char *const *own = endpoint->confine.account.variables;
	size_t count = 0, own_count = 0;
	char **from, **picked;

	while (environ[count])
		count++;
	while (own[own_count])
		own_count++;
	from = calloc(count + own_count + 1, sizeof(*from));
	if (!from)
		return NULL;
	memcpy(from, own, own_count * sizeof(*from));
	for (size_t i = 0; i < count; i++) {
		if (!confine_replaces(own, environ[i]))
			from[own_count++] = environ[i];
	}
	picked = env_pass_pick(from, options->passenv.items, options->passenv.count);
	free(from);
	return picked;
}
