/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Errors of options, each one line that ends with what to do: of the command line with the name
 * of the program, of the configuration file with FILE:LINE, and there with keys in place of
 * options.
 */
#ifndef OPTIONS_REPORT_H
#define OPTIONS_REPORT_H

#include "options/place.h"

#include <stdio.h>

/* Reports an error at PLACE. In a file it is at the line of the first option that TEXT names
 * and that is set there. */
void option_report(const struct option_place *place, FILE *err, const char *text);

/* The same, and frees TEXT. */
void option_report_take(const struct option_place *place, FILE *err, char *text);

/* Reports TEXT, about the server as a whole, if the options come from a file in which the first
 * option that it names is set. */
bool option_report_if_placed(const struct options *options, FILE *err, const char *text);

/* Reports a value that the setter of ROW rejects for REASON (option_setter). Returns the exit
 * status. OUT is of compat mode. */
int option_report_value(const struct option_place *place, const struct option_row *row,
    struct span value, const char *reason, FILE *out, FILE *err);

#endif
