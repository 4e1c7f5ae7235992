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

/* The access options of an endpoint. The options own the strings; NULL: not given. */
struct access_settings {
	char *basic; /* file name, as the next one */
	char *token;
	char *header; /* header field in which a trusted proxy sends the user */
	char *hook; /* program; its absolute path once the options are checked */
	int64_t hook_ms; /* time limit of the hook */
	bool cert; /* a client certificate is accepted as credentials */
};

/* The files that must never be served because they may contain secrets, each with its
 * option. */
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
	struct cidr_list allow; /* owned, as the next one; empty: every address */
	struct cidr_list deny;
	struct passwords *passwords; /* a reference, as the next one; NULL: not accepted */
	struct tokens *tokens;
	const char *header; /* borrowed; NULL: none */
	bool cert;
	const char *hook; /* borrowed; NULL: none */
	int64_t hook_ms;
	char realm[ACCESS_REALM_MAX];
};

/* Frees ACCESS; accepts NULL. */
void access_free(struct access *access);

/* Reports whether ACCESS has any rule, and whether it has one whose credentials this process
 * checks itself (the hook is not such a rule). */
bool access_is_needed(const struct access *access);
bool access_authenticates(const struct access *access);

bool access_has_list(const struct cidr_list *list);

/* Sets the realm of an endpoint at PATH. */
void access_set_realm(struct access *access, const char *path);

/* Reports whether the header field NAME is kept from programs: the field of --auth-header is,
 * because its value is passed as REMOTE_USER if a trusted proxy sent it. */
bool access_drops_field(const struct access *access, struct span name);

#endif
