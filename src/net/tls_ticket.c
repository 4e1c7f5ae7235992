/* SPDX-License-Identifier: BSD-2-Clause */
/* The keys of session tickets. */
#include "net/tls_ticket.h"

#include "base/util.h"

#include <openssl/crypto.h>
#include <openssl/rand.h>
#include <string.h>

bool
tls_ticket_renew(struct tls_ticket_keys *keys)
{
	uint64_t words[UTIL_LEN(keys->words)];
	uint32_t version = atomic_load(&keys->version) | 1; /* already odd if a writer died */

	if (RAND_priv_bytes((unsigned char *)words, sizeof(words)) != 1)
		return false;
	atomic_store(&keys->version, version);
	for (size_t i = 0; i < UTIL_LEN(words); i++)
		atomic_store(&keys->words[i], words[i]);
	atomic_store(&keys->due_ms, util_clock_ms() + TLS_TICKET_RENEW_MS);
	atomic_store(&keys->version, version + 1);
	OPENSSL_cleanse(words, sizeof(words));
	return true;
}

bool
tls_ticket_read(const struct tls_ticket_keys *keys, unsigned char bytes[TLS_TICKET_BYTES],
    uint32_t *version)
{
	uint64_t words[UTIL_LEN(keys->words)] = {0};

	*version = atomic_load(&keys->version);
	for (size_t i = 0; i < UTIL_LEN(words); i++)
		words[i] = atomic_load(&keys->words[i]);
	memcpy(bytes, words, sizeof(words));
	OPENSSL_cleanse(words, sizeof(words));
	return *version % 2 == 0 && atomic_load(&keys->version) == *version;
}
