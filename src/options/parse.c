/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Parses the command line in two passes: the first determines whether to emulate websocketd and
 * whether TLS is used, on which defaults, limits and texts depend; the second reads the values.
 */
#include "options/parse.h"

#include "base/util.h"
#include "options/check.h"
#include "options/compat.h"
#include "options/config_apply.h"
#include "options/help.h"
#include "options/needs.h"
#include "options/place.h"
#include "options/report.h"
#include "options/set.h"
#include "options/suggest.h"
#include "options/table.h"
#include "options/value.h"

#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

/* An iteration over the arguments. */
struct walk {
	char **argv;
	int argc;
	int next; /* index of the next argument */

	const char *word; /* the current argument */
	struct span name; /* its name, without dashes */
	const struct option_row *row; /* NULL: unknown option */
	struct span value; /* its value; "true" if optional and omitted */
};

enum walk_result {
	WALK_OPTION,
	WALK_END, /* the rest, from NEXT on, is COMMAND */
	WALK_UNKNOWN,
	WALK_SYNTAX, /* dashes without a name */
	WALK_MISSING, /* the value is missing */
};

/* Advances to the next option, by the rules of Go's flag package, which websocketd's users rely
 * on. */
static enum walk_result
walk_next(struct walk *walk)
{
	const char *equals;

	if (walk->next >= walk->argc)
		return WALK_END;
	walk->word = walk->argv[walk->next];
	if (walk->word[0] != '-' || walk->word[1] == '\0')
		return WALK_END;
	walk->next++;
	if (strcmp(walk->word, "--") == 0)
		return WALK_END;

	walk->name = span_of(walk->word + (walk->word[1] == '-' ? 2 : 1));
	equals = strchr(walk->name.data, '=');
	if (equals)
		walk->name.len = (size_t)(equals - walk->name.data);
	if (walk->name.len == 0 || walk->name.data[0] == '-')
		return WALK_SYNTAX;
	walk->row = option_find(span_equal(walk->name, SPAN("h")) ? SPAN("help") : walk->name);
	if (!walk->row || walk->row->only == OPTION_IN_FILE)
		return WALK_UNKNOWN;

	if (equals)
		walk->value = span_of(equals + 1);
	else if (!walk->row->argument || walk->row->optional)
		walk->value = SPAN("true");
	else if (walk->next >= walk->argc)
		return WALK_MISSING;
	else
		walk->value = span_of(walk->argv[walk->next++]);
	return WALK_OPTION;
}

/* First pass; the second one reports errors. */
static void
read_early_values(struct options *options, int argc, char **argv)
{
	struct walk walk = {.argc = argc, .argv = argv, .next = 1};
	struct option_place place = option_command_line(options);

	options->server.compat = argc > 0 && compat_is_websocketd(argv[0]);
	if (options->config)
		config_apply_early(options->config, &place);
	while (walk_next(&walk) == WALK_OPTION) {
		if (walk.row->early)
			(void)option_apply(walk.row, &place, walk.value);
	}
}

/* Reports an argument that is not a valid option, and returns the exit status. */
static int
report_bad_option(const struct option_place *place, const struct walk *walk,
    enum walk_result result, FILE *err)
{
	const char *suggestion =
	    result == WALK_UNKNOWN ? option_suggest(walk->name, OPTION_ON_COMMAND_LINE) : NULL;
	int shown = (int)(walk->name.data + walk->name.len - walk->word);

	if (place->compat && result == WALK_MISSING)
		return compat_report_option(err, "flag needs an argument: -", walk->name);
	if (place->compat && result == WALK_SYNTAX)
		return compat_report_option(err, "bad flag syntax: ", span_of(walk->word));
	if (place->compat)
		return compat_report_option(
		    err, "flag provided but not defined: -", walk->name);
	fprintf(err, "%s: ", place->name);
	if (result == WALK_MISSING)
		fprintf(err, "--%s needs a value: write --%s=%s\n", walk->row->name,
		    walk->row->name, walk->row->argument);
	else if (result == WALK_SYNTAX)
		fprintf(err, "invalid option '%s'; see 'wspipe --help=all'\n", walk->word);
	else if (suggestion)
		fprintf(err, "unknown option %.*s; did you mean --%s?\n", shown, walk->word,
		    suggestion);
	else
		fprintf(
		    err, "unknown option %.*s; see 'wspipe --help=all'\n", shown, walk->word);
	return EX_USAGE;
}

/* Second pass. Returns false to exit with *STATUS. */
static bool
read_values(
    const struct option_place *place, struct walk *walk, FILE *out, FILE *err, int *status)
{
	const struct options_server *server = place->scopes[OPTION_SERVER];
	struct options_listener *listener = place->scopes[OPTION_LISTENER];
	enum walk_result result;

	while ((result = walk_next(walk)) == WALK_OPTION) {
		const char *reason = option_apply(walk->row, place, walk->value);

		listener->tcp = listener->tcp || walk->row->tcp;
		if (reason) {
			*status = option_report_value(
			    place, walk->row, walk->value, reason, out, err);
			return false;
		}
		if (server->help) {
			options_help_print(
			    place->compat ? err : out, place->compat, server->help - 1);
			*status = EX_OK;
			return false;
		}
	}
	if (result == WALK_END)
		return true;
	*status = report_bad_option(place, walk, result, err);
	return false;
}

/* Rejects options without effect in this role. Returns false to exit with *STATUS. */
static bool
check_roles(
    const struct option_place *place, const struct options *options, FILE *err, int *status)
{
	struct walk walk = {.argc = options->argc, .argv = options->argv, .next = 1};
	enum option_role other = options->client.connect ? OPTION_OF_SERVER : OPTION_OF_CLIENT;

	while (walk_next(&walk) == WALK_OPTION) {
		if (walk.row->role != other &&
		    !(place->compat && walk.row->role == OPTION_OF_CLIENT))
			continue;
		option_report_take(place, err,
		    options_format(
			options->client.connect
			    ? "--%s applies to a server only: leave it out, or leave out "
			      "--connect"
			    : "--%s applies to a client only: add --connect=URL, or leave it "
			      "out",
			walk.row->name));
		*status = EX_USAGE;
		return false;
	}
	return true;
}

/* Rejects options without effect because another one is missing. Returns false to exit with
 * *STATUS. */
static bool
check_needs(const struct options *options, FILE *err, int *status)
{
	struct walk walk = {.argc = options->argc, .argv = options->argv, .next = 1};
	bool ok = true;

	while (ok && !options->client.connect && walk_next(&walk) == WALK_OPTION)
		ok = options_check_needs(options, walk.row, err);
	if (!ok)
		*status = options->server.compat ? COMPAT_NOTHING : EX_USAGE;
	return ok;
}

/* Returns the first of the ARGC words of COMMAND that is a valid option of wspipe, or NULL. */
static const char *
find_misplaced(int argc, char **argv)
{
	for (int i = 1; i < argc && strcmp(argv[i], "--") != 0; i++) {
		struct walk walk = {.argc = argc, .argv = argv, .next = i};
		struct options scratch = {0};
		struct option_place place = option_command_line(&scratch);
		const char *reason;

		/* Most programs have --help and similar options themselves. */
		if (walk_next(&walk) != WALK_OPTION ||
		    (walk.row->scope == OPTION_SERVER &&
			(!walk.row->argument || walk.row->optional)))
			continue;
		reason = option_apply(walk.row, &place, walk.value);
		options_clear(&scratch);
		if (!reason)
			return argv[i];
	}
	return NULL;
}

/* Sets the defaults, including those that depend on the mode. */
static struct option_place
begin(struct options *options, int argc, char **argv)
{
	struct option_place place;

	options->argc = argc;
	options->argv = argv;
	read_early_values(options, argc, argv);
	place = option_command_line(options);
	option_apply_initial(&place, options->listener.ssl, false);
	if (place.compat)
		options->server.log_format = LOG_COMPAT; /* it has no command-line name */
	if (options->client.connect)
		options->server.loglevel = LOG_WARN; /* stderr belongs to the user */
	return place;
}

/* Applies precedence: lists on the command line replace those of the file, and --dir the file's
 * command. */
static void
override(const struct option_place *place, int argc, char **argv)
{
	struct walk walk = {.argc = argc, .argv = argv, .next = 1};

	while (walk_next(&walk) == WALK_OPTION) {
		if (walk.row->repeatable)
			option_reset(walk.row, place);
		if (span_equal(walk.name, SPAN("dir")))
			option_reset(option_find(SPAN("command")), place);
	}
}

/* Reads the endpoints of the file; GLOBAL has their defaults. */
static void
read_sections(struct config *config, const struct options_endpoint *global, bool compat,
    bool has_command, FILE *err)
{
	for (size_t i = 1; i < config->section_count; i++) {
		struct config_section *section = &config->sections[i];
		struct option_place place = {
		    .config = config,
		    .section = i,
		    .compat = compat,
		    .scopes = {[OPTION_ENDPOINT] = &section->endpoint},
		};

		section->endpoint = *global;
		option_own(OPTION_ENDPOINT, &section->endpoint);
		config_apply(config, i, &place, err);
		if (has_command && strcmp(section->path, "/") == 0)
			option_report(&place, err,
			    "the command line's COMMAND is the endpoint / already: remove "
			    "this section, or COMMAND");
	}
}

/* Reads the file and then again the command line, which is known to be valid. */
static void
read_config(struct options *options, int argc, char **argv, struct config_store *store,
    FILE *out, FILE *err)
{
	struct config *config = config_load(options->server.config, store, err);
	struct walk walk = {.argc = argc, .argv = argv, .next = 1};
	bool has_dir = options->endpoint.dir;
	struct option_place command_line, file;
	int ignored;

	options_clear(options);
	options->config = config;
	command_line = file = begin(options, argc, argv);
	file.config = config;
	config_apply(config, 0, &file, err);
	override(&command_line, argc, argv);
	(void)read_values(&command_line, &walk, out, err, &ignored);
	read_sections(config, &options->endpoint, file.compat, walk.next < argc, err);
	if (walk.next < argc && !has_dir)
		option_reset(option_find(SPAN("dir")), &command_line);
}

/* Sets the values that follow from COMMAND and from defaults that depend on other options. */
static void
finish(struct options *options, int argc, char **argv)
{
	struct option_place place = option_command_line(options);
	struct options_endpoint *endpoint = &options->endpoint;

	if (argc > 0) {
		free(endpoint->command);
		endpoint->command = options_words_copy(argv);
	}
	option_apply_initial(&place, options->listener.ssl, true);
	if (place.compat && endpoint->origin.count == 0 && !endpoint->sameorigin)
		(void)option_apply(option_find(SPAN("origin")), &place, SPAN("any"));
	if (!place.compat && argc > 0)
		options->misplaced = find_misplaced(argc, argv);
	options->serves_root =
	    !options->config || argc > 0 || options->config->section_count == 1;
}

enum options_result
options_parse(struct options *options, int argc, char **argv, FILE *out, FILE *err, int *status)
{
	return options_parse_stored(options, argc, argv, NULL, out, err, status);
}

enum options_result
options_parse_stored(struct options *options, int argc, char **argv, struct config_store *store,
    FILE *out, FILE *err, int *status)
{
	struct walk walk = {.argc = argc, .argv = argv, .next = 1};
	struct option_place place;

	*options = (struct options){0};
	place = begin(options, argc, argv);
	if (argc <= 1) {
		if (place.compat)
			fputs(COMPAT_NO_ARGUMENTS "\n", out);
		options_help_usage(err, place.compat);
		*status = place.compat ? COMPAT_NOTHING : EX_USAGE;
		return OPTIONS_EXIT;
	}
	if (!check_roles(&place, options, err, status) ||
	    !read_values(&place, &walk, out, err, status))
		return OPTIONS_EXIT;
	if (options->server.version || options->server.license) {
		if (options->server.version)
			options_help_version(out, place.compat);
		else
			options_help_license(out);
		*status = EX_OK;
		return OPTIONS_EXIT;
	}
	if (options->server.config)
		read_config(options, argc, argv, store, out, err);
	finish(options, argc - walk.next, argv + walk.next);
	return options_check(options, err, status) && check_needs(options, err, status)
		   ? OPTIONS_RUN
		   : OPTIONS_EXIT;
}

void
options_clear(struct options *options)
{
	option_clear(OPTION_SERVER, &options->server);
	option_clear(OPTION_LISTENER, &options->listener);
	option_clear(OPTION_CLIENT, &options->client);
	options_endpoint_clear(&options->endpoint);
	config_free(options->config);
	*options = (struct options){0};
}
