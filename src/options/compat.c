/* SPDX-License-Identifier: BSD-2-Clause */
/* What websocketd prints on its command line and at startup. */
#include "options/compat.h"

#include "options/set.h"

#include <limits.h>
#include <netdb.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

bool
compat_is_websocketd(const char *path)
{
	const char *slash = path ? strrchr(path, '/') : NULL;

	return path && strcmp(slash ? slash + 1 : path, "websocketd") == 0;
}

int
compat_report_option(FILE *err, const char *problem, struct span name)
{
	fprintf(err, "%s%.*s\n", problem, (int)name.len, name.data);
	return COMPAT_FLAG;
}

/* Returns Go's text for an invalid number; REASON for one beyond our limits. */
static const char *
compat_number_error(const char *value, const char *reason)
{
	const char *digits = value + (*value == '-');
	int64_t number;

	if (strncmp(reason, "must be a number", 16) != 0 ||
	    !util_parse_number(span_of(value), INT64_MIN, INT64_MAX, &number))
		return reason;
	return *digits != '\0' && digits[strspn(digits, "0123456789")] == '\0'
		   ? "value out of range"
		   : "parse error";
}

int
compat_report_value(
    const struct option_row *row, const char *value, const char *reason, FILE *out, FILE *err)
{
	if (strcmp(row->name, "loglevel") == 0) {
		fprintf(out,
		    "Incorrect loglevel flag '%s'. Use --help to see allowed values.\n", value);
		return COMPAT_NOTHING;
	}
	if (row->argument)
		fprintf(err, "invalid value \"%s\" for flag -%s: %s\n", value, row->name,
		    compat_number_error(value, reason));
	else
		fprintf(err, "invalid boolean value \"%s\" for -%s: parse error\n", value,
		    row->name);
	return COMPAT_FLAG;
}

void
compat_directory_error(char text[COMPAT_TEXT_MAX], const char *name, const char *path)
{
	const char *format = "could not find your script dir '%s'";

	if (strcmp(name, "staticdir") == 0)
		format = "your static dir '%s' is not pointing to an accessible directory";
	else if (strcmp(name, "cgidir") == 0)
		format = "your CGI dir '%s' is not pointing to an accessible directory";
	else if (errno == ENOTDIR)
		format = "did you mean to specify COMMAND instead of --dir '%s'?";
	snprintf(text, COMPAT_TEXT_MAX, format, path);
}

/* Returns Go's text for an errno. */
static void
compat_errno(char *text, size_t size, int error)
{
	snprintf(text, size, "%s", strerror(error));
	text[0] = util_lower(text[0]);
}

void
compat_tcp_error(char text[COMPAT_TEXT_MAX], const struct options_listener *options,
    const struct listeners_error *error, int port)
{
	const char *address = error->address;
	const char *form = "listen tcp %s:%d: bind: ";
	size_t len;

	if (error->resolve) {
		snprintf(text, COMPAT_TEXT_MAX, "listen tcp: lookup %s: no such host", address);
		return;
	}
	/* "*" is two addresses here, but none for websocketd. */
	for (size_t i = 0; i < options->address.count; i++) {
		if (strcmp(options->address.items[i], "*") == 0 &&
		    (strcmp(address, "0.0.0.0") == 0 || strcmp(address, "::") == 0))
			address = "";
	}
	if (strchr(address, ':'))
		form = "listen tcp [%s]:%d: bind: ";
	len = (size_t)snprintf(text, COMPAT_TEXT_MAX, form, address, port);
	if (len < COMPAT_TEXT_MAX)
		compat_errno(text + len, COMPAT_TEXT_MAX - len, error->error);
}

void
compat_unix_error(char text[COMPAT_TEXT_MAX], const char *path, int error)
{
	char why[128];

	compat_errno(why, sizeof(why), error == EEXIST ? EADDRINUSE : error);
	if (error == EADDRINUSE)
		snprintf(text, COMPAT_TEXT_MAX, "unix socket %s is already in use", path);
	else
		snprintf(text, COMPAT_TEXT_MAX, "listen unix %s: bind: %s", path, why);
}

/* Logs the program with its arguments. */
static void
compat_announce_command(const struct options_endpoint *options)
{
	char *text = NULL;
	size_t len;
	FILE *out = open_memstream(&text, &len);

	if (!out)
		return;
	/* The format is "%s %s", with or without arguments. */
	fprintf(out, "Serving using application   : %s%s", options->program,
	    options->command[1] ? "" : " ");
	for (char *const *arg = options->command + 1; *arg; arg++)
		fprintf(out, " %s", *arg);
	if (fclose(out) == 0)
		log_info("%s", text);
	free(text);
}

/* websocketd prints the host name if no address is given. */
void
compat_announce(const struct options *options, int port)
{
	const struct options_listener *listener = &options->listener;
	const char *secure = listener->ssl ? "s" : "";
	char hostname[HOST_NAME_MAX + 1] = "UNKNOWN";

	(void)gethostname(hostname, sizeof(hostname) - 1);
	if (options->endpoint.command)
		compat_announce_command(&options->endpoint);
	if (options->endpoint.dir)
		log_info("Serving from directory      : %s", options->endpoint.dir);
	if (options->endpoint.staticdir)
		log_info("Serving static content from : %s", options->endpoint.staticdir);
	if (options->endpoint.cgidir)
		log_info("Serving CGI scripts from    : %s", options->endpoint.cgidir);
	for (size_t i = 0; i < listener->address.count && listener->tcp; i++) {
		const char *host = listener->address.items[i];
		const char *form = strchr(host, ':') ? "[%s]" : "%s";
		char text[NI_MAXHOST + 2];

		snprintf(text, sizeof(text), form, strcmp(host, "*") == 0 ? hostname : host);
		log_info("Starting WebSocket server   : ws%s://%s:%d/", secure, text, port);
		if (options->endpoint.devconsole == OPTIONS_CONSOLE_ON)
			log_info("Developer console enabled   : http%s://%s:%d/", secure, text,
			    port);
		else if (options->endpoint.staticdir || options->endpoint.cgidir)
			log_info("Serving CGI or static files : http%s://%s:%d/", secure, text,
			    port);
		snprintf(text, sizeof(text), form, strcmp(host, "*") == 0 ? "" : host);
		if (listener->redirport != 0)
			log_info("Starting redirect server   : http://%s:%d/", text,
			    (int)listener->redirport);
	}
	if (listener->unixsocket)
		log_info(
		    "Starting WebSocket server   : unix socket at %s", listener->unixsocket);
	if (listener->sslca)
		log_info(
		    "Mutual TLS enabled (client certs verified against %s)", listener->sslca);
}
