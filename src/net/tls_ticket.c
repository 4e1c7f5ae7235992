/* SPDX-License-Identifier: BSD-2-Clause */
/* The keys of session tickets. */
#include "net/tls_ticket.h"

#include "base/util.h"

#include <openssl/crypto.h>
#include <openssl/rand.h>
#include <string.h>

uint32_t
tls_ticket_generation(uint64_t version)
{
	return (uint32_t)(version >> 32);
}

/* Writes new keys, and VERSION, which is even, when they are complete. */
static bool
tls_ticket_write(struct tls_ticket_keys *keys, uint64_t version)
{
	uint64_t words[UTIL_LEN(keys->words)];

	if (RAND_priv_bytes((unsigned char *)words, sizeof(words)) != 1)
		return false;
	atomic_store(&keys->version, version - 1);
	for (size_t i = 0; i < UTIL_LEN(words); i++)
		atomic_store(&keys->words[i], words[i]);
	atomic_store(&keys->born_ms, util_clock_ms());
	atomic_store(&keys->version, version);
	OPENSSL_cleanse(words, sizeof(words));
	return true;
}

bool
tls_ticket_renew(struct tls_ticket_keys *keys)
{
	return tls_ticket_write(keys, atomic_load(&keys->version) + 2);
}

bool
tls_ticket_begin(struct tls_ticket_keys *keys)
{
	uint64_t generation = tls_ticket_generation(atomic_load(&keys->version)) + UINT64_C(1);

	return tls_ticket_write(keys, (generation << 32) + 2);
}

int64_t
tls_ticket_due_ms(const struct tls_ticket_keys *keys)
{
	return atomic_load(&keys->born_ms) + TLS_TICKET_RENEW_MS;
}

bool
tls_ticket_read(const struct tls_ticket_keys *keys, unsigned char bytes[TLS_TICKET_BYTES],
    uint64_t *version)
{
	uint64_t words[UTIL_LEN(keys->words)] = {0};

	*version = atomic_load(&keys->version);
	for (size_t i = 0; i < UTIL_LEN(words); i++)
		words[i] = atomic_load(&keys->words[i]);
	memcpy(bytes, words, sizeof(words));
	OPENSSL_cleanse(words, sizeof(words));
	return *version % 2 == 0 && atomic_load(&keys->version) == *version;
}
