/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Performs handshakes in memory at startup. OpenSSL fetches algorithms, seeds its random
 * generator and loads its error texts on first use, and tries some of that only once: if memory
 * runs out at that moment, all later handshakes fail. This also shows whether the certificate
 * is usable at all.
 */
#ifndef NET_TLS_REHEARSAL_H
#define NET_TLS_REHEARSAL_H

#include <openssl/ssl.h>
#include <stdbool.h>

/* Performs full and resumed handshakes, with TLS 1.2 and 1.3 and all groups. Returns false if
 * neither version works; OpenSSL's error queue has the reason. */
bool tls_rehearse(SSL_CTX *server) __attribute__((warn_unused_result));

#endif
