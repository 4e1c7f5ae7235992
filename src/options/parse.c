/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The command line. It is walked twice: first to learn whether to behave as
 * websocketd and whether there is TLS, on which defaults, limits and texts depend, then to
 * read the values.
 */
#include "options/parse.h"

#include "base/util.h"
#include "options/check.h"
#include "options/compat.h"
#include "options/help.h"
#include "options/set.h"
#include "options/table.h"

#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

/* A walk over the arguments. */
struct walk {
	char **argv;
	int argc;
	int next; /* the argument to look at next */

	const char *word; /* the argument that was looked at last */
	struct span name; /* the name in it, without dashes */
	const struct option_row *row; /* NULL when there is no such option */
	struct span value; /* of it; where it may be left out, and is, "true" */
};

enum walk_result {
	WALK_OPTION,
	WALK_END, /* the rest, from next on, is COMMAND */
	WALK_UNKNOWN,
	WALK_SYNTAX, /* dashes without a name */
	WALK_MISSING, /* the value */
};

/* The rules are those of Go's flag package, which websocketd's users write for. */
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
	if (!walk->row)
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

/* The first walk. The second one reports errors. */
static void
read_early_values(struct options *options, int argc, char **argv)
{
	struct walk walk = {.argc = argc, .argv = argv, .next = 1};
	struct option_place place = option_command_line(options);

	options->server.compat = argc > 0 && compat_is_websocketd(argv[0]);
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
	const char *suggestion = result == WALK_UNKNOWN ? option_suggest(walk->name) : NULL;
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
		fprintf(err, "invalid option '%s'; see 'wspipe --help'\n", walk->word);
	else if (suggestion)
		fprintf(err, "unknown option %.*s; did you mean --%s?\n", shown, walk->word,
		    suggestion);
	else
		fprintf(err, "unknown option %.*s; see 'wspipe --help'\n", shown, walk->word);
	return EX_USAGE;
}

/* Prints TEXT on one line, with '?' for control characters. */
static void
print_text(FILE *err, const char *text, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		unsigned char c = (unsigned char)text[i];

		fputc(c < 0x20 || c == 0x7f ? '?' : c, err);
	}
}

/* Reports a value that its setter rejects with REASON; see option_setter for its form. */
static int
report_bad_value(const struct option_place *place, const struct option_row *row,
    struct span value, const char *reason, FILE *out, FILE *err)
{
	size_t rule = strcspn(reason, ";");

	if (place->compat)
		return compat_report_value(row, value.data, reason, out, err);
	if (row->set == option_set_unsupported)
		fprintf(err, "%s: websocketd's --%s is %s\n", place->name, row->name, reason);
	else if (strncmp(reason, "must be ", 8) == 0) {
		fprintf(err, "%s: --%s %.*s, not '", place->name, row->name, (int)rule, reason);
		print_text(err, value.data, value.len);
		fprintf(err, "'%s\n", reason + rule);
	} else {
		fprintf(err, "%s: --%s: ", place->name, row->name);
		print_text(err, reason, strlen(reason));
		fputc('\n', err);
	}
	return EX_USAGE;
}

/* The second walk. False: exit with *STATUS. */
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
			*status =
			    report_bad_value(place, walk->row, walk->value, reason, out, err);
			return false;
		}
		if (server->help) {
			options_help_print(place->compat ? err : out, place->compat);
			*status = EX_OK;
			return false;
		}
	}
	if (result == WALK_END)
		return true;
	*status = report_bad_option(place, walk, result, err);
	return false;
}

/* The first of the ARGC words of COMMAND that is a valid option of wspipe, or NULL. */
static const char *
find_misplaced(int argc, char **argv)
{
	for (int i = 1; i < argc && strcmp(argv[i], "--") != 0; i++) {
		struct walk walk = {.argc = argc, .argv = argv, .next = i};
		struct options scratch = {0};
		struct option_place place = option_command_line(&scratch);
		const char *reason;

		/* Most programs have --help and the like themselves. */
		if (walk_next(&walk) != WALK_OPTION ||
		    walk.row->set == option_set_unsupported ||
		    (walk.row->scope == OPTION_SERVER && !walk.row->argument))
			continue;
		reason = option_apply(walk.row, &place, walk.value);
		options_clear(&scratch);
		if (!reason)
			return argv[i];
	}
	return NULL;
}

enum options_result
options_parse(struct options *options, int argc, char **argv, FILE *out, FILE *err, int *status)
{
	struct walk walk = {.argc = argc, .argv = argv, .next = 1};
	struct options_endpoint *endpoint = &options->endpoint;
	struct option_place place;

	*options = (struct options){0};
	read_early_values(options, argc, argv);
	place = option_command_line(options);
	option_apply_initial(&place, options->listener.ssl, false);
	if (place.compat)
		options->server.log_format =
		    LOG_COMPAT; /* it has no word on the command line */

	if (argc <= 1) {
		if (place.compat)
			fputs(COMPAT_NO_ARGUMENTS "\n", out);
		options_help_usage(err, place.compat);
		*status = place.compat ? COMPAT_NOTHING : EX_USAGE;
		return OPTIONS_EXIT;
	}
	if (!read_values(&place, &walk, out, err, status))
		return OPTIONS_EXIT;
	if (options->server.version || options->server.license) {
		if (options->server.version)
			options_help_version(out, place.compat);
		else
			options_help_license(out);
		*status = EX_OK;
		return OPTIONS_EXIT;
	}

	if (walk.next < argc)
		endpoint->command = argv + walk.next;
	option_apply_initial(&place, options->listener.ssl, true);
	if (place.compat && endpoint->origin.count == 0 && !endpoint->sameorigin)
		(void)option_apply(option_find(SPAN("origin")), &place, SPAN("any"));
	if (!place.compat && endpoint->command)
		options->misplaced = find_misplaced(argc - walk.next, argv + walk.next);
	return options_check(&place, err, status) ? OPTIONS_RUN : OPTIONS_EXIT;
}

struct options_endpoint *
options_endpoint_copy(const struct options_endpoint *options)
{
	struct options_endpoint *copy = malloc(sizeof(*copy));

	if (!copy)
		return NULL;
	*copy = *options;
	option_own(OPTION_ENDPOINT, copy);
	copy->program = options_text_copy(options->program);
	return copy;
}

void
options_endpoint_free(void *options)
{
	struct options_endpoint *copy = options;

	option_clear(OPTION_ENDPOINT, copy);
	free(copy->program);
	free(copy);
}

void
options_clear(struct options *options)
{
	option_clear(OPTION_SERVER, &options->server);
	option_clear(OPTION_LISTENER, &options->listener);
	option_clear(OPTION_ENDPOINT, &options->endpoint);
	free(options->endpoint.program);
	*options = (struct options){0};
}
