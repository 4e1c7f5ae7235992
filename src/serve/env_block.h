/* SPDX-License-Identifier: BSD-2-Clause */
/* An environment that grows, until it is one block. */
#ifndef SERVE_ENV_BLOCK_H
#define SERVE_ENV_BLOCK_H

#include "base/buffer.h"
#include "base/util.h"

/* Zero is an empty one. Strings in a row, each with its NUL. */
struct env_block {
	struct buffer strings;
	size_t count;
	bool failed; /* there was no memory */
};

/* Appends to the variable that is being written, and ends it. */
void env_block_put_bytes(struct env_block *env, struct span bytes);
void env_block_end(struct env_block *env);

/* A whole variable. VALUE is not negative. */
void env_block_put(struct env_block *env, struct span name, struct span value);
void env_block_put_number(struct env_block *env, struct span name, int64_t value);

/* Makes one block of it, and clears it: the array of pointers, NULL at the end, and after it
 * the strings. The caller frees it. NULL without memory, or when a value has a byte that none
 * may have. */
char **env_block_finish(struct env_block *env) __attribute__((warn_unused_result));

#endif
