/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef OPTIONS_SUGGEST_H
#define OPTIONS_SUGGEST_H

#include "options/set.h"

/* Returns the option name that the unknown NAME probably means, among those allowed at PLACE
 * (OPTION_ON_COMMAND_LINE or OPTION_IN_FILE), or NULL. */
const char *option_suggest(struct span name, enum option_only place);

#endif
