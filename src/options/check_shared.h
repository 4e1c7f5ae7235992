/* SPDX-License-Identifier: BSD-2-Clause */
/* Checks the options of a shared program. */
#ifndef OPTIONS_CHECK_SHARED_H
#define OPTIONS_CHECK_SHARED_H

#include "options/options.h"

/* Checks the options of an endpoint with the framings IN and OUT, and sets dependent values.
 * Returns the error, or NULL. */
const char *options_check_shared(
    struct options_endpoint *endpoint, enum framing_kind in, enum framing_kind out);

#endif
