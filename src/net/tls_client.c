/* SPDX-License-Identifier: BSD-2-Clause */
/* The client side of TLS. */
#include "net/tls_client.h"

#include "net/tls_files.h"
#include "net/tls_stream.h"

#include <arpa/inet.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <stdlib.h>
#include <unistd.h>

struct tls_client {
	SSL_CTX *context; /* owned */
};

/* A server that also speaks HTTP/2 must not choose it: RFC 7301, section 3.1. */
static const unsigned char tls_client_protocol[] = "\x08http/1.1";

static bool
tls_client_set_rules(SSL_CTX *context)
{
	SSL_CTX_set_options(context,
	    SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION | SSL_OP_IGNORE_UNEXPECTED_EOF);
	SSL_CTX_clear_mode(context, SSL_MODE_AUTO_RETRY);
	SSL_CTX_set_mode(context, SSL_MODE_ENABLE_PARTIAL_WRITE |
				      SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
				      SSL_MODE_RELEASE_BUFFERS);
	SSL_CTX_set_read_ahead(context, 1);
	return SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION) == 1 &&
	       SSL_CTX_set_alpn_protos(
		   context, tls_client_protocol, sizeof(tls_client_protocol) - 1) == 0;
}

/* Sets the trusted authorities. */
static bool
tls_client_set_authorities(SSL_CTX *context, const struct tls_client_settings *settings)
{
	SSL_CTX_set_verify(
	    context, settings->insecure ? SSL_VERIFY_NONE : SSL_VERIFY_PEER, NULL);
	if (settings->ca && SSL_CTX_load_verify_file(context, settings->ca) != 1)
		return tls_files_fail("--cacert %s can't be used", settings->ca);
	if (!settings->ca && SSL_CTX_set_default_verify_paths(context) != 1)
		return tls_files_fail("the system's certificates can't be used");
	ERR_clear_error();
	return !settings->crl || tls_files_load_revoked(context, settings->crl, false);
}

struct tls_client *
tls_client_new(const struct tls_client_settings *settings, const char **error)
{
	struct tls_client *client = calloc(1, sizeof(*client));

	ERR_clear_error();
	*error = tls_files_error();
	if (client)
		client->context = SSL_CTX_new(TLS_client_method());
	if (!client || !client->context || !tls_client_set_rules(client->context))
		tls_files_fail("can't initialise OpenSSL");
	else if (tls_client_set_authorities(client->context, settings) &&
		 (!settings->certificate || tls_files_load_pair(client->context,
						settings->certificate, settings->key, false)))
		return client;
	tls_client_free(client);
	return NULL;
}

void
tls_client_free(struct tls_client *client)
{
	if (!client)
		return;
	SSL_CTX_free(client->context);
	free(client);
}

/* Sets the name that the certificate must have (RFC 6125), and for a host name the SNI (RFC
 * 6066, section 3). */
static bool
tls_client_set_host(SSL *ssl, const char *host)
{
	unsigned char address[sizeof(struct in6_addr)];

	if (inet_pton(AF_INET, host, address) == 1 || inet_pton(AF_INET6, host, address) == 1)
		return X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl), host) == 1;
	SSL_set_hostflags(ssl, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
	return SSL_set1_host(ssl, host) == 1 && SSL_set_tlsext_host_name(ssl, host) == 1;
}

bool
tls_client_open(struct tls_client *client, const char *host, int fd, struct transport *out)
{
	SSL *ssl = SSL_new(client->context);

	if (!ssl || !tls_client_set_host(ssl, host)) {
		ERR_clear_error();
		SSL_free(ssl);
		close(fd);
		return false;
	}
	SSL_set_connect_state(ssl);
	return tls_stream_open_take(ssl, fd, out);
}
