/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The command line. It is walked twice: first to learn whether to behave as
 * websocketd and whether there is TLS, on which defaults, limits and texts depend, then to
 * read the values.
 */
#include "options/options.h"

#include "base/util.h"
#include "options/check.h"
#include "options/help.h"
#include "options/set.h"
#include "options/table.h"

#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

enum {
	COMPAT_NOTHING = 1, /* websocketd's statuses: no arguments, a bad level */
	COMPAT_FLAG = 2, /* an option that is unknown or can't be read */
};

/* A walk over the arguments. */
struct walk {
	char **argv;
	int argc;
	int next; /* the argument to look at next */

	const char *word; /* the argument that was looked at last */
	struct span name; /* what it stands for, without dashes */
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

/* True when the program was started under websocketd's name. */
static bool
is_named_websocketd(const char *path)
{
	const char *slash = path ? strrchr(path, '/') : NULL;

	return path && strcmp(slash ? slash + 1 : path, "websocketd") == 0;
}

/* The first walk. The second one reports errors. */
static void
read_early_values(struct options *options, int argc, char **argv)
{
	struct walk walk = {.argc = argc, .argv = argv, .next = 1};

	options->compat = argc > 0 && is_named_websocketd(argv[0]);
	while (walk_next(&walk) == WALK_OPTION) {
		if (walk.row->early)
			(void)walk.row->set(walk.row, options, walk.value);
	}
}

/* Stores the defaults of the rows that are REPEATABLE or are not. They are our own words, so
 * they fit. */
static void
set_defaults(struct options *options, bool repeatable)
{
	for (size_t i = 0; i < option_row_count; i++) {
		const struct option_row *row = &option_rows[i];
		const char *initial = option_initial(row, options->compat, options->ssl);

		if (!initial || row->repeatable != repeatable)
			continue;
		if (repeatable &&
		    ((const struct options_list *)option_target(row, options))->count > 0)
			continue;
		if (row->set(row, options, span_of(initial)))
			abort();
	}
}

/* Reports an argument that is not a valid option, and returns the exit status. */
static int
report_bad_option(
    const struct options *options, const struct walk *walk, enum walk_result result, FILE *err)
{
	const char *suggestion = result == WALK_UNKNOWN ? option_suggest(walk->name) : NULL;
	int shown = (int)(walk->name.data + walk->name.len - walk->word);

	if (options->compat && result == WALK_MISSING)
		fprintf(err, "flag needs an argument: -%s\n", walk->row->name);
	else if (options->compat && result == WALK_SYNTAX)
		fprintf(err, "bad flag syntax: %s\n", walk->word);
	else if (options->compat)
		fprintf(err, "flag provided but not defined: -%.*s\n", (int)walk->name.len,
		    walk->name.data);
	else if (result == WALK_MISSING)
		fprintf(err, "wspipe: --%s needs a value: write --%s=%s\n", walk->row->name,
		    walk->row->name, walk->row->argument);
	else if (result == WALK_SYNTAX)
		fprintf(err, "wspipe: invalid option '%s'; see 'wspipe --help'\n", walk->word);
	else if (suggestion)
		fprintf(err, "wspipe: unknown option %.*s; did you mean --%s?\n", shown,
		    walk->word, suggestion);
	else
		fprintf(err, "wspipe: unknown option %.*s; see 'wspipe --help'\n", shown,
		    walk->word);
	return options->compat ? COMPAT_FLAG : EX_USAGE;
}

/* Prints TEXT on one line, whatever it contains. */
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
report_bad_value(const struct options *options, const struct walk *walk, const char *reason,
    FILE *out, FILE *err)
{
	const struct option_row *row = walk->row;
	size_t rule = strcspn(reason, ";");

	if (row->set == option_set_unsupported) {
		if (options->compat)
			fprintf(err,
			    "flag provided but not defined: -%s\n"
			    "(wspipe does not support websocketd's --%s yet)\n",
			    row->name, row->name);
		else
			fprintf(
			    err, "wspipe: websocketd's --%s is not supported yet\n", row->name);
		return options->compat ? COMPAT_FLAG : EX_USAGE;
	}
	if (!options->compat && strncmp(reason, "must be ", 8) == 0) {
		fprintf(err, "wspipe: --%s %.*s, not '", row->name, (int)rule, reason);
		print_text(err, walk->value.data, walk->value.len);
		fprintf(err, "'%s\n", reason + rule);
		return EX_USAGE;
	}
	if (!options->compat) {
		fprintf(err, "wspipe: --%s: ", row->name);
		print_text(err, reason, strlen(reason));
		fputc('\n', err);
		return EX_USAGE;
	}
	if (strcmp(row->name, "loglevel") == 0) {
		fprintf(out,
		    "Incorrect loglevel flag '%s'. Use --help to see allowed values.\n",
		    walk->value.data);
		return COMPAT_NOTHING;
	}
	if (row->argument)
		fprintf(err, "invalid value \"%s\" for flag -%s: %s\n", walk->value.data,
		    row->name, reason);
	else
		fprintf(err, "invalid boolean value \"%s\" for -%s: parse error\n",
		    walk->value.data, row->name);
	return COMPAT_FLAG;
}

/* The second walk. False: exit with *STATUS. */
static bool
read_values(struct options *options, struct walk *walk, FILE *out, FILE *err, int *status)
{
	enum walk_result result;

	while ((result = walk_next(walk)) == WALK_OPTION) {
		const char *reason = walk->row->set(walk->row, options, walk->value);

		if (reason) {
			*status = report_bad_value(options, walk, reason, out, err);
			return false;
		}
		if (options->help) {
			options_help_print(options->compat ? err : out, options->compat);
			*status = EX_OK;
			return false;
		}
	}
	if (result == WALK_END)
		return true;
	*status = report_bad_option(options, walk, result, err);
	return false;
}

/* The first of the ARGC words of COMMAND that is a valid option of wspipe, or NULL. */
static const char *
find_misplaced(int argc, char **argv)
{
	for (int i = 1; i < argc; i++) {
		struct walk walk = {.argc = argc, .argv = argv, .next = i};
		struct options scratch = {0};
		const char *reason;
		bool common;

		if (strcmp(argv[i], "--") == 0)
			break;
		if (walk_next(&walk) != WALK_OPTION || walk.row->set == option_set_unsupported)
			continue;
		reason = walk.row->set(walk.row, &scratch, walk.value);
		/* Most programs have these themselves. */
		common = scratch.help || scratch.version || scratch.license;
		options_clear(&scratch);
		if (!reason && !common)
			return argv[i];
	}
	return NULL;
}

enum options_result
options_parse(struct options *options, int argc, char **argv, FILE *out, FILE *err, int *status)
{
	struct walk walk = {.argc = argc, .argv = argv, .next = 1};

	*options = (struct options){0};
	read_early_values(options, argc, argv);
	set_defaults(options, false);
	if (options->compat)
		options->log_format = LOG_COMPAT; /* it has no word on the command line */

	if (argc <= 1) {
		if (options->compat)
			fputs("Command line arguments are missing.\n", out);
		options_help_usage(err, options->compat);
		*status = options->compat ? COMPAT_NOTHING : EX_USAGE;
		return OPTIONS_EXIT;
	}
	if (!read_values(options, &walk, out, err, status))
		return OPTIONS_EXIT;
	if (options->version || options->license) {
		if (options->version)
			options_help_version(out, options->compat);
		else
			options_help_license(out);
		*status = EX_OK;
		return OPTIONS_EXIT;
	}

	if (walk.next < argc)
		options->command = argv + walk.next;
	set_defaults(options, true); /* of the lists that are empty still */
	if (options->compat && options->origin.count == 0 && !options->sameorigin)
		options->origin_any = true;
	if (!options->compat && options->command)
		options->misplaced = find_misplaced(argc - walk.next, argv + walk.next);
	return options_check(options, err, status) ? OPTIONS_RUN : OPTIONS_EXIT;
}

void
options_clear(struct options *options)
{
	options_list_clear(&options->address);
	options_list_clear(&options->host);
	options_list_clear(&options->sslcert);
	options_list_clear(&options->sslkey);
	free(options->sslca);
	free(options->sslcrl);
	options_list_clear(&options->origin);
	options_list_clear(&options->header);
	options_list_clear(&options->header_ws);
	options_list_clear(&options->header_http);
	options_list_clear(&options->passenv);
	options_list_clear(&options->subprotocol);
	free(options->dir);
	free(options->staticdir);
	free(options->health_path);
	free(options->program);
	*options = (struct options){0};
}
