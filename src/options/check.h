/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Checks the options together and against the system: something must be
 * served, directories must exist, the program must be found.
 */
#ifndef OPTIONS_CHECK_H
#define OPTIONS_CHECK_H

#include "options/options.h"

#include <stdbool.h>
#include <stdio.h>

/*
 * Checks all of OPTIONS, and fills in what is found out on the way: dir and staticdir become
 * absolute, program is set. False: one line was written to ERR, of a file one for each error,
 * and *STATUS is the one to exit with.
 */
bool options_check(struct options *options, FILE *err, int *status)
    __attribute__((warn_unused_result));

#endif
