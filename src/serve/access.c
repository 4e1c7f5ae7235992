/* SPDX-License-Identifier: BSD-2-Clause */
/* The access control rules of an endpoint. */
#include "serve/access.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void
access_free(struct access *access)
{
	if (!access)
		return;
	cidr_list_clear(&access->allow);
	cidr_list_clear(&access->deny);
	passwords_unref(access->passwords);
	tokens_unref(access->tokens);
	free(access);
}

bool
access_has_list(const struct cidr_list *list)
{
	return list->count > 0 || list->unix_socket;
}

bool
access_authenticates(const struct access *access)
{
	return access->passwords || access->tokens || access->header || access->cert;
}

bool
access_is_needed(const struct access *access)
{
	return access_has_list(&access->allow) || access_has_list(&access->deny) ||
	       access_authenticates(access) || access->hook;
}

/* Each endpoint has its own realm (RFC 9110, section 11.5), because a browser sends the same
 * credentials to all paths of one realm. Only characters that need no quoting are used. */
void
access_set_realm(struct access *access, const char *path)
{
	bool plain = strlen(path) < sizeof(access->realm) - sizeof("wspipe");

	for (const char *c = path; *c; c++)
		plain = plain && *c > ' ' && *c < 0x7f && *c != '"' && *c != '\\';
	snprintf(access->realm, sizeof(access->realm), "wspipe%s", plain ? path : "");
}

bool
access_drops_field(const struct access *access, struct span name)
{
	return access->header && span_equal_nocase(name, span_of(access->header));
}
