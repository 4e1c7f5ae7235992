/* SPDX-License-Identifier: BSD-2-Clause */
/* Whether a request may use a session. */
#include "serve/session_key.h"

#include <string.h>

static bool
session_key_is_of(const struct session_key *key, const char *user)
{
	return key->user && user ? strcmp(key->user, user) == 0 : !key->user && !user;
}

bool
session_key_opens(const struct session_key *key, const struct endpoint *endpoint,
    const struct exchange *exchange, struct span id)
{
	unsigned char differs = 0;

	if (id.len != strlen(key->id))
		return false;
	for (size_t i = 0; i < id.len; i++)
		differs |= (unsigned char)(key->id[i] ^ id.data[i]);
	return differs == 0 && strcmp(key->endpoint->path, endpoint->path) == 0 &&
	       session_key_is_of(key, exchange_identity(exchange)->user);
}
