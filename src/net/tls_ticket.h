/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The keys of session tickets (RFC 5077; RFC 8446, section 4.6.1), for
 * SSL_CTX_set_tlsext_ticket_keys(). OpenSSL's own keys live as long as its context, and anyone
 * who obtains them can decrypt every session resumed with them. These are renewed daily, and
 * with every reload of the certificates. They may be in shared memory, so that several
 * processes accept each other's tickets. One process writes, the others only read.
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
	_Atomic uint32_t version; /* odd while being written; 0: no keys yet */
	_Atomic uint32_t reloads; /* tickets from before the last reload are not accepted */
	_Atomic int64_t due_ms; /* when to renew them (util_clock_ms()) */
	_Atomic uint64_t words[TLS_TICKET_BYTES / sizeof(uint64_t)];
};

/* Replaces the keys. Returns false, without a change, if no random bytes are available. */
bool tls_ticket_renew(struct tls_ticket_keys *keys) __attribute__((warn_unused_result));

/* Copies the keys and sets *VERSION. Returns false while they are being written; try again
 * later. */
bool tls_ticket_read(const struct tls_ticket_keys *keys, unsigned char bytes[TLS_TICKET_BYTES],
    uint32_t *version) __attribute__((warn_unused_result));

#endif
