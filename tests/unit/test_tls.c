/* SPDX-License-Identifier: BSD-2-Clause */
/* The server's side of TLS: what its files may be, and its streams against a real client, byte
 * by byte. */
#include "base/log.h"
#include "base/util.h"
#include "net/io_socket.h"
#include "net/tls.h"
#include "net/tls_stream.h"
#include "net/tls_ticket.h"

#include <errno.h>
#include <event2/event.h>
#include <fcntl.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

/* A clock that can be set forward. */
static int64_t passed_ms;
int64_t __wrap_util_clock_ms(void);

int64_t
__wrap_util_clock_ms(void)
{
	return 1000 + passed_ms;
}

/* The files, all in the working directory: a.crt a.key, b.crt b.key, and what is wrong. */

static char place[] = "/tmp/test_tls.XXXXXX";

static void
write_text(const char *path, const char *text)
{
	FILE *file = fopen(path, "w");

	assert_non_null(file);
	fputs(text, file);
	fclose(file);
}

/* A self-signed certificate for NAME. */
static void
make_pair(const char *name, const char *certificate_path, const char *key_path,
    const char *password, long from, long until)
{
	EVP_PKEY *key = EVP_EC_gen("P-256");
	X509 *certificate = X509_new();
	X509_NAME *subject = X509_get_subject_name(certificate);
	char alternative[80];
	X509_EXTENSION *extension;
	FILE *file;

	assert_non_null(key);
	ASN1_INTEGER_set(X509_get_serialNumber(certificate), 0xC0FFEE);
	X509_set_version(certificate, X509_VERSION_3);
	X509_gmtime_adj(X509_getm_notBefore(certificate), from);
	X509_gmtime_adj(X509_getm_notAfter(certificate), until);
	X509_set_pubkey(certificate, key);
	X509_NAME_add_entry_by_txt(
	    subject, "O", MBSTRING_UTF8, (const unsigned char *)"T\xc3\xa4st, \n", -1, -1, 0);
	X509_NAME_add_entry_by_txt(
	    subject, "CN", MBSTRING_UTF8, (const unsigned char *)name, -1, -1, 0);
	X509_set_issuer_name(certificate, subject);
	snprintf(alternative, sizeof(alternative), "DNS:%s", name);
	extension = X509V3_EXT_conf_nid(NULL, NULL, NID_subject_alt_name, alternative);
	X509_add_ext(certificate, extension, -1);
	X509_EXTENSION_free(extension);
	assert_true(X509_sign(certificate, key, EVP_sha256()) > 0);
	file = fopen(certificate_path, "w");
	PEM_write_X509(file, certificate);
	fclose(file);
	file = fopen(key_path, "w");
	PEM_write_PrivateKey(file, key, password ? EVP_aes_128_cbc() : NULL,
	    (const unsigned char *)password, password ? (int)strlen(password) : 0, NULL, NULL);
	fclose(file);
	chmod(key_path, 0600);
	X509_free(certificate);
	EVP_PKEY_free(key);
}

static int
set_up(void **state)
{
	(void)state;
	log_setup(STDERR_FILENO, LOG_TEXT, LOG_NONE);
	if (!mkdtemp(place) || chdir(place) == -1)
		return -1;
	make_pair("a.example", "a.crt", "a.key", NULL, -3600, 3600);
	make_pair("b.example", "b.crt", "b.key", NULL, -3600, 3600);
	make_pair("c.example", "c.crt", "c.key", "secret", -3600, 3600);
	write_text("empty", "");
	write_text("garbage", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n");
	write_text(
	    "garbage.key", "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n");
	write_text("a.der", "\x30\x82\x01\x0a");
	write_text("garbage.crl", "-----BEGIN X509 CRL-----\nAAAA\n-----END X509 CRL-----\n");
	mkdir("dir", 0700);
	return 0;
}

static int
tear_down(void **state)
{
	static const char *const names[] = {"a.crt", "a.key", "b.crt", "b.key", "c.crt",
	    "c.key", "d.crt", "d.key", "e.crt", "e.key", "empty", "garbage", "garbage.crl",
	    "garbage.key", "a.der", "dir", "log"};

	(void)state;
	for (size_t i = 0; i < UTIL_LEN(names); i++)
		remove(names[i]);
	return chdir("/") == 0 && rmdir(place) == 0 ? 0 : -1;
}

static struct tls *
make_tls(char *certificate, char *key, const char *ca, const char *crl, const char **error)
{
	struct tls_settings settings = {
	    .certificates = &certificate, .keys = &key, .count = 1, .ca = ca, .crl = crl};

	*error = NULL;
	return tls_new(&settings, error);
}

static void
test_files_that_are_wrong_are_told_in_words(void **state)
{
	static const struct {
		char *certificate;
		char *key;
		const char *ca;
		const char *crl;
		const char *error; /* if it ends in a colon, OpenSSL's reason follows */
	} rows[] = {
	    {"none", "a.key", NULL, NULL,
		"the certificate none can't be read: No such file or directory"},
	    {"dir", "a.key", NULL, NULL, "the certificate dir can't be read: Is a directory"},
	    {"empty", "a.key", NULL, NULL,
		"the certificate empty is not PEM (no \"-----BEGIN CERTIFICATE-----\" line)"},
	    {"a.der", "a.key", NULL, NULL,
		"the certificate a.der is not PEM (no \"-----BEGIN CERTIFICATE-----\" line); "
		"openssl x509 converts it"},
	    {"a.key", "a.crt", NULL, NULL,
		"a.key contains a private key, not a certificate: did you swap --sslcert and "
		"--sslkey?"},
	    {"garbage", "a.key", NULL, NULL, "the certificate garbage can't be used: "},
	    {"a.crt", "none", NULL, NULL,
		"the key none can't be read: No such file or directory"},
	    {"a.crt", "empty", NULL, NULL, "empty contains no private key in PEM"},
	    {"a.crt", "a.crt", NULL, NULL,
		"a.crt contains no private key in PEM: did you swap --sslcert and --sslkey?"},
	    {"a.crt", "garbage.key", NULL, NULL, "the key garbage.key can't be used: "},
	    {"a.crt", "b.key", NULL, NULL,
		"the key b.key does not belong to the certificate a.crt: "},
	    {"c.crt", "c.key", NULL, NULL,
		"the key c.key is encrypted, and wspipe can't ask for its password; decrypt it "
		"with: openssl pkey -in c.key -out key.pem"},
	    {"a.crt", "a.key", "none", NULL,
		"--sslca none can't be read: No such file or directory"},
	    {"a.crt", "a.key", "empty", NULL, "--sslca empty contains no certificate in PEM"},
	    {"a.crt", "a.key", "a.key", NULL, "--sslca a.key contains no certificate in PEM"},
	    {"a.crt", "a.key", "garbage", NULL, "--sslca garbage can't be used: "},
	    {"a.crt", "a.key", "b.crt", "none",
		"--sslcrl none can't be read: No such file or directory"},
	    {"a.crt", "a.key", "b.crt", "dir", "--sslcrl dir can't be read: Is a directory"},
	    {"a.crt", "a.key", "b.crt", "empty", "--sslcrl empty contains no CRL in PEM"},
	    {"a.crt", "a.key", "b.crt", "b.crt", "--sslcrl b.crt contains no CRL in PEM"},
	    {"a.crt", "a.key", "b.crt", "garbage.crl", "--sslcrl garbage.crl can't be used: "},
	};
	const char *error;

	(void)state;
	for (size_t i = 0; i < UTIL_LEN(rows); i++) {
		assert_null(make_tls(
		    rows[i].certificate, rows[i].key, rows[i].ca, rows[i].crl, &error));
		if (rows[i].error[strlen(rows[i].error) - 1] == ' ') {
			assert_memory_equal(error, rows[i].error, strlen(rows[i].error));
			assert_true(strlen(error) > strlen(rows[i].error));
		} else {
			assert_string_equal(error, rows[i].error);
		}
		assert_int_equal(ERR_peek_error(), 0);
	}
}

/* What is logged when the files are loaded. */
static const char *
warnings_of(char *certificate, char *key, const char *ca, bool warn)
{
	static char text[2048];
	struct tls_settings settings = {
	    .certificates = &certificate, .keys = &key, .count = 1, .ca = ca, .warn = warn};
	const char *error;
	FILE *log = tmpfile();
	struct tls *tls;

	log_setup(fileno(log), LOG_TEXT, LOG_WARN);
	tls = tls_new(&settings, &error);
	assert_non_null(tls);
	tls_release(tls);
	log_setup(STDERR_FILENO, LOG_TEXT, LOG_NONE);
	rewind(log);
	text[fread(text, 1, sizeof(text) - 1, log)] = '\0';
	fclose(log);
	return text;
}

static void
test_a_key_that_others_can_read_is_reported(void **state)
{
	(void)state;
	make_pair("a.example", "d.crt", "d.key", NULL, -3600, 30 * 86400);
	assert_string_equal(warnings_of("d.crt", "d.key", NULL, true), "");
	chmod("d.key", 0640);
	assert_non_null(strstr(warnings_of("d.crt", "d.key", NULL, true),
	    " warn server the key d.key is readable by other users; run chmod 600 d.key\n"));
	assert_string_equal(warnings_of("d.crt", "d.key", NULL, false), "");
}

static void
test_certificates_that_are_not_valid_now_are_reported(void **state)
{
	static const struct {
		long from, until; /* in seconds, from now on */
		const char *start, *end; /* of the message */
	} rows[] = {
	    {-86400, -3600, "the certificate d.crt expired on 20", ": clients reject it\n"},
	    {3600, 86400 * 30, "the certificate d.crt is not valid before 20",
		" UTC: until then clients reject it\n"},
	    {-3600, 13 * 86400, "the certificate d.crt expires on 20",
		" UTC; replace the file and send SIGHUP\n"},
	    {-3600, 15 * 86400, "", ""},
	};

	(void)state;
	for (size_t i = 0; i < UTIL_LEN(rows); i++) {
		const char *text;

		make_pair("a.example", "d.crt", "d.key", NULL, rows[i].from, rows[i].until);
		text = warnings_of("d.crt", "d.key", NULL, true);
		assert_non_null(strstr(text, rows[i].start));
		assert_non_null(strstr(text, rows[i].end));
		assert_int_equal(*text == '\0', *rows[i].start == '\0');
		make_pair("b.example", "e.crt", "e.key", NULL, -3600, 30 * 86400);
		text = warnings_of("e.crt", "e.key", "d.crt", true);
		assert_int_equal(strstr(text, "a CA certificate in --sslca d.crt ") != NULL,
		    *rows[i].start != '\0');
	}
}

/* A transport, and a client whose bytes the test itself carries to the other end of a
 * socketpair and back. */
struct pair {
	struct tls *tls;
	struct transport transport;
	int other; /* -1: closed */
	SSL_CTX *context;
	SSL *client;
	BIO *to_client;
	BIO *from_client;
};

static void
pair_open(struct pair *p, const char *ca, int version)
{
	const char *error;
	int ends[2];

	memset(p, 0, sizeof(*p));
	p->tls = make_tls("a.crt", "a.key", ca, NULL, &error);
	assert_non_null(p->tls);
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends), 0);
	assert_true(tls_stream_open(p->tls, ends[0], &p->transport));
	p->other = ends[1];
	p->context = SSL_CTX_new(TLS_client_method());
	SSL_CTX_set_max_proto_version(p->context, version);
	if (ca) {
		assert_int_equal(
		    SSL_CTX_use_certificate_file(p->context, "b.crt", SSL_FILETYPE_PEM), 1);
		assert_int_equal(
		    SSL_CTX_use_PrivateKey_file(p->context, "b.key", SSL_FILETYPE_PEM), 1);
	}
	p->client = SSL_new(p->context);
	p->to_client = BIO_new(BIO_s_mem());
	p->from_client = BIO_new(BIO_s_mem());
	SSL_set_bio(p->client, p->to_client, p->from_client);
	SSL_set_connect_state(p->client);
}

static void
pair_close(struct pair *p)
{
	SSL_free(p->client);
	SSL_CTX_free(p->context);
	if (p->transport.ops)
		p->transport.ops->close(&p->transport);
	if (p->other != -1)
		close(p->other);
	tls_release(p->tls);
	assert_int_equal(ERR_peek_error(), 0);
}

/* Carries what the server has written to the client. */
static size_t
pair_to_client(struct pair *p)
{
	char bytes[65536];
	size_t all = 0;
	ssize_t n;

	while ((n = read(p->other, bytes, sizeof(bytes))) > 0) {
		assert_int_equal(BIO_write(p->to_client, bytes, (int)n), n);
		all += (size_t)n;
	}
	return all;
}

/* Carries up to MAX bytes of the client's to the server. */
static size_t
pair_to_server(struct pair *p, size_t max)
{
	char bytes[65536];
	int n =
	    BIO_read(p->from_client, bytes, (int)(max < sizeof(bytes) ? max : sizeof(bytes)));

	if (n <= 0)
		return 0;
	assert_int_equal(write(p->other, bytes, (size_t)n), n);
	return (size_t)n;
}

static enum stream_result
pair_read(struct pair *p, void *bytes, size_t capacity, size_t *n)
{
	*n = 0;
	return p->transport.ops->read(&p->transport, bytes, capacity, n);
}

static enum stream_result
pair_write(struct pair *p, const void *bytes, size_t len, size_t *n)
{
	struct iovec part = {(void *)(uintptr_t)bytes, len};

	*n = 0;
	return p->transport.ops->writev(&p->transport, &part, 1, n);
}

/* The handshake, STEP bytes of the client's at a time. */
static void
pair_shake_hands(struct pair *p, size_t step)
{
	uint8_t byte;
	size_t n;

	for (int i = 0; i < 10000; i++) {
		int done = SSL_do_handshake(p->client);

		while (pair_to_server(p, step) > 0)
			assert_int_equal(pair_read(p, &byte, 1, &n), STREAM_AGAIN);
		pair_to_client(p);
		if (done == 1)
			return;
	}
	fail();
}

static const int versions[] = {TLS1_2_VERSION, TLS1_3_VERSION};

static void
test_bytes_arrive_however_the_socket_cuts_them(void **state)
{
	static const size_t steps[] = {1, 7, 65536};
	struct pair p;
	char bytes[64];
	size_t n;

	(void)state;
	for (size_t v = 0; v < UTIL_LEN(versions); v++) {
		for (size_t i = 0; i < UTIL_LEN(steps); i++) {
			char all[64] = "";
			size_t len = 0;

			pair_open(&p, NULL, versions[v]);
			pair_shake_hands(&p, steps[i]);
			assert_int_equal(SSL_write(p.client, "hello ", 6), 6);
			assert_int_equal(SSL_write(p.client, "world", 5), 5);
			while (pair_to_server(&p, steps[i]) > 0) {
				if (pair_read(&p, bytes, sizeof(bytes), &n) == STREAM_OK) {
					memcpy(all + len, bytes, n);
					len += n;
				}
				assert_false(p.transport.ops->pending(&p.transport));
			}
			assert_string_equal(all, "hello world");
			assert_int_equal(pair_write(&p, "back", 4, &n), STREAM_OK);
			assert_int_equal(n, 4);
			pair_to_client(&p);
			assert_int_equal(SSL_read(p.client, bytes, sizeof(bytes)), 4);
			assert_memory_equal(bytes, "back", 4);
			pair_close(&p);
		}
	}
}

static void
test_what_stays_within_openssl_is_pending(void **state)
{
	struct pair p;
	char bytes[8];
	size_t n;

	(void)state;
	pair_open(&p, NULL, TLS1_3_VERSION);
	pair_shake_hands(&p, 65536);
	assert_int_equal(SSL_write(p.client, "abcdefgh", 8), 8);
	assert_int_equal(SSL_write(p.client, "ij", 2), 2);
	pair_to_server(&p, 65536);
	assert_int_equal(pair_read(&p, bytes, 3, &n), STREAM_OK);
	assert_int_equal(n, 3);
	assert_true(p.transport.ops->pending(&p.transport));
	/* Two records in one read. */
	assert_int_equal(pair_read(&p, bytes, 7, &n), STREAM_OK);
	assert_int_equal(n, 7);
	assert_memory_equal(bytes, "defghij", 7);
	assert_false(p.transport.ops->pending(&p.transport));
	assert_int_equal(pair_read(&p, bytes, 7, &n), STREAM_AGAIN);
	pair_close(&p);
}

/* Counts the records of application data in what the server has written. */
static size_t
count_records(const uint8_t *bytes, size_t len)
{
	size_t count = 0;

	for (size_t at = 0; at + 5 <= len;
	     at += 5 + ((size_t)bytes[at + 3] << 8 | bytes[at + 4]))
		count += bytes[at] == SSL3_RT_APPLICATION_DATA;
	return count;
}

static void
test_parts_are_gathered_into_full_records(void **state)
{
	static uint8_t payload[70000];
	static uint8_t raw[100000];
	static uint8_t got[sizeof(payload) + 32];
	struct iovec parts[] = {{"head", 4}, {payload, 65536}, {"", 0}, {"tail", 4}};
	struct iovec small[] = {{"a", 1}, {"bc", 2}, {"d", 1}};
	struct pair p;
	size_t n = 0;
	size_t len = 0;
	ssize_t len_raw;

	(void)state;
	for (size_t i = 0; i < sizeof(payload); i++)
		payload[i] = (uint8_t)(i * 7 + i / 256);
	pair_open(&p, NULL, TLS1_3_VERSION);
	pair_shake_hands(&p, 65536);
	assert_int_equal(p.transport.ops->writev(&p.transport, small, 3, &n), STREAM_OK);
	assert_int_equal(n, 4);
	len_raw = read(p.other, raw, sizeof(raw));
	assert_int_equal(count_records(raw, (size_t)len_raw), 1);
	BIO_write(p.to_client, raw, (int)len_raw);
	assert_int_equal(SSL_read(p.client, got, sizeof(got)), 4);
	assert_memory_equal(got, "abcd", 4);

	n = 0;
	assert_int_equal(p.transport.ops->writev(&p.transport, parts, 4, &n), STREAM_OK);
	assert_int_equal(n, 65544);
	len_raw = read(p.other, raw, sizeof(raw));
	assert_int_equal(count_records(raw, (size_t)len_raw), 5); /* 4 * 16384 and 8 */
	BIO_write(p.to_client, raw, (int)len_raw);
	while (len < n) {
		int r = SSL_read(p.client, got + len, (int)(sizeof(got) - len));

		assert_true(r > 0);
		len += (size_t)r;
	}
	assert_memory_equal(got, "head", 4);
	assert_memory_equal(got + 4, payload, 65536);
	assert_memory_equal(got + 4 + 65536, "tail", 4);
	pair_close(&p);
}

/* The socket is full in the middle of a record; what is written meanwhile is queued behind, and
 * moved in memory. */
/* RFC 6066, section 4: one record a call of SSL_write(), and an edge-triggered event comes only
 * behind AGAIN. */
static void
test_short_records_all_leave_in_one_write(void **state)
{
	static uint8_t payload[20000];
	struct pair p;
	size_t n;

	(void)state;
	pair_open(&p, NULL, TLS1_3_VERSION);
	assert_int_equal(
	    SSL_set_tlsext_max_fragment_length(p.client, TLSEXT_max_fragment_length_512), 1);
	pair_shake_hands(&p, 65536);
	assert_int_equal(pair_write(&p, payload, sizeof(payload), &n), STREAM_OK);
	assert_int_equal(n, sizeof(payload));
	pair_close(&p);
}

static void
test_a_record_that_was_stopped_goes_on(void **state)
{
	static uint8_t payload[1 << 20];
	static uint8_t got[1 << 20];
	struct pair p;
	size_t sent = 0;
	size_t len = 0;
	bool stopped = false;

	(void)state;
	for (size_t i = 0; i < sizeof(payload); i++)
		payload[i] = (uint8_t)(i * 13 + i / 251);
	pair_open(&p, NULL, TLS1_3_VERSION);
	pair_shake_hands(&p, 65536);
	while (len < sizeof(payload)) {
		size_t offered =
		    sizeof(payload) - sent < 100000 ? sizeof(payload) - sent : 100000;
		uint8_t *copy = malloc(offered ? offered : 1);
		size_t n = 0;
		int r;

		memcpy(copy, payload + sent, offered);
		if (offered > 0) {
			enum stream_result result = pair_write(&p, copy, offered, &n);

			stopped = stopped || result == STREAM_AGAIN;
			assert_true(result == STREAM_OK || result == STREAM_AGAIN);
			assert_false(p.transport.write_wants_read);
		}
		free(copy);
		sent += n;
		if (n > 0)
			continue;
		pair_to_client(&p);
		while ((r = SSL_read(p.client, got + len, (int)(sizeof(got) - len))) > 0)
			len += (size_t)r;
	}
	assert_true(stopped);
	assert_int_equal(len, sizeof(payload));
	assert_memory_equal(got, payload, sizeof(payload));
	pair_close(&p);
}

static void
test_close_notify_is_an_eof_and_goes_both_ways(void **state)
{
	struct pair p;
	char bytes[16];
	size_t n;

	(void)state;
	for (size_t v = 0; v < UTIL_LEN(versions); v++) {
		pair_open(&p, NULL, versions[v]);
		pair_shake_hands(&p, 65536);
		SSL_write(p.client, "last", 4);
		SSL_shutdown(p.client);
		pair_to_server(&p, 65536);
		/* The socket has nothing more to say, so the end must be announced. */
		assert_int_equal(pair_read(&p, bytes, sizeof(bytes), &n), STREAM_OK);
		assert_int_equal(n, 4);
		assert_true(p.transport.ops->pending(&p.transport));
		assert_int_equal(pair_read(&p, bytes, sizeof(bytes), &n), STREAM_EOF);
		assert_int_equal(pair_read(&p, bytes, sizeof(bytes), &n), STREAM_EOF);
		/* We may still write. */
		assert_int_equal(pair_write(&p, "answer", 6, &n), STREAM_OK);
		assert_true(p.transport.ops->shutdown(&p.transport));
		pair_to_client(&p);
		assert_int_equal(SSL_read(p.client, bytes, sizeof(bytes)), 6);
		assert_int_equal(SSL_read(p.client, bytes, sizeof(bytes)), 0);
		assert_int_equal(SSL_get_error(p.client, 0), SSL_ERROR_ZERO_RETURN);
		assert_int_equal(read(p.other, bytes, 1), 0);
		pair_close(&p);
	}
}

static void
test_an_end_without_close_notify_is_an_error(void **state)
{
	struct pair p;
	char bytes[16];
	size_t n;

	(void)state;
	for (size_t v = 0; v < UTIL_LEN(versions); v++) {
		for (size_t missing = 0; missing < 3; missing++) {
			size_t whole;

			pair_open(&p, NULL, versions[v]);
			pair_shake_hands(&p, 65536);
			SSL_write(p.client, "last", 4);
			whole = BIO_ctrl_pending(p.from_client);
			pair_to_server(&p, whole - missing);
			shutdown(p.other, SHUT_WR);
			if (missing == 0) {
				assert_int_equal(
				    pair_read(&p, bytes, sizeof(bytes), &n), STREAM_OK);
				assert_int_equal(n, 4);
			}
			assert_int_equal(
			    pair_read(&p, bytes, sizeof(bytes), &n), STREAM_FAILED);
			assert_int_equal(errno, ECONNRESET);
			assert_null(p.transport.ops->error(&p.transport));
			/* We may still write. */
			assert_int_equal(pair_write(&p, "answer", 6, &n), STREAM_OK);
			assert_true(p.transport.ops->shutdown(&p.transport));
			pair_to_client(&p);
			assert_int_equal(SSL_read(p.client, bytes, sizeof(bytes)), 6);
			assert_int_equal(SSL_read(p.client, bytes, sizeof(bytes)), 0);
			assert_int_equal(SSL_get_error(p.client, 0), SSL_ERROR_ZERO_RETURN);
			pair_close(&p);
		}
	}
}

static void
test_what_is_no_tls_is_an_error_with_words(void **state)
{
	struct pair p;
	char bytes[16];
	size_t n;

	(void)state;
	pair_open(&p, NULL, TLS1_3_VERSION);
	assert_int_equal(write(p.other, "\x80get / http/1.1\r\n\r\n", 19), 19);
	assert_int_equal(pair_read(&p, bytes, sizeof(bytes), &n), STREAM_FAILED);
	assert_string_equal(p.transport.ops->error(&p.transport), "TLS: wrong version number");
	assert_int_equal(pair_write(&p, "x", 1, &n), STREAM_FAILED);
	assert_true(p.transport.ops->shutdown(&p.transport));
	pair_close(&p);
}

static void
test_the_context_lives_as_long_as_its_streams(void **state)
{
	struct pair p;

	(void)state;
	pair_open(&p, NULL, TLS1_3_VERSION);
	tls_release(p.tls);
	p.tls = NULL;
	pair_shake_hands(&p, 1);
	pair_close(&p);
}

static void
test_the_client_is_known_by_its_certificate(void **state)
{
	struct pair p;
	struct stream_cert client;

	(void)state;
	assert_null(transport_socket.client_cert);
	for (size_t v = 0; v < UTIL_LEN(versions); v++) {
		pair_open(&p, "b.crt", versions[v]);
		pair_shake_hands(&p, 65536);
		client = (struct stream_cert){0};
		assert_true(p.transport.ops->client_cert(&p.transport, &client));
		/* Nothing in it can end a line or a variable. */
		assert_string_equal(client.subject, "CN=b.example,O=T\\C3\\A4st\\, \\0A");
		assert_string_equal(client.serial, "C0FFEE");
		stream_cert_clear(&client);
		pair_close(&p);

		pair_open(&p, NULL, versions[v]);
		pair_shake_hands(&p, 65536);
		client = (struct stream_cert){0};
		assert_true(p.transport.ops->client_cert(&p.transport, &client));
		assert_null(client.subject);
		assert_null(client.serial);
		pair_close(&p);
	}
}

static struct tls *
make_shared(const struct tls_ticket_keys *tickets)
{
	char *certificate = "a.crt";
	char *key = "a.key";
	struct tls_settings settings = {
	    .certificates = &certificate, .keys = &key, .count = 1, .tickets = tickets};
	const char *error;
	struct tls *tls = tls_new(&settings, &error);

	assert_non_null(tls);
	return tls;
}

/* A handshake in memory; *SESSION, which is replaced, is what the client tries to resume.
 * Whether it did. */
static bool
resumes(struct tls *tls, SSL_CTX *context, SSL_SESSION **session)
{
	SSL *server = tls_connection(tls);
	SSL *client = SSL_new(context);
	char byte;
	BIO *ends[2];
	bool resumed;

	assert_int_equal(BIO_new_bio_pair(&ends[0], 0, &ends[1], 0), 1);
	SSL_set_bio(server, ends[0], ends[0]);
	SSL_set_bio(client, ends[1], ends[1]);
	SSL_set_connect_state(client);
	if (*session)
		SSL_set_session(client, *session);
	for (int i = 0; i < 4; i++) {
		(void)SSL_do_handshake(client);
		(void)SSL_do_handshake(server);
	}
	assert_int_equal(SSL_write(server, "x", 1), 1);
	assert_int_equal(SSL_read(client, &byte, 1), 1);
	resumed = SSL_session_reused(client);
	SSL_SESSION_free(*session);
	*session = SSL_get1_session(client);
	/* Otherwise it would be marked as not resumable. */
	SSL_set_shutdown(client, SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
	SSL_free(client);
	SSL_free(server);
	return resumed;
}

static void
test_ticket_keys_are_renewed_by_time(void **state)
{
	(void)state;
	for (size_t v = 0; v < UTIL_LEN(versions); v++) {
		struct tls *one = make_shared(NULL);
		struct tls *other = make_shared(NULL);
		SSL_CTX *context = SSL_CTX_new(TLS_client_method());
		SSL_SESSION *session = NULL;

		SSL_CTX_set_max_proto_version(context, versions[v]);
		passed_ms = 0;
		assert_false(resumes(one, context, &session));
		assert_true(resumes(one, context, &session));
		assert_false(resumes(other, context, &session));
		assert_false(resumes(one, context, &session));
		passed_ms = TLS_TICKET_RENEW_MS - 1000;
		assert_true(resumes(one, context, &session));
		passed_ms = TLS_TICKET_RENEW_MS + 1000;
		assert_false(resumes(one, context, &session));
		assert_true(resumes(one, context, &session));
		passed_ms = 0;
		SSL_SESSION_free(session);
		SSL_CTX_free(context);
		tls_release(one);
		tls_release(other);
	}
}

/* The processes of one server accept the tickets of one another. */
static void
test_processes_share_ticket_keys(void **state)
{
	struct tls_ticket_keys keys = {0};
	SSL_CTX *context = SSL_CTX_new(TLS_client_method());
	SSL_SESSION *session = NULL;
	struct tls *one, *other, *next;

	(void)state;
	passed_ms = 0;
	assert_true(tls_ticket_renew(&keys));
	one = make_shared(&keys);
	other = make_shared(&keys);
	assert_false(resumes(one, context, &session));
	assert_true(resumes(other, context, &session));
	/* They follow when the keys are renewed. */
	passed_ms = TLS_TICKET_RENEW_MS + 1000;
	assert_true(keys.due_ms <= util_clock_ms());
	assert_true(resumes(other, context, &session)); /* the one who renews them is late */
	assert_true(tls_ticket_renew(&keys));
	assert_true(keys.due_ms > util_clock_ms());
	assert_false(resumes(one, context, &session));
	assert_true(resumes(other, context, &session));
	/* A ticket from before a reload is of no use after it, whatever its keys. */
	keys.reloads++;
	next = make_shared(&keys);
	assert_false(resumes(next, context, &session));
	assert_false(resumes(one, context, &session));
	assert_true(resumes(other, context, &session));
	passed_ms = 0;
	SSL_SESSION_free(session);
	SSL_CTX_free(context);
	tls_release(one);
	tls_release(other);
	tls_release(next);
}

static void
test_ticket_keys_that_are_being_written_are_not_read(void **state)
{
	struct tls_ticket_keys keys = {0};
	unsigned char bytes[TLS_TICKET_BYTES];
	unsigned char later[TLS_TICKET_BYTES];
	uint32_t version;

	(void)state;
	assert_true(tls_ticket_renew(&keys));
	assert_true(tls_ticket_read(&keys, bytes, &version));
	keys.version++;
	assert_false(tls_ticket_read(&keys, later, &version));
	/* Also when who wrote them has died. */
	assert_true(tls_ticket_renew(&keys));
	assert_true(tls_ticket_read(&keys, later, &version));
	assert_memory_not_equal(bytes, later, sizeof(bytes));
}

/* A stream in the loop: what its owner reads, CAPACITY bytes at a time. */
struct owner {
	struct loop *loop;
	struct stream *io;
	size_t capacity;
	uint8_t bytes[65536];
	size_t len;
	enum stream_result last;
	bool pause_after_one;
};

static void
on_readable(void *arg)
{
	struct owner *o = arg;
	size_t n;

	o->last = stream_read(o->io, o->bytes + o->len, o->capacity, &n);
	o->len += n;
	if (o->pause_after_one || o->last == STREAM_EOF || o->last == STREAM_FAILED)
		stream_set_reading(o->io, false);
}

static void
on_written(void *arg)
{
	(void)arg;
}

static void
on_gone(void *arg, enum stream_gone reason)
{
	(void)arg;
	(void)reason;
}

static const struct stream_handlers handlers = {on_readable, on_written, on_gone};

static void
owner_open(struct owner *o, struct pair *p)
{
	memset(o, 0, sizeof(*o));
	o->loop = loop_new();
	o->io = io_socket_new_take(o->loop, p->transport, NULL, NULL, &handlers, o);
	assert_non_null(o->io);
	p->transport = (struct transport){0};
}

static void
owner_turn(struct owner *o, int times)
{
	while (times-- > 0)
		event_base_loop(o->loop->base, EVLOOP_ONCE | EVLOOP_NONBLOCK);
}

static void
owner_close(struct owner *o)
{
	stream_free(o->io);
	loop_free(o->loop);
}

static void
test_a_stream_reads_on_without_an_event_of_the_socket(void **state)
{
	struct pair p;
	struct owner o;

	(void)state;
	for (int paused = 0; paused <= 1; paused++) {
		pair_open(&p, NULL, TLS1_3_VERSION);
		pair_shake_hands(&p, 65536);
		owner_open(&o, &p);
		o.capacity = 3;
		o.pause_after_one = paused;
		stream_set_reading(o.io, true);
		SSL_write(p.client, "abcdefghij", 10);
		SSL_shutdown(p.client);
		pair_to_server(&p, 65536);
		owner_turn(&o, 10);
		if (paused) {
			for (size_t expected = 3; expected < 10; expected += 3) {
				assert_int_equal(o.len, expected);
				owner_turn(&o, 3);
				assert_int_equal(o.len, expected);
				stream_set_reading(o.io, true);
				owner_turn(&o, 3);
			}
			stream_set_reading(o.io, true);
			owner_turn(&o, 3);
		}
		assert_int_equal(o.len, 10);
		assert_memory_equal(o.bytes, "abcdefghij", 10);
		assert_int_equal(o.last, STREAM_EOF);
		owner_close(&o);
		pair_close(&p);
	}
}

/* Writing within the handler changes the events, which takes back what was made active. */
static void
test_a_queue_does_not_swallow_what_is_pending(void **state)
{
	static uint8_t block[1 << 20];
	struct pair p;
	struct owner o;

	(void)state;
	pair_open(&p, NULL, TLS1_3_VERSION);
	pair_shake_hands(&p, 65536);
	owner_open(&o, &p);
	o.capacity = 3;
	o.pause_after_one = true;
	stream_set_reading(o.io, true);
	SSL_write(p.client, "abcdefghij", 10);
	pair_to_server(&p, 65536);
	owner_turn(&o, 2);
	assert_int_equal(o.len, 3);
	o.pause_after_one = false;
	stream_set_reading(o.io, true);
	assert_true(stream_write(o.io, block, sizeof(block)));
	assert_true(stream_queued(o.io) > 0);
	owner_turn(&o, 5);
	assert_int_equal(o.len, 10);
	owner_close(&o);
	pair_close(&p);
}

/* The queue leaves also while nothing is read, and close_notify behind it. */
static void
test_a_paused_stream_writes_and_ends(void **state)
{
	static uint8_t block[1 << 20];
	static uint8_t got[1 << 16];
	struct pair p;
	struct owner o;
	size_t len = 0;

	(void)state;
	pair_open(&p, NULL, TLS1_3_VERSION);
	pair_shake_hands(&p, 65536);
	owner_open(&o, &p);
	stream_set_reading(o.io, true);
	stream_set_reading(o.io, false);
	assert_true(stream_write(o.io, block, sizeof(block)));
	stream_shutdown(o.io);
	for (int i = 0; i < 1000; i++) {
		int r;

		owner_turn(&o, 1);
		pair_to_client(&p);
		while ((r = SSL_read(p.client, got, sizeof(got))) > 0)
			len += (size_t)r;
		if (SSL_get_error(p.client, r) == SSL_ERROR_ZERO_RETURN)
			break;
	}
	assert_int_equal(len, sizeof(block));
	assert_int_equal(SSL_get_shutdown(p.client), SSL_RECEIVED_SHUTDOWN);
	owner_close(&o);
	pair_close(&p);
}

/* The client asks COUNT times for new keys, with UPDATE, and sends a byte. */
static void
ask_for_keys(struct pair *p, int count, int update)
{
	for (int i = 0; i < count; i++) {
		assert_int_equal(SSL_key_update(p->client, update), 1);
		assert_int_equal(SSL_do_handshake(p->client), 1);
	}
	assert_int_equal(SSL_write(p->client, "x", 1), 1);
	while (pair_to_server(p, 65536) > 0)
		continue;
}

static void
test_records_without_data_are_few(void **state)
{
	static const int updates[] = {SSL_KEY_UPDATE_NOT_REQUESTED, SSL_KEY_UPDATE_REQUESTED};
	enum stream_result result;
	struct pair p;
	char bytes[16];
	size_t n;

	(void)state;
	for (size_t i = 0; i < UTIL_LEN(updates); i++) {
		pair_open(&p, NULL, TLS1_3_VERSION);
		pair_shake_hands(&p, 65536);
		/* As many as may be, second by second. */
		for (int second = 0; second < 3; second++) {
			ask_for_keys(&p, TLS_STREAM_CONTROL_MAX, updates[i]);
			assert_int_equal(pair_read(&p, bytes, sizeof(bytes), &n), STREAM_OK);
			assert_int_equal(n, 1);
			assert_int_equal(pair_write(&p, "yes", 3, &n), STREAM_OK);
			pair_to_client(&p);
			assert_int_equal(SSL_read(p.client, bytes, sizeof(bytes)), 3);
			passed_ms += 1001;
		}
		ask_for_keys(&p, TLS_STREAM_CONTROL_MAX + 1, updates[i]);
		result = pair_read(&p, bytes, sizeof(bytes), &n);
		if (result == STREAM_OK) /* the byte behind them */
			result = pair_read(&p, bytes, sizeof(bytes), &n);
		assert_int_equal(result, STREAM_FAILED);
		assert_string_equal(p.transport.ops->error(&p.transport),
		    "too many TLS messages without data, such as KeyUpdate");
		pair_close(&p);
	}
	passed_ms = 0;
}

/* It may send them all at once, and the answers are not read. */
static void
test_a_flood_of_records_without_data_ends_in_bounded_steps(void **state)
{
	struct pair p;
	char bytes[16];
	size_t n;
	int reads = 0;

	(void)state;
	pair_open(&p, NULL, TLS1_3_VERSION);
	pair_shake_hands(&p, 65536);
	for (int i = 0; i < 2000; i++) {
		assert_int_equal(SSL_key_update(p.client, SSL_KEY_UPDATE_REQUESTED), 1);
		assert_int_equal(SSL_do_handshake(p.client), 1);
	}
	assert_true(pair_to_server(&p, 65536) > 32 * 1024);
	while (pair_read(&p, bytes, sizeof(bytes), &n) == STREAM_AGAIN)
		assert_true(++reads < 3);
	assert_string_equal(p.transport.ops->error(&p.transport),
	    "too many TLS messages without data, such as KeyUpdate");
	pair_close(&p);
}

static void
test_a_client_that_asks_for_renegotiation_again_and_again_is_left(void **state)
{
	enum stream_result result;
	struct pair p;
	char bytes[16];
	size_t n;
	int tries = 0;

	(void)state;
	pair_open(&p, NULL, TLS1_2_VERSION);
	pair_shake_hands(&p, 65536);
	do {
		assert_true(++tries < 200);
		SSL_renegotiate(p.client);
		(void)SSL_do_handshake(p.client);
		ERR_clear_error();
		if (pair_to_server(&p, 65536) == 0)
			break; /* the client itself gives up at our alert */
		result = pair_read(&p, bytes, sizeof(bytes), &n);
		pair_to_client(&p);
	} while (result == STREAM_AGAIN);
	pair_close(&p);
}

static void
test_a_read_takes_so_many_records_and_no_more(void **state)
{
	static uint8_t bytes[4096];
	struct pair p;
	size_t n, all = 0;
	int reads = 0;

	(void)state;
	pair_open(&p, NULL, TLS1_3_VERSION);
	pair_shake_hands(&p, 65536);
	for (int i = 0; i < 2000; i++)
		assert_int_equal(SSL_write(p.client, "x", 1), 1);
	while (pair_to_server(&p, 65536) > 0)
		continue;
	while (pair_read(&p, bytes, sizeof(bytes), &n) == STREAM_OK) {
		assert_in_range(n, 1, TLS_STREAM_RECORDS_MAX);
		all += n;
		reads++;
	}
	assert_int_equal(all, 2000);
	assert_true(reads >= 2000 / TLS_STREAM_RECORDS_MAX);
	pair_close(&p);
}

/* A client that sends nothing costs no more than that; one that sends plain text is heard. */
static void
test_the_first_byte_decides(void **state)
{
	static const char *const plain[] = {"GET / HTTP/1.1\r\n", "OPTIONS", "\r\n\r\n"};
	struct pair p;
	char bytes[64];
	size_t n;

	(void)state;
	pair_open(&p, NULL, TLS1_3_VERSION);
	assert_int_equal(pair_read(&p, bytes, sizeof(bytes), &n), STREAM_AGAIN);
	assert_true(p.transport.ops->shutdown(&p.transport));
	close(p.other);
	p.other = -1;
	assert_int_equal(pair_read(&p, bytes, sizeof(bytes), &n), STREAM_EOF);
	assert_int_equal(pair_write(&p, "x", 1, &n), STREAM_FAILED);
	pair_close(&p);

	for (size_t i = 0; i < UTIL_LEN(plain); i++) {
		pair_open(&p, NULL, TLS1_3_VERSION);
		assert_int_equal(write(p.other, plain[i], strlen(plain[i])), strlen(plain[i]));
		assert_int_equal(pair_read(&p, bytes, sizeof(bytes), &n), STREAM_OK);
		assert_int_equal(n, strlen(plain[i]));
		assert_memory_equal(bytes, plain[i], n);
		assert_true(p.transport.plain_text);
		assert_int_equal(pair_write(&p, "no", 2, &n), STREAM_OK);
		assert_int_equal(read(p.other, bytes, sizeof(bytes)), 2);
		pair_close(&p);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_files_that_are_wrong_are_told_in_words),
	    cmocka_unit_test(test_a_key_that_others_can_read_is_reported),
	    cmocka_unit_test(test_certificates_that_are_not_valid_now_are_reported),
	    cmocka_unit_test(test_bytes_arrive_however_the_socket_cuts_them),
	    cmocka_unit_test(test_what_stays_within_openssl_is_pending),
	    cmocka_unit_test(test_parts_are_gathered_into_full_records),
	    cmocka_unit_test(test_short_records_all_leave_in_one_write),
	    cmocka_unit_test(test_a_record_that_was_stopped_goes_on),
	    cmocka_unit_test(test_close_notify_is_an_eof_and_goes_both_ways),
	    cmocka_unit_test(test_an_end_without_close_notify_is_an_error),
	    cmocka_unit_test(test_what_is_no_tls_is_an_error_with_words),
	    cmocka_unit_test(test_the_context_lives_as_long_as_its_streams),
	    cmocka_unit_test(test_the_client_is_known_by_its_certificate),
	    cmocka_unit_test(test_ticket_keys_are_renewed_by_time),
	    cmocka_unit_test(test_processes_share_ticket_keys),
	    cmocka_unit_test(test_ticket_keys_that_are_being_written_are_not_read),
	    cmocka_unit_test(test_a_stream_reads_on_without_an_event_of_the_socket),
	    cmocka_unit_test(test_a_queue_does_not_swallow_what_is_pending),
	    cmocka_unit_test(test_a_paused_stream_writes_and_ends),
	    cmocka_unit_test(test_the_first_byte_decides),
	    cmocka_unit_test(test_records_without_data_are_few),
	    cmocka_unit_test(test_a_flood_of_records_without_data_ends_in_bounded_steps),
	    cmocka_unit_test(test_a_client_that_asks_for_renegotiation_again_and_again_is_left),
	    cmocka_unit_test(test_a_read_takes_so_many_records_and_no_more),
	};

	signal(SIGPIPE, SIG_IGN);
	return cmocka_run_group_tests_name("tls", tests, set_up, tear_down);
}
