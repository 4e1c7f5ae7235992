/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The credentials that a request carries: Basic (RFC 7617) and bearer tokens (RFC 6750). A
 * token is accepted in Authorization, in the cookie wspipe_token, as the subprotocol that
 * follows "bearer", since pages can set no header of a WebSocket, and in the query as token=.
 * Pure: it finds them, and removes them from what is passed on and logged.
 */
#ifndef HTTP_CREDENTIALS_H
#define HTTP_CREDENTIALS_H

#include "http/head.h"

#include <stdbool.h>
#include <stddef.h>

enum {
	CREDENTIALS_USER_MAX = 255, /* bytes; longer ones are malformed, as the next one */
	CREDENTIALS_PASSWORD_MAX = 511, /* what crypt(3) accepts */
	CREDENTIALS_TOKEN_MAX = 1024, /* a longer one is no token */
	CREDENTIALS_TOKENS_MAX = 4, /* of a request: one for each place */
};

/* The subprotocol before a token; it is selected unless the program has another one. */
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

/* FOUND: user and password are in *OUT, which the caller clears; they contain no control
 * byte. */
enum credentials_result credentials_basic(
    const struct head *head, struct credentials_basic *out);

/* All tokens of a request, in a fixed order; none is longer than CREDENTIALS_TOKEN_MAX, and one
 * that is malformed is empty. That of QUERY is decoded into ROOM; the others are spans of the
 * head. Returns how many there are. */
size_t credentials_tokens(const struct head *head, struct span query,
    struct span tokens[CREDENTIALS_TOKENS_MAX], char room[CREDENTIALS_TOKEN_MAX]);

/* As head_next_element() of Sec-WebSocket-Protocol, without empty elements and without the pair
 * of "bearer" and a token. *PAIRED, which may be NULL, is set once that was passed. */
bool credentials_next_protocol(
    const struct head *head, size_t *cursor, struct span *element, bool *paired);

/*
 * Each removes what carries a token from LEN bytes of TEXT, in place, and returns the length of
 * the rest.
 */
size_t credentials_hide_query(char *text, size_t len); /* a query without its '?' */
size_t credentials_hide_url(char *text, size_t len); /* the query of a URL or of a path */
size_t credentials_hide_cookie(char *text, size_t len); /* the value of Cookie */
size_t credentials_hide_protocol(char *text, size_t len); /* of Sec-WebSocket-Protocol */

/* Whether TEXT contains TOKEN, as it is or with escapes ("%2B"). */
bool credentials_contain(struct span text, struct span token);

/* Whether the value of Authorization is a bearer token, which goes to *TOKEN. */
bool credentials_bearer(struct span value, struct span *token);

/* A request's TARGET for the log, with '*' in place of a token or a session: TARGET itself, or
 * a copy in ROOM, cut to SIZE bytes. */
struct span credentials_log_target(struct span target, char *room, size_t size);

#endif
