/* SPDX-License-Identifier: BSD-2-Clause */
/* Builds endpoint, route and TLS from the options. */
#include "server/setup.h"

#include "base/util.h"
#include "options/check.h"
#include "process/diagnose.h"
#include "serve/beneath.h"
#include "serve/env.h"

#include <errno.h>
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

static int
server_set_origins(struct server *server)
{
	const struct options_endpoint *options = &server->options->endpoint;
	struct origin_policy *policy = &server->endpoint.origin;
	bool any = false;

	policy->compat = server->options->server.compat;
	policy->require = options->require_origin || options->sameorigin;
	policy->same = options->sameorigin;
	server->rules = calloc(options->origin.count + 1, sizeof(*server->rules));
	if (!server->rules)
		return server_fail(server, EX_OSERR, "out of memory");
	policy->rules = server->rules;
	for (size_t i = 0; i < options->origin.count; i++) {
		const char *origin = options->origin.items[i];
		const char *wrong = NULL;

		if (strcmp(origin, "any") == 0)
			any = true;
		else
			wrong = origin_parse_rule(
			    span_of(origin), &server->rules[policy->rule_count++]);
		if (wrong)
			return server_fail(server, EX_CONFIG, "--origin: %s %s", origin, wrong);
	}
	if (any)
		policy->mode = options->sameorigin ? ORIGIN_SAME : ORIGIN_ANY;
	else
		policy->mode = policy->rule_count > 0 ? ORIGIN_LIST : ORIGIN_SAME;
	return 0;
}

/* A name with a typo would be noticed by nobody. */
static void
server_warn_passenv(const struct options *options)
{
	for (size_t i = options->endpoint.passenv.initial;
	     i < options->endpoint.passenv.count && !options->server.compat; i++) {
		const char *name = options->endpoint.passenv.items[i];
		const char *why = env_why_not_passed(environ, name);

		if (why)
			log_warnx("--passenv: %s %s, so programs do not get it", name, why);
	}
}

static int
server_set_endpoint(struct server *server)
{
	const struct options *options = server->options;
	struct endpoint *endpoint = &server->endpoint;
	char why[DIAGNOSE_MAX];
	struct stat dir;

	endpoint->dir = -1;
	if (options->endpoint.command) {
		endpoint->program = options->endpoint.program;
		endpoint->argv = options->endpoint.command;
		if (diagnose_program(options->endpoint.program, 0, why))
			log_warnx("can't start %s: %s", options->endpoint.program, why);
	} else if (options->endpoint.dir) {
		endpoint->dir_path = options->endpoint.dir;
		endpoint->dir = beneath_root(options->endpoint.dir);
		if (endpoint->dir == -1)
			return server_fail(server, EX_OSERR, "can't open --dir %s: %s",
			    options->endpoint.dir, strerror(errno));
		if (fstat(endpoint->dir, &dir) == 0 && (dir.st_mode & S_IWOTH))
			log_warnx("--dir %s is world-writable: any local user can run "
				  "programs as you; run chmod o-w %s",
			    options->endpoint.dir, options->endpoint.dir);
	}
	server_warn_passenv(options);
	server->pass_env =
	    env_pick(environ, options->endpoint.passenv.items, options->endpoint.passenv.count);
	server->switch_headers =
	    server_join_headers(&options->endpoint.header, &options->endpoint.header_ws);
	if (!server->pass_env || !server->switch_headers)
		return server_fail(server, EX_OSERR, "out of memory");
	endpoint->compat = options->server.compat;
	endpoint->require_subprotocol = options->endpoint.require_subprotocol;
	endpoint->websocket = (struct websocket_rules){
	    .max_message = options->endpoint.max_message,
	    .max_empty_fragments = (uint32_t)options->endpoint.max_empty_fragments,
	    .max_pings = (uint16_t)options->endpoint.max_pings,
	    .ping_ms = options->endpoint.pingms,
	    .deflate = options->endpoint.deflate,
	};
	endpoint->program_rules = (struct program_rules){
	    .to_program = options->endpoint.to_program,
	    .from_program = options->endpoint.from_program,
	    .events = options->endpoint.events,
	    .reads_little = options->endpoint.passstderr &&
			    options->endpoint.from_program.kind != FRAMING_JSON,
	    .drops_wrong_type = options->server.compat,
	};
	endpoint->session = (struct session_rules){
	    .output =
		{
		    .invalid = options->endpoint.invalid_utf8,
		    .sends_log = options->endpoint.passstderr,
		    .is_json = options->endpoint.from_program.kind == FRAMING_JSON,
		},
	    .log =
		{
		    .compat = options->server.compat,
		    .command = options->endpoint.command ? options->endpoint.program
							 : endpoint->dir_path,
		    .subprotocols = options->endpoint.subprotocol.items,
		    .subprotocol_count = options->endpoint.subprotocol.count,
		},
	};
	endpoint_set_session(endpoint);
	endpoint->hosts = options->endpoint.host.items;
	endpoint->host_count = options->endpoint.host.count;
	endpoint->switch_headers = server->switch_headers;
	endpoint->pass_env = server->pass_env;
	endpoint->pass_auth = options->endpoint.pass_auth;
	return server_set_origins(server);
}

static int
server_set_route(struct server *server)
{
	const struct options *options = server->options;
	struct route *route = &server->route;

	route->upgrade = (struct upgrade_context){
	    .sessions = &server->sessions,
	    .launcher.last_id = &server->page->last_session,
	    .endpoint = &server->endpoint,
	};
	route->has_endpoint = options->endpoint.command || options->endpoint.dir;
	route->health_path = options->server.health_path;
	route->files.root = -1;
	server->file_headers =
	    server_join_headers(&options->endpoint.header, &options->endpoint.header_http);
	if (!server->file_headers)
		return server_fail(server, EX_OSERR, "out of memory");
	route->files.headers = server->file_headers;
	if (options->server.log_format == LOG_COMPAT)
		route->files.compat_scheme = options->listener.ssl ? "https" : "http";
	if (options->misplaced)
		log_warnx("%s comes after COMMAND, so it is passed to the program; if it is "
			  "meant for wspipe, put it before COMMAND",
		    options->misplaced);
	/* It may be intended, as for a log; but a script given to an interpreter is one too. */
	for (char *const *arg = options->endpoint.command; arg && *arg; arg++) {
		if (options_serve(&options->endpoint, *arg))
			log_warnx("%s is inside --staticdir, so anyone can download it; if it "
				  "is a program, move it elsewhere",
			    *arg);
	}
	if (options->endpoint.staticdir) {
		route->files.root = beneath_root(options->endpoint.staticdir);
		route->files.root_path = options->endpoint.staticdir;
		if (route->files.root == -1)
			return server_fail(server, EX_OSERR, "can't open --staticdir %s: %s",
			    options->endpoint.staticdir, strerror(errno));
	}
	return 0;
}

bool
server_load_tls(struct server *server, char error[TLS_ERROR_MAX])
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

static int
server_set_tls(struct server *server)
{
	char error[TLS_ERROR_MAX];

	/* Before a key is in it. */
	if (server->options->server.no_core_dumps && util_hide_memory() == -1)
		return server_fail(
		    server, EX_OSERR, "can't disable core dumps: %s", strerror(errno));
	if (server->options->listener.ssl && !server_load_tls(server, error))
		return server_fail(server, EX_CONFIG, "%s", error);
	return 0;
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
	quota_init(&page->quota, limit, (size_t)options->server.workers + 1);
	/* Without --ssl, OpenSSL stays uninitialised: it is large. */
	if (options->listener.ssl && !tls_ticket_begin(&page->tickets))
		return server_fail(
		    server, EX_OSERR, "can't create keys for TLS session tickets");
	return 0;
}

int
server_set_up(struct server *server)
{
	int status = server_set_page(server);

	if (status == 0)
		status = server_set_endpoint(server);
	if (status == 0)
		status = server_set_route(server);
	if (status == 0)
		status = server_set_tls(server);
	return status;
}
