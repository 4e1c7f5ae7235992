/* SPDX-License-Identifier: BSD-2-Clause */
/* The texts that the command line can ask for. */
#ifndef OPTIONS_HELP_H
#define OPTIONS_HELP_H

#include <stdbool.h>
#include <stdio.h>

/* --help, put together from the table of the options: WHAT is an enum options_help. With COMPAT
 * it is always all of them, with the defaults of websocketd. */
void options_help_print(FILE *out, bool compat, unsigned what);

/* Its first lines, and how to get the rest. */
void options_help_usage(FILE *out, bool compat);

/* --version, one line. */
void options_help_version(FILE *out, bool compat);

/* --license: the file LICENSE. */
void options_help_license(FILE *out);

#endif
