/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Splits a command into words as a shell does, with quotes and backslashes, but without
 * variables, patterns, redirections or comments.
 */
#ifndef OPTIONS_WORDS_H
#define OPTIONS_WORDS_H

#include "base/util.h"

/* Returns the words of TEXT, NULL-terminated, in one block for free(). Returns NULL if TEXT is
 * invalid, with the reason in *WRONG, or if memory runs out, with NULL there. */
char **words_split(struct span text, const char **wrong);

/* Returns a copy in one block for free(), or NULL if memory runs out. */
char **words_copy(char *const *words);

#endif
