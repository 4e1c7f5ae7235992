/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Checks the options for consistency and against the system: something must be served,
 * directories must exist, the program must be found.
 */
#ifndef OPTIONS_CHECK_H
#define OPTIONS_CHECK_H

#include "options/options.h"

#include <stdbool.h>
#include <stdio.h>

/*
 * Checks all of OPTIONS and completes them: makes dir and staticdir absolute and sets program.
 * Returns false after writing one line to ERR (for a configuration file, one per error), with
 * the exit status in *STATUS.
 */
bool options_check(struct options *options, FILE *err, int *status)
    __attribute__((warn_unused_result));

#endif
