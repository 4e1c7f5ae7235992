/* SPDX-License-Identifier: BSD-2-Clause */
/* Texts that the command line can request: --help, --version, --license. */
#include "config.h"

#include "options/help.h"
#include "options/table.h"
#include "serve/console_page.h"
#include "serve/env.h"

#include <string.h>

enum {
	HELP_INDENT = 25, /* column of the help texts */
	HELP_WIDTH = 79,
};

static const char license[] =
#include "src/options/license.h"
    ;

/* Returns the name of the program in help texts. */
static const char *
self(bool compat)
{
	return compat ? "websocketd" : "wspipe";
}

/* Prints TEXT from COLUMN on, folded at blanks; continuation lines are indented by
 * HELP_INDENT. */
static void
print_folded(FILE *out, size_t column, const char *text)
{
	size_t len;

	for (; *text; text += len) {
		text += strspn(text, " ");
		len = strcspn(text, " ");
		if (column > HELP_INDENT && column + 1 + len > HELP_WIDTH) {
			fprintf(out, "\n%*s", HELP_INDENT, "");
			column = HELP_INDENT;
		} else if (column > HELP_INDENT) {
			fputc(' ', out);
			column++;
		}
		fprintf(out, "%.*s", (int)len, text);
		column += len;
	}
	fputc('\n', out);
}

static void
print_row(FILE *out, const struct option_row *row, bool compat)
{
	const char *initial = option_initial(row, compat, false);
	const char *initial_ssl = option_initial(row, compat, true);
	char text[512];
	int len, column;

	if (!initial && !compat)
		initial = row->default_text;
	len = snprintf(text, sizeof(text), "%s%s%s", row->help, row->choices ? ": " : "",
	    row->choices ? option_choice_text(row) : "");
	if (initial && initial_ssl && strcmp(initial, initial_ssl) != 0)
		snprintf(text + len, sizeof(text) - (size_t)len,
		    " (default: %s, or %s with TLS)", initial, initial_ssl);
	else if (initial)
		snprintf(text + len, sizeof(text) - (size_t)len, " (default: %s)", initial);
	column = fprintf(out, "  --%s%s%s%s", row->name,
	    !row->argument  ? ""
	    : row->optional ? "[="
			    : "=",
	    row->argument ? row->argument : "", row->optional ? "]" : "");
	column = column < HELP_INDENT ? column : 0;
	if (column == 0)
		fputc('\n', out);
	fprintf(out, "%*s", HELP_INDENT - column, "");
	print_folded(out, HELP_INDENT, text);
}

static void
print_usage(FILE *out, bool compat)
{
	const char *name = self(compat);

	fprintf(out, "Usage: %s [OPTION]... COMMAND [ARGUMENT]...\n", name);
	if (!compat)
		fprintf(out, "       %s [OPTION]... tcp:HOST:PORT | unix:PATH\n", name);
	fprintf(out,
	    "       %s [OPTION]... --dir=DIR\n"
	    "       %s [OPTION]... --staticdir=DIR\n",
	    name, name);
	if (!compat)
		fprintf(out,
		    "       %s [OPTION]... --config=FILE\n"
		    "       %s [OPTION]... --connect=URL [COMMAND [ARGUMENT]...]\n",
		    name, name);
}

void
options_help_usage(FILE *out, bool compat)
{
	print_usage(out, compat);
	fprintf(out, "Try '%s --help' for more information.\n", self(compat));
}

/* Prints the options of the group WHAT, of all groups, or those that most users need. */
static void
print_rows(FILE *out, bool compat, unsigned what)
{
	unsigned group = OPTIONS_HELP_GROUPS - 1;

	for (size_t i = 0; i < option_row_count; i++) {
		const struct option_row *row = &option_rows[i];
		bool shown = what == OPTIONS_HELP_OVERVIEW ? row->basic : true;

		group += row->heading != NULL;
		if (what >= OPTIONS_HELP_GROUPS && group != what)
			continue;
		if (row->heading && what != OPTIONS_HELP_OVERVIEW)
			fprintf(
			    out, "%s%s:\n", what == OPTIONS_HELP_ALL ? "\n" : "", row->heading);
		if (shown && row->only != OPTION_IN_FILE)
			print_row(out, row, compat);
	}
}

static const char units[] =
    "\nTIME is in seconds and MS in milliseconds, or they have a unit: 500ms, 2s, 5m,\n"
    "1h. SIZE and BYTES are in bytes, or have a unit: 512k, 10m, 1g. Boolean\n"
    "options also accept =true and =false.\n";

void
options_help_print(FILE *out, bool compat, unsigned what)
{
	const char *name = self(compat);

	if (compat)
		what = OPTIONS_HELP_ALL;
	if (what < OPTIONS_HELP_GROUPS) {
		print_usage(out, compat);
		fputs("Turns any program that reads stdin and writes stdout into a WebSocket "
		      "server:\n"
		      "each connection runs its own process, each message is a line.\n",
		    out);
	}
	if (what == OPTIONS_HELP_OVERVIEW)
		fputs("\nThe options that most users need:\n", out);
	print_rows(out, compat, what);
	if (what != OPTIONS_HELP_OVERVIEW)
		fputs(units, out);
	if (what == OPTIONS_HELP_ALL)
		fprintf(out,
		    "Options end at COMMAND or at --.\n"
		    "\n"
		    "Examples:\n"
		    "  %s --port=8080 ./count.sh\n"
		    "  %s --staticdir=./public --origin=https://example.com python3 -u bot.py\n"
		    "  %s --address='*' --dir=./programs\n",
		    name, name, name);
	if (what == OPTIONS_HELP_OVERVIEW)
		fputs("\n--help=all shows all options. See man wspipe for the manual.\n", out);
	if (what == OPTIONS_HELP_ALL)
		fputs("\nSee man wspipe for the manual.\n", out);
}

/* Scripts check websocketd's version, so compat mode prints the emulated one first. */
void
options_help_version(FILE *out, bool compat)
{
	fprintf(out,
	    compat ? "websocketd " ENV_WEBSOCKETD_VERSION " (wspipe %s)\n"
		   : "wspipe %s (BSD-2-Clause)\n",
	    VERSION);
	if (!compat && !terminal_page.gzip)
		fputs("built without xterm.js: the console shows terminals as messages\n", out);
}

void
options_help_license(FILE *out)
{
	fputs(license, out);
	if (terminal_page.license)
		fprintf(out, "\nThe page of terminals contains xterm.js:\n\n%s",
		    terminal_page.license);
}
