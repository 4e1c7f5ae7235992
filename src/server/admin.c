/* SPDX-License-Identifier: BSD-2-Clause */
/* Serves --admin. */
#include "server/admin.h"

#include "net/io_socket.h"
#include "net/linger.h"
#include "server/setup_access.h"
#include "session/session.h"

#include <errno.h>
#include <event2/event.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

enum { ADMIN_SOCKET_MODE = 0660 };

_Static_assert((int)REGISTRY_STATUSES == (int)EXCHANGE_STATUSES,
    "the registry counts each status of a response");
_Static_assert((int)ADMIN_PROCESSES_MAX == (int)OPTIONS_WORKERS_MAX + 1,
    "there are metrics of each worker and the parent");

static int64_t
admin_real_time_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/*
 * Facts
 */

/* Reports whether every worker that accepts connections has as many sessions as its descriptors
 * allow. */
static bool
admin_has_no_room(const struct server *server)
{
	for (size_t i = 0; i < (size_t)server->options->server.workers; i++) {
		const struct server_share *share = &server->page->workers[i];

		if (atomic_load(&share->accepts) &&
		    quota_held(&server->page->quota, i) + atomic_load(&share->sockets) <
			server->budget.programs)
			return false;
	}
	return true;
}

static struct admin_bus
admin_bus(const struct server *server)
{
	struct admin_bus bus = {
	    .used = server->options->server.bus.url.target.kind != CONNECT_NOTHING,
	    .up = true,
	};

	for (size_t i = 0; i < (size_t)server->options->server.workers && bus.used; i++) {
		const struct redis_counts *counts = &server->page->workers[i].bus;

		bus.up = bus.up && atomic_load(&counts->up);
		bus.published += atomic_load(&counts->published);
		bus.received += atomic_load(&counts->received);
		bus.dropped += atomic_load(&counts->dropped);
		bus.missed += atomic_load(&counts->missed);
		bus.fenced += atomic_load(&counts->fenced);
		bus.malformed += atomic_load(&counts->malformed);
		bus.reconnects += atomic_load(&counts->reconnects);
		bus.queued += atomic_load(&counts->queued);
	}
	return bus;
}

/* Reports whether a program's clients can't be served without the bus. */
static bool
admin_needs_bus(const struct server *server)
{
	const struct endpoint *endpoint;

	for (size_t i = 0; (endpoint = endpoints_get(server->route.endpoints, i)); i++) {
		if (endpoint_is_shared(endpoint) &&
		    endpoint->shared_rules.settings.programs == SHARED_ONE)
			return true;
	}
	return false;
}

static const char *
admin_why_unready(const struct server *server)
{
	struct admin_bus bus = admin_bus(server);
	size_t down = 0;
	int faults = 0;

	for (size_t i = 0; i < (size_t)server->options->server.workers; i++) {
		down += atomic_load(&server->page->workers[i].down);
		faults += atomic_load(&server->page->workers[i].bus.faults);
	}
	if (server->stage != SERVER_SERVING)
		return "the server is shutting down";
	if (quota_is_full(&server->page->quota))
		return "--maxforks programs are running";
	if (admin_has_no_room(server))
		return "no descriptors for another session";
	if (bus.used && !bus.up && admin_needs_bus(server))
		return "the bus is unavailable, and --shared-program=one needs it";
	if (faults > 0)
		return "a key on the bus keeps a shared program from running: see the log";
	return down > 0 ? "a shared program is not running" : NULL;
}

static void
admin_add_process(struct admin_facts *out, int worker, pid_t pid, int64_t started_ms)
{
	if (pid != 0)
		out->processes[out->process_count++] =
		    (struct admin_process){pid, worker, started_ms};
}

static void
admin_look(void *arg, struct admin_facts *out)
{
	const struct server *server = arg;
	const struct server_shared *page = server->page;
	bool alone = server->options->server.workers == 1;

	*out = (struct admin_facts){
	    .unready = admin_why_unready(server),
	    .programs_max = page->quota.limit,
	    .bus = admin_bus(server),
	};
	if (!alone)
		admin_add_process(out, 0, server->parent, server->admin.started_ms);
	for (size_t i = 0; i < (size_t)server->options->server.workers; i++) {
		const struct server_share *share = &page->workers[i];

		out->programs += quota_held(&page->quota, i);
		out->connections += atomic_load(&share->connections);
		admin_add_process(out, alone ? 0 : (int)i + 1, atomic_load(&share->pid),
		    atomic_load(&share->started_ms));
	}
}

/*
 * Closing of sessions. The process that gets the request writes to a descriptor that all
 * workers share and nobody reads: each write is an event to edge-triggered polling.
 */

static void
admin_close(void *arg)
{
	const struct server *server = arg;

	(void)eventfd_write(server->admin.wake, 1);
}

static void
admin_on_wake(evutil_socket_t fd, short what, void *arg)
{
	struct server *server = arg;

	(void)fd;
	(void)what;
	session_close_asked(&server->sessions);
}

/*
 * Listening
 */

/* Reads --admin-token, which is required if other machines can connect. Returns 0 or the exit
 * status. */
static int
admin_set_tokens(struct server *server)
{
	const struct options_server *options = &server->options->server;
	const struct listeners *listeners = &server->admin.listeners;
	struct options_served nowhere = {.endpoint = NULL};
	int status = 0;

	if (options->admin_token) {
		server->admin.admin.tokens = setup_read_tokens(
		    server, &nowhere, "admin-token", options->admin_token, &status);
		return status;
	}
	for (size_t i = 0; i < listeners->count && !options->admin.is_unix; i++) {
		struct sockaddr_storage bound;

		listener_address(listeners->items[i], &bound);
		if (!listener_is_loopback(&bound))
			return server_fail(server, EX_CONFIG,
			    "--admin=%s: other machines can connect to this address: add "
			    "--admin-token=FILE, or use 127.0.0.1 or unix:PATH",
			    options->admin.host);
	}
	return 0;
}

static int
admin_listen_failed(const struct server *server, const char *why, int error)
{
	const struct listeners_target *target = &server->options->server.admin;
	const char *advice = error == EADDRINUSE ? "; choose another --admin" : "";

	if (target->is_unix)
		return server_fail(server, error == EADDRINUSE ? EX_UNAVAILABLE : EX_OSERR,
		    "can't listen on --admin=unix:%s: %s%s", target->host, why, advice);
	return server_fail(server, error == EADDRINUSE ? EX_UNAVAILABLE : EX_OSERR,
	    "can't listen on --admin=%s, port %d: %s%s", target->host, target->port, why,
	    advice);
}

/* Listens on PORT or the Unix socket. Returns 0 or the exit status. */
static int
admin_listen(struct server *server, int port)
{
	const struct listeners_target *target = &server->options->server.admin;
	struct listeners *listeners = &server->admin.listeners;
	char *host = (char *)(uintptr_t)target->host;
	struct unix_socket_settings settings = {
	    .path = target->host,
	    .mode = ADMIN_SOCKET_MODE,
	    .uid = (uid_t)-1,
	    .gid = (gid_t)-1,
	};
	struct listeners_error error;

	if (target->is_unix)
		return listeners_add_unix(listeners, &settings)
			   ? 0
			   : admin_listen_failed(server, strerror(errno), errno);
	if (!listeners_open(listeners, &host, 1, port, &error))
		return admin_listen_failed(
		    server, error.resolve ? error.resolve : strerror(error.error), error.error);
	return 0;
}

/* Returns the port to listen on; for port 0, keeps that of the previous server. */
static int
admin_port(const struct listeners_target *target, const struct listeners *inherited)
{
	struct sockaddr_storage bound;

	if (target->port != 0 || target->is_unix || inherited->count == 0)
		return target->port;
	listener_address(inherited->items[0], &bound);
	return listener_port(&bound);
}

int
server_admin_open(struct server *server)
{
	const struct listeners_target *target = &server->options->server.admin;
	const struct listeners *inherited = &server->handover.inherited[HANDOVER_ADMIN];
	int status;

	server->admin.wake = -1;
	server->admin.started_ms = admin_real_time_ms();
	if (target->host[0] == '\0')
		return 0;
	server->admin.listeners.old = inherited;
	status = admin_listen(server, admin_port(target, inherited));
	server->admin.listeners.old = NULL;
	if (status == 0)
		status = admin_set_tokens(server);
	if (status != 0)
		return status;
	server->admin.wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (server->admin.wake == -1)
		return server_fail(
		    server, EX_OSERR, "can't create an eventfd: %s", strerror(errno));
	if (!registry_open(&server->registry, (size_t)server->options->server.workers))
		return server_fail(server, EX_OSERR, "out of memory");
	return 0;
}

int
server_admin_check(struct server *server)
{
	const struct listeners_target *target = &server->options->server.admin;
	int status = 0;

	server->admin.wake = -1;
	if (target->host[0] == '\0')
		return 0;
	if (!target->is_unix)
		status = admin_listen(server, 0);
	return status == 0 ? admin_set_tokens(server) : status;
}

int
server_admin_reload(struct server *server)
{
	return server->options->server.admin.host[0] != '\0' ? admin_set_tokens(server) : 0;
}

/*
 * Serving
 */

static void
admin_on_accept(void *arg, int fd, const struct sockaddr_storage *peer)
{
	struct server *server = arg;
	struct transport transport = {.ops = &transport_socket, .fd = fd};
	struct limit_slot *slot = limit_enter(server->admin.limit, peer);
	struct stream *stream;

	if (!slot) {
		close(fd);
		return;
	}
	stream = io_socket_new_take(server->loop, transport, slot, peer, NULL, NULL);
	if (!stream || !connection_open_take(server->loop, &server->admin.connections, stream,
			   admin_serve, &server->admin.admin))
		log_errorx("out of memory for a connection to --admin");
}

bool
server_admin_start(struct server *server)
{
	struct server_admin *admin = &server->admin;
	struct server_share *share = &server->page->workers[server->worker];
	struct limit_settings settings = {
	    .connections = SERVER_ADMIN_CONNECTIONS, .programs = 1};

	server->registry.worker = server->worker;
	server->connections.handshakes = registry_handshakes(&server->registry);
	atomic_store(&share->started_ms, admin_real_time_ms());
	atomic_store(&share->pid, getpid());
	if (!server->registry.shared)
		return true;
	admin->admin = (struct admin){
	    .registry = &server->registry,
	    .is_unix = server->options->server.admin.is_unix,
	    .tokens = admin->admin.tokens,
	    .look = admin_look,
	    .close = admin_close,
	    .arg = server,
	};
	admin->connections.count = &admin->connection_count;
	admin->connections.head_ms = SERVER_ADMIN_HEAD_MS;
	admin->limit = limit_new(&settings);
	admin->wake_event = event_new(server->loop->base, admin->wake,
	    EV_READ | EV_PERSIST | EV_ET, admin_on_wake, server);
	return admin->limit && admin->wake_event && event_add(admin->wake_event, NULL) == 0 &&
	       listeners_start(&admin->listeners, server->loop, SERVER_ADMIN_CONNECTIONS,
		   admin_on_accept, NULL, server);
}

void
server_admin_lost(struct server *server, size_t worker)
{
	atomic_store(&server->page->workers[worker].pid, 0);
	atomic_store(&server->page->workers[worker].down, 0);
	registry_lost(&server->registry, worker);
}

void
server_admin_clear(struct server *server)
{
	struct server_admin *admin = &server->admin;

	listeners_close(&admin->listeners);
	if (server->loop) {
		connection_abort_all(&admin->connections);
		linger_abort_all(server->loop);
	}
	limit_free(admin->limit);
	if (admin->wake_event)
		event_free(admin->wake_event);
	if (admin->wake > 0)
		close(admin->wake);
	tokens_unref(admin->admin.tokens);
	registry_close(&server->registry);
}
