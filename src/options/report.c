/* SPDX-License-Identifier: BSD-2-Clause */
/* Reports errors of options. */
#include "options/report.h"

#include "options/compat.h"
#include "options/config_load.h"
#include "options/value.h"

#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

/* Returns the option named, with its dashes, at the position AT in TEXT; NULL: none, or part of
 * a command to type. */
static const struct option_row *
report_find_option(const char *text, const char *at)
{
	static const char name_chars[] = "abcdefghijklmnopqrstuvwxyz0123456789-";

	if (strncmp(at, "--", 2) != 0 || (at > text && !strchr(" ('", at[-1])) ||
	    (at - text >= 7 && strncmp(at - 7, "wspipe ", 7) == 0))
		return NULL;
	return option_find((struct span){at + 2, strspn(at + 2, name_chars)});
}

/* Returns TEXT rewritten for a file, which the caller frees. *FIRST is the first option that it
 * names, or NULL. */
static char *
report_for_file(const char *text, const struct option_row **first)
{
	char *result = options_text_copy(text);
	char *out = result;

	*first = NULL;
	for (const char *in = text; *in; in++) {
		const struct option_row *row = report_find_option(text, in);

		if (row) {
			*first = *first ? *first : row;
			in += 2;
		} else if (strncmp(in, "COMMAND", 7) == 0) {
			*first = *first ? *first : option_find(SPAN("command"));
			out = stpcpy(out, "command");
			in += 6;
			continue;
		}
		*out++ = *in;
	}
	*out = '\0';
	return result;
}

void
option_report(const struct option_place *place, FILE *err, const char *text)
{
	const struct option_row *first;
	struct config_line line;
	char *copy;

	if (!place->config) {
		fprintf(err, "%s: ", place->name);
		config_print(err, span_of(text));
		fputc('\n', err);
		return;
	}
	copy = report_for_file(text, &first);
	if (!config_find_line(place->config, place->section, first, &line))
		(void)config_find_value(place->config, place->section, text, &line);
	place->config->sections[place->section].failed = true;
	config_report(place->config, place->entry ? place->entry->line : line, err, copy);
	free(copy);
}

void
option_report_take(const struct option_place *place, FILE *err, char *text)
{
	option_report(place, err, text);
	free(text);
}

bool
option_report_if_placed(const struct options *options, FILE *err, const char *text)
{
	const struct option_place place = {.config = options->config};
	const struct option_row *first;
	struct config_line ignored;
	bool placed;

	if (!options->config)
		return false;
	free(report_for_file(text, &first));
	placed = config_find_line(options->config, 0, first, &ignored) ||
		 config_find_value(options->config, 0, text, &ignored);
	if (placed)
		option_report(&place, err, text);
	return placed;
}

int
option_report_value(const struct option_place *place, const struct option_row *row,
    struct span value, const char *reason, FILE *out, FILE *err)
{
	size_t rule = strcspn(reason, ";");
	char *text;

	if (place->compat && !place->config)
		return compat_report_value(row, value.data, reason, out, err);
	if (strncmp(reason, "must be ", 8) == 0)
		text = options_format("--%s %.*s, not '%.*s'%s", row->name, (int)rule, reason,
		    (int)value.len, value.data, reason + rule);
	else
		text = options_format("--%s: %s", row->name, reason);
	option_report_take(place, err, text);
	return EX_USAGE;
}
