/* SPDX-License-Identifier: BSD-2-Clause */
/* The document, its servers, and the fragments of --dir. */
#include "config.h"

#include "server/describe.h"

#include "options/config_load.h"
#include "options/served.h"
#include "options/value.h"
#include "server/describe_channel.h"
#include "server/describe_json.h"
#include "server/describe_programs.h"
#include "server/fragment.h"

#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

/* Protocols and their servers, with and without TLS. */
static const struct {
	const char *ending; /* suffix of the server's name */
	const char *plain;
	const char *secure;
} protocols[] = {{"", "ws", "wss"}, {"-http", "http", "https"}};

/* Adds a server named by NAME and NUMBER, which counts from 1; with STREAMS, adds one for HTTP,
 * too. Takes SERVER. */
static void
add_server(json_t *document, const struct options_listener *listener, const char *name,
    size_t number, json_t *server, bool streams)
{
	char key[48], counted[32];

	snprintf(counted, sizeof(counted), number > 1 ? "%s-%zu" : "%s", name, number);
	if (listener->sslca) {
		describe_set(
		    json_object_get(json_object_get(document, "components"), "securitySchemes"),
		    "certificate",
		    describe_pack(
			"{s:s, s:s}", "type", "X509", "description", "A client certificate."));
		describe_set(server, "security",
		    describe_pack(
			"[o]", describe_ref("#/components/securitySchemes/certificate")));
	}
	for (size_t i = 0; i < 1 + (size_t)streams; i++) {
		json_t *copy = json_deep_copy(server);

		snprintf(key, sizeof(key), "%s%s", counted, protocols[i].ending);
		describe_set(json_object_get(document, "servers"), key, copy);
		describe_set(copy, "protocol",
		    json_string(listener->ssl ? protocols[i].secure : protocols[i].plain));
	}
	json_decref(server);
}

/* Returns the server of a TCP address. A host or port that is only known at run time is a
 * variable. */
static json_t *
tcp_server(const char *address, int64_t port)
{
	bool any = strcmp(address, "*") == 0, six = strchr(address, ':');
	json_t *variables = describe_pack("{}"), *server;
	char *host = any ? options_text_copy("{host}") : options_text_copy(address), *all;

	if (any)
		describe_set(variables, "host",
		    describe_pack("{s:s, s:s}", "default", "localhost", "description",
			"The name or an address of the server's machine."));
	if (port == 0)
		describe_set(variables, "port",
		    describe_pack("{s:s}", "description", "The port that the log shows."));
	if ((port == 0 ? asprintf(&all, six ? "[%s]:{port}" : "%s:{port}", host)
		       : asprintf(&all, six ? "[%s]:%d" : "%s:%d", host, (int)port)) == -1)
		options_no_memory();
	server = describe_pack("{s:o}", "host", describe_text(all));
	if (json_object_size(variables) > 0)
		describe_set(server, "variables", json_incref(variables));
	json_decref(variables);
	free(all);
	free(host);
	return server;
}

static void
describe_servers(json_t *document, const struct options_listener *listener, bool streams)
{
	const struct options_list *list = &listener->address;

	for (size_t i = 0; i < list->count && listener->tcp; i++)
		add_server(document, listener, "tcp", i + 1,
		    tcp_server(list->items[i], listener->port), streams);
	if (list->count == 0 && listener->tcp)
		add_server(document, listener, "tcp", 1,
		    tcp_server("localhost", listener->port), streams);
	if (listener->unixsocket)
		add_server(document, listener, "unix", 1,
		    describe_pack("{s:s, s:s, s:o}", "host", "localhost", "description",
			"A Unix socket, whose path is x-unix-socket.", "x-unix-socket",
			describe_text(listener->unixsocket)),
		    streams);
}

/* Adds each program of --dir as a channel; their fragments go to FRAGMENTS. */
static bool
describe_directory(json_t *document, json_t *fragments, const struct options *options,
    const struct options_served *served, FILE *err)
{
	struct describe_programs programs;
	bool ok = describe_programs_find(served, &programs, err);
	const char *base = strcmp(served->path, "/") == 0 ? "" : served->path;

	for (size_t i = 0; i < programs.names.count; i++) {
		const char *name = programs.names.items[i];
		char *path, *wrong;

		if (asprintf(&path, "%s/%s", base, name) == -1)
			options_no_memory();
		describe_channel(document, served->endpoint, path,
		    describe_has_streams(&options->server, served->endpoint));
		free(path);
		if (fragment_read(
			fragments, programs.root, served->endpoint->dir, name, &wrong))
			continue;
		fputs("wspipe: ", err);
		config_print(err, span_of(wrong));
		fputc('\n', err);
		free(wrong);
		ok = false;
	}
	describe_programs_clear(&programs);
	return ok;
}

int
describe(const struct options *options, FILE *out, FILE *err)
{
	json_t *document = describe_pack("{s:s, s:{s:s, s:s, s:s}, s:{}, s:{}, s:{}, s:{s:{}}}",
	    "asyncapi", "3.0.0", "info", "title", "wspipe", "version", VERSION, "description",
	    "Programs on WebSockets.", "servers", "channels", "operations", "components",
	    "securitySchemes");
	json_t *fragments = describe_pack("[]");
	size_t count = options_served_count(options);
	int status = EX_OK;
	bool ok = true, streams = false;

	for (size_t i = 0; i < count; i++)
		streams = streams || describe_has_streams(
					 &options->server, options_served(options, i).endpoint);
	describe_servers(document, &options->listener, streams);
	for (size_t i = 0; i < count; i++) {
		struct options_served served = options_served(options, i);

		if (served.endpoint->dir)
			ok = describe_directory(document, fragments, options, &served, err) &&
			     ok;
		else if (served.endpoint->command)
			describe_channel(document, served.endpoint, served.path,
			    describe_has_streams(&options->server, served.endpoint));
	}
	/* Only now do all channels have their keys. */
	fragment_merge(document, fragments);
	json_decref(fragments);
	if (!ok)
		status = EX_CONFIG;
	else if (json_dumpf(document, out, JSON_INDENT(2) | JSON_ENSURE_ASCII) == 0)
		fputc('\n', out);
	else if (!ferror(out)) { /* else the caller reports it */
		fputs("wspipe: out of memory\n", err);
		status = EX_OSERR;
	}
	json_decref(document);
	return status;
}
