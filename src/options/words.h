/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Words of a command: split as a shell does it, with quotes and backslashes, and nothing else:
 * no variables, no patterns, no redirections, no comments.
 */
#ifndef OPTIONS_WORDS_H
#define OPTIONS_WORDS_H

#include "base/util.h"

/* The words of TEXT, NULL-terminated, in one piece for free(). NULL: *WRONG says why TEXT is
 * not valid, or is NULL too, without memory. */
char **words_split(struct span text, const char **wrong);

/* A copy in one piece, for free(). NULL without memory. */
char **words_copy(char *const *words);

#endif
