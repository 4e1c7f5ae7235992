/* SPDX-License-Identifier: BSD-2-Clause */
/* Listens on all addresses. */
#include "server/listen.h"

#include "base/util.h"
#include "options/compat.h"
#include "options/served.h"
#include "process/account.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

/* Reports whether only clients on this machine can connect. */
static bool
server_find_local(const struct server *server)
{
	bool local = true;

	for (size_t i = 0; i < server->listeners.count; i++) {
		struct sockaddr_storage bound;

		listener_address(server->listeners.items[i], &bound);
		local = local && (bound.ss_family == AF_UNIX || listener_is_loopback(&bound));
	}
	return local;
}

bool
server_has_unix_socket(const struct server *server)
{
	bool found = false;

	for (size_t i = 0; i < server->listeners.count; i++) {
		struct sockaddr_storage bound;

		listener_address(server->listeners.items[i], &bound);
		found = found || bound.ss_family == AF_UNIX;
	}
	return found;
}

/* Returns the advice for an address that the system rejects. */
static const char *
server_listen_advice(const struct server *server, int error)
{
	switch (error) {
	case EADDRINUSE:
		return server->options->listener.address.count > 1
			   ? "; another program is listening there, or one --address includes "
			     "another: remove it, or choose another --port (0 picks a free one)"
			   : "; another program is listening there: choose another --port (0 "
			     "picks a free one)";
	case EACCES:
		return "; ports below 1024 need CAP_NET_BIND_SERVICE: choose another --port";
	case EADDRNOTAVAIL:
		return "; this machine has no such address: choose another --address";
	default:
		return "";
	}
}

static int
server_listen_failed(const struct server *server, const struct listeners_error *error, int port)
{
	char compat[COMPAT_TEXT_MAX];
	bool six;

	if (!error->address)
		return server_fail(server, EX_CONFIG,
		    "can't listen on more than %d addresses; give fewer of --address",
		    LISTENERS_MAX);
	if (server->options->server.compat) {
		compat_tcp_error(compat, &server->options->listener, error, port);
		return server_fail(server, COMPAT_NO_START, "%s", compat);
	}
	if (error->resolve)
		return server_fail(server, EX_CONFIG,
		    "--address=%s: %s; give an address or a host name of this machine",
		    error->address, error->resolve);
	six = strchr(error->address, ':') != NULL;
	return server_fail(server, error->error == EADDRINUSE ? EX_UNAVAILABLE : EX_OSERR,
	    "can't listen on %s%s%s:%d: %s%s", six ? "[" : "", error->address, six ? "]" : "",
	    port, strerror(error->error), server_listen_advice(server, error->error));
}

/* Parses USER, USER:GROUP or :GROUP, as in chown(1); USER alone leaves the group unchanged.
 * Returns 0 or the exit status. */
static int
server_find_owner(const struct server *server, struct unix_socket_settings *settings)
{
	const char *text = server->options->listener.unixsocket_owner;
	char *user = strdup(text);
	char *group = user ? strchr(user, ':') : NULL;
	gid_t ignored;
	int status = 0;

	if (!user)
		return server_fail(server, EX_OSERR, "out of memory");
	if (group)
		*group++ = '\0';
	if ((*user || !group) && !account_find_user(user, &settings->uid, &ignored))
		status = server_fail(
		    server, EX_CONFIG, "--unixsocket-owner=%s: unknown user '%s'", text, user);
	else if (group && !account_find_group(group, &settings->gid))
		status = server_fail(server, EX_CONFIG,
		    "--unixsocket-owner=%s: unknown group '%s'", text, group);
	free(user);
	return status;
}

static int
server_listen_unix_failed(const struct server *server, const char *path, int error)
{
	char compat[COMPAT_TEXT_MAX];

	if (server->options->server.compat) {
		compat_unix_error(compat, path, error);
		return server_fail(server, COMPAT_NO_START, "%s", compat);
	}
	switch (error) {
	case EADDRINUSE:
		return server_fail(server, EX_UNAVAILABLE,
		    "can't listen on %s: the socket is already in use; stop the other server, "
		    "or choose another --unixsocket",
		    path);
	case EEXIST:
		return server_fail(server, EX_CONFIG,
		    "can't listen on %s: the file exists and is not a socket; choose another "
		    "--unixsocket",
		    path);
	case ENAMETOOLONG:
		return server_fail(server, EX_CONFIG,
		    "can't listen on %s: the path of a Unix socket can have at most "
		    "107 bytes; choose a shorter --unixsocket",
		    path);
	case ENOENT:
	case ENOTDIR:
		return server_fail(server, EX_CONFIG,
		    "can't listen on %s: its directory does not exist; create it, or choose "
		    "another --unixsocket",
		    path);
	case EACCES:
		return server_fail(server, EX_OSERR,
		    "can't listen on %s: Permission denied; choose another --unixsocket, in a "
		    "directory that this user can write to",
		    path);
	default:
		return server_fail(
		    server, EX_OSERR, "can't listen on %s: %s", path, strerror(error));
	}
}

static int
server_listen_unix(struct server *server)
{
	const struct options_listener *options = &server->options->listener;
	struct unix_socket_settings settings = {
	    .path = options->unixsocket,
	    .mode = (mode_t)options->unixsocket_mode,
	    .uid = (uid_t)-1,
	    .gid = (gid_t)-1,
	    .keep = server->options->server.compat,
	};
	int status = options->unixsocket_owner ? server_find_owner(server, &settings) : 0;

	if (status == 0 && !listeners_add_unix(&server->listeners, &settings))
		status = server_listen_unix_failed(server, settings.path, errno);
	return status;
}

/* Listens on PORT of all addresses. Returns 0 or the exit status. */
static int
server_listen_tcp(struct server *server, struct listeners *listeners, int64_t port)
{
	const struct options_list *addresses = &server->options->listener.address;
	struct listeners_error error;

	if (listeners_open(listeners, addresses->items, addresses->count, (int)port, &error))
		return 0;
	return server_listen_failed(server, &error, (int)port);
}

void
server_set_listening(struct server *server)
{
	server->is_local = server_find_local(server);
	server->redirect = (struct redirect){
	    .route = &server->route,
	    .secure = server->options->listener.ssl,
	    .port = server_port(server),
	};
}

/* Reuses the sockets inherited from the previous server, as a reload does with its own. */
static void
server_reuse_inherited(struct server *server)
{
	struct listeners *inherited = &server->handover.inherited[HANDOVER_CLIENTS];

	server->listeners.old = server->redirect_listeners.old = inherited;
	/* The sockets of --redirport come first. */
	for (size_t i = 0; i < inherited->count; i++) {
		struct sockaddr_storage bound;

		listener_address(inherited->items[i], &bound);
		if (bound.ss_family != AF_UNIX)
			server->kept_port = listener_port(&bound);
	}
}

static bool
names_unix(const struct options_list *list)
{
	bool found = false;

	for (size_t i = 0; i < list->count; i++)
		found = found || strcmp(list->items[i], "unix") == 0;
	return found;
}

/* Checks that the Unix socket of 'unix' is listened on; a service manager may have opened it.
 * Returns 0 or the exit status. */
static int
server_check_unix(const struct server *server)
{
	const struct options *options = server->options;

	if (server_has_unix_socket(server))
		return 0;
	if (names_unix(&options->listener.trusted_proxy))
		return server_fail(server, EX_CONFIG,
		    "--trusted-proxy=unix needs --unixsocket=PATH: add it, or leave out "
		    "'unix'");
	for (size_t i = 0; i < options_served_count(options); i++) {
		struct options_served served = options_served(options, i);

		if (names_unix(&served.endpoint->deny))
			return server_fail_endpoint(server, &served, EX_CONFIG,
			    "--deny=unix needs --unixsocket=PATH: add it, or leave out "
			    "'unix'");
	}
	return 0;
}

int
server_listen_at_start(struct server *server)
{
	int status;

	if (server->handover.inherited[HANDOVER_CLIENTS].count > 0)
		server_reuse_inherited(server);
	status = server_listen(server);
	server->listeners.old = server->redirect_listeners.old = NULL;
	server->kept_port = 0;
	return status;
}

int
server_listen(struct server *server)
{
	const struct options_listener *options = &server->options->listener;
	int status = 0;

	if (server->activation.count > 0) {
		if (!activation_listen(
			&server->activation, &server->listeners, &server->redirect_listeners))
			return server_fail(server, EX_OSERR,
			    "can't listen on the sockets of the service manager: %s",
			    strerror(errno));
		server_set_listening(server);
		return server_check_unix(server);
	}
	if (options->tcp)
		status = server_listen_tcp(server, &server->listeners,
		    options->port != 0 ? options->port : server->kept_port);
	if (status == 0 && options->redirport != 0)
		status =
		    server_listen_tcp(server, &server->redirect_listeners, options->redirport);
	if (status == 0 && options->unixsocket)
		status = server_listen_unix(server);
	if (status == 0)
		server_set_listening(server);
	return status == 0 ? server_check_unix(server) : status;
}

int
server_listen_to_check(struct server *server)
{
	const struct options_listener *options = &server->options->listener;
	struct unix_socket_settings ignored;
	int status = 0;

	/* The addresses must exist. The ports may be in use by the server to be reloaded. */
	if (options->tcp)
		status = server_listen_tcp(server, &server->listeners, 0);
	if (options->unixsocket_owner && server_find_owner(server, &ignored) != 0)
		status = EX_CONFIG;
	server->is_local = server_find_local(server);
	if (!options->unixsocket && names_unix(&options->trusted_proxy))
		log_warnx("--trusted-proxy=unix needs --unixsocket=PATH, unless the service "
			  "manager passes a Unix socket");
	return status;
}
