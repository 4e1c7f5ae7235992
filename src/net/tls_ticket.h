/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The keys of session tickets (RFC 5077; RFC 8446, section 4.6.1), for
 * SSL_CTX_set_tlsext_ticket_keys(). OpenSSL's own live as long as its context, and whoever
 * learns them can read every session that was resumed with them. These are renewed daily, and
 * with every reload of the certificates.
 *
 * They may lie in memory that several processes share, so that each accepts the tickets of all.
 * One process writes, the others only read.
 */
#ifndef NET_TLS_TICKET_H
#define NET_TLS_TICKET_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

enum {
	TLS_TICKET_RENEW_MS = 24 * 3600 * 1000,
	TLS_TICKET_BYTES = 80, /* a name, and keys for HMAC and AES */
};

struct tls_ticket_keys {
	/* The generation, and in the low 32 bits a count, which is odd while they are written.
	 */
	_Atomic uint64_t version;
	_Atomic int64_t born_ms; /* util_clock_ms() */
	_Atomic uint64_t words[TLS_TICKET_BYTES / sizeof(uint64_t)];
};

/* New keys that replace the old ones. False, and nothing changes: no random bytes. */
bool tls_ticket_renew(struct tls_ticket_keys *keys) __attribute__((warn_unused_result));

/* The same for a new generation: users of the old one must not follow. */
bool tls_ticket_begin(struct tls_ticket_keys *keys) __attribute__((warn_unused_result));

/* When tls_ticket_renew() is due (util_clock_ms()). */
int64_t tls_ticket_due_ms(const struct tls_ticket_keys *keys);

/* The keys of *VERSION. False: they are being written, try later. */
bool tls_ticket_read(const struct tls_ticket_keys *keys, unsigned char bytes[TLS_TICKET_BYTES],
    uint64_t *version) __attribute__((warn_unused_result));

uint32_t tls_ticket_generation(uint64_t version);

#endif
