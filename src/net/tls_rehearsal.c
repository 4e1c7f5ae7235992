/* SPDX-License-Identifier: BSD-2-Clause */
/* Performs handshakes in memory. */
#include "net/tls_rehearsal.h"

#include <openssl/bio.h>
#include <openssl/err.h>

enum { REHEARSAL_FLIGHTS = 8 }; /* more than any handshake needs */

/* Runs both ends in turn until the client has read the byte that the server sends after the
 * handshake, and with it the ticket. */
static bool
tls_rehearse_turns(SSL *server, SSL *client)
{
	char byte = 'x';

	for (int i = 0; i < REHEARSAL_FLIGHTS; i++) {
		(void)SSL_do_handshake(client);
		(void)SSL_do_handshake(server);
	}
	return SSL_write(server, &byte, 1) == 1 && SSL_read(client, &byte, 1) == 1 &&
	       SSL_write(client, &byte, 1) == 1 && SSL_read(server, &byte, 1) == 1;
}

/* Performs one handshake, which resumes *SESSION if there is one and replaces it. */
static bool
tls_rehearse_once(SSL_CTX *server_context, SSL_CTX *client_context, SSL_SESSION **session)
{
	SSL *server = SSL_new(server_context);
	SSL *client = SSL_new(client_context);
	BIO *ends[2] = {NULL, NULL};
	bool ok = false;

	if (!server || !client || BIO_new_bio_pair(&ends[0], 0, &ends[1], 0) != 1)
		goto done;
	SSL_set_bio(server, ends[0], ends[0]);
	SSL_set_bio(client, ends[1], ends[1]);
	SSL_set_accept_state(server);
	SSL_set_connect_state(client);
	/* Client certificates may be required, but there is none here. */
	SSL_set_verify(server, SSL_VERIFY_NONE, NULL);
	if (*session && SSL_set_session(client, *session) != 1)
		goto done;
	ok = tls_rehearse_turns(server, client);
	SSL_SESSION_free(*session);
	*session = ok ? SSL_get1_session(client) : NULL;
	/* Otherwise the session could not be resumed. */
	SSL_set_shutdown(client, SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
done:
	SSL_free(server);
	SSL_free(client);
	return ok;
}

static bool
tls_rehearse_version(SSL_CTX *server, int version, const char *group)
{
	static const unsigned char protocol[] = "\x08http/1.1";
	SSL_CTX *client = SSL_CTX_new(TLS_client_method());
	SSL_SESSION *session = NULL;
	bool ok = client && SSL_CTX_set_min_proto_version(client, version) == 1 &&
		  SSL_CTX_set_max_proto_version(client, version) == 1 &&
		  SSL_CTX_set1_groups_list(client, group) == 1 &&
		  SSL_CTX_set_alpn_protos(client, protocol, sizeof(protocol) - 1) == 0 &&
		  tls_rehearse_once(server, client, &session) &&
		  tls_rehearse_once(server, client, &session);

	SSL_SESSION_free(session);
	SSL_CTX_free(client);
	return ok;
}

bool
tls_rehearse(SSL_CTX *server)
{
	bool ok;

	OPENSSL_init_ssl(
	    OPENSSL_INIT_LOAD_SSL_STRINGS | OPENSSL_INIT_LOAD_CRYPTO_STRINGS, NULL);
	(void)ERR_reason_error_string(ERR_PACK(ERR_LIB_SSL, 0, SSL_R_NO_SHARED_CIPHER));
	ok = tls_rehearse_version(server, TLS1_2_VERSION, "P-256");
	ok = tls_rehearse_version(server, TLS1_3_VERSION, "X25519") || ok;
	if (ok)
		ERR_clear_error();
	return ok;
}
