/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Whether the options make sense together and on this system: is there
 * something to serve, do the directories exist, can the program be found.
 */
#ifndef OPTIONS_CHECK_H
#define OPTIONS_CHECK_H

#include "options/options.h"

#include <stdbool.h>
#include <stdio.h>

/*
 * Checks OPTIONS and fills in what is found out on the way: dir and staticdir
 * become absolute, program is set. False: one line was written to ERR, and
 * *STATUS is the one to exit with.
 */
bool options_check(struct options *options, FILE *err, int *status)
    __attribute__((warn_unused_result));

/* Whether PATH is a file that --staticdir serves, wherever links to it stand. After the check.
 */
bool options_serve(const struct options *options, const char *path);

#endif
