/* SPDX-License-Identifier: BSD-2-Clause */
/* The keys of session tickets. */
#include "net/tls_ticket.h"

#include "base/log.h"
#include "base/util.h"

#include <openssl/core_names.h>
#include <openssl/rand.h>
#include <string.h>

static bool
tls_ticket_key_make(struct tls_ticket_key *key)
{
	key->born_ms = util_clock_ms();
	return RAND_bytes(key->name, sizeof(key->name)) == 1 &&
	       RAND_priv_bytes(key->cipher, sizeof(key->cipher)) == 1 &&
	       RAND_priv_bytes(key->mac, sizeof(key->mac)) == 1;
}

static uint64_t
tls_ticket_generation(uint64_t version)
{
	return version >> 32;
}

bool
tls_ticket_pool_init(struct tls_ticket_pool *pool)
{
	if (!lock_init(&pool->lock) || !tls_ticket_key_make(&pool->current))
		return false;
	pool->previous = pool->current;
	return true;
}

static bool
tls_ticket_pool_change(struct tls_ticket_pool *pool, bool begin)
{
	struct tls_ticket_key fresh;
	bool ok = tls_ticket_key_make(&fresh) && lock_take(&pool->lock);

	if (ok) {
		uint64_t version = atomic_load(&pool->version);

		pool->previous = begin ? fresh : pool->current;
		pool->current = fresh;
		atomic_store(&pool->version,
		    begin ? (tls_ticket_generation(version) + 1) << 32 : version + 1);
		lock_give(&pool->lock);
	}
	OPENSSL_cleanse(&fresh, sizeof(fresh));
	return ok;
}

bool
tls_ticket_pool_renew(struct tls_ticket_pool *pool)
{
	return tls_ticket_pool_change(pool, false);
}

bool
tls_ticket_pool_begin(struct tls_ticket_pool *pool)
{
	return tls_ticket_pool_change(pool, true);
}

int64_t
tls_ticket_pool_due_ms(const struct tls_ticket_pool *pool)
{
	return pool->current.born_ms + TLS_TICKET_RENEW_MS;
}

/* Takes over the keys of the pool. False when they can't be had now. */
static bool
tls_tickets_copy(struct tls_tickets *tickets)
{
	struct tls_ticket_pool *pool = tickets->pool;

	if (!lock_take(&pool->lock))
		return false;
	tickets->version = atomic_load(&pool->version);
	tickets->current = pool->current;
	tickets->previous = pool->previous;
	lock_give(&pool->lock);
	return true;
}

bool
tls_tickets_init(struct tls_tickets *tickets, struct tls_ticket_pool *pool)
{
	tickets->pool = pool;
	if (pool)
		return tls_tickets_copy(tickets);
	if (!tls_ticket_key_make(&tickets->current))
		return false;
	tickets->previous = tickets->current;
	return true;
}

void
tls_tickets_clear(struct tls_tickets *tickets)
{
	OPENSSL_cleanse(tickets, sizeof(*tickets));
}

/* Takes a new key into use when the current one is too old. */
static bool
tls_tickets_renew(struct tls_tickets *tickets)
{
	int64_t limit_ms = TLS_TICKET_RENEW_MS;
	struct tls_ticket_key fresh;
	uint64_t version = tickets->pool ? atomic_load(&tickets->pool->version) : 0;

	if (tickets->pool &&
	    tls_ticket_generation(version) == tls_ticket_generation(tickets->version)) {
		if (version != tickets->version && !tls_tickets_copy(tickets))
			log_debug("the keys of tickets can't be had");
		/* Who makes the keys of the pool may be late, or dead. */
		limit_ms *= 2;
	}
	if (util_clock_ms() - tickets->current.born_ms < limit_ms)
		return true;
	if (!tls_ticket_key_make(&fresh))
		return false;
	tickets->previous = tickets->current;
	tickets->current = fresh;
	OPENSSL_cleanse(&fresh, sizeof(fresh));
	return true;
}

static bool
tls_ticket_key_apply(struct tls_ticket_key *key, unsigned char *iv, EVP_CIPHER_CTX *cipher,
    EVP_MAC_CTX *mac, int sealing)
{
	char digest[] = "SHA256";
	OSSL_PARAM params[] = {
	    OSSL_PARAM_construct_octet_string(OSSL_MAC_PARAM_KEY, key->mac, sizeof(key->mac)),
	    OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest, 0),
	    OSSL_PARAM_construct_end(),
	};

	return EVP_CipherInit_ex(cipher, EVP_aes_256_cbc(), NULL, key->cipher, iv, sealing) ==
		   1 &&
	       EVP_MAC_CTX_set_params(mac, params) == 1;
}

int
tls_tickets_use(struct tls_tickets *tickets, unsigned char *name, unsigned char *iv,
    EVP_CIPHER_CTX *cipher, EVP_MAC_CTX *mac, int sealing)
{
	struct tls_ticket_key *key = &tickets->current;

	if (!tls_tickets_renew(tickets))
		return -1;
	if (sealing) {
		memcpy(name, key->name, sizeof(key->name));
		if (RAND_bytes(iv, EVP_CIPHER_get_iv_length(EVP_aes_256_cbc())) != 1)
			return -1;
		return tls_ticket_key_apply(key, iv, cipher, mac, 1) ? 1 : -1;
	}
	if (memcmp(name, key->name, sizeof(key->name)) != 0) {
		key = &tickets->previous;
		if (memcmp(name, key->name, sizeof(key->name)) != 0 ||
		    util_clock_ms() - key->born_ms >= 2 * (int64_t)TLS_TICKET_RENEW_MS)
			return 0; /* not ours, or too old: a full handshake */
	}
	if (!tls_ticket_key_apply(key, iv, cipher, mac, 0))
		return -1;
	return key == &tickets->current ? 1 : 2; /* 2: and give a new ticket */
}
