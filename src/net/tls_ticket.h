/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The keys of session tickets (RFC 5077; RFC 8446, section 4.6.1). OpenSSL's own
 * key lives as long as its context, and who learns it can read every session
 * that was resumed by it. These are renewed by time, when one is next used,
 * and a new struct tls begins with fresh ones.
 */
#ifndef NET_TLS_TICKET_H
#define NET_TLS_TICKET_H

#include "base/lock.h"

#include <openssl/ssl.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

enum {
	TLS_TICKET_RENEW_MS = 12 * 3600 * 1000, /* how long new tickets get the same key */
	TLS_TICKET_NAME = 16,
	TLS_TICKET_KEY = 32,
};

struct tls_ticket_key {
	unsigned char name[TLS_TICKET_NAME];
	unsigned char cipher[TLS_TICKET_KEY];
	unsigned char mac[TLS_TICKET_KEY];
	int64_t born_ms; /* of util_clock_ms() */
};

/*
 * Keys that several processes use, in memory that they share: a ticket of one is opened by all.
 * One of them makes the keys, the others only look.
 */
struct tls_ticket_pool {
	struct lock lock; /* held while the keys are read or written */
	_Atomic uint64_t version; /* of the keys: the generation, and in the low 32 bits how
				     often they were renewed in it */
	struct tls_ticket_key current;
	struct tls_ticket_key previous;
};

/* In zeroed memory. False when the system refuses, or has no random bytes. */
bool tls_ticket_pool_init(struct tls_ticket_pool *pool) __attribute__((warn_unused_result));

/* Takes a new key into use. False: no random bytes, all is as it was. */
bool tls_ticket_pool_renew(struct tls_ticket_pool *pool) __attribute__((warn_unused_result));

/* Begins a new generation: what is sealed by these keys is opened only by those who come after.
 * False as above. */
bool tls_ticket_pool_begin(struct tls_ticket_pool *pool) __attribute__((warn_unused_result));

/* When the next tls_ticket_pool_renew() is due. */
int64_t tls_ticket_pool_due_ms(const struct tls_ticket_pool *pool);

struct tls_tickets {
	struct tls_ticket_pool *pool; /* borrowed; NULL: keys of its own */
	uint64_t version; /* of the pool, when its keys were copied */
	struct tls_ticket_key current;
	struct tls_ticket_key previous; /* only opens tickets, for as long again; before the
					   first renewal as CURRENT */
};

/*
 * The keys are those of POOL's generation and follow its renewals; with NULL, and once the pool
 * has a newer generation, they are its own. False when the system has no random bytes.
 */
bool tls_tickets_init(struct tls_tickets *tickets, struct tls_ticket_pool *pool)
    __attribute__((warn_unused_result));

/* What SSL_CTX_set_tlsext_ticket_key_evp_cb() wants, but for the first argument. */
int tls_tickets_use(struct tls_tickets *tickets, unsigned char *name, unsigned char *iv,
    EVP_CIPHER_CTX *cipher, EVP_MAC_CTX *mac, int sealing);

/* Overwrites the keys. */
void tls_tickets_clear(struct tls_tickets *tickets);

#endif
