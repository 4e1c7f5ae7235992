/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The credentials of a request: Basic (RFC 7617) and bearer tokens (RFC 6750). A token is
 * accepted in Authorization, in the cookie wspipe_token, as the subprotocol after "bearer"
 * (pages can't set header fields of a WebSocket), and in the query as token=. Pure: finds
 * credentials, and removes them from what is passed on and logged.
 */
#ifndef HTTP_CREDENTIALS_H
#define HTTP_CREDENTIALS_H

#include "http/head.h"

#include <stdbool.h>
#include <stddef.h>

enum {
	CREDENTIALS_USER_MAX = 255, /* bytes; longer ones are malformed, as the next one */
	CREDENTIALS_PASSWORD_MAX = 511, /* the limit of crypt(3) */
	CREDENTIALS_TOKEN_MAX = 1024, /* longer strings are not tokens */
	CREDENTIALS_TOKENS_MAX = 4, /* tokens per request: one for each place */
};

/* The subprotocol before a token; selected unless the program supports another one. */
#define CREDENTIALS_SUBPROTOCOL "bearer"

enum credentials_result {
	CREDENTIALS_NONE,
	CREDENTIALS_FOUND,
	CREDENTIALS_MALFORMED, /* also: too long, or more than one Authorization */
};

struct credentials_basic {
	char user[CREDENTIALS_USER_MAX + 1];
	char password[CREDENTIALS_PASSWORD_MAX + 1];
};

/* Finds Basic credentials. FOUND: *OUT has user and password, without control characters; the
 * caller clears it. */
enum credentials_result credentials_basic(
    const struct head *head, struct credentials_basic *out);

/* Finds all tokens of a request, in a fixed order, and returns their number. None is longer
 * than CREDENTIALS_TOKEN_MAX; a malformed one is empty. The token of QUERY is decoded into
 * ROOM; the others are spans of the head. */
size_t credentials_tokens(const struct head *head, struct span query,
    struct span tokens[CREDENTIALS_TOKENS_MAX], char room[CREDENTIALS_TOKEN_MAX]);

/* Like head_next_element() for Sec-WebSocket-Protocol, but skips empty elements and the pair of
 * "bearer" and a token. *PAIRED, which may be NULL, is set once that pair was skipped. */
bool credentials_next_protocol(
    const struct head *head, size_t *cursor, struct span *element, bool *paired);

/*
 * Remove tokens from LEN bytes of TEXT in place and return the remaining length.
 */
size_t credentials_hide_query(char *text, size_t len); /* a query without its '?' */
size_t credentials_hide_url(char *text, size_t len); /* the query of a URL or path */
size_t credentials_hide_cookie(char *text, size_t len); /* the value of Cookie */
size_t credentials_hide_protocol(char *text, size_t len); /* of Sec-WebSocket-Protocol */

/* Reports whether TEXT contains TOKEN, literally or with escapes ("%2B"). */
bool credentials_contain(struct span text, struct span token);

/* Reports whether the value of Authorization is a bearer token, and sets *TOKEN. */
bool credentials_bearer(struct span value, struct span *token);

/* Returns a request's TARGET for the log, with '*' in place of tokens and sessions: TARGET
 * itself, or a copy in ROOM, truncated to SIZE bytes. */
struct span credentials_log_target(struct span target, char *room, size_t size);

#endif
