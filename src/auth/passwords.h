/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A file of users and hashes of their passwords, as htpasswd(1) writes it: USER:HASH lines, and
 * comments. Only slow hashes are accepted: bcrypt, yescrypt and SHA-512 of crypt(5).
 *
 * Which users there are can't be seen in the time that an answer takes: for a user that does
 * not exist the hash of another one is computed, always of the same one.
 */
#ifndef AUTH_PASSWORDS_H
#define AUTH_PASSWORDS_H

#include "auth/digest.h"
#include "base/util.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	PASSWORDS_USER_MAX = 255, /* bytes */
	PASSWORDS_HASH_MAX = 255,
	PASSWORDS_COST_MAX = 15, /* of bcrypt: above, one guess takes more than a second */
	PASSWORDS_ROUNDS_MAX = 5000000, /* of SHA-512, likewise */
	PASSWORDS_WHY_MAX = 512, /* bytes of a description, terminated */
};

struct passwords;

/* Parses TEXT, the content of a file. NULL: *LINE has the mistake WHY; a *LINE of 0 is none in
 * particular. */
struct passwords *passwords_parse(struct span text, unsigned int *line,
    char why[PASSWORDS_WHY_MAX]) __attribute__((warn_unused_result));

/* A reference, and its release; the last one frees. The latter accepts NULL. */
struct passwords *passwords_ref(struct passwords *passwords);
void passwords_unref(struct passwords *passwords);

/* The hash that a guess for USER is compared with. *KNOWN: it is that of USER. */
const char *passwords_hash(const struct passwords *passwords, const char *user, bool *known);

/* Whether PASSWORD has this HASH; it takes the time of the hash, some milliseconds or more. */
bool passwords_match(const char *hash, const char *password);

/*
 * A small cache of pairs that matched, by a digest with a secret of this file. It contains
 * neither user nor password, and a file that is loaded again has an empty one.
 */
void passwords_digest(const struct passwords *passwords, const char *user, const char *password,
    uint8_t digest[DIGEST_LEN]);
bool passwords_has(const struct passwords *passwords, const uint8_t digest[DIGEST_LEN]);
void passwords_add(struct passwords *passwords, const uint8_t digest[DIGEST_LEN]);

#endif
