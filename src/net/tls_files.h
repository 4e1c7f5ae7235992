/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Loads certificates, keys, authorities and revocation lists from PEM files into a context. On
 * failure tls_files_error() says which file, why, and what to do. With WARN, what is valid but
 * will not work, or should be different, is logged: a certificate that has expired, a key that
 * others can read.
 */
#ifndef NET_TLS_FILES_H
#define NET_TLS_FILES_H

#include <openssl/ssl.h>
#include <stdbool.h>

enum { TLS_FILES_SOON_DAYS = 14 }; /* a certificate that expires within them is reported */

/* The certificate, followed by those that lead to its root, and its key. */
bool tls_files_load_pair(SSL_CTX *context, const char *certificate, const char *key, bool warn)
    __attribute__((warn_unused_result));

/* Clients must have a certificate that one of the file's authorities has signed. */
bool tls_files_load_authorities(SSL_CTX *context, const char *path, bool warn)
    __attribute__((warn_unused_result));

/* And it must not be in the revocation list of its authority, nor those above it. */
bool tls_files_load_revoked(SSL_CTX *context, const char *path, bool warn)
    __attribute__((warn_unused_result));

/* The text is followed by the cause that OpenSSL reported first. Returns false. */
bool tls_files_fail(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* The text of the last failure, until the next one. */
const char *tls_files_error(void);

#endif
