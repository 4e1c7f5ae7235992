/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Options that have no effect without another one (option_row.needs): giving one alone is an
 * error, because the user expects an effect.
 */
#ifndef OPTIONS_NEEDS_H
#define OPTIONS_NEEDS_H

#include "options/table.h"

#include <stdbool.h>
#include <stdio.h>

/* Checks ROW, which the command line sets. Returns false with the error in ERR. In compat mode,
 * websocketd's own options need nothing, as there. */
bool options_check_needs(const struct options *options, const struct option_row *row, FILE *err)
    __attribute__((warn_unused_result));

/* Checks the options of a section of the configuration file. A global endpoint option must have
 * an effect on at least one endpoint. */
bool options_check_section_needs(const struct options *options, size_t section, FILE *err)
    __attribute__((warn_unused_result));

#endif
