/* SPDX-License-Identifier: BSD-2-Clause */
/* Reports at startup what is served, and at which addresses. */
#include "server/announce.h"

#include "base/util.h"
#include "options/compat.h"
#include "options/served.h"
#include "serve/access.h"
#include "serve/beneath.h"
#include "server/listen.h"

#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

enum { ANNOUNCE_COMMAND_MAX = 80 }; /* maximum bytes of the command with its arguments */

/* Returns the host for a URL: clients can't connect to a wildcard address. */
static const char *
announce_host(const char *address)
{
	bool wildcard = strcmp(address, "*") == 0 || strcmp(address, "0.0.0.0") == 0 ||
			strcmp(address, "::") == 0;

	return wildcard ? "localhost" : address;
}

static bool
announce_is_repeated(const struct options_list *addresses, size_t index)
{
	const char *host = announce_host(addresses->items[index]);

	for (size_t i = 0; i < index; i++) {
		if (strcmp(host, announce_host(addresses->items[i])) == 0)
			return true;
	}
	return false;
}

/* Returns the only endpoint if there is no configuration file. */
static const struct endpoint *
announce_root(const struct server *server)
{
	return endpoints_find(server->route.endpoints, "/");
}

/* Returns the path of a page that is at / and at OTHER: OTHER if --health-path=/ hides the
 * former. */
static const char *
announce_page(const struct server *server, const char *other)
{
	const char *health_path = server->route.health_path;

	return health_path && strcmp(health_path, "/") == 0 ? other : "";
}

static void
announce_url(
    FILE *out, const struct server *server, const char *scheme, const char *host, int port)
{
	fprintf(out, strchr(host, ':') ? "%s%s://[%s]:%d/" : "%s%s://%s:%d/", scheme,
	    server->options->listener.ssl ? "s" : "", host, port);
}

/* Writes a URL for each socket of the service manager that has a name; others are skipped. */
static void
announce_activated_urls(
    FILE *out, const struct server *server, const char *scheme, const char *path)
{
	const char *separator = "";

	for (size_t i = 0; i < server->listeners.count; i++) {
		struct sockaddr_storage bound;
		const struct sockaddr_un *name = (const struct sockaddr_un *)(void *)&bound;
		char host[LISTENER_TEXT_MAX];

		listener_address(server->listeners.items[i], &bound);
		if (bound.ss_family == AF_UNIX && name->sun_path[0] != '/')
			continue;
		fputs(separator, out);
		separator = ", ";
		listener_host_text(&bound, host);
		if (bound.ss_family == AF_UNIX)
			fprintf(out, "%s%s+unix:%.*s:/", scheme,
			    server->options->listener.ssl ? "s" : "",
			    (int)sizeof(name->sun_path), name->sun_path);
		else
			announce_url(
			    out, server, scheme, announce_host(host), listener_port(&bound));
		fputs(path, out);
	}
}

/* Writes a URL with PATH for each TCP address. */
static void
announce_tcp_urls(FILE *out, const struct server *server, const char *scheme, const char *path)
{
	const struct options_listener *listener = &server->options->listener;
	const struct options_list *addresses = &listener->address;

	if (server->activation.count > 0) {
		announce_activated_urls(out, server, scheme, path);
		return;
	}
	if (listener->tcp && addresses->count == 0) {
		announce_url(out, server, scheme, "localhost", server_port(server));
		fputs(path, out);
	}
	for (size_t i = 0; i < addresses->count && listener->tcp; i++) {
		if (announce_is_repeated(addresses, i))
			continue;
		fputs(i > 0 ? ", " : "", out);
		announce_url(out, server, scheme, announce_host(addresses->items[i]),
		    server_port(server));
		fputs(path, out);
	}
}

/* Writes the TCP URLs, and the Unix socket in the notation of clients that support one. */
static void
announce_urls(FILE *out, const struct server *server, const char *scheme, const char *path)
{
	const struct options_listener *listener = &server->options->listener;

	announce_tcp_urls(out, server, scheme, path);
	if (listener->unixsocket && server->activation.count == 0)
		fprintf(out, "%s%s%s+unix:%s:/%s", listener->tcp ? ", " : "", scheme,
		    listener->ssl ? "s" : "", listener->unixsocket, path);
}

static void
announce_scope(FILE *out, const struct server *server)
{
	const struct options_list *addresses = &server->options->listener.address;

	if (!server->options->listener.tcp && server->activation.count == 0)
		return;
	if (server->is_local) {
		fprintf(out, " (this machine only%s)",
		    addresses->count == 0 && server->activation.count == 0
			? "; use --address='*' for all interfaces"
			: "");
		return;
	}
	for (size_t i = 0; i < addresses->count && server->activation.count == 0; i++) {
		if (announce_host(addresses->items[i]) != addresses->items[i]) {
			fprintf(out, " (all interfaces, port %d)", server_port(server));
			return;
		}
	}
}

/* Writes the command and as many of its arguments as fit. */
static void
announce_command(FILE *out, char *const *command)
{
	size_t used = 0;

	for (char *const *arg = command; *arg; arg++) {
		used += strlen(*arg) + 1;
		if (arg != command && used > ANNOUNCE_COMMAND_MAX) {
			fputs(" ...", out);
			return;
		}
		fprintf(out, arg == command ? "%s" : " %s", *arg);
	}
}

/* Reports whether a file name needs no escapes in a URL and the file permits ACCESS. */
static bool
announce_is_file(int dir, const char *name, int access)
{
	static const char plain[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
				    "0123456789-._";
	struct stat st;

	return name[strspn(name, plain)] == '\0' && !beneath_hidden(name) &&
	       fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISREG(st.st_mode) &&
	       faccessat(dir, name, access, AT_EACCESS) == 0;
}

/* Finds the first such file of a directory in alphabetical order. Returns false if there is
 * none. */
static bool
announce_example(const char *path, int access, char name[NAME_MAX + 1])
{
	DIR *dir = opendir(path);
	struct dirent *entry;

	name[0] = '\0';
	while (dir && (entry = readdir(dir))) {
		if ((name[0] == '\0' || strcmp(entry->d_name, name) < 0) &&
		    announce_is_file(dirfd(dir), entry->d_name, access))
			strcpy(name, entry->d_name);
	}
	if (dir)
		closedir(dir);
	return name[0] != '\0';
}

/* Writes what programs are served, if any. */
static void
announce_programs(FILE *out, const struct server *server)
{
	const struct options *options = server->options;
	char name[NAME_MAX + 1];

	fputs("serving ", out);
	if (options->endpoint.command) {
		announce_command(out, options->endpoint.command);
		fputs(options->endpoint.mcp.on ? " to MCP clients on " : " on ", out);
		announce_urls(out, server, options->endpoint.mcp.on ? "http" : "ws", "");
	} else if (announce_example(options->endpoint.dir, X_OK, name)) {
		fprintf(out, "the programs in %s, for example ", options->endpoint.dir);
		announce_urls(out, server, "ws", name);
	} else {
		fprintf(out, "the programs in %s on ", options->endpoint.dir);
		announce_urls(out, server, "ws", "PROGRAM");
	}
}

static void
announce_files(FILE *out, const struct server *server)
{
	const char *path = server->options->endpoint.staticdir;
	char name[NAME_MAX + 1];

	fprintf(out, "serving the files in %s", path);
	if (faccessat(announce_root(server)->files.root, "index.html", R_OK, AT_EACCESS) == 0) {
		fputs(" on ", out);
		announce_urls(out, server, "http", announce_page(server, "index.html"));
	} else if (announce_example(path, R_OK, name)) {
		fputs(", without an index.html, for example ", out);
		announce_urls(out, server, "http", name);
	} else {
		fputs(", without an index.html, on ", out);
		announce_urls(out, server, "http", "FILE");
	}
}

static void
announce_scripts(FILE *out, const struct server *server)
{
	const char *path = server->options->endpoint.cgidir;
	char name[NAME_MAX + 1];
	bool found = announce_example(path, X_OK, name);

	fprintf(
	    out, "serving the CGI scripts in %s%s", path, found ? ", for example " : " on ");
	announce_urls(out, server, "http", found ? name : "SCRIPT");
}

static void
announce_console(FILE *out, const struct server *server)
{
	fprintf(out, "try %s in a browser: ", server->options->endpoint.dir ? "them" : "it");
	announce_tcp_urls(out, server, "http",
	    server->options->endpoint.staticdir ? "-/console"
						: announce_page(server, "-/console"));
}

/* Logs one line, generated by WRITE. */
static void
announce(const struct server *server, void (*write)(FILE *, const struct server *), bool scope)
{
	char *text = NULL;
	size_t len;
	FILE *out = open_memstream(&text, &len);

	if (!out)
		return;
	write(out, server);
	if (scope)
		announce_scope(out, server);
	if (fclose(out) == 0)
		log_info("%s", text);
	free(text);
}

/* Reports whether a page could connect to a program by DNS rebinding. With --origin, the page's
 * own host name is not in the list; over TLS, it is not in the certificate. */
static bool
announce_can_be_rebound(const struct server *server)
{
	for (size_t i = 0; i < options_served_count(server->options); i++) {
		const struct endpoint *endpoint = endpoints_find(
		    server->route.endpoints, options_served(server->options, i).path);

		if (endpoint->kind != ENDPOINT_FILES && endpoint->host_count == 0 &&
		    endpoint->origin.mode == ORIGIN_SAME)
			return !server->options->listener.ssl;
	}
	return false;
}

/* Reports whether programs run as the server's user. */
static bool
announce_runs_programs(const struct server *server)
{
	bool runs = false;

	for (size_t i = 0; i < options_served_count(server->options); i++) {
		const struct options_endpoint *endpoint =
		    options_served(server->options, i).endpoint;

		runs =
		    runs ||
		    (!endpoint->child_user &&
			(endpoint->dir || endpoint->cgidir ||
			    (endpoint->command && endpoint->target.kind == CONNECT_NOTHING)));
	}
	return runs;
}

/* Reports whether access is restricted, if only by address. */
static bool
announce_restricts(const struct access *access)
{
	return access && (access_authenticates(access) || access->hook || access->header ||
			     access_has_list(&access->allow));
}

/* Reports whether anyone who can connect gets a terminal, which is a remote shell whatever the
 * program. */
static bool
announce_has_open_terminal(const struct server *server)
{
	bool open = false;

	for (size_t i = 0; i < options_served_count(server->options); i++) {
		const struct endpoint *endpoint = endpoints_find(
		    server->route.endpoints, options_served(server->options, i).path);

		open = open || (endpoint->pty == PTY_TERMINAL &&
				   !announce_restricts(endpoint->access) &&
				   !endpoint->framed.drops_all);
	}
	return open && !server->options->listener.sslca;
}

static void
announce_risks(const struct server *server)
{
	bool root = geteuid() == 0 && announce_runs_programs(server);

	if (server->is_local && root)
		log_info(
		    "programs run as root; choose a user for them with --user or --child-user");
	/* The remaining warnings only apply if other machines can connect. */
	if (server->is_local)
		return;
	if (announce_can_be_rebound(server))
		log_warnx("the Host of requests is not checked: a web page can connect through "
			  "a domain name of its own that resolves to this machine (DNS "
			  "rebinding); prevent it with --host=NAME, the name that clients use");
	if (announce_has_open_terminal(server))
		log_warnx("anyone who can connect from another machine can type into the "
			  "terminals of --pty, without a password; require one with "
			  "--auth-basic=FILE, or a token with --auth-token=FILE");
	if (root)
		log_warnx("anyone who can connect from another machine runs programs as root; "
			  "choose a user with --user or --child-user");
}

static void
announce_endpoints(FILE *out, const struct server *server)
{
	size_t count = options_served_count(server->options);

	fprintf(out, "serving %zu endpoint%s of %s on ", count, util_plural(count),
	    server->options->server.config);
	announce_urls(out, server, "ws", "");
}

static void
announce_admin(FILE *out, const struct server *server)
{
	const struct listeners *listeners = &server->admin.listeners;
	const struct listeners_target *target = &server->options->server.admin;
	struct sockaddr_storage bound;

	fputs("administration on ", out);
	if (target->is_unix) {
		fprintf(out, "http+unix:%s:/", target->host);
		return;
	}
	listener_address(listeners->items[0], &bound);
	fprintf(out, strchr(target->host, ':') ? "http://[%s]:%d/" : "http://%s:%d/",
	    announce_host(target->host), listener_port(&bound));
}

void
server_announce(const struct server *server)
{
	const struct options *options = server->options;
	bool programs = options->endpoint.command || options->endpoint.dir;

	if (server->activation.count > 0)
		log_info(
		    "listening on %zu socket%s passed by the service manager, not on those "
		    "of the options",
		    server->activation.count, util_plural(server->activation.count));
	else if (options->server.compat) {
		compat_announce(options, server_port(server));
		return;
	}
	if (options_served_count(options) > 1 || !options->serves_root) {
		announce(server, announce_endpoints, true);
		programs = true;
	} else {
		if (programs)
			announce(server, announce_programs, true);
		if (options->endpoint.mcp.on)
			log_info("add this URL to an MCP client as a server of type \"http\" "
				 "(Streamable HTTP)");
		if (options->endpoint.cgidir)
			announce(server, announce_scripts, !programs);
		if (options->endpoint.staticdir)
			announce(
			    server, announce_files, !programs && !options->endpoint.cgidir);
		if (announce_root(server)->console && options->listener.tcp)
			announce(server, announce_console, false);
	}
	if (options->listener.redirport != 0 && server->activation.count == 0)
		log_info("redirecting plain HTTP from port %d to port %d",
		    (int)options->listener.redirport, server_port(server));
	if (server->admin.listeners.count > 0)
		announce(server, announce_admin, false);
	if (programs || options->endpoint.cgidir)
		announce_risks(server);
}
