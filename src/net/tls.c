/* SPDX-License-Identifier: BSD-2-Clause */
/* The server side of TLS: certificates, keys and settings. */
#include "net/tls.h"

#include "base/log.h"
#include "base/util.h"
#include "net/tls_files.h"
#include "net/tls_rehearsal.h"
#include "net/tls_ticket.h"

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <stdlib.h>
#include <string.h>

/* Suites of TLS 1.2; those of 1.3 are OpenSSL's defaults. */
static const char tls_suites[] = "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:"
				 "ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-RSA-AES256-GCM-SHA384:"
				 "ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305";
static const char tls_groups[] = "X25519:P-256";
static const unsigned char tls_protocol[] = "\x08http/1.1";

struct tls {
	size_t holders; /* references of the owner and the streams */
	const struct tls_ticket_keys *tickets; /* borrowed, or OWN */
	struct tls_ticket_keys own;
	uint32_t tickets_version; /* version of the keys in the contexts; 0: OpenSSL's keys */
	SSL_CTX **contexts; /* owned: one per certificate */
	size_t count;
	bool strict_names;
};

/* Selects http/1.1 (RFC 7301, section 3.2). A client that only offers other protocols, such as
 * HTTP/2, must get an alert. */
static int
tls_on_alpn(SSL *ssl, const unsigned char **out, unsigned char *out_len,
    const unsigned char *in, unsigned int in_len, void *arg)
{
	unsigned char *chosen;

	(void)ssl;
	(void)arg;
	if (SSL_select_next_proto(&chosen, out_len, tls_protocol, sizeof(tls_protocol) - 1, in,
		in_len) != OPENSSL_NPN_NEGOTIATED)
		return SSL_TLSEXT_ERR_ALERT_FATAL;
	*out = chosen;
	return SSL_TLSEXT_ERR_OK;
}

/* Updates the ticket keys of the contexts; until that is possible, they keep the old ones. */
static void
tls_update_tickets(struct tls *tls)
{
	unsigned char bytes[TLS_TICKET_BYTES];
	uint32_t version;

	if (tls->tickets == &tls->own && util_clock_ms() >= tls->own.due_ms &&
	    !tls_ticket_renew(&tls->own))
		return;
	if (atomic_load(&tls->tickets->version) == tls->tickets_version ||
	    !tls_ticket_read(tls->tickets, bytes, &version))
		return;
	for (size_t i = 0; i < tls->count; i++)
		SSL_CTX_set_tlsext_ticket_keys(tls->contexts[i], bytes, sizeof(bytes));
	OPENSSL_cleanse(bytes, sizeof(bytes));
	tls->tickets_version = version;
}

/* Returns the context with the certificate for NAME, or NULL. */
static SSL_CTX *
tls_find(const struct tls *tls, struct span name)
{
	for (size_t i = 0; name.len > 0 && i < tls->count; i++) {
		if (X509_check_host(SSL_CTX_get0_certificate(tls->contexts[i]), name.data,
			name.len, 0, NULL) == 1)
			return tls->contexts[i];
	}
	return NULL;
}

/* Selects the certificate for the server name sent by the client (RFC 6066, section 3). */
static int
tls_on_server_name(SSL *ssl, int *alert, void *arg)
{
	struct tls *tls = arg;
	const char *name = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name);
	SSL_CTX *context = tls_find(tls, name ? span_of(name) : (struct span){0});

	if (context) {
		SSL_set_SSL_CTX(ssl, context);
		return SSL_TLSEXT_ERR_OK;
	}
	if (!tls->strict_names)
		return SSL_TLSEXT_ERR_NOACK;
	*alert = SSL_AD_UNRECOGNIZED_NAME;
	return SSL_TLSEXT_ERR_ALERT_FATAL;
}

/* Returns the server name in the ClientHello; empty: none. */
static struct span
tls_asked_name(SSL *ssl)
{
	const unsigned char *list;
	size_t len;

	/* The length of the list (OpenSSL only accepts one name), type and length of the
	 * name. */
	if (SSL_client_hello_get0_ext(ssl, TLSEXT_TYPE_server_name, &list, &len) != 1 ||
	    len < 5 || list[2] != TLSEXT_NAMETYPE_host_name ||
	    len - 5 != (size_t)(list[3] << 8 | list[4]))
		return (struct span){0};
	return (struct span){(const char *)list + 5, len - 5};
}

/*
 * RFC 6066, section 3: a session "MUST NOT" be resumed under another name. In TLS 1.2, OpenSSL
 * passes the ticket's name to tls_on_server_name(), not the requested one. A ticket without a
 * name belongs to a client that sent no name, or an unknown one.
 */
static int
tls_on_ticket_opened(SSL *ssl, SSL_SESSION *session, const unsigned char *key, size_t key_len,
    int status, void *arg)
{
	struct tls *tls = arg;
	struct span asked = tls_asked_name(ssl);
	const char *sealed;

	(void)key;
	(void)key_len;
	if (status != SSL_TICKET_SUCCESS && status != SSL_TICKET_SUCCESS_RENEW)
		return SSL_TICKET_RETURN_IGNORE_RENEW;
	sealed = SSL_SESSION_get0_hostname(session);
	if (sealed ? !span_equal_nocase(asked, span_of(sealed)) : !!tls_find(tls, asked))
		return SSL_TICKET_RETURN_IGNORE_RENEW;
	return status == SSL_TICKET_SUCCESS ? SSL_TICKET_RETURN_USE
					    : SSL_TICKET_RETURN_USE_RENEW;
}

/* Sets the options common to all certificates. OpenSSL only accepts tickets with the same
 * RELOADS. This overrides the system's openssl.cnf. */
static bool
tls_set_rules(SSL_CTX *context, uint32_t reloads)
{
	SSL_CTX_clear_options(context, SSL_OP_ALLOW_UNSAFE_LEGACY_RENEGOTIATION);
	/* net/tls_stream.c detects an end without close_notify; it must not make OpenSSL refuse
	 * to write. */
	SSL_CTX_set_options(context,
	    SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION | SSL_OP_IGNORE_UNEXPECTED_EOF);
	/* All suites are AEAD. Server preference satisfies scanners that check for it, and
	 * still lets a client without AES hardware use ChaCha20. */
	SSL_CTX_set_options(
	    context, SSL_OP_CIPHER_SERVER_PREFERENCE | SSL_OP_PRIORITIZE_CHACHA);
	/* Return after a record without data: a client may send any number of them. */
	SSL_CTX_clear_mode(context, SSL_MODE_AUTO_RETRY);
	SSL_CTX_set_mode(context, SSL_MODE_ENABLE_PARTIAL_WRITE |
				      SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
				      SSL_MODE_RELEASE_BUFFERS);
	/* Read everything available at once, not the header and the body of each record
	 * separately. */
	SSL_CTX_set_read_ahead(context, 1);
	SSL_CTX_set_max_early_data(context, 0);
	/* Clients store sessions, in tickets. */
	SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
	/* One ticket is enough to resume, and each costs a tenth of a handshake. */
	SSL_CTX_set_num_tickets(context, 1);
	SSL_CTX_set_alpn_select_cb(context, tls_on_alpn, NULL);
	return SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION) == 1 &&
	       SSL_CTX_set_max_proto_version(context, 0) == 1 &&
	       SSL_CTX_set_cipher_list(context, tls_suites) == 1 &&
	       SSL_CTX_set1_groups_list(context, tls_groups) == 1 &&
	       SSL_CTX_set_session_id_context(
		   context, (const unsigned char *)&reloads, sizeof(reloads)) == 1;
}

static SSL_CTX *
tls_context(const struct tls_settings *settings, size_t i, uint32_t reloads)
{
	SSL_CTX *context = SSL_CTX_new(TLS_server_method());

	if (!context || !tls_set_rules(context, reloads))
		tls_files_fail("can't initialise OpenSSL");
	else if (tls_files_load_pair(
		     context, settings->certificates[i], settings->keys[i], settings->warn) &&
		 (!settings->ca ||
		     tls_files_load_authorities(context, settings->ca, settings->warn)) &&
		 (!settings->crl ||
		     tls_files_load_revoked(context, settings->crl, settings->warn)) &&
		 (tls_rehearse(context) ||
		     tls_files_fail("the certificate %s can't be used for a TLS handshake",
			 settings->certificates[i])))
		return context;
	SSL_CTX_free(context);
	return NULL;
}

struct tls *
tls_new(const struct tls_settings *settings, const char **error)
{
	struct tls *tls = calloc(1, sizeof(*tls));
	uint32_t reloads;

	ERR_clear_error();
	*error = tls_files_error();
	if (tls)
		tls->contexts = calloc(settings->count, sizeof(SSL_CTX *));
	if (!tls || !tls->contexts) {
		tls_files_fail("out of memory");
		goto fail;
	}
	tls->holders = 1;
	tls->strict_names = settings->strict_names;
	tls->tickets = settings->tickets ? settings->tickets : &tls->own;
	reloads = atomic_load(&tls->tickets->reloads); /* before the files */
	while (tls->count < settings->count) {
		SSL_CTX *context = tls_context(settings, tls->count, reloads);

		if (!context)
			goto fail;
		tls->contexts[tls->count++] = context;
	}
	if (tls->count > 1 || tls->strict_names) {
		SSL_CTX_set_tlsext_servername_callback(tls->contexts[0], tls_on_server_name);
		SSL_CTX_set_tlsext_servername_arg(tls->contexts[0], tls);
		if (SSL_CTX_set_session_ticket_cb(
			tls->contexts[0], NULL, tls_on_ticket_opened, tls) != 1) {
			tls_files_fail("can't initialise OpenSSL");
			goto fail;
		}
	}
	return tls;
fail:
	if (tls)
		tls->holders = 1;
	tls_release(tls);
	return NULL;
}

void
tls_release(struct tls *tls)
{
	if (!tls || --tls->holders > 0)
		return;
	for (size_t i = 0; i < tls->count; i++)
		SSL_CTX_free(tls->contexts[i]);
	free(tls->contexts);
	OPENSSL_cleanse(tls, sizeof(*tls));
	free(tls);
}

struct tls *
tls_hold(struct tls *tls)
{
	tls->holders++;
	return tls;
}

struct ssl_st *
tls_connection(struct tls *tls)
{
	SSL *ssl;

	tls_update_tickets(tls);
	ssl = SSL_new(tls->contexts[0]);
	if (ssl)
		SSL_set_accept_state(ssl);
	else
		ERR_clear_error();
	return ssl;
}
