/* SPDX-License-Identifier: BSD-2-Clause */
/* The keys of session tickets. */
#include "net/tls_ticket.h"

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

bool
tls_tickets_init(struct tls_tickets *tickets)
{
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
	struct tls_ticket_key fresh;

	if (util_clock_ms() - tickets->current.born_ms < TLS_TICKET_RENEW_MS)
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
