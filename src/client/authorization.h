/* SPDX-License-Identifier: BSD-2-Clause */
/* Builds header fields with a client's credentials (RFC 7617, RFC 6750), for a server or a
 * proxy. */
#ifndef CLIENT_AUTHORIZATION_H
#define CLIENT_AUTHORIZATION_H

#include "base/util.h"

enum { AUTHORIZATION_MAX = 8 * 1024 }; /* maximum bytes of a file */

/* Returns "NAME: Basic ...\r\n" with the user information of a URL, which the caller frees, or
 * NULL if memory runs out. */
char *authorization_of_url(const char *name, struct span user);

/* Returns "Authorization: SCHEME ...\r\n" with the first line of a file: USER:PASSWORD for
 * "Basic", a token for "Bearer". Returns NULL with the reason in *WHY, valid until the next
 * call. */
char *authorization_of_file(const char *scheme, const char *path, const char **why);

#endif
