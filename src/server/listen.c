/* SPDX-License-Identifier: BSD-2-Clause */
/* Where the server listens, and how many connections it has room for. */
#include "base/util.h"
#include "http/connection.h"
#include "net/io.h"
#include "net/tls_stream.h"
#include "server/inner.h"

#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sysexits.h>
#include <unistd.h>

enum {
	SERVER_UNEVEN = 16, /* one in so many connections may be where it should not */
	SERVER_BATCH_MAX = 32, /* connections that are accepted at once */
	SERVER_LOOP_FDS = 4, /* descriptors of a loop, which the parent of workers has not */
};

static void
server_on_accept(void *arg, int fd, const struct sockaddr_storage *peer)
{
	struct server *server = arg;
	struct transport transport = {.fd = fd};
	struct limit_slot *slot = limit_enter(server->limit, peer);
	struct stream *stream = NULL;

	if (!slot) {
		close(fd);
		return;
	}
	if (!server->tls)
		transport = transport_accepted(fd, slot);
	if (!server->tls || tls_stream_open(server->tls, fd, slot, &transport))
		stream = io_new_take(server->loop, transport, peer, NULL, NULL);
	if (!stream || !connection_open_take(server->loop, &server->connections, stream,
			   route_serve, &server->route))
		log_errorx("out of memory for a connection");
}

/* How many connections a worker has, with those whose program runs. */
static size_t
server_load(const struct server *server, size_t worker)
{
	return atomic_load(&server->page->workers[worker].connections) +
	       quota_held(&server->page->quota, worker);
}

/*
 * How many connections this worker has more than the one that has the fewest. With many
 * connections a few more or less are no reason to wait for one another.
 */
static int64_t
server_ahead(void *arg)
{
	struct server *server = arg;
	size_t own = server_load(server, server->worker);
	size_t least = own;

	for (size_t i = 0; i < (size_t)server->options->server.workers; i++) {
		size_t other = server_load(server, i);

		if (other < least && atomic_load(&server->page->workers[i].accepts))
			least = other;
	}
	return (int64_t)own - (int64_t)(least + least / SERVER_UNEVEN);
}

/* How many connections may be accepted at once: half of those that can always be pending, so
 * that each has its turn before it could be closed for another one. */
static size_t
server_batch(const struct server *server)
{
	size_t batch = server->budget.others * (100 - LIMIT_RESPONSES_SHARE) / 100 / 2;

	if (batch > SERVER_BATCH_MAX)
		return SERVER_BATCH_MAX;
	return batch > 0 ? batch : 1;
}

bool
server_accept(struct server *server)
{
	atomic_store(&server->page->workers[server->worker].accepts, true);
	return listeners_start(&server->listeners, server->loop, server_batch(server),
	    server_on_accept, server->options->server.workers > 1 ? server_ahead : NULL,
	    server);
}

void
server_stop_listening(struct server *server)
{
	atomic_store(&server->page->workers[server->worker].accepts, false);
	listeners_close(&server->listeners);
}

/* Whether only this machine can connect. */
static void
server_note_loopback(struct server *server)
{
	bool local = true;

	for (size_t i = 0; i < server->listeners.count; i++) {
		struct sockaddr_storage bound;

		listener_address(server->listeners.items[i], &bound);
		local = local && listener_is_loopback(&bound);
	}
	server->endpoint.local_only = local;
	server->endpoint.origin.local_only = local;
}

/* What to do when the system rejects an address. */
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

/* As websocketd, which prints the error of Go's net package. */
static int
server_listen_failed_compat(const struct server *server, const struct listeners_error *error)
{
	const struct options_list *addresses = &server->options->listener.address;
	const char *address = error->address;
	bool six = strchr(error->address, ':') != NULL;
	char why[128];

	if (error->resolve)
		return server_fail(server, 0, "listen tcp: lookup %s: no such host", address);
	/* "*" is two addresses to us, and none to websocketd. */
	for (size_t i = 0; i < addresses->count; i++) {
		if (strcmp(addresses->items[i], "*") == 0 &&
		    (strcmp(address, "0.0.0.0") == 0 || strcmp(address, "::") == 0)) {
			address = "";
			six = false;
		}
	}
	snprintf(why, sizeof(why), "%s", strerror(error->error));
	why[0] = util_lower(why[0]);
	return server_fail(server, 0, "listen tcp %s%s%s:%d: bind: %s", six ? "[" : "", address,
	    six ? "]" : "", (int)server->options->listener.port, why);
}

static int
server_listen_failed(const struct server *server, const struct listeners_error *error)
{
	bool six;

	if (!error->address)
		return server_fail(
		    server, EX_CONFIG, "can't listen on more than %d addresses", LISTENERS_MAX);
	if (server->options->server.compat)
		return server_listen_failed_compat(server, error);
	if (error->resolve)
		return server_fail(
		    server, EX_CONFIG, "--address=%s: %s", error->address, error->resolve);
	six = strchr(error->address, ':') != NULL;
	return server_fail(server, error->error == EADDRINUSE ? EX_UNAVAILABLE : EX_OSERR,
	    "can't listen on %s%s%s:%d: %s%s", six ? "[" : "", error->address, six ? "]" : "",
	    (int)server->options->listener.port, strerror(error->error),
	    server_listen_advice(server, error->error));
}

/* The user that NAME is, by name or number. */
static bool
server_find_user(const char *name, uid_t *uid, gid_t *gid)
{
	const struct passwd *user = getpwnam(name);
	int64_t number;

	if (user) {
		*uid = user->pw_uid;
		*gid = user->pw_gid;
		return true;
	}
	if (util_parse_number(span_of(name), 0, UINT32_MAX - 1, &number))
		return false;
	*uid = (uid_t)number;
	return true;
}

static bool
server_find_group(const char *name, gid_t *gid)
{
	const struct group *group = getgrnam(name);
	int64_t number;

	if (!group && util_parse_number(span_of(name), 0, UINT32_MAX - 1, &number))
		return false;
	*gid = group ? group->gr_gid : (gid_t)number;
	return true;
}

/* USER, USER:GROUP or :GROUP, as of chown(1); with USER alone the group is not changed. 0, or
 * the exit status. */
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
	if ((*user || !group) && !server_find_user(user, &settings->uid, &ignored))
		status = server_fail(server, EX_CONFIG,
		    "--unixsocket-owner=%s: there is no user '%s'", text, user);
	else if (group && !server_find_group(group, &settings->gid))
		status = server_fail(server, EX_CONFIG,
		    "--unixsocket-owner=%s: there is no group '%s'", text, group);
	free(user);
	return status;
}

static int
server_listen_unix_failed(const struct server *server, const char *path, int error)
{
	char why[128];

	if (server->options->server.compat && error == EADDRINUSE)
		return server_fail(server, 0, "unix socket %s is already in use", path);
	if (server->options->server.compat) {
		snprintf(
		    why, sizeof(why), "%s", strerror(error == EEXIST ? EADDRINUSE : error));
		why[0] = util_lower(why[0]);
		return server_fail(server, 0, "listen unix %s: bind: %s", path, why);
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
		    "can't listen on %s: the path of a Unix socket has at most 107 bytes",
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

int
server_listen(struct server *server)
{
	const struct options_listener *options = &server->options->listener;
	struct listeners_error error;
	int status = 0;

	if (options->tcp && !listeners_open(&server->listeners, options->address.items,
				options->address.count, (int)options->port, &error))
		return server_listen_failed(server, &error);
	if (options->unixsocket)
		status = server_listen_unix(server);
	if (status != 0)
		return status;
	server_note_loopback(server);
	return 0;
}

int
server_check_limits(struct server *server)
{
	struct rlimit limit = server->inherited.nofile;

	if (limit.rlim_max == RLIM_INFINITY ||
	    server_budget_suffices(
		limit.rlim_max, server_budget_used(limit.rlim_max) + SERVER_LOOP_FDS))
		return 0;
	return server_fail(server, EX_OSERR,
	    "the limit of %llu open files is too low for a single session; ulimit -n raises it",
	    (unsigned long long)limit.rlim_max);
}

/* What each process that serves has for itself. */
static int
server_set_limit(struct server *server)
{
	struct limit_settings settings = {
	    .connections = server->budget.others,
	    .programs = server->budget.programs,
	    .per_address = (size_t)server->options->server.max_per_ip,
	    .tally = server->tally,
	    .worker = server->worker,
	};

	server->limit = limit_new(&settings);
	server->route.upgrade.launcher.limit = server->limit;
	return server->limit ? 0 : server_fail(server, EX_OSERR, "out of memory");
}

int
server_raise_limits(struct server *server)
{
	size_t workers = (size_t)server->options->server.workers;
	bool is_parent = server->parent == 0 && workers > 1;
	struct rlimit limit = server->inherited.nofile;
	size_t sessions, others;
	int status = 0;

	limit.rlim_cur = limit.rlim_max;
	setrlimit(RLIMIT_NOFILE, &limit);
	getrlimit(RLIMIT_NOFILE, &limit);
	server->budget = server_budget_of(limit.rlim_cur,
	    server_budget_used(limit.rlim_cur) + (is_parent ? SERVER_LOOP_FDS : 0),
	    server->options->endpoint.staticdir);
	if (!is_parent)
		status = server_set_limit(server);
	/* A worker's parent has reported it. */
	if (status != 0 || server->parent != 0 || limit.rlim_cur == RLIM_INFINITY)
		return status;
	sessions = server->budget.programs * workers;
	others = server->budget.others * workers;
	if (server->page->quota.limit == 0 || sessions < server->page->quota.limit)
		log_info("the limit of %llu open files%s allows %zu session%s and %zu other "
			 "connection%s; ulimit -n raises it",
		    (unsigned long long)limit.rlim_cur, is_parent ? " of each worker" : "",
		    sessions, util_plural(sessions), others, util_plural(others));
	return 0;
}
