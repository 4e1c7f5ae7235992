/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef OPTIONS_SUGGEST_H
#define OPTIONS_SUGGEST_H

#include "options/set.h"

/* The name of the option that the unknown NAME probably stands for, among those that can be
 * written at PLACE (OPTION_ON_COMMAND_LINE or OPTION_IN_FILE), or NULL. */
const char *option_suggest(struct span name, enum option_only place);

#endif
