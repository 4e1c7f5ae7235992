/* SPDX-License-Identifier: BSD-2-Clause */
/* Passes the header fields of a request as variables, without the tokens that the endpoint
 * accepts. */
#ifndef SERVE_ENV_FIELDS_H
#define SERVE_ENV_FIELDS_H

#include "http/credentials.h"
#include "serve/endpoint.h"
#include "serve/env_block.h"

/* The secrets of a request that must not reach a variable. */
struct env_fields_secrets {
	bool on; /* true if the endpoint accepts tokens */
	bool hook; /* the environment is for an --auth-hook, which needs Authorization */
	struct span tokens[CREDENTIALS_TOKENS_MAX]; /* the valid tokens of the request */
	size_t count;
	char room[CREDENTIALS_TOKEN_MAX];
};

/* Finds the tokens of a request with this HEAD and QUERY. */
void env_fields_find_secrets(struct env_fields_secrets *secrets, const struct access *access,
    const struct head *head, struct span query);

/* Removes tokens from LEN bytes of TEXT in place and returns the remaining length. */
typedef size_t env_fields_hider(char *text, size_t len);

/* Adds a variable with tokens removed. NAME includes the '='. */
void env_fields_put_hidden(struct env_block *env, const struct env_fields_secrets *secrets,
    struct span name, struct span value, env_fields_hider *hide);

/* Adds one variable per field name; repeated fields are joined (RFC 3875, section 4.1.18;
 * cookies: RFC 6265, section 5.4). */
void env_fields_put(struct env_block *env, const struct env_fields_secrets *secrets,
    const struct endpoint *endpoint, const struct head *head);

#endif
