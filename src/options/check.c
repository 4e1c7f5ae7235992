/* SPDX-License-Identifier: BSD-2-Clause */
/* Checks the options for consistency and against the system. */
#include "config.h"

#include "options/check.h"

#include "framing/ttyd.h"
#include "options/check_program.h"
#include "options/command.h"
#include "options/compat.h"
#include "options/config_load.h"
#include "options/exposure.h"
#include "options/needs.h"
#include "options/report.h"
#include "options/served.h"
#include "options/value.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <unistd.h>

/* A directory or program as given, and its path; both owned. Cached because many endpoints use
 * the same. */
struct check_known {
	char *given;
	char *path;
};

/* The state of a check: what is checked, and where errors are written. */
struct check {
	const struct options *options;
	struct check_known *directory; /* the last one found */
	struct check_known *program;
	struct option_place place;
	FILE *err;
	int *status;
};

/* Reports an error, in compat mode as COMPAT unless that is NULL. Returns false. */
static bool __attribute__((format(printf, 4, 5)))
reject(const struct check *check, int status, const char *compat, const char *format, ...)
{
	bool is_compat = check->place.compat && !check->place.config;
	va_list args;
	char *text;

	*check->status = check->place.config ? EX_CONFIG : is_compat ? COMPAT_NOTHING : status;
	va_start(args, format);
	text = options_vformat(format, args);
	va_end(args);
	if (is_compat)
		fprintf(check->err, "%s\n", compat ? compat : text);
	else
		option_report(&check->place, check->err, text);
	free(text);
	return false;
}

static bool
check_usage(const struct check *check, const struct options_endpoint *endpoint)
{
	bool serves =
	    endpoint->command || endpoint->dir || endpoint->staticdir || endpoint->cgidir;

	if (!serves && check->place.config)
		return reject(check, EX_CONFIG, NULL,
		    "nothing to serve: write command = PROGRAM, dir = DIR, staticdir = DIR or "
		    "cgidir = DIR");
	if (!serves)
		return reject(check, EX_USAGE, COMPAT_NO_COMMAND,
		    "nothing to serve: give a COMMAND, --dir=DIR, --staticdir=DIR or "
		    "--cgidir=DIR; 'wspipe --help' shows how");
	if (endpoint->command && endpoint->dir)
		return reject(check, EX_USAGE, COMPAT_TWO_COMMANDS,
		    "COMMAND and --dir can't be combined: leave out one of them");
	return true;
}

static bool
check_listening(const struct check *check, struct options_listener *listener)
{
	const struct options_server *server = &check->options->server;

	listener->tcp = listener->tcp || !listener->unixsocket || listener->redirport != 0;
	if (server->max_connections != 0 && server->max_connections < server->workers)
		return reject(check, EX_USAGE, NULL,
		    "--max-connections must be at least --workers, %d, so that each can accept "
		    "one",
		    (int)server->workers);
	if (listener->redirport != 0 && listener->redirport == listener->port)
		return reject(check, EX_USAGE, NULL,
		    "--redirport and --port must differ: choose another --redirport");
	if (listener->reverselookup && !listener->tcp && !check->place.compat)
		return reject(check, EX_USAGE, NULL,
		    "--reverselookup needs TCP, since clients of --unixsocket have no address: "
		    "add --address=ADDRESS, or leave out --reverselookup");
	if (listener->unixsocket && listener->unixsocket_mode == 0 && !check->place.compat)
		listener->unixsocket_mode = 0660;
	return true;
}

enum { CHECK_BUS_QUEUE_MIN = 64 * 1024 };

/* Checks the bus between servers and the options that need it. */
static bool
check_bus(const struct check *check, const struct options *options)
{
	const struct redis_bus_settings *bus = &options->server.bus;
	bool used = bus->url.target.kind != CONNECT_NOTHING, shared = false, one = false;
	const char *wrong = NULL;

	for (size_t i = 0; i < options_served_count(options); i++) {
		const struct shared_settings *s = &options_served(options, i).endpoint->shared;

		shared = shared || s->mode != SHARED_OFF;
		one = one || (s->mode != SHARED_OFF && s->programs == SHARED_ONE);
	}
	if (used && !shared)
		wrong = "--bus needs --shared: add it, or leave out --bus";
	else if (used && bus->queue_max < CHECK_BUS_QUEUE_MIN)
		wrong = "--bus-queue must be at least 64k";
	else if (!used && one)
		wrong = "--shared-program=one needs --bus=URL: add it, or leave out "
			"--shared-program";
	return !wrong || reject(check, EX_USAGE, NULL, "%s", wrong);
}

/* Checks how messages are exchanged with the program. */
static bool
check_program(const struct check *check, struct options_endpoint *endpoint)
{
	const char *wrong = options_check_framing(&check->options->server, endpoint);

	if (!wrong)
		wrong = options_check_prespawn(endpoint);
	return !wrong ||
	       reject(check, EX_USAGE,
		   endpoint->binary && endpoint->passstderr ? COMPAT_BINARY_STDERR : NULL, "%s",
		   wrong);
}

static bool
check_tls(const struct check *check, const struct options_listener *listener)
{
	size_t certificates = listener->sslcert.count;
	size_t keys = listener->sslkey.count;

	if (!listener->ssl && (certificates > 0 || keys > 0 || listener->sslca))
		return reject(check, EX_USAGE, COMPAT_NO_SSL,
		    "--sslcert, --sslkey and --sslca need --ssl: add it, or leave them out");
	if (listener->ssl && (certificates == 0 || keys == 0))
		return reject(check, EX_USAGE, COMPAT_NO_CERTIFICATE,
		    "--ssl needs a certificate and its key: give --sslcert=FILE and "
		    "--sslkey=FILE");
	if (certificates != keys)
		return reject(check, EX_USAGE, NULL,
		    "each --sslcert needs its --sslkey, in the same order: there are %zu and "
		    "%zu",
		    certificates, keys);
	return true;
}

/* Checks --subprotocol: the response contains one subprotocol, which only wspipe can select. */
static bool
check_subprotocol(const struct check *check, struct options_endpoint *endpoint)
{
	static const char name[] = "Sec-WebSocket-Protocol:";
	const struct options_list *lists[] = {&endpoint->header, &endpoint->header_ws};

	if (endpoint->pty && !endpoint->subprotocol.items)
		options_list_add(&endpoint->subprotocol, SPAN(TTYD_SUBPROTOCOL));
	if (endpoint->require_subprotocol && endpoint->subprotocol.count == 0)
		return reject(check, EX_USAGE, NULL,
		    "--require-subprotocol needs --subprotocol=LIST: add it, or leave out "
		    "--require-subprotocol");
	for (size_t i = 0; i < 2 && endpoint->subprotocol.count > 0; i++) {
		for (size_t k = 0; k < lists[i]->count; k++) {
			if (strncasecmp(lists[i]->items[k], name, sizeof(name) - 1) == 0)
				return reject(check, EX_USAGE, NULL,
				    "--%s '%s' and --subprotocol can't be combined: leave out "
				    "the header",
				    i == 0 ? "header" : "header-ws", lists[i]->items[k]);
		}
	}
	return true;
}

/* Returns the real path of an accessible directory, which the caller frees, or NULL with
 * errno. */
static char *
resolve_directory(const char *path)
{
	char *resolved = realpath(path, NULL);
	struct stat st;
	int error = 0;

	if (!resolved)
		return NULL;
	if (stat(resolved, &st) == -1)
		error = errno;
	else if (!S_ISDIR(st.st_mode))
		error = ENOTDIR;
	else if (faccessat(AT_FDCWD, resolved, X_OK, AT_EACCESS) == -1)
		error = errno;
	if (error == 0)
		return resolved;
	free(resolved);
	errno = error;
	return NULL;
}

static void
check_forget(struct check_known *known)
{
	free(known->given);
	free(known->path);
}

static void
check_remember(struct check_known *known, const char *given, const char *path)
{
	check_forget(known);
	known->given = options_text_copy(given);
	known->path = options_text_copy(path);
}

/* Returns a copy of the cached path of GIVEN, or NULL. */
static char *
check_recall(const struct check_known *known, const char *given)
{
	bool same = known->given && strcmp(known->given, given) == 0;

	return same ? options_text_copy(known->path) : NULL;
}

/* Makes *PATH, the value of the option NAME, absolute. */
static bool
check_directory(const struct check *check, char **path, const char *name)
{
	char *resolved = *path ? check_recall(check->directory, *path) : NULL;
	char compat[COMPAT_TEXT_MAX];

	if (!resolved && *path)
		resolved = resolve_directory(*path);
	if (!resolved && *path) {
		compat_directory_error(compat, name, *path);
		return reject(check, EX_CONFIG, compat,
		    "--%s '%s' can't be used: %s; give a directory that exists and can be "
		    "entered",
		    name, *path, strerror(errno));
	}
	if (resolved)
		check_remember(check->directory, *path, resolved);
	free(*path);
	*path = resolved;
	return true;
}

static bool
check_directories(const struct check *check, struct options_endpoint *endpoint)
{
	return check_directory(check, &endpoint->dir, "dir") &&
	       check_directory(check, &endpoint->chdir, "chdir") &&
	       check_directory(check, &endpoint->staticdir, "staticdir") &&
	       check_directory(check, &endpoint->cgidir, "cgidir");
}

/* Handles a COMMAND that names a socket, which websocketd does not support. */
static bool
check_socket(const struct check *check, struct options_endpoint *endpoint)
{
	const char *wrong = NULL;

	if (!endpoint->command || check->place.compat ||
	    !connect_is_target(endpoint->command[0]))
		return true;
	wrong = connect_parse(endpoint->command[0], &endpoint->target);
	if (!wrong && endpoint->command[1])
		wrong = "is a socket, so no arguments can follow it";
	if (wrong)
		return reject(check, EX_USAGE, NULL,
		    "'%s' %s; for a program of this name write ./%s", endpoint->command[0],
		    wrong, endpoint->command[0]);
	endpoint->program = options_text_copy(endpoint->command[0]);
	return true;
}

static bool
check_command(const struct check *check, struct options_endpoint *endpoint)
{
	char reason[OPTIONS_COMMAND_REASON_MAX];

	if (!endpoint->command || endpoint->program)
		return true;
	endpoint->program = check_recall(check->program, endpoint->command[0]);
	if (endpoint->program)
		return true;
	endpoint->program = options_find_command(endpoint->command[0], reason);
	if (endpoint->program) {
		check_remember(check->program, endpoint->command[0], endpoint->program);
		return true;
	}
	if (check->place.compat)
		return reject(check, EX_CONFIG, NULL, COMPAT_NO_PROGRAM, endpoint->command[0]);
	return reject(check, EX_CONFIG, NULL, "%s", reason);
}

/* Finds the program of --auth-hook. */
static bool
check_hook(const struct check *check, struct options_endpoint *endpoint)
{
	char reason[OPTIONS_COMMAND_REASON_MAX];
	char *found;

	if (!endpoint->access.hook)
		return true;
	found = options_find_command(endpoint->access.hook, reason);
	/* The text begins with the name of another option. */
	if (!found)
		return reject(
		    check, EX_CONFIG, NULL, "--auth-hook%s", reason + strlen("COMMAND"));
	free(endpoint->access.hook);
	endpoint->access.hook = found;
	return true;
}

static bool
check_access(const struct check *check, struct options_endpoint *endpoint)
{
	const struct options_listener *listener = &check->options->listener;

	if (endpoint->access.header && !listener->unixsocket &&
	    listener->trusted_proxy.count == 0)
		return reject(check, EX_USAGE, NULL,
		    "--auth-header needs --trusted-proxy=LIST or --unixsocket=PATH: any other "
		    "client could send the header");
	return check_hook(check, endpoint);
}

/* Checks the exposure of a single endpoint; those of a file are checked together. */
static bool
check_exposure(const struct check *check, const struct options_endpoint *endpoint)
{
	char *text = options_find_exposure(check->options, endpoint);
	bool ok = !text || reject(check, EX_CONFIG, NULL, "%s", text);

	free(text);
	return ok;
}

/* Checks the options of a section that need others. */
static bool
check_needs(const struct check *check)
{
	return !check->place.config || check->place.section == 0 ||
	       options_check_section_needs(check->options, check->place.section, check->err);
}

/* Checks an endpoint up to its first error. FAILED: an invalid option was already reported, so
 * only check what can't follow from that. */
static bool
check_endpoint(const struct check *check, struct options_endpoint *endpoint, bool failed)
{
	if (failed)
		return check_socket(check, endpoint) && check_command(check, endpoint) &&
		       check_directories(check, endpoint);
	return check_usage(check, endpoint) && check_needs(check) &&
	       check_access(check, endpoint) && check_subprotocol(check, endpoint) &&
	       check_socket(check, endpoint) && check_program(check, endpoint) &&
	       check_command(check, endpoint) && check_directories(check, endpoint) &&
	       (check->place.config || check_exposure(check, endpoint));
}

/* Checks a client, which has one endpoint and may have no COMMAND. */
static bool
check_client(const struct check *check, struct options *options)
{
	struct options_endpoint *endpoint = &options->endpoint;
	const char *wrong = NULL;

	if (endpoint->command && connect_is_target(endpoint->command[0]))
		wrong = "COMMAND must be a program with --connect, not a socket; give a "
			"program, or leave it out";
	else if (!endpoint->command && (endpoint->passstderr || endpoint->unbuffer))
		wrong =
		    endpoint->unbuffer
			? "--unbuffer needs a COMMAND: add one, or leave out --unbuffer"
			: "--passstderr needs a COMMAND: add one, or leave out --passstderr";
	else if (endpoint->command && options->client.no_close)
		wrong = "--no-close and COMMAND can't be combined: leave out one of them";
	else if (options->listener.sslcert.count > 1 ||
		 options->listener.sslcert.count != options->listener.sslkey.count)
		wrong =
		    "with --connect, --sslcert and --sslkey can be given once, both together";
	else if ((options->listener.sslcert.count > 0 || options->listener.sslcrl ||
		     options->client.cacert || options->client.insecure) &&
		 strncasecmp(options->client.connect, "wss://", 6) != 0)
		wrong = "--cacert, --insecure, --sslcert and --sslcrl need a wss:// URL: give "
			"one, or leave them out";
	else if (options->client.basic_file && options->client.bearer_file)
		wrong =
		    "--basic-file and --bearer-file can't be combined: leave out one of them";
	else if (options->client.insecure && options->client.cacert)
		wrong = "--insecure and --cacert can't be combined: leave out one of them";
	if (wrong)
		return reject(check, EX_USAGE, NULL, "%s", wrong);
	return check_subprotocol(check, endpoint) && check_program(check, endpoint) &&
	       check_command(check, endpoint);
}

/* Checks a whole file, even after an error. */
static bool
check_config(struct options *options, struct check *check)
{
	struct config *config = options->config;

	check->place.config = config;
	if (!config->sections[0].failed)
		(void)(options_check_section_needs(options, 0, check->err) &&
		       check_bus(check, options) &&
		       check_listening(check, &options->listener) &&
		       check_tls(check, &options->listener));
	for (size_t i = 0; i < options_served_count(options); i++) {
		struct options_served served = options_served(options, i);

		check->place = served.place;
		(void)check_endpoint(check,
		    served.place.section == 0
			? &options->endpoint
			: &config->sections[served.place.section].endpoint,
		    config->sections[served.place.section].failed);
	}
	options_check_exposures(options, check->err);
	*check->status = EX_CONFIG;
	return config->errors == 0 || options->server.check_config;
}

bool
options_check(struct options *options, FILE *err, int *status)
{
	struct check_known directory = {.given = NULL}, program = {.given = NULL};
	struct check check = {
	    options, &directory, &program, option_command_line(options), err, status};
	bool ok;

	if (options->server.describe && options->server.check_config)
		ok = reject(&check, EX_USAGE, NULL,
		    "--describe and --check-config can't be combined: leave out one of them");
	else if (options->client.connect)
		ok = check_client(&check, options);
	else if (options->config)
		ok = check_config(options, &check);
	else
		ok = check_usage(&check, &options->endpoint) && check_bus(&check, options) &&
		     check_listening(&check, &options->listener) &&
		     check_tls(&check, &options->listener) &&
		     check_endpoint(&check, &options->endpoint, false);
	check_forget(&directory);
	check_forget(&program);
	return ok;
}
