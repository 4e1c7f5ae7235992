/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A file of bearer tokens: one per line, optionally followed by a blank and a name. Lines that
 * begin with '#' and empty lines are comments. Only digests are kept in memory.
 */
#ifndef AUTH_TOKENS_H
#define AUTH_TOKENS_H

#include "base/util.h"

#include <stdbool.h>
#include <stddef.h>

enum {
	TOKENS_TOKEN_MAX = 1024, /* bytes of a token */
	TOKENS_NAME_MAX = 255,
	TOKENS_SHORT = 16, /* fewer bytes can be guessed */
};

struct tokens;

/* Parses TEXT, the content of a file. NULL: *LINE has a mistake, and *WHY, constant, is its
 * description; a *LINE of 0 is none in particular. */
struct tokens *tokens_parse(struct span text, unsigned int *line, const char **why)
    __attribute__((warn_unused_result));

/* A reference, and its release; the last one frees. The latter accepts NULL. */
struct tokens *tokens_ref(struct tokens *tokens);
void tokens_unref(struct tokens *tokens);

/* Whether TOKEN is one of them; *NAME, which may be NULL, is its name or "". Takes the same
 * time whatever is compared: the digest of TOKEN is compared with all others. */
bool tokens_find(const struct tokens *tokens, struct span token, const char **name);

/* Bytes of the shortest one. */
size_t tokens_shortest(const struct tokens *tokens);

#endif
