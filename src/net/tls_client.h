/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The client's side of TLS. A server must have a certificate for the name that the user gave,
 * from an authority that is trusted. TLS 1.2 and 1.3, as for the server (net/tls.h).
 */
#ifndef NET_TLS_CLIENT_H
#define NET_TLS_CLIENT_H

#include "net/transport.h"

#include <stdbool.h>

/* All borrowed during the call; names of PEM files, each may be NULL. */
struct tls_client_settings {
	const char *ca; /* authorities that are trusted; NULL: the system's */
	const char *crl; /* their lists of revoked certificates */
	const char *certificate; /* ours, followed by those that lead to its root */
	const char *key; /* with it */
	bool insecure; /* any certificate will do */
};

struct tls_client;

/* Reads the files. NULL when that fails; *ERROR is the reason, valid until the next call. */
struct tls_client *tls_client_new(const struct tls_client_settings *settings,
    const char **error) __attribute__((warn_unused_result));

/* Accepts NULL. Connections may outlive it. */
void tls_client_free(struct tls_client *client);

/* TLS with HOST, a name or an address, over the connected socket FD, which is taken even on
 * failure. The handshake takes place in the first reads and writes. False without memory. */
bool tls_client_open(struct tls_client *client, const char *host, int fd, struct transport *out)
    __attribute__((warn_unused_result));

#endif
