/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The server side of TLS: certificates, keys and settings as one object, which is created at
 * startup and again whenever the files are reloaded. net/tls_stream.h creates streams from it;
 * each keeps the object it started with. TLS 1.2 and 1.3, only suites with forward secrecy and
 * AEAD, no renegotiation, no compression, no early data (a replay would start a process). ALPN
 * selects http/1.1; a client that only offers others gets an alert.
 */
#ifndef NET_TLS_H
#define NET_TLS_H

#include <stdbool.h>
#include <stddef.h>

struct ssl_st;
struct tls;
struct tls_ticket_keys;

/* All borrowed during the call. */
struct tls_settings {
	char *const *certificates; /* PEM file names: a certificate followed by its chain */
	char *const *keys; /* their keys, in the same order */
	/* At least 1; the first one is the default, without SNI or for unknown names. */
	size_t count;
	/* Ticket keys written by another process; must outlive this object. NULL: use our
	 * own. */
	const struct tls_ticket_keys *tickets;
	/* PEM file: CAs that must have signed client certificates; NULL: no client
	 * certificates */
	const char *ca;
	/* PEM file: CRLs; NULL: not checked. Only with CA. Must have one of each authority
	 * between a client and CA */
	const char *crl;
	bool warn; /* log problems such as an expired certificate */
	/* Reject clients whose SNI name is missing or unknown with the alert unrecognized_name,
	 * instead of using the first certificate. */
	bool strict_names;
};

/* Reads the files. Returns NULL on failure; *ERROR names the file, the reason and the remedy,
 * and is valid until the next call. */
struct tls *tls_new(const struct tls_settings *settings, const char **error)
    __attribute__((warn_unused_result));

/* Releases the owner's reference; the last stream frees the object. Accepts NULL. */
void tls_release(struct tls *tls);

/* For net/tls_stream.c: adds a reference and returns TLS; see tls_release(). */
struct tls *tls_hold(struct tls *tls);

/* Creates a server-side connection, whose owner must hold a reference to TLS. Returns NULL if
 * memory runs out. */
struct ssl_st *tls_connection(struct tls *tls) __attribute__((warn_unused_result));

#endif
