/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Loads certificates, keys, authorities and revocation lists from PEM files into a context. On
 * failure, tls_files_error() names the file, the reason and the remedy. With WARN, problems
 * that are not errors are logged, such as an expired certificate or a key that others can read.
 */
#ifndef NET_TLS_FILES_H
#define NET_TLS_FILES_H

#include <openssl/ssl.h>
#include <stdbool.h>

enum { TLS_FILES_SOON_DAYS = 14 }; /* warn if a certificate expires within this many days */

/* Loads the certificate, followed by its chain, and its key. */
bool tls_files_load_pair(SSL_CTX *context, const char *certificate, const char *key, bool warn)
    __attribute__((warn_unused_result));

/* Requires client certificates signed by an authority in the file. */
bool tls_files_load_authorities(SSL_CTX *context, const char *path, bool warn)
    __attribute__((warn_unused_result));

/* Also rejects revoked certificates: neither the client's nor an intermediate one may be in its
 * authority's list. */
bool tls_files_load_revoked(SSL_CTX *context, const char *path, bool warn)
    __attribute__((warn_unused_result));

/* Sets the error text, followed by the cause that OpenSSL reported first. Returns false. */
bool tls_files_fail(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Returns the text of the last failure, valid until the next one. */
const char *tls_files_error(void);

#endif
