/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The keys of session tickets (RFC 5077; RFC 8446, section 4.6.1). OpenSSL's own
 * key lives as long as its context, and who learns it can read every session
 * that was resumed by it. These are renewed by time, when one is next used,
 * and a new struct tls begins with fresh ones.
 */
#ifndef NET_TLS_TICKET_H
#define NET_TLS_TICKET_H

#include <openssl/ssl.h>
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

struct tls_tickets {
	struct tls_ticket_key current;
	struct tls_ticket_key previous; /* only opens tickets, for as long again; before the
					   first renewal as CURRENT */
};

/* False when the system has no random bytes. */
bool tls_tickets_init(struct tls_tickets *tickets) __attribute__((warn_unused_result));

/* What SSL_CTX_set_tlsext_ticket_key_evp_cb() wants, but for the first argument. */
int tls_tickets_use(struct tls_tickets *tickets, unsigned char *name, unsigned char *iv,
    EVP_CIPHER_CTX *cipher, EVP_MAC_CTX *mac, int sealing);

/* Overwrites the keys. */
void tls_tickets_clear(struct tls_tickets *tickets);

#endif
