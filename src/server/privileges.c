/* SPDX-License-Identifier: BSD-2-Clause */
/* The user that the server runs as. */
#include "server/privileges.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Programs inherit HOME and the like, so root's values would be wrong. */
static bool
privileges_set_environment(const struct account *account)
{
	for (char *const *variable = account->variables; *variable; variable++) {
		const char *equals = strchr(*variable, '=');
		char name[16];

		snprintf(name, sizeof(name), "%.*s", (int)(equals - *variable), *variable);
		if (setenv(name, equals + 1, 1) == -1)
			return false;
	}
	return true;
}

int
server_find_account(struct server *server)
{
	const struct options_server *options = &server->options->server;
	char why[ACCOUNT_WHY_MAX];

	if (!options->user)
		return 0;
	if (!account_find(&server->account, options->user, options->group, why))
		return server_fail(server, EX_CONFIG, "--user=%s: %s", options->user, why);
	server->has_account = true;
	if (!account_may_change() && !account_is_ours(&server->account))
		return server_fail(server, EX_CONFIG,
		    "--user=%s: only a server that is started as root can change its user "
		    "(CAP_SETUID, CAP_SETGID, CAP_KILL)",
		    options->user);
	if (!privileges_set_environment(&server->account))
		return server_fail(server, EX_OSERR, "out of memory");
	return 0;
}

int
server_drop_privileges(struct server *server)
{
	if (!server->has_account || account_is_ours(&server->account))
		return 0;
	log_give(server->options->server.log_file, server->account.uid, server->account.gid);
	if (account_become(&server->account))
		return 0;
	return server_fail(server, EX_OSERR,
	    "--user=%s: can't drop all privileges: %s; nothing is served",
	    server->options->server.user, strerror(errno));
}
