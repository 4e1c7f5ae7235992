/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The server's side of TLS: certificates, keys and rules, as one value that is
 * made at the start and again whenever the files are read again. net/tls_stream.h
 * makes streams of it, each of which keeps the value that it began with.
 *
 * TLS 1.2 and 1.3, suites with forward secrecy and AEAD only, no renegotiation,
 * no compression, no early data (a replay of it would start a process). Of
 * ALPN's protocols http/1.1 is spoken; a client that offers only others gets an alert.
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
	char *const *certificates; /* names of PEM files: a certificate, followed by those
				      that lead to its root */
	char *const *keys; /* the key of each, in the same order */
	size_t count; /* at least 1; the first one is for clients that name no server, or an
			 unknown one */
	/* Ticket keys that another process writes; they outlive the value. NULL: keys of its
	 * own. */
	const struct tls_ticket_keys *tickets;
	const char *ca; /* PEM file: CAs that must have signed the certificate of a client;
			   NULL: they need none */
	const char *crl; /* PEM file: which of them were revoked; NULL: not asked. Only with CA.
			    It must have a list of each authority between a client and CA */
	bool warn; /* log what is valid but will not work, such as a certificate that has
		      expired */
	bool strict_names; /* who names no server of the certificates, or none at all, gets the
			      alert unrecognized_name in place of the first certificate */
};

/* Reads the files. NULL when that fails; *ERROR says which one, why, and what to do, until the
 * next call. */
struct tls *tls_new(const struct tls_settings *settings, const char **error)
    __attribute__((warn_unused_result));

/* Lets go of it. It is freed with the last stream that holds it. Accepts NULL. */
void tls_release(struct tls *tls);

/* For net/tls_stream.c: TLS with one more holder, until tls_release(). */
struct tls *tls_hold(struct tls *tls);

/* A connection of the server's side, whose owner holds TLS. NULL without memory. */
struct ssl_st *tls_connection(struct tls *tls) __attribute__((warn_unused_result));

#endif
