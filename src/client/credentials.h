/* SPDX-License-Identifier: BSD-2-Clause */
/* Header fields with the credentials of a client (RFC 7617, RFC 6750), for a server or a proxy.
 */
#ifndef CLIENT_CREDENTIALS_H
#define CLIENT_CREDENTIALS_H

#include "base/util.h"

enum { CREDENTIALS_MAX = 8 * 1024 }; /* bytes of a file */

/* "NAME: Basic ...\r\n" with user information of a URL. NULL without memory. The caller frees
 * it. */
char *credentials_of_url(const char *name, struct span user);

/* "Authorization: SCHEME ...\r\n" with the first line of a file: USER:PASSWORD for "Basic", a
 * token for "Bearer". NULL: *WHY is the reason, valid until the next call. */
char *credentials_of_file(const char *scheme, const char *path, const char **why);

#endif
