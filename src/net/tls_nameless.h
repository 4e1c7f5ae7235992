/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Client certificates whose own name and whose issuer's name are empty, as small tools make
 * them (against RFC 5280, section 4.1.2.4). As both names are equal, OpenSSL takes such a
 * certificate for self-signed, and does not look for its issuer.
 */
#ifndef NET_TLS_NAMELESS_H
#define NET_TLS_NAMELESS_H

#include <openssl/x509_vfy.h>

/* An SSL_verify_cb: accepts a certificate that it rejected for this reason alone if a CA of the
 * store, valid and nameless itself, has signed it. All other checks stay OpenSSL's. */
int tls_nameless_verify(int ok, X509_STORE_CTX *context);

#endif
