/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Credentials. The first byte of an input selects what the rest is: the fields of a request, a
 * file of passwords, one of tokens, or the output of a hook.
 */
#include "auth/passwords.h"
#include "auth/tokens.h"
#include "http/credentials.h"
#include "require.h"
#include "serve/env.h"
#include "serve/env_pass.h"
#include "serve/hook_output.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/* TEXT without what HIDE removes: nothing but separators is left to remove. */
static void
check_hidden(size_t (*hide)(char *text, size_t len), struct span text)
{
	char *copy = malloc(text.len + 1);
	size_t len, again, before = 0, after = 0;

	require(copy != NULL, "memory");
	memcpy(copy, text.data, text.len);
	len = hide(copy, text.len);
	require(len <= text.len, "it gets no longer");
	for (size_t i = 0; i < len; i++)
		before += !strchr("&;, \t", copy[i]);
	again = hide(copy, len);
	for (size_t i = 0; i < again; i++)
		after += !strchr("&;, \t", copy[i]);
	require(after == before, "it is hidden at once");
	free(copy);
}

/* The query has no token any more. */
static void
check_query(const struct head *head, struct span query)
{
	struct span tokens[CREDENTIALS_TOKENS_MAX];
	char room[CREDENTIALS_TOKEN_MAX], copy[HEAD_MAX_LINE];
	size_t before, with, len;

	before = credentials_tokens(head, (struct span){0}, tokens, room);
	with = credentials_tokens(head, query, tokens, room);
	require(with == before || with == before + 1, "a query has one token at most");
	memcpy(copy, query.data, query.len);
	len = credentials_hide_query(copy, query.len);
	require(credentials_tokens(head, (struct span){copy, len}, tokens, room) == before,
	    "a hidden token is not found");
}

static void
fuzz_request(struct span text)
{
	char bytes[HEAD_MAX_BYTES], room[HEAD_MAX_LINE];
	struct span tokens[CREDENTIALS_TOKENS_MAX], element, target;
	struct credentials_basic basic;
	struct head head;
	size_t count, cursor = 0;
	const char *query;
	static const char line[] = "GET ";

	if (text.len + sizeof(line) > sizeof(bytes))
		return;
	memcpy(bytes, line, sizeof(line) - 1);
	memcpy(bytes + sizeof(line) - 1, text.data, text.len);
	head_init(&head);
	if (head_parse(&head, bytes, sizeof(line) - 1 + text.len) != HEAD_DONE)
		return;
	target = head_target(&head);
	query = memchr(target.data, '?', target.len);
	if (query)
		check_query(&head,
		    (struct span){query + 1, target.len - (size_t)(query + 1 - target.data)});
	count = credentials_tokens(&head, (struct span){0}, tokens, room);
	require(count <= CREDENTIALS_TOKENS_MAX, "there are at most four tokens");
	for (size_t i = 0; i < count; i++)
		require(tokens[i].len <= CREDENTIALS_TOKEN_MAX, "a token is bounded");
	if (credentials_basic(&head, &basic) == CREDENTIALS_FOUND)
		require(strlen(basic.user) <= CREDENTIALS_USER_MAX &&
			    !strchr(basic.user, ':') &&
			    strlen(basic.password) <= CREDENTIALS_PASSWORD_MAX,
		    "user and password are bounded");
	while (credentials_next_protocol(&head, &cursor, &element, NULL))
		require(element.len > 0, "no subprotocol is empty");
	require(credentials_log_target(target, room, sizeof(room)).len <= target.len,
	    "a target in the log is not longer");
	check_hidden(credentials_hide_url, target);
	for (size_t i = 0; i < head_field_count(&head); i++) {
		check_hidden(credentials_hide_cookie, head_field(&head, i).value);
		check_hidden(credentials_hide_protocol, head_field(&head, i).value);
		check_hidden(credentials_hide_url, head_field(&head, i).value);
	}
}

static void
fuzz_passwords(struct span text)
{
	char why[PASSWORDS_WHY_MAX];
	unsigned int line;
	struct passwords *passwords = passwords_parse(text, &line, why);
	bool known;

	if (passwords)
		require(strlen(passwords_hash(passwords, "x", &known)) <= PASSWORDS_HASH_MAX,
		    "a hash is bounded");
	else
		require(*why != '\0', "a mistake is described");
	passwords_unref(passwords);
}

static void
fuzz_tokens(struct span text)
{
	unsigned int line;
	const char *why;
	struct tokens *tokens = tokens_parse(text, &line, &why);

	if (tokens) {
		require(tokens_shortest(tokens) > 0, "no token is empty");
		require(
		    !tokens_find(tokens, (struct span){"", 0}, NULL), "nothing is no token");
	}
	tokens_unref(tokens);
}

static void
fuzz_hook(struct span text)
{
	char *const taken[] = {"PATH=/bin", NULL};
	struct identity identity;
	char why[HOOK_OUTPUT_WHY_MAX];

	if (!hook_output_parse(text, taken, &identity, why))
		return;
	for (char **one = identity.variables; one && *one; one++) {
		const char *equals = strchr(*one, '=');

		require(
		    equals && env_pass_may_set((struct span){*one, (size_t)(equals - *one)}),
		    "a variable may be set");
		require(strncmp(*one, "PATH=", 5) != 0, "none is replaced");
		for (const char *c = *one; *c; c++)
			require((unsigned char)*c >= 0x20 && *c != 0x7f,
			    "no control character gets into the environment");
	}
	identity_clear(&identity);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	void (*const targets[])(struct span text) = {
	    fuzz_request, fuzz_passwords, fuzz_tokens, fuzz_hook};
	char *text;

	if (size == 0)
		return 0;
	/* In a block of exactly its size. */
	text = malloc(size - 1);
	require(text || size == 1, "memory");
	if (size > 1)
		memcpy(text, data + 1, size - 1);
	targets[data[0] % UTIL_LEN(targets)]((struct span){text ? text : "", size - 1});
	free(text);
	return 0;
}
