/* SPDX-License-Identifier: BSD-2-Clause */
/* Builds the state of the server from the options. */
#include "server/setup.h"

#include "base/util.h"
#include "bus/local.h"
#include "options/config_load.h"
#include "options/place.h"
#include "serve/share.h"
#include "server/admin.h"
#include "server/listen.h"
#include "server/privileges.h"
#include "server/setup_endpoint.h"

#include <errno.h>
#include <libgen.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sysexits.h>
#include <unistd.h>

/* Sets the trusted proxies and their header fields. Returns false if memory runs out. */
static bool
server_set_clients(struct server *server)
{
	const struct options_listener *options = &server->options->listener;
	struct client_rules *rules = &server->connections.clients;

	*rules = (struct client_rules){.fields = CLIENT_X_FORWARDED};
	if (options->trusted_header != 0)
		rules->fields = (enum client_fields)(options->trusted_header - 1);
	for (size_t i = 0; i < options->trusted_proxy.count; i++) {
		if (!cidr_list_add(&rules->trusted, span_of(options->trusted_proxy.items[i])))
			return false;
	}
	return true;
}

int
server_set_endpoints(struct server *server)
{
	const struct options *options = server->options;
	size_t count = options_served_count(options), made = 0;
	bool has_files = false;
	struct setup_files files = {0};
	struct endpoint **items = calloc(count + 1, sizeof(struct endpoint *));
	int status = 0;

	if (!items)
		return server_fail(server, EX_OSERR, "out of memory");
	/* All of them, so that all errors are reported. */
	for (size_t i = 0; i < count; i++) {
		struct options_served served = options_served(options, i);

		if (served.endpoint->staticdir && !has_files) {
			files_load_types("/etc/mime.types");
			has_files = true;
		}
		if (options->config && options->config->sections[served.place.section].failed)
			continue;
		items[made] = setup_endpoint(server, &files, i, &status);
		if (items[made])
			items[made++]->number = server->endpoint_number;
		server->endpoint_number++;
	}
	setup_files_clear(&files);
	server->route.endpoints = endpoints_new_take(items, made);
	free(items);
	if (!server->route.endpoints)
		return server_fail(server, EX_OSERR, "out of memory");
	server->route.health_path = options->server.health_path;
	if (!server_set_clients(server))
		return server_fail(server, EX_OSERR, "out of memory");
	if (status == 0 && options->misplaced && server->parent == 0)
		log_warnx("%s comes after COMMAND, so it is passed to the program; if it is "
			  "meant for wspipe, put it before COMMAND",
		    options->misplaced);
	return status;
}

void
setup_keep_shared(struct server *server, const struct endpoints *old)
{
	struct endpoint *to, *from;

	for (size_t i = 0; (to = endpoints_get(server->route.endpoints, i)); i++) {
		from = endpoint_is_shared(to) ? endpoints_find(old, to->path) : NULL;
		if (from && strcmp(from->path, to->path) == 0 &&
		    options_endpoint_same_program(from->source, to->source))
			share_move(to, from);
	}
}

bool
setup_start_shared(struct server *server)
{
	struct launcher *launcher = &server->route.openings.launcher;

	launcher->secure = server->options->listener.ssl;
	return share_start_all(launcher, server->route.endpoints);
}

void
server_start_pools(struct server *server)
{
	pools_start(&server->pools, server->route.endpoints, server->worker,
	    (size_t)server->options->server.workers);
}

bool
server_needs_lookup(const struct server *server)
{
	const struct options *options = server->options;
	bool needs = options->listener.reverselookup ||
		     connect_needs_lookup(&options->server.bus.url.target);

	for (size_t i = 0; i < options_served_count(options); i++)
		needs =
		    needs || connect_needs_lookup(&options_served(options, i).endpoint->target);
	return needs;
}

bool
server_load_tls(struct server *server, const char **error)
{
	const struct options *options = server->options;
	struct tls_settings settings = {
	    .certificates = options->listener.sslcert.items,
	    .keys = options->listener.sslkey.items,
	    .count = options->listener.sslcert.count,
	    .tickets = options->server.workers > 1 ? &server->page->tickets : NULL,
	    .ca = options->listener.sslca,
	    .crl = options->listener.sslcrl,
	    .strict_names = options->listener.strict_sni,
	    /* The parent has logged the warnings for its workers. */
	    .warn = server->parent == 0,
	};
	struct tls *tls = tls_new(&settings, error);

	if (!tls)
		return false;
	/* Existing connections keep a reference to the old one. */
	tls_release(server->tls);
	server->tls = tls;
	return true;
}

int
server_set_tls(struct server *server)
{
	const char *error;

	/* Before keys are in memory. */
	if (server->options->server.no_core_dumps && util_hide_memory() == -1)
		return server_fail(
		    server, EX_OSERR, "can't disable core dumps: %s", strerror(errno));
	if (server->options->listener.ssl && !server_load_tls(server, &error))
		return server_fail(server, EX_CONFIG, "%s", error);
	return 0;
}

bool
server_shares_between_workers(const struct server *server)
{
	const struct options *options = server->options;
	/* A reload may add such an endpoint. */
	bool shares = options->config;

	for (size_t i = 0; i < options_served_count(options) && !shares; i++)
		shares = options_served(options, i).endpoint->shared.mode != SHARED_OFF;
	return shares && options->server.workers > 1;
}

static pid_t
setup_worker_pid(void *arg, size_t worker)
{
	const struct server *server = arg;

	return worker < UTIL_LEN(server->page->workers)
		   ? atomic_load(&server->page->workers[worker].pid)
		   : 0;
}

static bool
setup_program_runs(void *arg, pid_t pid)
{
	const struct server *server = arg;

	return pid_set_has(&server->page->programs, pid);
}

static bool
setup_start_redis(struct server *server)
{
	struct launcher *launcher = &server->route.openings.launcher;
	struct redis_bus_spec spec = {
	    .loop = server->loop,
	    .lookup = server->lookup,
	    .settings = &server->options->server.bus,
	    .counts = &server->page->workers[server->worker].bus,
	    .identity = &server->page->identity,
	    .workers = server->bus,
	};

	if (server->options->server.bus.url.password[0] && !server->options->config &&
	    server->worker == 0)
		log_warnx(
		    "the password in --bus is visible to all users of this machine: write "
		    "--bus to the configuration file");
	server->redis = redis_bus_new(&spec);
	if (!server->redis)
		return false;
	launcher->bus = redis_bus_base(server->redis);
	launcher->bus_is_remote = true;
	launcher->first_id = redis_bus_first_id(server->redis);
	return true;
}

static bool
setup_start_local(struct server *server)
{
	struct local_settings settings = {
	    .loop = server->loop,
	    .file = server->bus_file,
	    .workers = {server->worker, setup_worker_pid, server},
	    .program_runs = setup_program_runs,
	    .arg = server,
	};

	server->bus = local_new(&settings);
	server->route.openings.launcher.bus = server->bus;
	return server->bus;
}

bool
server_start_bus(struct server *server)
{
	if (server->bus_file != -1 && !setup_start_local(server))
		return false;
	return server->options->server.bus.url.target.kind == CONNECT_NOTHING ||
	       setup_start_redis(server);
}

/* Creates the memory that the workers share. */
static int
server_set_page(struct server *server)
{
	const struct options *options = server->options;
	size_t limit = options->server.maxforks > 0 ? (size_t)options->server.maxforks : 0;
	struct server_shared *page = mmap(
	    NULL, sizeof(*page), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	if (page == MAP_FAILED)
		return server_fail(server, EX_OSERR, "out of memory");
	server->page = page;
	if (options->server.max_per_ip > 0 && options->server.workers > 1) {
		server->tally = tally_new((size_t)options->server.workers);
		if (!server->tally)
			return server_fail(server, EX_OSERR, "out of memory");
	}
	if (server_shares_between_workers(server)) {
		server->bus_file = memfd_create("workers", MFD_CLOEXEC);
		if (server->bus_file == -1)
			return server_fail(server, EX_OSERR,
			    "can't create a file in memory for the workers: %s",
			    strerror(errno));
	}
	quota_init(&page->quota, limit, (size_t)options->server.workers + 1);
	/* Without --ssl, leave OpenSSL uninitialised, because it is large. */
	if (options->listener.ssl && !tls_ticket_renew(&page->tickets))
		return server_fail(
		    server, EX_OSERR, "can't create keys for TLS session tickets");
	return 0;
}

static int
server_log_failed(const struct server *server)
{
	return server_fail(server, EX_CANTCREAT,
	    "can't open --log-file %s: %s; choose another file, in a directory that exists and "
	    "that this user can write to",
	    server->options->server.log_file, strerror(errno));
}

int
server_open_log(struct server *server)
{
	const struct options_server *options = &server->options->server;

	if (!options->log_file)
		log_setup(options->log_format == LOG_COMPAT ? STDOUT_FILENO : STDERR_FILENO,
		    options->log_format, options->loglevel);
	else if (!log_open(options->log_file))
		return server_log_failed(server);
	return 0;
}

int
server_set_up(struct server *server)
{
	int status = server_set_page(server);

	server->route.openings.sessions = &server->sessions;
	server->route.openings.openings = &server->openings;
	server->route.streams = &server->streams;
	server->route.mcp = &server->mcp;
	server->route.admit.waiting = &server->waiting;
	server->route.admit.hooks = &server->hooks;
	server->route.admit.launcher = &server->route.openings.launcher;
	server->route.scripts = (struct script_context){
	    .launcher = &server->route.openings.launcher,
	    .running = &server->scripts,
	    .serve = route_serve,
	    .arg = &server->route,
	};
	if (status == 0) {
		server->route.openings.launcher.last_id = &server->page->last_session;
		server->route.openings.launcher.buckets = &server->page->buckets;
		launcher_set_rate(
		    &server->route.openings.launcher, &server->options->server.rate);
		status = server_set_endpoints(server);
	}
	if (status == 0)
		status = server_set_tls(server);
	return status;
}

/* Checks whether --log-file can be opened, without creating it. Returns 0 or the exit
 * status. */
static int
server_check_log(const struct server *server)
{
	const char *path = server->options->server.log_file;
	char *directory;
	bool ok;

	if (!path || access(path, W_OK) == 0)
		return 0;
	directory = strdup(path);
	ok = errno == ENOENT && directory && access(dirname(directory), W_OK | X_OK) == 0;
	free(directory);
	return ok ? 0 : server_log_failed(server);
}

int
server_check(struct server *server)
{
	const struct options *options = server->options;
	int endpoints, tls = 0, log = server_check_log(server);
	int account = server_find_account(server);
	int status = server_listen_to_check(server), admin = server_admin_check(server);

	/* All of them, so that all errors are reported. */
	endpoints = server_set_endpoints(server);
	if (!options->config || !options->config->sections[0].failed)
		tls = server_set_tls(server);
	status = status != 0 ? status : endpoints != 0 ? endpoints : tls != 0 ? tls : log;
	status = status != 0 ? status : account;
	status = status != 0 ? status : admin;
	return options->config && (status != 0 || options->config->errors > 0) ? EX_CONFIG
									       : status;
}
