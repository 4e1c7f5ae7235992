/* SPDX-License-Identifier: BSD-2-Clause */
/* Common code for credential files: digests of secrets, and lines with comments. */
#ifndef AUTH_DIGEST_H
#define AUTH_DIGEST_H

#include "base/util.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { DIGEST_LEN = 32 };

/* Computes the SHA-256 of COUNT parts, each preceded by its length, so that different parts
 * never have the same digest. */
void digest_of(uint8_t digest[DIGEST_LEN], const struct span *parts, size_t count);

struct digest_lines {
	struct span rest;
	unsigned int number; /* number of the last line, from 1 */
};

/* Returns the next line, trimmed, that is not empty and does not begin with '#'. Returns false
 * at the end. */
bool digest_next_line(struct digest_lines *lines, struct span *line);

#endif
