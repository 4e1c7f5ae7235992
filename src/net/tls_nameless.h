/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Supports client certificates with empty subject and issuer names, as small tools create them
 * (against RFC 5280, section 4.1.2.4). Because both names are equal, OpenSSL considers such a
 * certificate self-signed, and does not look for its issuer.
 */
#ifndef NET_TLS_NAMELESS_H
#define NET_TLS_NAMELESS_H

#include <openssl/x509_vfy.h>

/* An SSL_verify_cb: accepts a certificate rejected only for this reason if a valid, nameless CA
 * in the store has signed it. All other checks are OpenSSL's. */
int tls_nameless_verify(int ok, X509_STORE_CTX *context);

#endif
