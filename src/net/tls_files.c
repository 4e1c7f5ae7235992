/* SPDX-License-Identifier: BSD-2-Clause */
/* Certificates, keys, authorities and revocation lists from PEM files. */
#include "net/tls_files.h"

#include "net/tls_nameless.h"

#include "base/log.h"
#include "base/util.h"

#include <errno.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

enum { TLS_FILES_DAY_S = 24 * 3600 };

/* The contents of a file, according to its lines. */
struct tls_content {
	bool certificate;
	bool key;
	bool der;
};

static char tls_files_text[512];

const char *
tls_files_error(void)
{
	return tls_files_text;
}

bool
tls_files_fail(const char *format, ...)
{
	unsigned long code = ERR_peek_error();
	const char *reason = ERR_SYSTEM_ERROR(code) ? strerror(ERR_GET_REASON(code))
						    : ERR_reason_error_string(code);
	va_list args;
	int len;

	va_start(args, format);
	len = vsnprintf(tls_files_text, sizeof(tls_files_text), format, args);
	va_end(args);
	if (code != 0 && len >= 0 && (size_t)len < sizeof(tls_files_text))
		snprintf(tls_files_text + len, sizeof(tls_files_text) - (size_t)len, ": %s",
		    reason ? reason : "unknown reason");
	ERR_clear_error();
	return false;
}

/* Opens a file and determines its contents. */
static FILE *
tls_files_open(const char *what, const char *path, struct tls_content *content)
{
	struct stat st;
	char line[256];
	FILE *file = fopen(path, "re");

	*content = (struct tls_content){.der = false};
	if (file && fstat(fileno(file), &st) == 0 && S_ISDIR(st.st_mode)) {
		fclose(file);
		file = NULL;
		errno = EISDIR;
	}
	if (!file) {
		snprintf(tls_files_text, sizeof(tls_files_text), "%s %s can't be read: %s",
		    what, path, strerror(errno));
		return NULL;
	}
	/* A DER sequence of more than 127 bytes. */
	content->der = fread(line, 1, 2, file) == 2 && memcmp(line, "\x30\x82", 2) == 0;
	rewind(file);
	while (fgets(line, sizeof(line), file)) {
		if (strncmp(line, "-----BEGIN ", 11) != 0)
			continue;
		content->certificate |= strstr(line, "CERTIFICATE-----") != NULL;
		content->key |= strstr(line, "PRIVATE KEY-----") != NULL;
	}
	rewind(file);
	return file;
}

/* Formats a date as "2026-11-26 01:23:45 UTC". */
static const char *
tls_files_date(const ASN1_TIME *date, char text[64])
{
	struct tm tm;

	if (ASN1_TIME_to_tm(date, &tm) != 1 || strftime(text, 64, "%F %T UTC", &tm) == 0)
		strcpy(text, "an invalid date");
	return text;
}

/* Warns if the validity period does not include the present. WHAT is the consequence: "clients
 * reject it". */
static void
tls_files_warn_dates(const char *what, const char *path, const ASN1_TIME *from,
    const ASN1_TIME *until, const char *effect)
{
	time_t now = time(NULL);
	char date[64];

	if (from && X509_cmp_time(from, &now) > 0)
		log_warnx("%s %s is not valid before %s: until then %s", what, path,
		    tls_files_date(from, date), effect);
	if (!until || X509_cmp_time(until, &now) == 0)
		return;
	if (X509_cmp_time(until, &now) < 0) {
		log_warnx(
		    "%s %s expired on %s: %s", what, path, tls_files_date(until, date), effect);
		return;
	}
	now += TLS_FILES_SOON_DAYS * TLS_FILES_DAY_S;
	if (X509_cmp_time(until, &now) < 0)
		log_warnx("%s %s expires on %s; replace the file and send SIGHUP", what, path,
		    tls_files_date(until, date));
}

static void
tls_files_warn_certificates(SSL_CTX *context, const char *path)
{
	STACK_OF(X509) *chain = NULL;
	X509 *leaf = SSL_CTX_get0_certificate(context);
	char what[64];

	tls_files_warn_dates("the certificate", path, X509_get0_notBefore(leaf),
	    X509_get0_notAfter(leaf), "clients reject it");
	SSL_CTX_get0_chain_certs(context, &chain);
	for (int i = 0; i < sk_X509_num(chain); i++) {
		const X509 *issuer = sk_X509_value(chain, i);

		snprintf(what, sizeof(what), "certificate %d of", i + 2);
		tls_files_warn_dates(what, path, X509_get0_notBefore(issuer),
		    X509_get0_notAfter(issuer), "clients may reject the chain");
	}
}

static bool
tls_files_load_certificate(SSL_CTX *context, const char *path, bool warn)
{
	struct tls_content content;
	FILE *file = tls_files_open("the certificate", path, &content);

	if (!file)
		return false;
	fclose(file);
	if (content.key && !content.certificate)
		return tls_files_fail(
		    "%s contains a private key, not a certificate: did you swap --sslcert and "
		    "--sslkey?",
		    path);
	if (!content.certificate)
		return tls_files_fail(
		    "the certificate %s is not PEM (no \"-----BEGIN CERTIFICATE-----\" line)%s",
		    path, content.der ? "; openssl x509 converts it" : "");
	if (SSL_CTX_use_certificate_chain_file(context, path) != 1)
		return tls_files_fail("the certificate %s can't be used", path);
	if (warn)
		tls_files_warn_certificates(context, path);
	return true;
}

/* Password callback: OpenSSL would prompt on the terminal; a server can't. */
static int
tls_files_on_password(char *password, int size, int writing, void *asked)
{
	(void)password;
	(void)size;
	(void)writing;
	*(bool *)asked = true;
	return -1;
}

/* Returns the private key in a file, or NULL. */
static EVP_PKEY *
tls_files_read_key(const char *path, bool warn)
{
	struct tls_content content;
	struct stat st;
	bool asked = false;
	EVP_PKEY *key;
	FILE *file = tls_files_open("the key", path, &content);

	if (!file)
		return NULL;
	if (warn && fstat(fileno(file), &st) == 0 && (st.st_mode & (S_IRGRP | S_IROTH)))
		log_warnx(
		    "the key %s is readable by other users; run chmod 600 %s", path, path);
	key = PEM_read_PrivateKey(file, NULL, tls_files_on_password, &asked);
	fclose(file);
	if (key)
		return key;
	if (asked || !content.key)
		ERR_clear_error();
	if (asked)
		tls_files_fail(
		    "the key %s is encrypted, and wspipe can't ask for its password; decrypt "
		    "it "
		    "with: openssl pkey -in %s -out key.pem",
		    path, path);
	else if (!content.key)
		tls_files_fail("%s contains no private key in PEM%s", path,
		    content.certificate ? ": did you swap --sslcert and --sslkey?" : "");
	else
		tls_files_fail("the key %s can't be used", path);
	return NULL;
}

bool
tls_files_load_pair(SSL_CTX *context, const char *certificate, const char *path, bool warn)
{
	EVP_PKEY *key;
	bool ok;

	if (!tls_files_load_certificate(context, certificate, warn))
		return false;
	key = tls_files_read_key(path, warn);
	if (!key)
		return false;
	ok = X509_check_private_key(SSL_CTX_get0_certificate(context), key) == 1;
	if (!ok)
		tls_files_fail(
		    "the key %s does not belong to the certificate %s", path, certificate);
	else if (SSL_CTX_use_PrivateKey(context, key) != 1)
		ok = tls_files_fail("the key %s can't be used", path);
	EVP_PKEY_free(key);
	return ok;
}

/*
 * Makes OpenSSL parse the extensions of the authorities now: it does so on first use, and if
 * memory runs out then, the certificate remains unusable.
 */
static bool
tls_files_check_authorities(SSL_CTX *context, const char *path, bool warn)
{
	STACK_OF(X509_OBJECT) *objects =
	    X509_STORE_get0_objects(SSL_CTX_get_cert_store(context));

	for (int i = 0; i < sk_X509_OBJECT_num(objects); i++) {
		X509 *authority = X509_OBJECT_get0_X509(sk_X509_OBJECT_value(objects, i));

		if (authority && X509_check_purpose(authority, -1, 0) != 1)
			return false;
		if (authority && warn)
			tls_files_warn_dates("a CA certificate in --sslca", path,
			    X509_get0_notBefore(authority), X509_get0_notAfter(authority),
			    "clients with a certificate from it are rejected");
	}
	return true;
}

bool
tls_files_load_authorities(SSL_CTX *context, const char *path, bool warn)
{
	STACK_OF(X509_NAME) * names;
	struct tls_content content;
	FILE *file = tls_files_open("--sslca", path, &content);

	if (!file)
		return false;
	fclose(file);
	if (!content.certificate)
		return tls_files_fail("--sslca %s contains no certificate in PEM", path);
	names = SSL_load_client_CA_file(path);
	if (!names || SSL_CTX_load_verify_file(context, path) != 1 ||
	    !tls_files_check_authorities(context, path, warn)) {
		sk_X509_NAME_pop_free(names, X509_NAME_free);
		return tls_files_fail("--sslca %s can't be used", path);
	}
	SSL_CTX_set_client_CA_list(context, names); /* takes them */
	SSL_CTX_set_verify(
	    context, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, tls_nameless_verify);
	return true;
}

/* Adds all revocation lists of the file to STORE. Returns false if there is none, or one is
 * damaged. */
static bool
tls_files_add_revoked(X509_STORE *store, FILE *file, const char *path, bool warn)
{
	size_t count = 0;
	X509_CRL *crl;

	while ((crl = PEM_read_X509_CRL(file, NULL, NULL, NULL))) {
		bool added = X509_STORE_add_crl(store, crl) == 1;

		if (added && warn)
			tls_files_warn_dates("a CRL in --sslcrl", path,
			    X509_CRL_get0_lastUpdate(crl), X509_CRL_get0_nextUpdate(crl),
			    "clients with a certificate from its issuer are rejected");
		X509_CRL_free(crl);
		if (!added)
			return false;
		count++;
	}
	/* The end of the file looks the same. */
	if (ERR_GET_REASON(ERR_peek_last_error()) != PEM_R_NO_START_LINE)
		return false;
	ERR_clear_error();
	return count > 0;
}

bool
tls_files_load_revoked(SSL_CTX *context, const char *path, bool warn)
{
	X509_STORE *store = SSL_CTX_get_cert_store(context);
	struct tls_content content;
	FILE *file = tls_files_open("--sslcrl", path, &content);
	bool ok;

	if (!file)
		return false;
	ok = tls_files_add_revoked(store, file, path, warn);
	fclose(file);
	if (!ok && ERR_peek_error() == 0)
		return tls_files_fail("--sslcrl %s contains no CRL in PEM", path);
	if (!ok)
		return tls_files_fail("--sslcrl %s can't be used", path);
	X509_STORE_set_flags(store, X509_V_FLAG_CRL_CHECK | X509_V_FLAG_CRL_CHECK_ALL);
	return true;
}
