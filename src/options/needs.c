/* SPDX-License-Identifier: BSD-2-Clause */
/* Finds options that have no effect without another one. */
#include "options/needs.h"

#include "options/config_load.h"
#include "options/report.h"
#include "options/served.h"
#include "options/value.h"

#include <stdlib.h>
#include <string.h>

/* Reports whether the member of ROW in SCOPE is set: not false, 0 or empty. */
static bool
is_set(const struct option_row *row, const void *scope)
{
	const char *member = (const char *)scope + row->offset;

	if (row->owned == OPTION_LIST)
		return ((const struct options_list *)(const void *)member)->count > 0;
	for (size_t i = 0; i < row->size; i++) {
		if (member[i] != 0)
			return true;
	}
	return false;
}

static bool
is_set_in(const struct options *options, const struct options_endpoint *endpoint,
    const struct option_row *row)
{
	const void *scopes[OPTION_SCOPES] = {
	    [OPTION_SERVER] = &options->server,
	    [OPTION_LISTENER] = &options->listener,
	    [OPTION_ENDPOINT] = endpoint,
	    [OPTION_CLIENT] = &options->client,
	};

	return is_set(row, scopes[row->scope]);
}

/* Reports whether ROW, if set, has what it needs. */
static bool
has_need(const struct options *options, const struct options_endpoint *endpoint,
    const struct option_row *row)
{
	bool serves = endpoint->staticdir || endpoint->cgidir;
	bool is_socket = endpoint->command && connect_is_target(endpoint->command[0]) &&
			 !options->server.compat;

	if (!is_set_in(options, endpoint, row))
		return true;
	/* An endpoint with nothing to serve is reported elsewhere. */
	if (strcmp(row->needs, NEEDS_PROGRAM) == 0)
		return endpoint->command || endpoint->dir || !serves;
	if (strcmp(row->needs, NEEDS_CHILD) == 0)
		return endpoint->dir || endpoint->cgidir ||
		       (endpoint->command ? !is_socket : !serves);
	if (strcmp(row->needs, NEEDS_SOCKET) == 0)
		return is_socket;
	if (strcmp(row->needs, NEEDS_BODY) == 0)
		return endpoint->cgidir || endpoint->mcp.on;
	return is_set_in(options, endpoint, option_find(span_of(row->needs)));
}

/* Reports whether ROW has what it needs at an endpoint; NULL: at any endpoint. */
static bool
has_need_at(const struct options *options, const struct options_endpoint *endpoint,
    const struct option_row *row)
{
	size_t count = options_served_count(options);
	bool found = endpoint && has_need(options, endpoint, row);

	for (size_t i = 0; i < count && !endpoint && !found; i++)
		found = has_need(options, options_served(options, i).endpoint, row);
	return found || (!endpoint && count == 0);
}

/* Returns the error of ROW, which the caller frees. */
static char *
explain(const struct option_row *row)
{
	const struct option_row *other = option_find(span_of(row->needs));
	const char *what = NULL;

	if (strcmp(row->needs, NEEDS_PROGRAM) == 0)
		what = "a program: give a COMMAND or --dir=DIR";
	else if (strcmp(row->needs, NEEDS_CHILD) == 0)
		what = "a program: give one as COMMAND, --dir=DIR or --cgidir=DIR";
	else if (strcmp(row->needs, NEEDS_SOCKET) == 0)
		what = "a socket: give tcp:HOST:PORT or unix:PATH as COMMAND";
	else if (strcmp(row->needs, NEEDS_BODY) == 0)
		what = "requests with a body: give --cgidir=DIR or --mcp";
	if (what)
		return options_format(
		    "--%s needs %s, or leave out --%s", row->name, what, row->name);
	return options_format("--%s needs --%s%s%s: add it, or leave out --%s", row->name,
	    other->name, other->argument && !other->optional ? "=" : "",
	    other->argument && !other->optional ? other->argument : "", row->name);
}

/* Reports whether ROW is an option of websocketd, where it needs nothing. */
static bool
is_compat(const struct option_row *row)
{
	static const char *const names[] = {"binary", "passstderr", "maxframesize", "pingms"};
	bool found = false;

	for (size_t i = 0; i < UTIL_LEN(names); i++)
		found = found || strcmp(row->name, names[i]) == 0;
	return found;
}

bool
options_check_needs(const struct options *options, const struct option_row *row, FILE *err)
{
	const struct option_place place = {.name = "wspipe"};
	bool compat = options->server.compat;
	char *text;

	if (!row->needs || has_need_at(options, NULL, row) || (compat && is_compat(row)))
		return true;
	text = explain(row);
	if (compat)
		fprintf(err, "%s\n", text);
	else
		option_report(&place, err, text);
	free(text);
	return false;
}

bool
options_check_section_needs(const struct options *options, size_t section, FILE *err)
{
	struct config *config = options->config;
	const struct options_endpoint *endpoint =
	    section == 0 ? NULL : &config->sections[section].endpoint;
	bool ok = true;

	for (size_t i = section == 0 ? 0 : config->sections[section].first;
	     i < config->entry_count && (section == 0 || config->entries[i].section == section);
	     i++) {
		const struct config_entry *entry = &config->entries[i];
		const struct option_place place = {
		    .name = "wspipe", .config = config, .section = section, .entry = entry};

		if (entry->section != section || !entry->row->needs ||
		    has_need_at(options, endpoint, entry->row))
			continue;
		option_report_take(&place, err, explain(entry->row));
		ok = false;
	}
	return ok;
}
