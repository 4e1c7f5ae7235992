/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Parses the command line. One table defines for each option its name, argument, type, limits,
 * defaults and help; parsing, --help, the checks, and the tests of the man page and of the
 * completion derive from it. Names and meanings are websocketd's, and so is the syntax: -x is
 * --x, --x v is --x=v, a boolean accepts =true or =false (1, 0, t, f, T, F, TRUE, FALSE, True,
 * False), an optional value must follow a '=', the last value wins unless the option is
 * repeatable, and parsing stops at the command or at "--".
 */
#ifndef OPTIONS_PARSE_H
#define OPTIONS_PARSE_H

#include "options/options.h"

#include <stdio.h>

enum options_result {
	OPTIONS_RUN, /* continue with the options */
	OPTIONS_EXIT, /* help or an error was printed: exit with *STATUS */
};

/*
 * Reads the command line and the file that it names into OPTIONS, which options_clear() frees,
 * whatever the result. Requested texts are written to OUT; an error is written to ERR as one
 * line that ends with the remedy, and so are all errors of a file. With --check-config the
 * result may be OPTIONS_RUN in spite of errors, which the config counts, so that the rest can
 * be checked. Exit statuses are those of sysexits (64 for usage, 78 for missing resources or
 * conflicting options); in compat mode texts, streams and statuses are websocketd's. If memory
 * runs out: see options/value.h.
 */
enum options_result options_parse(struct options *options, int argc, char **argv, FILE *out,
    FILE *err, int *status) __attribute__((warn_unused_result));

struct config_store;

/* Like options_parse(), through STORE, which may be NULL: the contents of files are added to
 * it, or read from it. */
enum options_result options_parse_stored(struct options *options, int argc, char **argv,
    struct config_store *store, FILE *out, FILE *err, int *status)
    __attribute__((warn_unused_result));

/* Frees what OPTIONS owns and zeroes it. */
void options_clear(struct options *options);

#endif
