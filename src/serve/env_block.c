/* SPDX-License-Identifier: BSD-2-Clause */
/* Builds an environment incrementally. */
#include "serve/env_block.h"

#include <stdlib.h>
#include <string.h>

void
env_block_put_bytes(struct env_block *env, struct span bytes)
{
	if (!buffer_append(&env->strings, bytes.data, bytes.len))
		env->failed = true;
}

void
env_block_end(struct env_block *env)
{
	if (!buffer_append(&env->strings, "", 1))
		env->failed = true;
	env->count++;
}

void
env_block_put(struct env_block *env, struct span name, struct span value)
{
	size_t len = name.len + 1 + value.len + 1;
	uint8_t *to = buffer_reserve(&env->strings, len);

	if (!to) {
		env->failed = true;
		return;
	}
	memcpy(to, name.data, name.len);
	to += name.len;
	*to++ = '=';
	if (value.len > 0)
		memcpy(to, value.data, value.len);
	to[value.len] = '\0';
	buffer_commit(&env->strings, len);
	env->count++;
}

void
env_block_put_number(struct env_block *env, struct span name, int64_t value)
{
	char text[UTIL_NUMBER_MAX];
	const char *end = util_put_number(text, (uint64_t)value, 1);

	env_block_put(env, name, (struct span){text, (size_t)(end - text)});
}

char **
env_block_finish(struct env_block *env)
{
	size_t bytes = buffer_len(&env->strings);
	size_t table = (env->count + 1) * sizeof(char *);
	char **block = env->failed ? NULL : calloc(1, table + bytes);

	if (block) {
		char *text = (char *)block + table;
		const char *end = text + bytes;
		bool bad = false;

		if (bytes > 0) {
			memcpy(text, buffer_data(&env->strings), bytes);
			bad = memchr(text, '\n', bytes) || memchr(text, '\r', bytes);
		}
		for (size_t i = 0; i < env->count; i++) {
			block[i] = text;
			text += strlen(text) + 1;
		}
		/* The head parser rejects such bytes; checked again here, where they would do
		 * harm: a NUL would split a value in two. */
		if (bad || text != end) {
			free(block);
			block = NULL;
		}
	}
	buffer_clear(&env->strings);
	return block;
}
