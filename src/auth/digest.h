/* SPDX-License-Identifier: BSD-2-Clause */
/* What the files of credentials have in common: digests of secrets, and lines with comments. */
#ifndef AUTH_DIGEST_H
#define AUTH_DIGEST_H

#include "base/util.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { DIGEST_LEN = 32 };

/* The SHA-256 of COUNT parts, each with its length, so that different parts never have the same
 * digest. */
void digest_of(uint8_t digest[DIGEST_LEN], const struct span *parts, size_t count);

struct digest_lines {
	struct span rest;
	unsigned int number; /* of the last line, from 1 */
};

/* The next line, trimmed, that is neither empty nor begins with '#'. */
bool digest_next_line(struct digest_lines *lines, struct span *line);

#endif
