/* SPDX-License-Identifier: BSD-2-Clause */
/* A file of users and password hashes. */
#include "auth/passwords.h"

#include <crypt.h>
#include <openssl/crypto.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

enum { PASSWORDS_CACHE = 256 }; /* entries for pairs that matched, each for one digest in 256 */

struct password {
	/* Digest of the user, so that search time does not reveal prefixes. */
	uint8_t key[DIGEST_LEN];
	char *user; /* owned, as the next one */
	char *hash;
	unsigned int line;
};

struct passwords {
	size_t refs;
	struct password *items; /* owned, sorted by key */
	size_t count;
	uint8_t secret[DIGEST_LEN];
	uint8_t cache[PASSWORDS_CACHE][DIGEST_LEN];
};

/*
 * Accepted hashes
 */

/* Reports whether TEXT consists of LEN characters of crypt's base64 alphabet. */
static bool
password_is_base64(struct span text, size_t len)
{
	for (size_t i = 0; i < text.len; i++) {
		unsigned char c = (unsigned char)text.data[i];

		if (!util_is_alpha(c) && !util_is_digit(c) && c != '.' && c != '/')
			return false;
	}
	return text.len == len;
}

/* Returns what follows the last '$'. */
static struct span
password_last_part(struct span hash)
{
	size_t start = hash.len;

	while (start > 0 && hash.data[start - 1] != '$')
		start--;
	return (struct span){hash.data + start, hash.len - start};
}

static bool
password_has_prefix(struct span hash, const char *prefix)
{
	size_t len = strlen(prefix);

	return hash.len >= len && memcmp(hash.data, prefix, len) == 0;
}

/* Checks "$2y$10$" followed by 53 characters, salt and sum. Returns the error, or NULL. */
static const char *
password_check_bcrypt(struct span hash)
{
	int64_t cost;

	if (hash.len != 60 || hash.data[6] != '$' ||
	    util_parse_number((struct span){hash.data + 4, 2}, 4, 31, &cost) ||
	    !password_is_base64(password_last_part(hash), 53))
		return "is cut off or altered";
	return cost <= PASSWORDS_COST_MAX
		   ? NULL
		   : "has a cost above 15, so that each check takes seconds";
}

/* Checks "$6$", optionally "rounds=N$", salt, '$', sum. */
static const char *
password_check_sha512(struct span hash)
{
	static const char prefix[] = "$6$rounds=";
	const char *end;
	int64_t rounds;

	if (!password_is_base64(password_last_part(hash), 86))
		return "is cut off or altered";
	if (!password_has_prefix(hash, prefix))
		return NULL;
	end = memchr(hash.data + sizeof(prefix) - 1, '$', hash.len - sizeof(prefix) + 1);
	if (!end || util_parse_number((struct span){hash.data + sizeof(prefix) - 1,
					  (size_t)(end - hash.data) - sizeof(prefix) + 1},
			1000, 999999999, &rounds))
		return "is cut off or altered";
	return rounds <= PASSWORDS_ROUNDS_MAX
		   ? NULL
		   : "has more than 5000000 rounds, so that each check takes seconds";
}

/* Checks "$y$", parameters, '$', salt, '$', sum. */
static const char *
password_check_yescrypt(struct span hash)
{
	return password_is_base64(password_last_part(hash), 43) ? NULL
								: "is cut off or altered";
}

/* Checks a hash. Returns the error, or NULL. */
static const char *
password_check(struct span hash)
{
	static const struct {
		const char *prefix;
		const char *(*check)(struct span hash);
		const char *why;
	} rows[] = {
	    {"$2y$", password_check_bcrypt, NULL},
	    {"$2b$", password_check_bcrypt, NULL},
	    {"$2a$", password_check_bcrypt, NULL},
	    {"$6$", password_check_sha512, NULL},
	    {"$y$", password_check_yescrypt, NULL},
	    {"$apr1$", NULL, "is MD5, which is too fast to withstand guessing"},
	    {"$1$", NULL, "is MD5, which is too fast to withstand guessing"},
	    {"{SHA}", NULL, "is SHA-1, which is too fast to withstand guessing"},
	    {"{SSHA}", NULL, "is SHA-1, which is too fast to withstand guessing"},
	    {"$", NULL, "is of a kind that is not supported"},
	    {"", NULL, "is a plain password or DES"},
	};

	for (size_t i = 0; i < UTIL_LEN(rows); i++) {
		if (password_has_prefix(hash, rows[i].prefix))
			return rows[i].check ? rows[i].check(hash) : rows[i].why;
	}
	return NULL;
}

/*
 * File
 */

static bool
password_is_user(struct span user)
{
	for (size_t i = 0; i < user.len; i++) {
		if ((unsigned char)user.data[i] < 0x20 || user.data[i] == 0x7f)
			return false;
	}
	return user.len > 0 && user.len <= PASSWORDS_USER_MAX;
}

static void
passwords_key(const struct passwords *passwords, const char *user, uint8_t key[DIGEST_LEN])
{
	struct span parts[] = {
	    {(const char *)passwords->secret, DIGEST_LEN}, span_of("user"), span_of(user)};

	digest_of(key, parts, UTIL_LEN(parts));
}

/* Adds the user of a LINE. Returns false with the reason in WHY. */
static bool
passwords_add_line(struct passwords *passwords, struct span line, unsigned int number,
    char why[PASSWORDS_WHY_MAX])
{
	const char *colon = memchr(line.data, ':', line.len);
	struct span user = {line.data, colon ? (size_t)(colon - line.data) : 0};
	struct span hash = {line.data + user.len + 1, line.len - user.len - (colon != NULL)};
	const char *wrong = NULL;
	struct password *items;

	if (!colon || !password_is_user(user)) {
		snprintf(why, PASSWORDS_WHY_MAX,
		    "must be USER:HASH, with a user of 1 to 255 bytes; htpasswd -B writes it");
		return false;
	}
	wrong = hash.len > PASSWORDS_HASH_MAX ? "is too long" : password_check(hash);
	if (wrong) {
		snprintf(why, PASSWORDS_WHY_MAX,
		    "the hash of '%.*s' %s; replace it with a bcrypt hash: htpasswd -B FILE "
		    "%.*s",
		    (int)user.len, user.data, wrong, (int)user.len, user.data);
		return false;
	}
	items = reallocarray(passwords->items, passwords->count + 1, sizeof(*items));
	if (items) {
		struct password *added = &items[passwords->count];

		passwords->items = items;
		added->line = number;
		added->user = span_dup(user);
		added->hash = span_dup(hash);
		passwords->count++;
		if (added->user && added->hash) {
			passwords_key(passwords, added->user, added->key);
			return true;
		}
	}
	snprintf(why, PASSWORDS_WHY_MAX, "out of memory");
	return false;
}

static int
passwords_compare(const void *a, const void *b)
{
	const struct password *x = a, *y = b;
	int order = memcmp(x->key, y->key, DIGEST_LEN);

	return order != 0 ? order : (x->line > y->line) - (x->line < y->line);
}

static bool
passwords_sort(struct passwords *passwords, unsigned int *line, char why[PASSWORDS_WHY_MAX])
{
	*line = 0;
	if (passwords->count == 0) {
		snprintf(
		    why, PASSWORDS_WHY_MAX, "contains no user; add one: htpasswd -B FILE USER");
		return false;
	}
	qsort(passwords->items, passwords->count, sizeof(*passwords->items), passwords_compare);
	for (size_t i = 1; i < passwords->count; i++) {
		const struct password *first = &passwords->items[i - 1];

		if (strcmp(first->user, passwords->items[i].user) != 0)
			continue;
		*line = passwords->items[i].line;
		snprintf(why, PASSWORDS_WHY_MAX,
		    "'%s' is in line %u already; remove one of the two", first->user,
		    first->line);
		return false;
	}
	return true;
}

struct passwords *
passwords_parse(struct span text, unsigned int *line, char why[PASSWORDS_WHY_MAX])
{
	struct passwords *passwords = calloc(1, sizeof(*passwords));
	struct digest_lines lines = {.rest = text};
	struct span item;
	bool ok = passwords && getrandom(passwords->secret, DIGEST_LEN, 0) == DIGEST_LEN;

	*line = 0;
	snprintf(why, PASSWORDS_WHY_MAX, "out of memory");
	if (passwords)
		passwords->refs = 1;
	while (ok && digest_next_line(&lines, &item)) {
		*line = lines.number;
		ok = passwords_add_line(passwords, item, lines.number, why);
	}
	if (ok && passwords_sort(passwords, line, why))
		return passwords;
	passwords_unref(passwords);
	return NULL;
}

struct passwords *
passwords_ref(struct passwords *passwords)
{
	passwords->refs++;
	return passwords;
}

void
passwords_unref(struct passwords *passwords)
{
	if (!passwords || --passwords->refs > 0)
		return;
	for (size_t i = 0; i < passwords->count; i++) {
		free(passwords->items[i].user);
		free(passwords->items[i].hash);
	}
	free(passwords->items);
	free(passwords);
}

/*
 * Checks
 */

const char *
passwords_hash(const struct passwords *passwords, const char *user, bool *known)
{
	struct password wanted = {.user = NULL};
	uint64_t other;
	size_t low = 0, high = passwords->count;

	passwords_key(passwords, user, wanted.key);
	memcpy(&other, wanted.key, sizeof(other));
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		int order =
		    memcmp(wanted.key, passwords->items[middle].key, sizeof(wanted.key));

		if (order == 0) {
			*known = true;
			return passwords->items[middle].hash;
		}
		if (order < 0)
			high = middle;
		else
			low = middle + 1;
	}
	*known = false;
	return passwords->items[other % passwords->count].hash;
}

bool
passwords_match(const char *hash, const char *password)
{
	struct crypt_data *data = calloc(1, sizeof(*data));
	size_t len = strlen(hash);
	const char *computed = data ? crypt_r(password, hash, data) : NULL;
	bool same =
	    computed && strlen(computed) == len && CRYPTO_memcmp(computed, hash, len) == 0;

	/* It contains the password. */
	if (data)
		explicit_bzero(data, sizeof(*data));
	free(data);
	return same;
}

void
passwords_digest(const struct passwords *passwords, const char *user, const char *password,
    uint8_t digest[DIGEST_LEN])
{
	struct span parts[] = {{(const char *)passwords->secret, DIGEST_LEN}, span_of("pair"),
	    span_of(user), span_of(password)};

	digest_of(digest, parts, UTIL_LEN(parts));
}

bool
passwords_has(const struct passwords *passwords, const uint8_t digest[DIGEST_LEN])
{
	return CRYPTO_memcmp(passwords->cache[digest[0]], digest, DIGEST_LEN) == 0;
}

void
passwords_add(struct passwords *passwords, const uint8_t digest[DIGEST_LEN])
{
	memcpy(passwords->cache[digest[0]], digest, DIGEST_LEN);
}
