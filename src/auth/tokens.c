/* SPDX-License-Identifier: BSD-2-Clause */
/* A file of bearer tokens. */
#include "auth/tokens.h"

#include "auth/digest.h"

#include <openssl/crypto.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

struct token {
	uint8_t digest[DIGEST_LEN];
	char *name; /* owned */
};

struct tokens {
	size_t refs;
	struct token *items; /* owned */
	size_t count;
	size_t shortest;
};

/* Checks a b64token (RFC 6750, section 2.1). */
static bool
token_is_valid(struct span token)
{
	size_t padding = 0;

	while (token.len > 0 && token.data[token.len - 1] == '=') {
		token.len--;
		padding++;
	}
	for (size_t i = 0; i < token.len; i++) {
		unsigned char c = (unsigned char)token.data[i];

		if (!util_is_alpha(c) && !util_is_digit(c) && !memchr("-._~+/", c, 6))
			return false;
	}
	return token.len > 0 && token.len + padding <= TOKENS_TOKEN_MAX;
}

static bool
token_is_name(struct span name)
{
	for (size_t i = 0; i < name.len; i++) {
		if ((unsigned char)name.data[i] < 0x20 || name.data[i] == 0x7f)
			return false;
	}
	return name.len <= TOKENS_NAME_MAX;
}

/* Adds the token of a non-empty LINE. Returns the error, or NULL. */
static const char *
tokens_add(struct tokens *tokens, struct span line)
{
	size_t len = 0;
	struct span token, name;
	struct token *items, *added;

	while (len < line.len && line.data[len] != ' ' && line.data[len] != '\t')
		len++;
	token = (struct span){line.data, len};
	name = span_trim((struct span){line.data + len, line.len - len});
	if (!token_is_valid(token))
		return "a token has 1 to 1024 letters, digits and -._~+/, and '=' only at its "
		       "end; make one with: openssl rand -hex 32";
	if (!token_is_name(name))
		return "the name of a token has at most 255 bytes and no control characters";
	items = realloc(tokens->items, (tokens->count + 1) * sizeof(*items));
	if (!items)
		return "out of memory";
	tokens->items = items;
	added = &items[tokens->count];
	added->name = span_dup(name);
	if (!added->name)
		return "out of memory";
	tokens->count++;
	digest_of(added->digest, &token, 1);
	if (tokens->shortest == 0 || token.len < tokens->shortest)
		tokens->shortest = token.len;
	return NULL;
}

struct tokens *
tokens_parse(struct span text, unsigned int *line, const char **why)
{
	struct tokens *tokens = calloc(1, sizeof(*tokens));
	struct digest_lines lines = {.rest = text};
	struct span item;

	*line = 0;
	*why = tokens ? NULL : "out of memory";
	if (!tokens)
		return NULL;
	tokens->refs = 1;
	while (!*why && digest_next_line(&lines, &item)) {
		*why = tokens_add(tokens, item);
		*line = lines.number;
	}
	if (!*why && tokens->count == 0) {
		*line = 0;
		*why = "contains no token; make one with: openssl rand -hex 32";
	}
	if (!*why)
		return tokens;
	tokens_unref(tokens);
	return NULL;
}

struct tokens *
tokens_ref(struct tokens *tokens)
{
	tokens->refs++;
	return tokens;
}

void
tokens_unref(struct tokens *tokens)
{
	if (!tokens || --tokens->refs > 0)
		return;
	for (size_t i = 0; i < tokens->count; i++)
		free(tokens->items[i].name);
	free(tokens->items);
	free(tokens);
}

bool
tokens_find(const struct tokens *tokens, struct span token, const char **name)
{
	uint8_t digest[DIGEST_LEN];
	size_t found = tokens->count;

	digest_of(digest, &token, 1);
	for (size_t i = 0; i < tokens->count; i++) {
		if (CRYPTO_memcmp(digest, tokens->items[i].digest, DIGEST_LEN) == 0)
			found = i;
	}
	if (name && found < tokens->count)
		*name = tokens->items[found].name;
	return found < tokens->count;
}

size_t
tokens_shortest(const struct tokens *tokens)
{
	return tokens->shortest;
}
