/* SPDX-License-Identifier: BSD-2-Clause */
/* Builds an endpoint from its options. */
#include "server/setup_endpoint.h"

#include "base/util.h"
#include "options/compat.h"
#include "options/exposure.h"
#include "options/place.h"
#include "options/rules.h"
#include "options/value.h"
#include "process/diagnose.h"
#include "serve/beneath.h"
#include "serve/env_pass.h"
#include "server/confine.h"
#include "server/listen.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <unistd.h>

/* Joins header lines, each with CR LF. Returns NULL if memory runs out. */
static char *
join_headers(const struct options_list *first, const struct options_list *second)
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

/* Sets the origin rules of ENDPOINT. Returns 0 or the exit status. */
static int
set_origins(const struct server *server, const struct options_served *served,
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
		/* Without --compat, the option parser has checked it. */
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

/* Sets whether ENDPOINT has a console. Returns 0 or the exit status. */
static int
set_console(const struct server *server, const struct options_served *served,
    const struct options_endpoint *options, struct endpoint *endpoint)
{
	bool compat = server->options->server.compat;
	/* A Unix socket serves clients of a proxy, which may be anywhere. */
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
	/* In a configuration file, the option may be meant for other endpoints. */
	if (!compat && on && endpoint->kind == ENDPOINT_FILES && !served->place.config)
		return server_fail(server, EX_USAGE,
		    "--devconsole needs a program to try: give a COMMAND or --dir=DIR");
	endpoint->console = endpoint->kind != ENDPOINT_FILES &&
			    (on || (options->devconsole == OPTIONS_CONSOLE_AUTO && local));
	return 0;
}

/* Opens the directory of programs given by the option NAME. Returns false after reporting the
 * error, with the exit status in *STATUS. */
static bool
open_programs(const struct server *server, const struct options_served *served,
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

/* Sets what ENDPOINT runs and serves. Returns 0 or the exit status. */
static int
set_kind(const struct server *server, const struct options_served *served,
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
		if (!open_programs(
			server, served, "dir", options->dir, &endpoint->dir, &status))
			return status;
	}
	if (options->cgidir) {
		endpoint->cgi_path = options->cgidir;
		if (!open_programs(
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
	return set_console(server, served, options, endpoint);
}

/* Warns about settings that are allowed, but probably not intended. */
static void
warn_of_mistakes(const struct options_endpoint *endpoint, bool compat)
{
	const struct options_list *passenv = &endpoint->passenv;

	/* A typo in a name would go unnoticed. */
	for (size_t i = passenv->initial; i < passenv->count && !compat; i++) {
		const char *why = env_pass_why_not(environ, passenv->items[i]);

		if (why)
			log_warnx("--passenv: %s %s, so programs do not get it",
			    passenv->items[i], why);
	}
	/* This may be intended, for example for a log; but the file may also be a script. */
	for (char *const *arg = endpoint->command; arg && *arg; arg++) {
		if ((*arg)[0] != '-' && options_serve(endpoint, *arg))
			log_warnx("%s is inside --staticdir, so anyone can download it; if it "
				  "is a program, move it elsewhere",
			    *arg);
	}
}

/* Sets the terminal of programs. */
static void
set_terminal(const struct options_endpoint *options, struct endpoint *endpoint)
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

/* Builds ENDPOINT from SERVED. Returns 0 or the exit status. */
static int
set_endpoint(const struct server *server, struct setup_files *files,
    const struct options_served *served, struct endpoint *endpoint)
{
	struct options_endpoint *options = options_endpoint_copy(served->endpoint);
	bool compat = server->options->server.compat;
	int status;

	if (!options)
		return server_fail(server, EX_OSERR, "out of memory");
	endpoint->source = options;
	endpoint->free_source = options_endpoint_free;
	status = set_kind(server, served, options, endpoint);
	if (status == 0)
		status = server_set_confine(server, served, options, endpoint);
	endpoint->pass_env = server_pick_env(options, endpoint);
	endpoint->switch_headers = join_headers(&options->header, &options->header_ws);
	endpoint->files.headers = join_headers(&options->header, &options->header_http);
	if (server->options->server.log_format == LOG_COMPAT)
		endpoint->files.compat_scheme =
		    server->options->listener.ssl ? "https" : "http";
	if (!endpoint->pass_env || !endpoint->switch_headers || !endpoint->files.headers)
		return server_fail(server, EX_OSERR, "out of memory");
	endpoint->compat = compat;
	/* A web page can't connect without a PROXY header. */
	endpoint->local_only = server->is_local && !server->options->listener.proxy_protocol;
	set_terminal(options, endpoint);
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
		status = set_origins(server, served, options, endpoint);
	if (status == 0)
		status = setup_access(server, files, served, endpoint);
	if (status == 0 && server->parent == 0)
		warn_of_mistakes(options, compat);
	return status;
}

/* An endpoint being built. */
struct building {
	const struct server *server; /* borrowed, as all fields but the last */
	struct setup_files *files;
	const struct options_served *served;
	struct endpoint *endpoint;
	int status;
};

static void
try_endpoint(void *arg)
{
	struct building *s = arg;

	s->status = set_endpoint(s->server, s->files, s->served, s->endpoint);
}

struct endpoint *
setup_endpoint(const struct server *server, struct setup_files *files, size_t i, int *status)
{
	struct options_served served = options_served(server->options, i);
	struct endpoint *endpoint = endpoint_new(served.path);
	struct building setup = {server, files, &served, endpoint, 0};

	/* If memory runs out, what was built so far must not leak. */
	if (!endpoint || !options_try(try_endpoint, &setup))
		setup.status = server_fail(server, EX_OSERR, "out of memory");
	if (setup.status == 0)
		return endpoint;
	endpoint_unref(endpoint);
	*status = setup.status;
	return NULL;
}
