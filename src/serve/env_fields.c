/* SPDX-License-Identifier: BSD-2-Clause */
/* Passes the header fields of a request as variables, without tokens. */
#include "serve/env_fields.h"

#include "serve/access.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* Appends the variable name of a header field (RFC 3875, section 4.1.18). */
static void
env_fields_put_name(struct env_block *env, struct span name)
{
	static const char prefix[] = {'H', 'T', 'T', 'P', '_'};
	uint8_t *to = buffer_reserve(&env->strings, sizeof(prefix) + name.len + 1);

	if (!to) {
		env->failed = true;
		return;
	}
	memcpy(to, prefix, sizeof(prefix));
	to += sizeof(prefix);
	/* Only letters, digits and '-': see env_fields_passes(). */
	for (size_t i = 0; i < name.len; i++) {
		char c = name.data[i];

		if (c >= 'a' && c <= 'z')
			c = (char)(c - 'a' + 'A');
		else if (c == '-')
			c = '_';
		*to++ = (uint8_t)c;
	}
	*to = '=';
	buffer_commit(&env->strings, sizeof(prefix) + name.len + 1);
}

void
env_fields_find_secrets(struct env_fields_secrets *secrets, const struct access *access,
    const struct head *head, struct span query)
{
	size_t found;

	secrets->on = access && access->tokens;
	secrets->count = 0;
	if (!secrets->on)
		return;
	found = credentials_tokens(head, query, secrets->tokens, secrets->room);
	for (size_t i = 0; i < found; i++) {
		if (tokens_find(access->tokens, secrets->tokens[i], NULL))
			secrets->tokens[secrets->count++] = secrets->tokens[i];
	}
}

/* Removes a token from the unfinished value that begins at START. Returns false if nothing is
 * left of the value, or if it contains a token at an unexpected place. */
static bool
env_fields_hide(struct env_block *env, const struct env_fields_secrets *secrets, size_t start,
    env_fields_hider *hide)
{
	size_t len = buffer_len(&env->strings) - start;
	char *text;

	if (!secrets->on || len == 0)
		return true;
	text = (char *)buffer_data(&env->strings) + start;
	if (hide)
		len = hide(text, len);
	for (size_t i = 0; i < secrets->count && len > 0; i++) {
		if (credentials_contain((struct span){text, len}, secrets->tokens[i]))
			len = 0;
	}
	buffer_cut(&env->strings, start + len);
	return len > 0;
}

/* Adds a variable with tokens removed. NAME includes the '='. */
void
env_fields_put_hidden(struct env_block *env, const struct env_fields_secrets *secrets,
    struct span name, struct span value, env_fields_hider *hide)
{
	size_t start;

	env_block_put_bytes(env, name);
	start = buffer_len(&env->strings);
	env_block_put_bytes(env, value);
	if (!env->failed)
		(void)env_fields_hide(env, secrets, start, hide);
	env_block_end(env);
}

static bool
env_fields_shows_authorization(const struct env_fields_secrets *secrets, struct span name)
{
	return secrets->hook && span_equal_nocase(name, SPAN("Authorization"));
}

/* Reports whether the whole value of a field is a token. */
static bool
env_fields_is_secret(const struct env_fields_secrets *secrets, struct head_field field)
{
	struct span token;

	return secrets->on && span_equal_nocase(field.name, SPAN("Authorization")) &&
	       credentials_bearer(field.value, &token);
}

/* Returns the function that removes tokens from a field; NULL: the field has none. */
static env_fields_hider *
env_fields_hides(struct span name)
{
	static const struct {
		const char *name;
		env_fields_hider *hide;
	} rows[] = {
	    {"Cookie", credentials_hide_cookie},
	    {"Referer", credentials_hide_url},
	    {"Sec-WebSocket-Protocol", credentials_hide_protocol},
	};

	for (size_t i = 0; i < UTIL_LEN(rows); i++) {
		if (span_equal_nocase(name, span_of(rows[i].name)))
			return rows[i].hide;
	}
	return NULL;
}

static bool
env_fields_passes(const struct endpoint *endpoint, struct span name)
{
	static const char *const never[] = {
	    "Proxy", "Content-Length", "Content-Type", "Transfer-Encoding"};
	static const char *const secrets[] = {"Authorization", "Proxy-Authorization"};

	for (size_t i = 0; i < name.len; i++) {
		unsigned char c = (unsigned char)name.data[i];

		if (!util_is_alpha(c) && !util_is_digit(c) && c != '-')
			return false;
	}
	for (size_t i = 0; i < UTIL_LEN(never); i++) {
		if (span_equal_nocase(name, span_of(never[i])))
			return false;
	}
	for (size_t i = 0; i < UTIL_LEN(secrets) && !endpoint->pass_auth; i++) {
		if (span_equal_nocase(name, span_of(secrets[i])))
			return false;
	}
	return !endpoint->access || !access_drops_field(endpoint->access, name);
}

/* Compares two fields given by their indexes: equal names become adjacent, in the order of the
 * request. */
static int
env_fields_compare(const void *a, const void *b, void *head)
{
	uint8_t i = *(const uint8_t *)a;
	uint8_t j = *(const uint8_t *)b;
	struct span x = head_field(head, i).name;
	struct span y = head_field(head, j).name;
	int order = (x.len > y.len) - (x.len < y.len);

	if (order == 0)
		order = strncasecmp(x.data, y.data, x.len);
	return order != 0 ? order : i - j;
}

/* Adds one variable per field name; repeated fields are joined (RFC 3875, section 4.1.18;
 * cookies: RFC 6265, section 5.4). Sorting finds them without comparing every pair. */
void
env_fields_put(struct env_block *env, const struct env_fields_secrets *secrets,
    const struct endpoint *endpoint, const struct head *head)
{
	uint8_t sorted[HEAD_MAX_FIELDS];
	size_t count = head_field_count(head);
	size_t next;

	for (size_t i = 0; i < count; i++)
		sorted[i] = (uint8_t)i;
	qsort_r(sorted, count, sizeof(sorted[0]), env_fields_compare, (void *)(uintptr_t)head);
	for (size_t i = 0; i < count; i = next) {
		struct span name = head_field(head, sorted[i]).name;
		struct span joint =
		    span_equal_nocase(name, SPAN("Cookie")) ? SPAN("; ") : SPAN(", ");
		bool shown = env_fields_shows_authorization(secrets, name);
		bool passes =
		    shown || (env_fields_passes(endpoint, name) &&
				 !env_fields_is_secret(secrets, head_field(head, sorted[i])));
		size_t start = buffer_len(&env->strings);

		if (passes) {
			env_fields_put_name(env, name);
			env_block_put_bytes(env, head_field(head, sorted[i]).value);
		}
		for (next = i + 1; next < count &&
				   span_equal_nocase(name, head_field(head, sorted[next]).name);
		     next++) {
			if (!passes)
				continue;
			env_block_put_bytes(env, joint);
			env_block_put_bytes(env, head_field(head, sorted[next]).value);
		}
		if (!passes || env->failed)
			continue;
		if (shown ||
		    env_fields_hide(env, secrets, start + sizeof("HTTP_") - 1 + name.len + 1,
			env_fields_hides(name)))
			env_block_end(env);
		else
			buffer_cut(&env->strings, start);
	}
}
