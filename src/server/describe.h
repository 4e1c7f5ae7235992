/* SPDX-License-Identifier: BSD-2-Clause */
/* --describe: the endpoints as an AsyncAPI 3.0 document. */
#ifndef SERVER_DESCRIBE_H
#define SERVER_DESCRIBE_H

#include "options/options.h"

#include <stdio.h>

/* Writes the document for OPTIONS to OUT, in ASCII and reproducibly. Returns the exit status;
 * errors are written to ERR. */
int describe(const struct options *options, FILE *out, FILE *err);

#endif
