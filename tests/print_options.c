/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Prints the options of the command line, for completions/generate. A line has, separated by
 * tabs: the name, whether a value follows (none, one, some: it may be left out, many: one, and
 * the option is repeatable), the name of the value, the values that there are, and the help.
 */
#include "config.h"

#include "options/table.h"

#include <stdio.h>

static const char *
value_of(const struct option_row *row)
{
	if (!row->argument)
		return "none";
	if (row->optional)
		return "some";
	return row->repeatable ? "many" : "one";
}

int
main(void)
{
	for (size_t i = 0; i < option_row_count; i++) {
		const struct option_row *row = &option_rows[i];

		if (row->only == OPTION_IN_FILE)
			continue;
		printf("%s\t%s\t%s\t", row->name, value_of(row),
		    row->argument ? row->argument : "");
		for (const char *const *choice = row->choices; choice && *choice; choice++)
			printf("%s%s", choice == row->choices ? "" : " ", *choice);
		printf("\t%s\n", row->help);
	}
	return 0;
}
