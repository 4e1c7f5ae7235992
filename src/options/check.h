/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Checks the options together and against the system: something must be
 * served, directories must exist, the program must be found.
 */
#ifndef OPTIONS_CHECK_H
#define OPTIONS_CHECK_H

#include "options/table.h"

#include <stdbool.h>
#include <stdio.h>

/*
 * Checks the options of the listener and the endpoint of PLACE, and fills in what is found out
 * on the way: dir and staticdir become absolute, program is set. False: one line was written to
 * ERR, and *STATUS is the one to exit with.
 */
bool options_check(const struct option_place *place, FILE *err, int *status)
    __attribute__((warn_unused_result));

/* Whether PATH is a file that --staticdir serves, also through a link. After the check. */
bool options_serve(const struct options_endpoint *endpoint, const char *path);

#endif
