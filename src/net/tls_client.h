/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The client side of TLS. The server must present a certificate for the user's host name,
 * issued by a trusted authority. TLS 1.2 and 1.3, as for the server (net/tls.h).
 */
#ifndef NET_TLS_CLIENT_H
#define NET_TLS_CLIENT_H

#include "net/transport.h"

#include <stdbool.h>

/* PEM file names, each may be NULL. All borrowed during the call. */
struct tls_client_settings {
	const char *ca; /* trusted authorities; NULL: the system's */
	const char *crl; /* CRLs of the authorities */
	const char *certificate; /* our certificate, followed by its chain */
	const char *key; /* its key */
	bool insecure; /* accept any certificate */
};

struct tls_client;

/* Reads the files. Returns NULL on failure with the reason in *ERROR, valid until the next
 * call. */
struct tls_client *tls_client_new(const struct tls_client_settings *settings,
    const char **error) __attribute__((warn_unused_result));

/* Frees CLIENT; accepts NULL. Connections may outlive it. */
void tls_client_free(struct tls_client *client);

/* Opens TLS to HOST, a name or address, over the connected socket FD. Takes FD, even on
 * failure. The handshake takes place during the first reads and writes. Returns false if memory
 * runs out. */
bool tls_client_open(struct tls_client *client, const char *host, int fd, struct transport *out)
    __attribute__((warn_unused_result));

#endif
