/* SPDX-License-Identifier: BSD-2-Clause */
/* The system's limit on open files. */
#include "server/limits.h"

#include "base/util.h"
#include "options/served.h"
#include "server/admin.h"
#include "server/setup.h"
#include "server/setup_access.h"

#include <sys/resource.h>

enum {
	LIMITS_LOOP_FDS = 4, /* opened by an event loop */
	LIMITS_HASHER_FDS = 4, /* two pipes */
	LIMITS_REDIS_FDS = 2, /* one for commands, one for subscriptions */
	/* Two pipes, and the descriptors of each thread. */
	LIMITS_LOOKUP_FDS = 4 + 2 * LOOKUP_THREADS,
};

/* Reports whether a connection may send a file. */
static bool
limits_have_files(const struct options *options)
{
	for (size_t i = 0; i < options_served_count(options); i++) {
		if (options_served(options, i).endpoint->staticdir)
			return true;
	}
	return false;
}

/* Returns the descriptors of the bus: at most one socket per shared endpoint to each other
 * worker, and the one they connect to; and the connections to Redis. */
static size_t
limits_bus(const struct server *server)
{
	bool redis = server->options->server.bus.url.target.kind != CONNECT_NOTHING;
	size_t shared = 0, streams = 0, used = redis ? LIMITS_REDIS_FDS : 0;

	for (size_t i = 0; i < options_served_count(server->options); i++) {
		const struct shared_settings *s =
		    &options_served(server->options, i).endpoint->shared;

		shared += s->mode != SHARED_OFF;
		streams += redis && s->mode != SHARED_OFF && s->members.history > 0;
	}
	if (server_shares_between_workers(server))
		used += 1 + shared * (size_t)(server->options->server.workers - 1);
	return used + streams;
}

void
server_lift_limit(const struct server *server)
{
	struct rlimit limit = server->inherited.nofile;

	limit.rlim_cur = limit.rlim_max;
	setrlimit(RLIMIT_NOFILE, &limit);
}

int
server_divide_limit(struct server *server)
{
	size_t workers = (size_t)server->options->server.workers;
	struct rlimit limit;
	size_t used, sessions, others;

	getrlimit(RLIMIT_NOFILE, &limit);
	used = server_budget_used(limit.rlim_cur) + LIMITS_LOOP_FDS;
	/* A reload may add a host name. */
	if (server_needs_lookup(server) || server->options->config)
		used += LIMITS_LOOKUP_FDS;
	if (server_needs_hasher(server) || server->options->config)
		used += LIMITS_HASHER_FDS;
	used += limits_bus(server);
	if (server->registry.shared)
		used += SERVER_ADMIN_FDS;
	server->budget =
	    server_budget_of(limit.rlim_cur, used, limits_have_files(server->options));
	if (limit.rlim_cur == RLIM_INFINITY)
		return 0;
	if (!server_budget_suffices(limit.rlim_cur, used))
		return server_fail(server, EX_OSERR,
		    "the limit of %llu open files is too low for a single session; ulimit -n "
		    "raises it",
		    (unsigned long long)limit.rlim_cur);
	sessions = server->budget.programs * workers;
	others = server->budget.others * workers;
	if (server->page->quota.limit == 0 || sessions < server->page->quota.limit)
		log_info("the limit of %llu open files%s allows %zu session%s and %zu other "
			 "connection%s; ulimit -n raises it",
		    (unsigned long long)limit.rlim_cur, workers > 1 ? " of each worker" : "",
		    sessions, util_plural(sessions), others, util_plural(others));
	return 0;
}
