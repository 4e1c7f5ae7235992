/* SPDX-License-Identifier: BSD-2-Clause */
/* Texts that the command line can request. */
#ifndef OPTIONS_HELP_H
#define OPTIONS_HELP_H

#include <stdbool.h>
#include <stdio.h>

/* Prints --help, generated from the option table: WHAT is an enum options_help. With COMPAT it
 * always prints all options, with websocketd's defaults. */
void options_help_print(FILE *out, bool compat, unsigned what);

/* Prints the first lines of --help, and how to get the rest. */
void options_help_usage(FILE *out, bool compat);

/* Prints --version, one line. */
void options_help_version(FILE *out, bool compat);

/* Prints --license, the file LICENSE. */
void options_help_license(FILE *out);

#endif
