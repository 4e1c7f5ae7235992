/* SPDX-License-Identifier: BSD-2-Clause */
/* The rules about options for a program that clients share. */
#ifndef OPTIONS_CHECK_SHARED_H
#define OPTIONS_CHECK_SHARED_H

#include "options/options.h"

/* What is wrong with the options of an endpoint whose framings are IN and OUT, or NULL. Sets
 * what follows from them. */
const char *options_check_shared(
    struct options_endpoint *endpoint, enum framing_kind in, enum framing_kind out);

#endif
