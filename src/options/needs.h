/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Options that do nothing without another one (option_row.needs): to give one alone is an
 * error, since its user expects an effect.
 */
#ifndef OPTIONS_NEEDS_H
#define OPTIONS_NEEDS_H

#include "options/table.h"

#include <stdbool.h>
#include <stdio.h>

/* Checks ROW, which the command line has. False: the error is in ERR. In compat mode
 * websocketd's own options need nothing, as there. */
bool options_check_needs(const struct options *options, const struct option_row *row, FILE *err)
    __attribute__((warn_unused_result));

/* Checks those of a section of the configuration file. Global ones of endpoints must have an
 * effect on one endpoint at least. */
bool options_check_section_needs(const struct options *options, size_t section, FILE *err)
    __attribute__((warn_unused_result));

#endif
