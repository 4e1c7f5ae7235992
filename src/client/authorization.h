/* SPDX-License-Identifier: BSD-2-Clause */
/* Header fields with the credentials of a client (RFC 7617, RFC 6750), for a server or a proxy.
 */
#ifndef CLIENT_AUTHORIZATION_H
#define CLIENT_AUTHORIZATION_H

#include "base/util.h"

enum { AUTHORIZATION_MAX = 8 * 1024 }; /* bytes of a file */

/* "NAME: Basic ...\r\n" with user information of a URL. NULL without memory. The caller frees
 * it. */
char *authorization_of_url(const char *name, struct span user);

/* "Authorization: SCHEME ...\r\n" with the first line of a file: USER:PASSWORD for "Basic", a
 * token for "Bearer". NULL: *WHY is the reason, valid until the next call. */
char *authorization_of_file(const char *scheme, const char *path, const char **why);

#endif
