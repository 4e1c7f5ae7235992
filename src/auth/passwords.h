/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A file of users and password hashes, in the format of htpasswd(1): USER:HASH lines, and
 * comments. Only slow hashes are accepted: bcrypt, yescrypt and SHA-512 of crypt(5). Response
 * times do not reveal which users exist: for an unknown user the hash of another user is
 * computed, always the same one.
 */
#ifndef AUTH_PASSWORDS_H
#define AUTH_PASSWORDS_H

#include "auth/digest.h"
#include "base/util.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	PASSWORDS_USER_MAX = 255, /* bytes of a user name */
	PASSWORDS_HASH_MAX = 255,
	/* Cost of bcrypt; beyond that, one check takes more than a second. */
	PASSWORDS_COST_MAX = 15,
	PASSWORDS_ROUNDS_MAX = 5000000, /* rounds of SHA-512, for the same reason */
	PASSWORDS_WHY_MAX = 512, /* bytes of an error text, including the NUL */
};

struct passwords;

/* Parses TEXT, the contents of a file. Returns NULL on error, with the line in *LINE (0: no
 * particular line) and the text in WHY. */
struct passwords *passwords_parse(struct span text, unsigned int *line,
    char why[PASSWORDS_WHY_MAX]) __attribute__((warn_unused_result));

/* Add and release a reference; the last release frees. passwords_unref() accepts NULL. */
struct passwords *passwords_ref(struct passwords *passwords);
void passwords_unref(struct passwords *passwords);

/* Returns the hash to compare with a password of USER. *KNOWN: it is USER's own. */
const char *passwords_hash(const struct passwords *passwords, const char *user, bool *known);

/* Reports whether PASSWORD matches HASH; takes the time of the hash, some milliseconds or
 * more. */
bool passwords_match(const char *hash, const char *password);

/*
 * A small cache of pairs that matched, keyed by a digest with a secret of this file. It
 * contains neither user nor password, and is empty after a reload.
 */
void passwords_digest(const struct passwords *passwords, const char *user, const char *password,
    uint8_t digest[DIGEST_LEN]);
bool passwords_has(const struct passwords *passwords, const uint8_t digest[DIGEST_LEN]);
void passwords_add(struct passwords *passwords, const uint8_t digest[DIGEST_LEN]);

#endif
