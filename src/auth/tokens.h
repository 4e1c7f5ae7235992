/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A file of bearer tokens: one per line, optionally followed by a blank and a name. Empty lines
 * and lines that begin with '#' are ignored. Only digests are kept in memory.
 */
#ifndef AUTH_TOKENS_H
#define AUTH_TOKENS_H

#include "base/util.h"

#include <stdbool.h>
#include <stddef.h>

enum {
	TOKENS_TOKEN_MAX = 1024, /* bytes of a token */
	TOKENS_NAME_MAX = 255,
	TOKENS_SHORT = 16, /* shorter tokens can be guessed */
};

struct tokens;

/* Parses TEXT, the contents of a file. Returns NULL on error, with the line in *LINE (0: no
 * particular line) and a constant description in *WHY. */
struct tokens *tokens_parse(struct span text, unsigned int *line, const char **why)
    __attribute__((warn_unused_result));

/* Add and release a reference; the last release frees. tokens_unref() accepts NULL. */
struct tokens *tokens_ref(struct tokens *tokens);
void tokens_unref(struct tokens *tokens);

/* Reports whether TOKEN is in the file; *NAME, which may be NULL, is set to its name or "".
 * Constant time: the digest of TOKEN is compared with all others. */
bool tokens_find(const struct tokens *tokens, struct span token, const char **name);

/* Returns the length of the shortest token in bytes. */
size_t tokens_shortest(const struct tokens *tokens);

#endif
