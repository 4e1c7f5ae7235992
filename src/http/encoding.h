/* SPDX-License-Identifier: BSD-2-Clause */
/* Content codings that a client accepts: RFC 9110, section 12.5.3. Pure. */
#ifndef HTTP_ENCODING_H
#define HTTP_ENCODING_H

#include "http/head.h"

/* Returns the weight of CODING in thousandths, by its name, an alias or "*"; 0: not acceptable,
 * or malformed; -1: not listed. The first of several counts. */
int encoding_weight(const struct head *head, const char *coding);

#endif
