/* SPDX-License-Identifier: BSD-2-Clause */
/* The authenticated client of a request, for its log line and for the environment of programs.
 */
#ifndef HTTP_IDENTITY_H
#define HTTP_IDENTITY_H

#include <stdlib.h>

enum { IDENTITY_TYPE_MAX = 32 };

/* Zeroed ({0}): not authenticated. */
struct identity {
	char type[IDENTITY_TYPE_MAX]; /* AUTH_TYPE, NUL-terminated; empty: not authenticated */
	char *user; /* owned: REMOTE_USER; NULL: no name */
	char **variables; /* owned, one block: "NAME=value", NULL-terminated; NULL: none */
};

static inline void
identity_clear(struct identity *identity)
{
	free(identity->user);
	free(identity->variables);
	*identity = (struct identity){0};
}

#endif
