/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The table of the options, one row each: name, scope, type, limits, defaults and help. After
 * changing a row, update the man page and the completion; tests/options-agree compares them.
 */
#ifndef OPTIONS_TABLE_H
#define OPTIONS_TABLE_H

#include "base/util.h"
#include "options/options.h"
#include "options/set.h"

#include <stdbool.h>

extern const struct option_row option_rows[];
extern const size_t option_row_count;

/* Returns the row called NAME (without dashes), or NULL. */
const struct option_row *option_find(struct span name);

/* Returns the default of ROW in a mode, or NULL. */
const char *option_initial(const struct option_row *row, bool compat, bool ssl);

#endif
