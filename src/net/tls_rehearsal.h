/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A handshake in memory, before there are clients. OpenSSL fetches algorithms, seeds its random
 * generator and loads its error texts when they are first used, and some of that it tries only
 * once: without memory at that moment, all later handshakes would fail. It also shows whether
 * the certificate can be used at all.
 */
#ifndef NET_TLS_REHEARSAL_H
#define NET_TLS_REHEARSAL_H

#include <openssl/ssl.h>
#include <stdbool.h>

/* Full handshakes and resumed ones, with TLS 1.2 and 1.3 and with all groups. False: neither
 * version works; OpenSSL's error queue has the reason. */
bool tls_rehearse(SSL_CTX *server) __attribute__((warn_unused_result));

#endif
