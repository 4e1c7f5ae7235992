/* SPDX-License-Identifier: BSD-2-Clause */
/* The rules of access control of an endpoint; serve/admit applies them. */
#ifndef SERVE_ACCESS_H
#define SERVE_ACCESS_H

#include "auth/passwords.h"
#include "auth/tokens.h"
#include "net/cidr.h"

#include <stdbool.h>

enum { ACCESS_REALM_MAX = 128 };

/* The options of an endpoint. Texts are owned by them; NULL: not given. */
struct access_settings {
	char *basic; /* names of files */
	char *token;
	char *header; /* the name of a field: a trusted proxy sends the user in it */
	bool cert; /* the client's certificate is enough */
};

/* The files that contain secrets: each with its option. */
enum { ACCESS_FILES = 2 };

struct access_file {
	const char *option;
	const char *path; /* borrowed; NULL: not given */
};

static inline struct access_file
access_file(const struct access_settings *settings, size_t i)
{
	return i == 0 ? (struct access_file){"auth-basic", settings->basic}
		      : (struct access_file){"auth-token", settings->token};
}

/* The rules of an endpoint. */
struct access {
	struct cidr_list allow; /* owned, as the next two; empty: all */
	struct cidr_list deny;
	struct passwords *passwords; /* a reference, as the next one; NULL: none are accepted */
	struct tokens *tokens;
	const char *header; /* borrowed; NULL: none */
	bool cert;
	char realm[ACCESS_REALM_MAX];
};

/* Accepts NULL. */
void access_free(struct access *access);

/* Whether there are rules at all; and whether one is about credentials. */
bool access_is_needed(const struct access *access);
bool access_authenticates(const struct access *access);

bool access_has_list(const struct cidr_list *list);

/* Sets the realm of an endpoint at PATH. */
void access_set_realm(struct access *access, const char *path);

/* Whether the field NAME reaches no program: it is that of --auth-header, whose value is
 * REMOTE_USER if a trusted proxy has sent it. */
bool access_drops_field(const struct access *access, struct span name);

#endif
