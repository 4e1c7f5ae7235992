/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Reports errors of options, each in one line that ends with the remedy: for the command line
 * with the name of the program, for the configuration file with FILE:LINE, and there with keys
 * instead of options.
 */
#ifndef OPTIONS_REPORT_H
#define OPTIONS_REPORT_H

#include "options/place.h"

#include <stdio.h>

/* Reports an error at PLACE. In a file, the line is that of the first option named in TEXT that
 * is set there. */
void option_report(const struct option_place *place, FILE *err, const char *text);

/* Like option_report(); takes TEXT. */
void option_report_take(const struct option_place *place, FILE *err, char *text);

/* Reports TEXT, which concerns the whole server, if the options come from a file that sets the
 * first option named in it. */
bool option_report_if_placed(const struct options *options, FILE *err, const char *text);

/* Reports a value that the setter of ROW rejects for REASON (option_setter). Returns the exit
 * status. OUT is only used in compat mode. */
int option_report_value(const struct option_place *place, const struct option_row *row,
    struct span value, const char *reason, FILE *out, FILE *err);

#endif
