/* SPDX-License-Identifier: BSD-2-Clause */
/* Builds endpoint, route and TLS from the options. */
#include "base/util.h"
#include "options/check.h"
#include "process/diagnose.h"
#include "serve/beneath.h"
#include "serve/env.h"
#include "server/inner.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <unistd.h>

static const enum output_invalid server_not_utf8[] = {
    [OPTIONS_REPLACE] = OUTPUT_REPLACE,
    [OPTIONS_BINARY] = OUTPUT_BINARY,
    [OPTIONS_CLOSE] = OUTPUT_CLOSE,
};

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
	const struct options *options = server->options;
	struct origin_policy *policy = &server->endpoint.origin;

	policy->compat = options->compat;
	policy->require = options->require_origin || options->sameorigin;
	policy->same = options->sameorigin;
	policy->mode = ORIGIN_SAME;
	if (options->origin_any && !options->sameorigin)
		policy->mode = ORIGIN_ANY;
	if (options->origin.count == 0)
		return 0;
	server->rules = calloc(options->origin.count, sizeof(*server->rules));
	if (!server->rules)
		return server_fail(server, EX_OSERR, "out of memory");
	for (size_t i = 0; i < options->origin.count; i++) {
		const char *wrong =
		    origin_parse_rule(span_of(options->origin.items[i]), &server->rules[i]);

		if (wrong)
			return server_fail(server, EX_CONFIG, "--origin: %s %s",
			    options->origin.items[i], wrong);
	}
	policy->rules = server->rules;
	policy->rule_count = options->origin.count;
	if (!options->origin_any)
		policy->mode = ORIGIN_LIST;
	return 0;
}

/* A name with a typo would be noticed by nobody. */
static void
server_warn_passenv(const struct options *options)
{
	for (size_t i = options->passenv_own; i < options->passenv.count && !options->compat;
	     i++) {
		const char *name = options->passenv.items[i];
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
	if (options->command) {
		endpoint->program = options->program;
		endpoint->argv = options->command;
		if (diagnose_program(options->program, 0, why))
			log_warnx("can't start %s: %s", options->program, why);
	} else if (options->dir) {
		endpoint->dir_path = options->dir;
		endpoint->dir = beneath_root(options->dir);
		if (endpoint->dir == -1)
			return server_fail(server, EX_OSERR, "can't open --dir %s: %s",
			    options->dir, strerror(errno));
		if (fstat(endpoint->dir, &dir) == 0 && (dir.st_mode & S_IWOTH))
			log_warnx("--dir %s is world-writable: any local user can run "
				  "programs as you; run chmod o-w %s",
			    options->dir, options->dir);
	}
	server_warn_passenv(options);
	server->pass_env = env_pick(environ, options->passenv.items, options->passenv.count);
	server->switch_headers = server_join_headers(&options->header, &options->header_ws);
	if (!server->pass_env || !server->switch_headers)
		return server_fail(server, EX_OSERR, "out of memory");
	endpoint->compat = options->compat;
	endpoint->require_subprotocol = options->require_subprotocol;
	endpoint->websocket = (struct websocket_rules){
	    .max_message = options->max_message,
	    .max_empty_fragments = (uint32_t)options->max_empty_fragments,
	    .max_pings = (uint16_t)options->max_pings,
	    .ping_ms = options->pingms,
	    .deflate = options->deflate,
	};
	endpoint->program_rules = (struct program_rules){
	    .to_program = options->to_program,
	    .from_program = options->from_program,
	    .events = options->events,
	    .reads_little = options->passstderr && options->from_program.kind != FRAMING_JSON,
	    .drops_wrong_type = options->compat,
	};
	endpoint->session = (struct session_rules){
	    .output =
		{
		    .invalid = server_not_utf8[options->invalid_utf8],
		    .sends_log = options->passstderr,
		    .is_json = options->from_program.kind == FRAMING_JSON,
		},
	    .log =
		{
		    .compat = options->compat,
		    .command = options->command ? options->program : endpoint->dir_path,
		    .subprotocols = options->subprotocol.items,
		    .subprotocol_count = options->subprotocol.count,
		},
	};
	endpoint_set_session(endpoint);
	endpoint->hosts = options->host.items;
	endpoint->host_count = options->host.count;
	endpoint->switch_headers = server->switch_headers;
	endpoint->pass_env = server->pass_env;
	endpoint->pass_auth = options->pass_auth;
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
	route->has_endpoint = options->command || options->dir;
	route->health_path = options->health_path;
	route->files.root = -1;
	server->file_headers = server_join_headers(&options->header, &options->header_http);
	if (!server->file_headers)
		return server_fail(server, EX_OSERR, "out of memory");
	route->files.headers = server->file_headers;
	if (options->log_format == LOG_COMPAT)
		route->files.compat_scheme = options->ssl ? "https" : "http";
	if (options->misplaced)
		log_warnx("%s comes after COMMAND, so it is passed to the program; if it is "
			  "meant for wspipe, put it before COMMAND",
		    options->misplaced);
	/* It may be intended, as for a log; but a script given to an interpreter is one too. */
	for (char *const *arg = options->command; arg && *arg; arg++) {
		if (options_serve(options, *arg))
			log_warnx("%s is inside --staticdir, so anyone can download it; if it "
				  "is a program, move it elsewhere",
			    *arg);
	}
	if (options->staticdir) {
		route->files.root = beneath_root(options->staticdir);
		route->files.root_path = options->staticdir;
		if (route->files.root == -1)
			return server_fail(server, EX_OSERR, "can't open --staticdir %s: %s",
			    options->staticdir, strerror(errno));
	}
	return 0;
}

bool
server_load_tls(struct server *server, char error[TLS_ERROR_MAX])
{
	const struct options *options = server->options;
	struct tls_settings settings = {
	    .certificates = options->sslcert.items,
	    .keys = options->sslkey.items,
	    .count = options->sslcert.count,
	    .tickets = options->workers > 1 ? &server->page->tickets : NULL,
	    .ca = options->sslca,
	    .crl = options->sslcrl,
	    .strict_names = options->strict_sni,
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
	if (server->options->no_core_dumps && util_hide_memory() == -1)
		return server_fail(
		    server, EX_OSERR, "can't disable core dumps: %s", strerror(errno));
	if (server->options->ssl && !server_load_tls(server, error))
		return server_fail(server, EX_CONFIG, "%s", error);
	return 0;
}

/* Creates what the workers will share. */
static int
server_set_page(struct server *server)
{
	const struct options *options = server->options;
	size_t limit = options->maxforks > 0 ? (size_t)options->maxforks : 0;
	struct server_shared *page = mmap(
	    NULL, sizeof(*page), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	if (page == MAP_FAILED)
		return server_fail(server, EX_OSERR, "out of memory");
	server->page = page;
	if (options->max_per_ip > 0 && options->workers > 1) {
		server->tally = tally_new((size_t)options->workers);
		if (!server->tally)
			return server_fail(server, EX_OSERR, "out of memory");
	}
	quota_init(&page->quota, limit, (size_t)options->workers + 1);
	/* Without --ssl, OpenSSL stays uninitialised: it is large. */
	if (options->ssl && !tls_ticket_begin(&page->tickets))
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
