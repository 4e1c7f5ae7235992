/* SPDX-License-Identifier: BSD-2-Clause */
/* Builds an environment incrementally and returns it as one block. */
#ifndef SERVE_ENV_BLOCK_H
#define SERVE_ENV_BLOCK_H

#include "base/buffer.h"
#include "base/util.h"

/* NUL-terminated strings one after another. Zeroed: empty. */
struct env_block {
	struct buffer strings;
	size_t count;
	bool failed; /* memory ran out */
};

/* Append bytes to the current variable, and end it. */
void env_block_put_bytes(struct env_block *env, struct span bytes);
void env_block_end(struct env_block *env);

/* Append a whole variable. VALUE must not be negative. */
void env_block_put(struct env_block *env, struct span name, struct span value);
void env_block_put_number(struct env_block *env, struct span name, int64_t value);

/* Returns the environment as one block, the NULL-terminated pointer array followed by the
 * strings, and clears ENV. The caller frees the block. Returns NULL if memory ran out or a
 * value contains a byte that is not allowed. */
char **env_block_finish(struct env_block *env) __attribute__((warn_unused_result));

#endif
