/* SPDX-License-Identifier: BSD-2-Clause */
/* The life of the process, from the options to its exit status. */
#include "server/run.h"

#include "base/util.h"
#include "bus/local.h"
#include "server/accept.h"
#include "server/admin.h"
#include "server/announce.h"
#include "server/limits.h"
#include "server/listen.h"
#include "server/orphans.h"
#include "server/privileges.h"
#include "server/relays.h"
#include "server/reload.h"
#include "server/reload_orders.h"
#include "server/setup.h"
#include "server/setup_access.h"
#include "server/signals.h"
#include "server/workers.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static void
run_clear(struct server *server)
{
	server_close_listeners(server);
	server_accept_clear(server);
	server_relays_clear(server);
	streams_clear(&server->streams);
	hasher_free(server->route.admit.hasher);
	server_signals_clear(server);
	server_reload_unfollow(server);
	server_reload_clear(server);
	server_orphans_clear(server);
	server_admin_clear(server);
	timer_stop(&server->tick);
	timer_stop(&server->watchdog);
	timer_stop(&server->handover_timer);
	handover_clear(&server->handover);
	notify_clear(&server->notify);
	if (server->children && children_count(server->children) == 0)
		children_free(server->children);
	endpoints_free(server->route.endpoints);
	redis_bus_free(server->redis);
	local_free(server->bus);
	loop_free(server->loop);
	limit_free(server->limit);
	tls_release(server->tls);
	if (server->bus_file != -1)
		close(server->bus_file);
	if (server->page)
		munmap(server->page, sizeof(*server->page));
	cidr_list_clear(&server->connections.clients.trusted);
	tally_free(server->tally);
	account_clear(&server->account);
}

/* Creates the objects that each serving process has for itself. */
static int
run_start(struct server *server)
{
	struct children_settings settings = {
	    .inherited = &server->inherited,
	    .extra_wait_ms = server->options->server.closems,
	    .quota = &server->page->quota,
	    .holder = server->worker,
	    .programs = &server->page->programs,
	};

	server->loop = loop_new();
	if (server->loop)
		server->children = children_new(server->loop, &settings);
	if (!server->loop || !server->children)
		return server_fail(
		    server, EX_OSERR, "can't create an event loop: %s", strerror(errno));
	timer_init(&server->tick, &server->loop->timers, server_on_tick, server);
	server->connections.head_ms = server->options->listener.handshake_ms;
	server->connections.count = &server->page->workers[server->worker].connections;
	server->route.openings.launcher.loop = server->loop;
	server->route.openings.launcher.children = server->children;
	server->affinity = (struct affinity){.worker = server->worker,
	    .workers = (size_t)server->options->server.workers,
	    .relay = server_relay,
	    .arg = server};
	server->sockets.loop = server->loop;
	server->sockets.extra_wait_ms = server->options->server.closems;
	server->sockets.count = &server->page->workers[server->worker].sockets;
	server->pools.children = server->children;
	server->pools.may_start = launcher_has_slot;
	server->pools.arg = &server->route.openings.launcher;
	server->pools.parked = &server->page->workers[server->worker].parked;
	server->pools.pressure =
	    server->options->server.workers > 1 ? &server->page->pressure : NULL;
	pools_init(&server->pools);
	server->route.openings.launcher.pools = &server->pools;
	server->route.openings.launcher.sockets = &server->sockets;
	server->route.openings.launcher.listeners = &server->listeners;
	server->route.openings.launcher.shared = &server->shared;
	server->route.openings.launcher.members =
	    &server->page->workers[server->worker].members;
	server->route.openings.launcher.down = &server->page->workers[server->worker].down;
	if (!server_start_lookup(server) || !server_start_hasher(server))
		return server_fail(
		    server, EX_OSERR, "can't start threads: %s", strerror(errno));
	if (!server_start_bus(server))
		return server_fail(
		    server, EX_OSERR, "can't create the bus: %s", strerror(errno));
	if ((server_adopts() && !server_orphans_start(server)) ||
	    (server->parent != 0 &&
		(!server_reload_follow(server) || !server_relays_start(server))) ||
	    !server_signals_install(server))
		return server_fail(
		    server, EX_OSERR, "can't install signal handlers: %s", strerror(errno));
	return 0;
}

/* Timer callback: the event loop is running. */
static void
run_on_watchdog(void *arg)
{
	struct server *server = arg;
	int64_t now = util_clock_ms();

	atomic_store(&server->page->workers[server->worker].alive_ms, now);
	if (server->parent == 0)
		notify_watchdog(&server->notify);
	timer_at(&server->watchdog, now + server->notify.watchdog_ms / 2);
}

/* Starts the watchdog timer, if the service manager wants it. */
static void
run_watch(struct server *server)
{
	timer_init(&server->watchdog, &server->loop->timers, run_on_watchdog, server);
	if (server->notify.watchdog_ms > 0)
		run_on_watchdog(server);
}

/* Serves until the server is stopped. The parent logs the start and the end of a worker. */
static int
run_serve(struct server *server)
{
	int status = run_start(server);
	size_t left;

	if (status == 0 && !(server_admin_start(server) && server_accept(server)))
		status = server_fail(server, EX_OSERR, "out of memory");
	if (status != 0)
		return status;
	server_start_pools(server);
	if (server->parent == 0)
		server_announce(server);
	if (!setup_start_shared(server))
		return server_fail(server, EX_OSERR, "out of memory");
	/* Deliver signals that arrived since the fork. */
	server_signals_unblock();
	if (server->parent == 0)
		server_report_ready(server);
	run_watch(server);
	if (!loop_run(server->loop))
		return server_fail(
		    server, EX_OSERR, "the event loop failed: %s", strerror(errno));
	left = children_count(server->children);
	if (left > 0)
		log_errorx("%zu program%s left running", left, left == 1 ? " is" : "s are");
	if (server->parent == 0)
		log_info("stopped");
	/* Their sessions have not ended, so what they refer to can't be freed. */
	if (left > 0)
		exit(SERVER_LEFT_BEHIND);
	return children_left_behind(server->children) ? SERVER_LEFT_BEHIND : 0;
}

int
server_run(const struct options *options)
{
	struct server server = {
	    .options = options,
	    .notify.fd = -1,
	    .bus_file = -1,
	};
	struct activation_error activation_error;
	bool activated, inherited, serves = true;
	int inherited_error;
	int status;

	list_init(&server.connections.list);
	list_init(&server.admin.connections.list);
	list_init(&server.sessions);
	list_init(&server.scripts);
	list_init(&server.openings);
	streams_init(&server.streams, &server.affinity);
	list_init(&server.relays.list);
	mcp_init(&server.mcp, &server.route.openings, &server.affinity);
	list_init(&server.waiting);
	hooks_init(&server.hooks);
	list_init(&server.shared);
	list_init(&server.sockets.list);
	list_init(&server.pools.list);
	list_init(&server.accepted);
	activated = activation_take(&server.activation, &activation_error);
	handover_take(&server.handover, &server.activation);
	inherited = spawn_inherited_init(&server.inherited);
	inherited_error = errno;
	log_setup(options->server.log_format == LOG_COMPAT ? STDOUT_FILENO : STDERR_FILENO,
	    options->server.log_format, options->server.loglevel);
	server_lift_limit(&server);
	server_signals_settle(&server);
	if (inherited && options->server.check_config)
		status = server_check(&server);
	else if (inherited)
		status = server_open_log(&server);
	else
		status = server_fail(&server, EX_OSERR, "can't reserve file descriptors: %s",
		    strerror(inherited_error));
	if (options->server.check_config) {
		run_clear(&server);
		return status;
	}
	notify_init(&server.notify);
	if (status == 0 && !activated)
		status = server_fail(&server, EX_CONFIG,
		    "descriptor %d, passed by the service manager, is %s", activation_error.fd,
		    activation_error.text);
	if (status == 0)
		status = server_find_account(&server);
	if (status == 0)
		status = server_listen_at_start(&server);
	if (status == 0)
		status = server_admin_open(&server);
	if (status == 0)
		status = server_set_up(&server);
	if (status == 0)
		status = server_drop_privileges(&server);
	if (status == 0)
		status = server_divide_limit(&server);
	if (status == 0 && options->server.workers > 1)
		status = server_work(&server, &serves);
	if (status == 0 && serves)
		status = run_serve(&server);
	run_clear(&server);
	return status;
}
