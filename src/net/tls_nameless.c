/* SPDX-License-Identifier: BSD-2-Clause */
/* Supports client certificates without names. */
#include "net/tls_nameless.h"

#include "base/util.h"

#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <stdbool.h>

static bool
tls_nameless_is_empty(const X509_NAME *name)
{
	return X509_NAME_entry_count(name) == 0;
}

/* Reports whether OpenSSL trusts AUTHORITY itself, under the rules of CONTEXT. */
static bool
tls_nameless_is_trusted(X509_STORE_CTX *context, X509 *authority)
{
	int level = X509_VERIFY_PARAM_get_auth_level(X509_STORE_CTX_get0_param(context));
	X509_STORE_CTX *own = X509_STORE_CTX_new();
	bool ok = own && X509_STORE_CTX_init(
			     own, X509_STORE_CTX_get0_store(context), authority, NULL) == 1;

	if (ok) {
		X509_VERIFY_PARAM_set_auth_level(X509_STORE_CTX_get0_param(own), level);
		ok = X509_STORE_CTX_set_trust(own, X509_TRUST_SSL_CLIENT) == 1 &&
		     X509_verify_cert(own) == 1;
	}
	X509_STORE_CTX_free(own);
	return ok;
}

/* Checks the strength of the signature: OpenSSL does not check that of a certificate it
 * considers self-signed. */
static bool
tls_nameless_is_strong(X509_STORE_CTX *context, X509 *certificate)
{
	static const int wanted[] = {
	    0, 80, 112, 128, 192, 256}; /* see SSL_get_security_level(3) */
	int level = X509_VERIFY_PARAM_get_auth_level(X509_STORE_CTX_get0_param(context));
	int bits;

	return level < (int)UTIL_LEN(wanted) &&
	       X509_get_signature_info(certificate, NULL, NULL, &bits, NULL) == 1 &&
	       (level < 0 || bits >= wanted[level]);
}

/* Reports whether AUTHORITY, which is in the store, may sign client certificates and has signed
 * this one. Its constraints on names and the like are not evaluated here. */
static bool
tls_nameless_has_signed(X509_STORE_CTX *context, X509 *authority, X509 *certificate)
{
	return tls_nameless_is_strong(context, certificate) &&
	       tls_nameless_is_empty(X509_get_subject_name(authority)) &&
	       X509_check_purpose(authority, X509_PURPOSE_SSL_CLIENT, 1) == 1 &&
	       X509_get_ext_by_NID(authority, NID_name_constraints, -1) == -1 &&
	       X509_verify(certificate, X509_get0_pubkey(authority)) == 1 &&
	       tls_nameless_is_trusted(context, authority);
}

int
tls_nameless_verify(int ok, X509_STORE_CTX *context)
{
	X509 *certificate = X509_STORE_CTX_get_current_cert(context);
	STACK_OF(X509) * authorities;

	if (ok || !certificate ||
	    X509_STORE_CTX_get_error(context) != X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT ||
	    !tls_nameless_is_empty(X509_get_issuer_name(certificate)))
		return ok;
	/* Discard errors of authorities that did not sign the certificate. */
	ERR_set_mark();
	authorities = X509_STORE_get1_all_certs(X509_STORE_CTX_get0_store(context));
	for (int i = 0; i < sk_X509_num(authorities) && !ok; i++)
		ok = tls_nameless_has_signed(
		    context, sk_X509_value(authorities, i), certificate);
	sk_X509_pop_free(authorities, X509_free);
	ERR_pop_to_mark();
	if (ok)
		X509_STORE_CTX_set_error(context, X509_V_OK);
	return ok;
}
