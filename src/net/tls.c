/* SPDX-License-Identifier: BSD-2-Clause */
/* The server's side of TLS: certificates, keys and rules. */
#include "net/tls.h"

#include "base/log.h"
#include "base/util.h"
#include "net/tls_rehearsal.h"
#include "net/tls_ticket.h"

#include <errno.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

/* Of TLS 1.2; those of 1.3 are OpenSSL's. */
static const char tls_suites[] = "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:"
				 "ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-RSA-AES256-GCM-SHA384:"
				 "ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305";
static const char tls_groups[] = "X25519:P-256";
static const unsigned char tls_protocol[] = "\x08http/1.1";

struct tls {
	size_t holders; /* its owner and the streams */
	const struct tls_ticket_keys *shared; /* borrowed: ticket keys; NULL: uses its own */
	struct tls_ticket_keys own;
	uint64_t tickets_version; /* of the keys that the contexts have; 0: OpenSSL's */
	int64_t tickets_due_ms; /* when those are too old */
	SSL_CTX **contexts; /* owned: one for each certificate */
	size_t count;
	bool strict_names;
};

/* Says what is wrong with a file, and why OpenSSL thinks so (its first word on it is the
 * cause). */
static bool __attribute__((format(printf, 2, 3)))
tls_fail(char error[TLS_ERROR_MAX], const char *format, ...)
{
	unsigned long code = ERR_peek_error();
	const char *reason = ERR_SYSTEM_ERROR(code) ? strerror(ERR_GET_REASON(code))
						    : ERR_reason_error_string(code);
	va_list args;
	int len;

	va_start(args, format);
	len = vsnprintf(error, TLS_ERROR_MAX, format, args);
	va_end(args);
	if (code != 0 && len >= 0 && len < TLS_ERROR_MAX)
		snprintf(error + len, TLS_ERROR_MAX - (size_t)len, ": %s",
		    reason ? reason : "unknown reason");
	ERR_clear_error();
	return false;
}

/* Opens a file of which the reason of a failure is errno's. */
static FILE *
tls_open(const char *what, const char *path, char error[TLS_ERROR_MAX])
{
	struct stat st;
	FILE *file = fopen(path, "re");

	if (file && fstat(fileno(file), &st) == 0 && S_ISDIR(st.st_mode)) {
		fclose(file);
		file = NULL;
		errno = EISDIR;
	}
	if (!file)
		snprintf(error, TLS_ERROR_MAX, "the %s %s can't be read: %s", what, path,
		    strerror(errno));
	return file;
}

/* RFC 7301, section 3.2. HTTP/2 is not spoken here, and a client that wants only that must be
 * told. */
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

/* On failure the contexts keep what they have. */
static bool
tls_set_tickets(struct tls *tls, const struct tls_ticket_keys *keys)
{
	unsigned char bytes[TLS_TICKET_BYTES];
	uint64_t version;
	bool ok = tls_ticket_read(keys, bytes, &version);

	for (size_t i = 0; i < tls->count && ok; i++)
		ok =
		    SSL_CTX_set_tlsext_ticket_keys(tls->contexts[i], bytes, sizeof(bytes)) == 1;
	OPENSSL_cleanse(bytes, sizeof(bytes));
	if (ok) {
		tls->tickets_version = version;
		tls->tickets_due_ms = tls_ticket_due_ms(keys);
	}
	return ok;
}

/* Sees to it that the contexts have the current ticket keys. */
static bool
tls_update_tickets(struct tls *tls)
{
	bool expired = util_clock_ms() >= tls->tickets_due_ms;
	const struct tls_ticket_keys *keys = tls->shared;

	/* The reload that made another generation has failed here: its keys belong to other
	 * certificates and rules. These continue until they are too old, and then others of
	 * our own. */
	if (keys && tls->tickets_version != 0 &&
	    tls_ticket_generation(atomic_load(&keys->version)) !=
		tls_ticket_generation(tls->tickets_version)) {
		if (!expired)
			return true;
		tls->tickets_version = 0;
		tls->shared = NULL;
	}
	if (!tls->shared) {
		keys = &tls->own;
		if (expired && !tls_ticket_begin(&tls->own))
			return false;
	}
	return atomic_load(&keys->version) == tls->tickets_version ||
	       tls_set_tickets(tls, keys);
}

/* The rules with the certificate for a name; NULL: there is none. */
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

/* Picks the certificate for the server's name that the client has in mind: RFC 6066, section 3.
 */
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

/* The server's name that stands in the ClientHello; empty: none. */
static struct span
tls_asked_name(SSL *ssl)
{
	const unsigned char *list;
	size_t len;

	/* The length of the list, which OpenSSL takes only one name in; its type and length. */
	if (SSL_client_hello_get0_ext(ssl, TLSEXT_TYPE_server_name, &list, &len) != 1 ||
	    len < 5 || list[2] != TLSEXT_NAMETYPE_host_name ||
	    len - 5 != (size_t)(list[3] << 8 | list[4]))
		return (struct span){0};
	return (struct span){(const char *)list + 5, len - 5};
}

/*
 * RFC 6066, section 3: a session "MUST NOT" be resumed under another name. In TLS 1.2 OpenSSL
 * shows the ticket's name to tls_on_server_name(), not the one that is asked for. A ticket
 * without a name is of a client that named no server, or none of ours.
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

/* OpenSSL would ask on the terminal; a server can't. */
static int
tls_on_password(char *password, int size, int writing, void *asked)
{
	(void)password;
	(void)size;
	(void)writing;
	*(bool *)asked = true;
	return -1;
}

static bool
tls_use_certificate(SSL_CTX *context, const char *path, char error[TLS_ERROR_MAX])
{
	FILE *file = tls_open("certificate", path, error);

	if (!file)
		return false;
	fclose(file);
	if (SSL_CTX_use_certificate_chain_file(context, path) == 1)
		return true;
	return tls_fail(error, "the certificate %s can't be used, which must be PEM", path);
}

static void
tls_warn_of_readers(FILE *file, const char *path)
{
	struct stat st;

	if (fstat(fileno(file), &st) == 0 && (st.st_mode & (S_IRGRP | S_IROTH)))
		log_errorx(
		    "the key %s can be read by other users than its owner; chmod 600 ends that",
		    path);
}

static bool
tls_use_key(
    SSL_CTX *context, const char *path, const char *certificate, char error[TLS_ERROR_MAX])
{
	bool asked = false;
	EVP_PKEY *key;
	bool ok;
	FILE *file = tls_open("key", path, error);

	if (!file)
		return false;
	tls_warn_of_readers(file, path);
	key = PEM_read_PrivateKey(file, NULL, tls_on_password, &asked);
	fclose(file);
	if (!key && asked) {
		ERR_clear_error();
		return tls_fail(error,
		    "the key %s is protected by a password, which nobody is there to give; "
		    "'openssl pkey' removes it",
		    path);
	}
	if (!key)
		return tls_fail(error, "the key %s can't be used, which must be PEM", path);
	ok = X509_check_private_key(SSL_CTX_get0_certificate(context), key) == 1;
	if (!ok)
		tls_fail(error, "the key %s does not belong to the certificate %s", path,
		    certificate);
	else if (SSL_CTX_use_PrivateKey(context, key) != 1)
		ok = tls_fail(error, "the key %s can't be used", path);
	EVP_PKEY_free(key);
	return ok;
}

/* Adds all lists of the file to STORE. False: there is none, or one is damaged. */
static bool
tls_add_revoked(X509_STORE *store, FILE *file)
{
	size_t count = 0;
	X509_CRL *crl;

	while ((crl = PEM_read_X509_CRL(file, NULL, NULL, NULL))) {
		int added = X509_STORE_add_crl(store, crl);

		X509_CRL_free(crl);
		if (added != 1)
			return false;
		count++;
	}
	/* This is also how the end of the file looks. */
	if (count == 0 || ERR_GET_REASON(ERR_peek_last_error()) != PEM_R_NO_START_LINE)
		return false;
	ERR_clear_error();
	return true;
}

/* From now on a certificate must also not be in a list of the file, each authority's own. */
static bool
tls_refuse_revoked(SSL_CTX *context, const char *path, char error[TLS_ERROR_MAX])
{
	X509_STORE *store = SSL_CTX_get_cert_store(context);
	FILE *file = tls_open("file of --sslcrl", path, error);
	bool ok;

	if (!file)
		return false;
	ok = tls_add_revoked(store, file);
	fclose(file);
	if (!ok)
		return tls_fail(
		    error, "the file of --sslcrl %s can't be used, which must be PEM", path);
	X509_STORE_set_flags(store, X509_V_FLAG_CRL_CHECK | X509_V_FLAG_CRL_CHECK_ALL);
	return true;
}

/* OpenSSL parses the extensions of an authority when they are first needed, and if there is no
 * memory then the certificate remains unusable. */
static bool
tls_parse_extensions(SSL_CTX *context)
{
	STACK_OF(X509_OBJECT) *objects =
	    X509_STORE_get0_objects(SSL_CTX_get_cert_store(context));

	for (int i = 0; i < sk_X509_OBJECT_num(objects); i++) {
		X509 *authority = X509_OBJECT_get0_X509(sk_X509_OBJECT_value(objects, i));

		if (authority && X509_check_purpose(authority, -1, 0) != 1)
			return false;
	}
	return true;
}

/* From now on clients must have a certificate that one of the file's has signed. */
static bool
tls_demand_certificates(SSL_CTX *context, const char *path, char error[TLS_ERROR_MAX])
{
	STACK_OF(X509_NAME) * names;
	FILE *file = tls_open("file of --sslca", path, error);

	if (!file)
		return false;
	fclose(file);
	names = SSL_load_client_CA_file(path);
	if (!names || SSL_CTX_load_verify_file(context, path) != 1 ||
	    !tls_parse_extensions(context)) {
		sk_X509_NAME_pop_free(names, X509_NAME_free);
		return tls_fail(
		    error, "the file of --sslca %s can't be used, which must be PEM", path);
	}
	SSL_CTX_set_client_CA_list(context, names); /* takes them */
	SSL_CTX_set_verify(context, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
	return true;
}

/* What holds for each certificate. The system's openssl.cnf may say otherwise; this comes after
 * it and wins. */
static bool
tls_set_rules(SSL_CTX *context)
{
	static const unsigned char id[] = "wspipe";

	SSL_CTX_clear_options(context, SSL_OP_ALLOW_UNSAFE_LEGACY_RENEGOTIATION);
	/* An end without close_notify is told apart by net/tls_stream.c, and must not make
	 * OpenSSL refuse to write. */
	SSL_CTX_set_options(context,
	    SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION | SSL_OP_IGNORE_UNEXPECTED_EOF);
	/* All the suites are AEAD. The server's order satisfies those who check for one, and
	 * still lets a client without AES in its hardware have ChaCha20. */
	SSL_CTX_set_options(
	    context, SSL_OP_CIPHER_SERVER_PREFERENCE | SSL_OP_PRIORITIZE_CHACHA);
	/* A record without data is the end of a call: a client may send any number of them. */
	SSL_CTX_clear_mode(context, SSL_MODE_AUTO_RETRY);
	SSL_CTX_set_mode(context, SSL_MODE_ENABLE_PARTIAL_WRITE |
				      SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
				      SSL_MODE_RELEASE_BUFFERS);
	/* One read of the socket for what it has, not one for each record's header and one for
	 * its body. */
	SSL_CTX_set_read_ahead(context, 1);
	SSL_CTX_set_max_early_data(context, 0);
	/* Sessions are kept by clients, in tickets. */
	SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
	/* One is enough to come back with, and each costs a tenth of a handshake. */
	SSL_CTX_set_num_tickets(context, 1);
	SSL_CTX_set_alpn_select_cb(context, tls_on_alpn, NULL);
	return SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION) == 1 &&
	       SSL_CTX_set_max_proto_version(context, 0) == 1 &&
	       SSL_CTX_set_cipher_list(context, tls_suites) == 1 &&
	       SSL_CTX_set1_groups_list(context, tls_groups) == 1 &&
	       SSL_CTX_set_session_id_context(context, id, sizeof(id) - 1) == 1;
}

static SSL_CTX *
tls_context(const struct tls_settings *settings, size_t i, char error[TLS_ERROR_MAX])
{
	SSL_CTX *context = SSL_CTX_new(TLS_server_method());

	if (!context || !tls_set_rules(context))
		tls_fail(error, "OpenSSL can't be set up");
	else if (tls_use_certificate(context, settings->certificates[i], error) &&
		 tls_use_key(context, settings->keys[i], settings->certificates[i], error) &&
		 (!settings->ca || tls_demand_certificates(context, settings->ca, error)) &&
		 (!settings->crl || tls_refuse_revoked(context, settings->crl, error)) &&
		 (tls_rehearse(context) ||
		     tls_fail(error, "the certificate %s can't be used for a TLS handshake",
			 settings->certificates[i])))
		return context;
	SSL_CTX_free(context);
	return NULL;
}

struct tls *
tls_new(const struct tls_settings *settings, char error[TLS_ERROR_MAX])
{
	struct tls *tls = calloc(1, sizeof(*tls));

	ERR_clear_error();
	if (tls)
		tls->contexts = calloc(settings->count, sizeof(SSL_CTX *));
	if (!tls || !tls->contexts) {
		tls_fail(error, "out of memory");
		goto fail;
	}
	tls->holders = 1;
	tls->strict_names = settings->strict_names;
	tls->shared = settings->tickets;
	while (tls->count < settings->count) {
		SSL_CTX *context = tls_context(settings, tls->count, error);

		if (!context)
			goto fail;
		tls->contexts[tls->count++] = context;
	}
	if (tls->count > 1 || tls->strict_names) {
		SSL_CTX_set_tlsext_servername_callback(tls->contexts[0], tls_on_server_name);
		SSL_CTX_set_tlsext_servername_arg(tls->contexts[0], tls);
		if (SSL_CTX_set_session_ticket_cb(
			tls->contexts[0], NULL, tls_on_ticket_opened, tls) != 1) {
			tls_fail(error, "OpenSSL can't be set up");
			goto fail;
		}
	}
	/* Shared ones that are just being written are for the first connection to ask for. */
	if (!tls_update_tickets(tls) && !tls->shared) {
		tls_fail(error, "can't create keys for TLS session tickets");
		goto fail;
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

	if (!tls_update_tickets(tls))
		log_debug("keeping old keys for TLS session tickets");
	ssl = SSL_new(tls->contexts[0]);
	if (ssl)
		SSL_set_accept_state(ssl);
	else
		ERR_clear_error();
	return ssl;
}
