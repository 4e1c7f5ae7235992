/* SPDX-License-Identifier: BSD-2-Clause */
/* Finds COMMAND as a shell would, or explains why it can't be executed. */
#ifndef OPTIONS_COMMAND_H
#define OPTIONS_COMMAND_H

#include <limits.h>

enum { OPTIONS_COMMAND_REASON_MAX = 2 * PATH_MAX };

/*
 * Returns the absolute path of the program NAME, which the caller frees. Returns NULL if it
 * can't be executed; REASON is then a sentence that begins with "COMMAND".
 */
char *options_find_command(const char *name, char reason[OPTIONS_COMMAND_REASON_MAX]);

#endif
