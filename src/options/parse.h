/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The command line. One table says for each option its name, argument, type,
 * limits, defaults and help; parsing, --help, the checks, and the tests of
 * the man page and of the completion derive from it.
 *
 * Names and meanings are websocketd's, also the way to write them: -x is --x,
 * --x v is --x=v, a boolean takes =true or =false (1, 0, t, f, T, F, TRUE, FALSE, True, False),
 * an optional value follows a '=', as a boolean's does,
 * the last one wins unless the option is repeatable, and parsing stops at the command or at
 * "--".
 */
#ifndef OPTIONS_PARSE_H
#define OPTIONS_PARSE_H

#include "options/options.h"

#include <stdio.h>

enum options_result {
	OPTIONS_RUN, /* go on with the options */
	OPTIONS_EXIT, /* help or an error was printed: exit with *STATUS */
};

/*
 * Reads the command line and the file that it names into OPTIONS, which options_clear() frees,
 * whatever the result. Texts
 * that were asked for go to OUT; an error goes to ERR as one line that ends with what to do,
 * and all errors of a file. With --check-config the result may be OPTIONS_RUN in spite of
 * errors, which the config counts, so that the rest can be checked. Exit statuses are sysexits
 * (64 for usage, 78 for what the system does not have or what must not be together), texts,
 * streams and statuses of compat mode websocketd's. Without memory: see options/value.h.
 */
enum options_result options_parse(struct options *options, int argc, char **argv, FILE *out,
    FILE *err, int *status) __attribute__((warn_unused_result));

struct config_store;

/* The same, through STORE, which may be NULL: what the files contain is added to it, or read
 * from it. */
enum options_result options_parse_stored(struct options *options, int argc, char **argv,
    struct config_store *store, FILE *out, FILE *err, int *status)
    __attribute__((warn_unused_result));

/* Frees what OPTIONS owns and sets all of it to zero. */
void options_clear(struct options *options);

#endif
