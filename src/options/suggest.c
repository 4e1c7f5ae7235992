/* SPDX-License-Identifier: BSD-2-Clause */
/* Finds the option that an unknown name probably means. */
#include "options/suggest.h"

#include "options/table.h"

#include <string.h>
#include <strings.h>

static size_t
least(size_t a, size_t b)
{
	return a < b ? a : b;
}

/* Returns the Levenshtein distance of A and B. */
static size_t
distance(struct span a, const char *b)
{
	enum { MAX = 32 };
	size_t row[MAX + 1];
	size_t b_len = strlen(b);

	if (a.len > MAX || b_len > MAX)
		return SIZE_MAX;
	for (size_t j = 0; j <= b_len; j++)
		row[j] = j;
	for (size_t i = 1; i <= a.len; i++) {
		size_t diagonal = row[0];

		row[0] = i;
		for (size_t j = 1; j <= b_len; j++) {
			size_t above = row[j];

			row[j] = least(least(above, row[j - 1]) + 1,
			    diagonal + (a.data[i - 1] != b[j - 1]));
			diagonal = above;
		}
	}
	return row[b_len];
}

/* Reports whether a row is allowed at PLACE, one of the two values. */
static bool
option_fits(const struct option_row *row, enum option_only place)
{
	return row->only == OPTION_ANYWHERE || row->only == place;
}

const char *
option_suggest(struct span name, enum option_only place)
{
	size_t limit;
	const char *nearest = NULL;

	/* "-p8080" means --port=8080 in other programs. */
	while (name.len > 1 && util_is_digit((unsigned char)name.data[name.len - 1]))
		name.len--;
	limit = least(name.len / 2, 2); /* a longer distance is coincidence */
	for (size_t i = 0; i < option_row_count && name.len > 1; i++) {
		size_t far = distance(name, option_rows[i].name);

		if (!option_fits(&option_rows[i], place))
			continue;
		if (far < limit || (far == limit && !nearest)) {
			limit = far;
			nearest = option_rows[i].name;
		}
	}
	/* "p" and "log" are far from "port" and "loglevel", but they are prefixes. */
	for (size_t i = 0; i < option_row_count && !nearest; i++) {
		if (option_fits(&option_rows[i], place) &&
		    strncasecmp(name.data, option_rows[i].name, name.len) == 0)
			nearest = option_rows[i].name;
	}
	return nearest;
}
