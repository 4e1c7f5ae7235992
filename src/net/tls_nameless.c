/* SPDX-License-Identifier: BSD-2-Clause */
/* Client certificates without names. */
#include "net/tls_nameless.h"

#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <stdbool.h>

static bool
tls_nameless_is_empty(const X509_NAME *name)
{
	return X509_NAME_entry_count(name) == 0;
}

/* Whether AUTHORITY, which is trusted, may sign certificates and has signed this one. What it
 * may not sign by its constraints is not worked out here. */
static bool
tls_nameless_has_signed(X509 *authority, X509 *certificate)
{
	return tls_nameless_is_empty(X509_get_subject_name(authority)) &&
	       X509_check_ca(authority) == 1 &&
	       (X509_get_key_usage(authority) & KU_KEY_CERT_SIGN) != 0 &&
	       X509_get_ext_by_NID(authority, NID_name_constraints, -1) == -1 &&
	       X509_cmp_current_time(X509_get0_notBefore(authority)) < 0 &&
	       X509_cmp_current_time(X509_get0_notAfter(authority)) > 0 &&
	       X509_verify(certificate, X509_get0_pubkey(authority)) == 1;
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
	/* Of the authorities that did not sign it no error remains. */
	ERR_set_mark();
	authorities = X509_STORE_get1_all_certs(X509_STORE_CTX_get0_store(context));
	for (int i = 0; i < sk_X509_num(authorities) && !ok; i++)
		ok = tls_nameless_has_signed(sk_X509_value(authorities, i), certificate);
	sk_X509_pop_free(authorities, X509_free);
	ERR_pop_to_mark();
	if (ok)
		X509_STORE_CTX_set_error(context, X509_V_OK);
	return ok;
}
