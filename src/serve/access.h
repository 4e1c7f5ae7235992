/* SPDX-License-Identifier: BSD-2-Clause */
/* The rules of access control of an endpoint; serve/admit applies them. */
#ifndef SERVE_ACCESS_H
#define SERVE_ACCESS_H

#include "auth/passwords.h"
#include "auth/tokens.h"
#include "net/cidr.h"

#include <stdbool.h>
#include <stdint.h>

enum { ACCESS_REALM_MAX = 128 };

/* The options of an endpoint. Texts are owned by them; NULL: not given. */
struct access_settings {
	char *basic; /* names of files */
	char *token;
	char *header; /* the name of a field: a trusted proxy sends the user in it */
	char *hook; /* a program, after the check with its absolute path */
	int64_t hook_ms; /* its time limit */
	bool cert; /* the client's certificate is enough */
};

/* The files that must not be served, each with its option: they contain secrets, or may. */
enum { ACCESS_FILES = 3 };

struct access_file {
	const char *option;
	const char *path; /* borrowed; NULL: not given */
};

static inline struct access_file
access_file(const struct access_settings *settings, size_t i)
{
	const struct access_file files[ACCESS_FILES] = {{"auth-basic", settings->basic},
	    {"auth-token", settings->token}, {"auth-hook", settings->hook}};

	return files[i];
}

/* The rules of an endpoint. */
struct access {
	struct cidr_list allow; /* owned, as the next two; empty: all */
	struct cidr_list deny;
	struct passwords *passwords; /* a reference, as the next one; NULL: none are accepted */
	struct tokens *tokens;
	const char *header; /* borrowed; NULL: none */
	bool cert;
	const char *hook; /* borrowed; NULL: none */
	int64_t hook_ms;
	char realm[ACCESS_REALM_MAX];
};

/* Accepts NULL. */
void access_free(struct access *access);

/* Whether there are rules at all; and whether one is about credentials that are checked here,
 * not by a hook. */
bool access_is_needed(const struct access *access);
bool access_authenticates(const struct access *access);

bool access_has_list(const struct cidr_list *list);

/* Sets the realm of an endpoint at PATH. */
void access_set_realm(struct access *access, const char *path);

/* Whether the field NAME reaches no program: it is that of --auth-header, whose value is
 * REMOTE_USER if a trusted proxy has sent it. */
bool access_drops_field(const struct access *access, struct span name);

#endif
