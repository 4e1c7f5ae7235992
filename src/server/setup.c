/* SPDX-License-Identifier: BSD-2-Clause */
/* Builds endpoint, route and TLS from the options. */
#include "server/setup.h"

#include "base/util.h"
#include "bus/local.h"
#include "options/check.h"
#include "options/compat.h"
#include "options/config_load.h"
#include "options/rules.h"
#include "options/value.h"
#include "process/diagnose.h"
#include "serve/beneath.h"
#include "serve/env_pass.h"
#include "serve/share.h"
#include "server/admin.h"
#include "server/confine.h"
#include "server/listen.h"
#include "server/privileges.h"
#include "server/setup_access.h"

#include <errno.h>
#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <unistd.h>

/* Joins header lines, each with its CR LF. NULL without memory. */
static char *
server_join_headers(const struct options_list *first, const struct options_list *second)
{
	const struct options_list *lists[] = {first, second};
	struct buffer out = {0};
	bool ok = true;
	char *joined;

	for (size_t i = 0; i < UTIL_LEN(lists); i++) {
		for (size_t k = 0; k < lists[i]->count && ok; k++)
			ok = buffer_append(
				 &out, lists[i]->items[k], strlen(lists[i]->items[k])) &&
			     buffer_append(&out, "\r\n", 2);
	}
	ok = ok && buffer_append(&out, "", 1);
	joined = ok ? strdup((char *)buffer_data(&out)) : NULL;
	buffer_clear(&out);
	return joined;
}

/* Sets the rules of ENDPOINT for origins. 0, or the exit status. */
static int
server_set_origins(const struct server *server, const struct options_served *served,
    const struct options_endpoint *options, struct endpoint *endpoint)
{
	struct origin_policy *policy = &endpoint->origin;
	bool any = false;

	policy->compat = endpoint->compat;
	policy->local_only = endpoint->local_only;
	policy->require = options->require_origin || options->sameorigin;
	policy->same = options->sameorigin;
	if (server->options->listener.trusted_proxy.count > 0) {
		policy->names = options->host.items;
		policy->name_count = options->host.count;
	}
	policy->rules = endpoint->rules =
	    calloc(options->origin.count + 1, sizeof(*endpoint->rules));
	if (!endpoint->rules)
		return server_fail(server, EX_OSERR, "out of memory");
	for (size_t i = 0; i < options->origin.count; i++) {
		const char *origin = options->origin.items[i];
		const char *wrong = NULL;

		if (strcmp(origin, "any") == 0)
			any = true;
		else
			wrong = origin_parse_rule(
			    span_of(origin), &endpoint->rules[policy->rule_count++]);
		/* Without --compat the option has checked it. */
		if (wrong)
			return server_fail_endpoint(
			    server, served, EX_CONFIG, "--origin: %s %s", origin, wrong);
	}
	if (any)
		policy->mode = options->sameorigin ? ORIGIN_SAME : ORIGIN_ANY;
	else
		policy->mode = policy->rule_count > 0 ? ORIGIN_LIST : ORIGIN_SAME;
	return 0;
}

/* Whether ENDPOINT has a console. 0, or the exit status. */
static int
server_set_console(const struct server *server, const struct options_served *served,
    const struct options_endpoint *options, struct endpoint *endpoint)
{
	bool compat = server->options->server.compat;
	/* A Unix socket serves the clients of a proxy, which may be anywhere. */
	bool local = server->is_local && !server->options->listener.unixsocket &&
		     server->options->listener.trusted_proxy.count == 0 &&
		     !server_has_unix_socket(server);
	bool on = options->devconsole == OPTIONS_CONSOLE_ON;

	if (compat && on && (options->staticdir || options->cgidir)) {
		if (log_begin(LOG_FATAL, "server", 0,
			options->staticdir ? SPAN(COMPAT_CONSOLE_FILES)
					   : SPAN(COMPAT_CONSOLE_CGI)))
			log_end();
		return COMPAT_CONFLICT;
	}
	if (!compat && on && options->dir && !local)
		return server_fail_endpoint(server, served, EX_CONFIG,
		    "--devconsole and --dir can't be combined while other machines can "
		    "connect: leave out one of them, or --address");
	/* In a configuration file it may be meant for other endpoints. */
	if (!compat && on && endpoint->kind == ENDPOINT_FILES && !served->place.config)
		return server_fail(server, EX_USAGE,
		    "--devconsole needs a program to try: give a COMMAND or --dir=DIR");
	endpoint->console = endpoint->kind != ENDPOINT_FILES &&
			    (on || (options->devconsole == OPTIONS_CONSOLE_AUTO && local));
	return 0;
}

/* Opens a directory of programs, given by the option NAME. False: that has been reported, and
 * *STATUS is the exit status. */
static bool
server_open_programs(const struct server *server, const struct options_served *served,
    const char *name, const char *path, int *fd, int *status)
{
	struct stat dir;

	*fd = beneath_root(path);
	if (*fd == -1) {
		*status = server_fail_endpoint(server, served, EX_OSERR,
		    "can't open --%s %s: %s", name, path, strerror(errno));
		return false;
	}
	if (server->parent == 0 && fstat(*fd, &dir) == 0 && (dir.st_mode & S_IWOTH))
		log_warnx("--%s %s is world-writable: any local user can run programs as you; "
			  "run chmod o-w %s",
		    name, path, path);
	return true;
}

/* Sets what ENDPOINT runs and serves. 0, or the exit status. */
static int
server_set_kind(const struct server *server, const struct options_served *served,
    const struct options_endpoint *options, struct endpoint *endpoint)
{
	char why[DIAGNOSE_MAX];
	int status;

	if (options->target.kind != CONNECT_NOTHING) {
		endpoint->kind = ENDPOINT_SOCKET;
		endpoint->program = options->program;
		endpoint->target = &options->target;
		endpoint->connect_ms = options->connect_timeout;
		endpoint->proxy_protocol = options->proxy_protocol_out;
	} else if (options->command) {
		endpoint->kind = ENDPOINT_COMMAND;
		endpoint->program = options->program;
		endpoint->argv = options->command;
		if (server->parent == 0 && diagnose_program(options->program, 0, why))
			log_warnx("can't start %s: %s", options->program, why);
	} else if (options->dir) {
		endpoint->kind = ENDPOINT_DIR;
		endpoint->dir_path = options->dir;
		if (!server_open_programs(
			server, served, "dir", options->dir, &endpoint->dir, &status))
			return status;
	}
	if (options->cgidir) {
		endpoint->cgi_path = options->cgidir;
		if (!server_open_programs(
			server, served, "cgidir", options->cgidir, &endpoint->cgi, &status))
			return status;
	}
	if (options->staticdir) {
		endpoint->files.root_path = options->staticdir;
		endpoint->files.root = beneath_root(options->staticdir);
		if (endpoint->files.root == -1)
			return server_fail_endpoint(server, served, EX_OSERR,
			    "can't open --staticdir %s: %s", options->staticdir,
			    strerror(errno));
		endpoint->files.spa = options->spa;
		if (!files_has_spa(&endpoint->files))
			return server_fail_endpoint(server, served, EX_CONFIG,
			    "--spa=%s is not a file that --staticdir %s serves", options->spa,
			    options->staticdir);
	}
	return server_set_console(server, served, options, endpoint);
}

/* Warns of what is allowed, but probably not intended. */
static void
server_warn(const struct options_endpoint *endpoint, bool compat)
{
	const struct options_list *passenv = &endpoint->passenv;

	/* Otherwise nobody notices a typo in a name. */
	for (size_t i = passenv->initial; i < passenv->count && !compat; i++) {
		const char *why = env_pass_why_not(environ, passenv->items[i]);

		if (why)
			log_warnx("--passenv: %s %s, so programs do not get it",
			    passenv->items[i], why);
	}
	/* This may be intended, for example for a log; but it may be a script, too. */
	for (char *const *arg = endpoint->command; arg && *arg; arg++) {
		if ((*arg)[0] != '-' && options_serve(endpoint, *arg))
			log_warnx("%s is inside --staticdir, so anyone can download it; if it "
				  "is a program, move it elsewhere",
			    *arg);
	}
}

/* Sets which terminal programs get. */
static void
setup_terminal(const struct options_endpoint *options, struct endpoint *endpoint)
{
	if (options->unbuffer) {
		endpoint->pty = PTY_STDOUT;
		endpoint->term = "dumb";
	}
	if (!options->pty)
		return;
	endpoint->pty = PTY_TERMINAL;
	endpoint->term = options->term ? options->term : "xterm-256color";
	endpoint->tty_websocket = options_whole_websocket_rules(options);
	endpoint->tty_framed = (struct framed_rules){
	    .to_program = {.kind = FRAMING_STREAM},
	    .from_program = {.kind = FRAMING_STREAM},
	    .drops_all = options->readonly,
	};
}

/* Builds ENDPOINT from SERVED. 0, or the exit status. */
static int
server_set_endpoint(const struct server *server, struct setup_files *files,
    const struct options_served *served, struct endpoint *endpoint)
{
	struct options_endpoint *options = options_endpoint_copy(served->endpoint);
	bool compat = server->options->server.compat;
	int status;

	if (!options)
		return server_fail(server, EX_OSERR, "out of memory");
	endpoint->source = options;
	endpoint->free_source = options_endpoint_free;
	status = server_set_kind(server, served, options, endpoint);
	if (status == 0)
		status = server_set_confine(server, served, options, endpoint);
	endpoint->pass_env = server_pick_env(options, endpoint);
	endpoint->switch_headers = server_join_headers(&options->header, &options->header_ws);
	endpoint->files.headers = server_join_headers(&options->header, &options->header_http);
	if (server->options->server.log_format == LOG_COMPAT)
		endpoint->files.compat_scheme =
		    server->options->listener.ssl ? "https" : "http";
	if (!endpoint->pass_env || !endpoint->switch_headers || !endpoint->files.headers)
		return server_fail(server, EX_OSERR, "out of memory");
	endpoint->compat = compat;
	/* No page can connect without a PROXY header. */
	endpoint->local_only = server->is_local && !server->options->listener.proxy_protocol;
	setup_terminal(options, endpoint);
	endpoint->subprotocols = options->subprotocol.items;
	endpoint->subprotocol_count = options->subprotocol.count;
	endpoint->require_subprotocol = options->require_subprotocol;
	endpoint->websocket = options_websocket_rules(options);
	endpoint->framed = options_framed_rules(options, compat);
	endpoint->session = options_session_rules(options);
	endpoint->shared_rules.settings = options->shared;
	endpoint->session.log = (struct session_log_rules){
	    .compat = compat,
	    .command = endpoint->program ? endpoint->program : endpoint->dir_path,
	    .registry = server->registry.shared ? &server->registry : NULL,
	    .endpoint =
		registry_endpoint(&server->registry, *endpoint->path ? endpoint->path : "/"),
	};
	endpoint->event_headers = options->event_headers.items;
	endpoint->event_header_count = options->event_headers.count;
	endpoint->prespawn = (size_t)options->prespawn;
	endpoint->hosts = options->host.items;
	endpoint->host_count = options->host.count;
	endpoint->pass_auth = options->pass_auth;
	endpoint->mcp = options->mcp;
	endpoint->max_body = (uint64_t)options->max_body;
	endpoint->streams = options->sse && !endpoint->compat;
	endpoint->resume_buffer = (size_t)options->resume_buffer;
	endpoint->resume_ms = options->resume_ms;
	endpoint->cgi_timeout_ms = options->cgi_timeout_ms;
	endpoint_complete(endpoint);
	if (status == 0)
		status = server_set_origins(server, served, options, endpoint);
	if (status == 0)
		status = setup_access(server, files, served, endpoint);
	if (status == 0 && server->parent == 0)
		server_warn(options, compat);
	return status;
}

/* An endpoint that is being built. */
struct setup_endpoint {
	const struct server *server; /* borrowed, as all but the last */
	struct setup_files *files;
	const struct options_served *served;
	struct endpoint *endpoint;
	int status;
};

static void
setup_endpoint_set(void *arg)
{
	struct setup_endpoint *s = arg;

	s->status = server_set_endpoint(s->server, s->files, s->served, s->endpoint);
}

/* Builds endpoint I of the options. NULL: *STATUS is the exit status. */
static struct endpoint *
server_make_endpoint(
    const struct server *server, struct setup_files *files, size_t i, int *status)
{
	struct options_served served = options_served(server->options, i);
	struct endpoint *endpoint = endpoint_new(served.path);
	struct setup_endpoint setup = {server, files, &served, endpoint, 0};

	/* Without memory nothing that was built before may be lost. */
	if (!endpoint || !options_try(setup_endpoint_set, &setup))
		setup.status = server_fail(server, EX_OSERR, "out of memory");
	if (setup.status == 0)
		return endpoint;
	endpoint_unref(endpoint);
	*status = setup.status;
	return NULL;
}

/* Sets whom to believe about clients. False without memory. */
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
		items[made] = server_make_endpoint(server, &files, i, &status);
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
	    .warn = server->parent == 0, /* which has logged it for its workers */
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

	/* Before a key is in it. */
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
	/* A reload may bring such an endpoint. */
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

	if (server->options->server.bus.url.password[0] && !server->options->config)
		log_warnx(
		    "the password in --bus is visible to all users of this machine: write "
		    "--bus to the configuration file");
	server->redis = redis_bus_new(server->loop, server->lookup,
	    &server->options->server.bus, &server->page->workers[server->worker].bus);
	if (!server->redis)
		return false;
	server->bus = redis_bus_base(server->redis);
	launcher->bus = server->bus;
	launcher->bus_is_remote = true;
	launcher->first_id = redis_bus_first_id(server->redis);
	return true;
}

bool
server_start_bus(struct server *server)
{
	struct local_settings settings = {
	    .loop = server->loop,
	    .file = server->bus_file,
	    .workers = {server->worker, setup_worker_pid, server},
	    .program_runs = setup_program_runs,
	    .arg = server,
	};

	if (server->options->server.bus.url.target.kind != CONNECT_NOTHING)
		return setup_start_redis(server);
	if (server->bus_file == -1)
		return true;
	server->bus = local_new(&settings);
	server->route.openings.launcher.bus = server->bus;
	return server->bus;
}

/* Creates what the workers will share. */
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
	/* Without --ssl, OpenSSL stays uninitialised: it is large. */
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

/* Whether --log-file could be opened; it is not created. 0, or the exit status. */
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
