/* SPDX-License-Identifier: BSD-2-Clause */
/* Applies the contents of a configuration file. */
#include "options/config_apply.h"

#include "options/report.h"
#include "options/value.h"

#include <stdlib.h>

void
config_apply_early(struct config *config, const struct option_place *place)
{
	for (size_t i = 0; i < config->entry_count; i++) {
		const struct config_entry *entry = &config->entries[i];

		if (entry->section == 0 && entry->row->early)
			(void)option_apply(entry->row, place, entry->value);
	}
}

/* Resets the inherited program (COMMAND or directory) if a section sets the other kind. */
static void
config_replace_program(
    const struct option_row *row, const struct option_place *place, const bool *given)
{
	const struct option_row *command = option_find(SPAN("command"));
	const struct option_row *dir = option_find(SPAN("dir"));
	const struct option_row *other = row == command ? dir : row == dir ? command : NULL;

	if (other && !given[other - option_rows])
		option_reset(other, place);
}

void
config_apply(struct config *config, size_t section, const struct option_place *place, FILE *err)
{
	bool *given = calloc(option_row_count, sizeof(*given));
	size_t first = section == 0 ? 0 : config->sections[section].first;

	if (!given)
		options_no_memory();
	for (size_t i = first; i < config->entry_count; i++) {
		const struct config_entry *entry = &config->entries[i];
		struct option_place at = *place;
		const char *wrong;

		if (entry->section != section && section == 0)
			continue;
		if (entry->section != section)
			break;
		/* A section's own list replaces the inherited one, and its program the
		 * inherited program. */
		if (!given[entry->row - option_rows] && entry->row->repeatable)
			option_reset(entry->row, place);
		given[entry->row - option_rows] = true;
		config_replace_program(entry->row, place, given);
		if (entry->row->tcp && place->scopes[OPTION_LISTENER])
			((struct options_listener *)place->scopes[OPTION_LISTENER])->tcp = true;
		at.entry = entry;
		wrong = option_apply(entry->row, &at, entry->value);
		if (wrong)
			option_report_value(&at, entry->row, entry->value, wrong, NULL, err);
	}
	free(given);
}
