/* SPDX-License-Identifier: BSD-2-Clause */
/* TLS as a transport. */
#include "net/tls_stream.h"

#include "base/util.h"

#include <errno.h>
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { TLS_RECORD = SSL3_RT_MAX_PLAIN_LENGTH };

struct tls_stream {
	SSL *ssl; /* owned; NULL until the first byte arrives */
	struct tls *tls; /* a reference; NULL: client side */
	bool more; /* the last read left data pending */
	bool established; /* the handshake is complete */
	bool flooded; /* the peer sent too many control messages */
	bool cut; /* FIN without close_notify: writable, but not readable */
	uint16_t records; /* records in this read */
	uint16_t controls; /* control messages in the second that began at CONTROLS_MS */
	int64_t controls_ms;
	/* OK, or how reading or writing ended permanently; OpenSSL's calls must not be repeated
	 * then. */
	enum stream_result end;
	int end_errno;
	/* OpenSSL error code of a protocol ERROR; 0: the connection broke. */
	unsigned long code;
};

/* Clears old errors, because OpenSSL derives the result of a call from its error queue and
 * errno. */
static void
tls_stream_clear_errors(void)
{
	ERR_clear_error();
	errno = 0;
}

static enum stream_result
tls_stream_end(struct tls_stream *s, enum stream_result end, int error)
{
	s->end = end;
	s->end_errno = error;
	return end;
}

/*
 * Translates the result of a failed call. OPPOSITE is the want against the call's own
 * direction; *WANTED is set if the call waits for that.
 */
static enum stream_result
tls_stream_result(struct tls_stream *s, int opposite, bool *wanted)
{
	int saved = errno;
	int error = SSL_get_error(s->ssl, 0);

	switch (error) {
	case SSL_ERROR_WANT_READ:
	case SSL_ERROR_WANT_WRITE:
		*wanted = error == opposite;
		return STREAM_AGAIN;
	case SSL_ERROR_ZERO_RETURN:
		/* SSL_OP_IGNORE_UNEXPECTED_EOF makes a FIN look like a close_notify, but the
		 * socket knows. */
		s->cut = BIO_eof(SSL_get_rbio(s->ssl));
		if (s->cut)
			return tls_stream_end(s, STREAM_FAILED, ECONNRESET);
		return tls_stream_end(s, STREAM_EOF, 0);
	case SSL_ERROR_SSL:
		s->code = ERR_get_error();
		ERR_clear_error();
		return tls_stream_end(s, STREAM_FAILED, EPROTO);
	default:
		return tls_stream_end(s, STREAM_FAILED, saved != 0 ? saved : ECONNRESET);
	}
}

static enum stream_result
tls_stream_ended(const struct tls_stream *s)
{
	errno = s->end_errno;
	return s->end;
}

/*
 * Called by OpenSSL for each record header and message, even within one SSL_read(): that call
 * may consume any number of records without data.
 */
static void
tls_stream_on_message(
    int writing, int version, int type, const void *bytes, size_t len, SSL *ssl, void *arg)
{
	struct tls_stream *s = arg;
	int64_t now;

	(void)version;
	(void)bytes;
	(void)len;
	(void)ssl;
	if (writing)
		return;
	if (type == SSL3_RT_HEADER && s->records < UINT16_MAX)
		s->records++;
	if (!s->established || (type != SSL3_RT_HANDSHAKE && type != SSL3_RT_ALERT))
		return;
	now = util_clock_ms();
	if (now - s->controls_ms >= 1000) {
		s->controls_ms = now;
		s->controls = 0;
	}
	if (s->controls++ == TLS_STREAM_CONTROL_MAX)
		s->flooded = true;
}

/* Attaches an OpenSSL connection, which may be NULL, to the socket. Returns false if memory
 * runs out. */
static bool
tls_stream_attach(struct tls_stream *s, int fd)
{
	if (!s->ssl || SSL_set_fd(s->ssl, fd) != 1) {
		ERR_clear_error();
		return false;
	}
	SSL_set_msg_callback(s->ssl, tls_stream_on_message);
	SSL_set_msg_callback_arg(s->ssl, s);
	return true;
}

/* Turns the transport into a plain socket. */
static void
tls_stream_strip(struct transport *t)
{
	struct tls_stream *s = t->state;

	t->ops = &transport_socket;
	t->state = NULL;
	SSL_free(s->ssl);
	tls_release(s->tls);
	free(s);
}

/* Peeks at the first byte and prepares for TLS or plain text. OK: the stream can be read. */
static enum stream_result
tls_stream_begin(struct transport *t)
{
	struct tls_stream *s = t->state;
	unsigned char first;
	ssize_t n;

	do {
		n = recv(t->fd, &first, 1, MSG_PEEK);
	} while (n == -1 && errno == EINTR);
	if (n == -1)
		return errno == EAGAIN || errno == EWOULDBLOCK ? STREAM_AGAIN : STREAM_FAILED;
	if (n == 0)
		return STREAM_EOF;
	/* An HTTP method, or the signature of the PROXY protocol. A TLS record begins with a
	 * control byte. */
	if ((first >= 'A' && first <= 'Z') || first == '\r') {
		tls_stream_strip(t);
		t->plain_text = true;
		return STREAM_OK;
	}
	s->ssl = tls_connection(s->tls);
	if (!tls_stream_attach(s, t->fd))
		return tls_stream_end(s, STREAM_FAILED, ENOMEM);
	return STREAM_OK;
}

/* Reads while there is room and OpenSSL has data, which no event of the socket announces; but a
 * limited number of records, so that others get their turn. */
static enum stream_result
tls_stream_read(struct transport *t, void *bytes, size_t capacity, size_t *n)
{
	struct tls_stream *s = t->state;
	enum stream_result result = STREAM_OK;

	t->read_wants_write = false;
	s->more = false;
	s->records = 0;
	if (s->end != STREAM_OK)
		return tls_stream_ended(s);
	if (!s->ssl) {
		result = tls_stream_begin(t);
		if (result != STREAM_OK)
			return result;
		if (t->ops != &transport_tls)
			return t->ops->read(t, bytes, capacity, n);
	}
	do {
		size_t got = 0;

		if (*n == capacity || s->records >= TLS_STREAM_RECORDS_MAX) {
			s->more = true;
			break;
		}
		tls_stream_clear_errors();
		if (SSL_read_ex(s->ssl, (uint8_t *)bytes + *n, capacity - *n, &got) == 1)
			*n += got;
		else
			result =
			    tls_stream_result(s, SSL_ERROR_WANT_WRITE, &t->read_wants_write);
		if (s->flooded)
			result = tls_stream_end(s, STREAM_FAILED, EPROTO);
	} while (result == STREAM_OK && SSL_has_pending(s->ssl));
	if (!s->established)
		s->established = SSL_is_init_finished(s->ssl);
	/* The next read reports an end after data: see tls_stream_pending(). */
	if (*n > 0)
		return STREAM_OK;
	return s->end != STREAM_OK ? tls_stream_ended(s) : result;
}

static bool
tls_stream_pending(const struct transport *t)
{
	const struct tls_stream *s = t->state;

	return s->more || s->end != STREAM_OK;
}

/*
 * Returns the bytes of the next record, at most TLS_RECORD, after the first SKIP bytes: in
 * place if contiguous, else assembled. *LEN is 0 at the end. After an AGAIN the same bytes are
 * passed again, perhaps with more of them and at another address, which
 * SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER allows.
 */
static const uint8_t *
tls_stream_next(const struct iovec *parts, int count, size_t skip, size_t *len)
{
	/* Shared by all streams: OpenSSL has encrypted what it accepted when it returns. */
	static uint8_t record[TLS_RECORD];

	*len = 0;
	for (int i = 0; i < count && *len < TLS_RECORD; i++) {
		size_t skipped = skip < parts[i].iov_len ? skip : parts[i].iov_len;
		const uint8_t *data = (const uint8_t *)parts[i].iov_base + skipped;
		size_t left = parts[i].iov_len - skipped;
		size_t room = TLS_RECORD - *len;

		skip -= skipped;
		if (*len == 0 && left > 0 && (left >= room || i == count - 1)) {
			*len = left < room ? left : room;
			return data;
		}
		if (left > 0)
			memcpy(record + *len, data, left < room ? left : room);
		*len += left < room ? left : room;
	}
	return record;
}

static enum stream_result
tls_stream_writev(struct transport *t, const struct iovec *parts, int count, size_t *n)
{
	struct tls_stream *s = t->state;
	const uint8_t *bytes;
	size_t len;

	t->write_wants_read = false;
	if (!s->ssl)
		return tls_stream_end(s, STREAM_FAILED, EPROTO);
	if (s->end == STREAM_FAILED && !s->cut)
		return tls_stream_ended(s);
	/* Write until AGAIN, because an edge-triggered event only comes after that: for a
	 * client that requested short records (RFC 6066, section 4), each call writes one. */
	while (bytes = tls_stream_next(parts, count, *n, &len), len > 0) {
		enum stream_result result;
		size_t put;

		tls_stream_clear_errors();
		if (SSL_write_ex(s->ssl, bytes, len, &put) != 1) {
			result =
			    tls_stream_result(s, SSL_ERROR_WANT_READ, &t->write_wants_read);
			/* The next write reports an error after data. */
			return *n > 0 ? STREAM_OK : result;
		}
		*n += put;
	}
	return STREAM_OK;
}

/* Sends close_notify, then a FIN. */
static bool
tls_stream_shutdown(struct transport *t)
{
	struct tls_stream *s = t->state;
	bool ignored;

	if ((s->end != STREAM_FAILED || s->cut) && s->ssl && SSL_is_init_finished(s->ssl)) {
		tls_stream_clear_errors();
		/* 0: our close_notify was sent; do not wait for the peer's. */
		if (SSL_shutdown(s->ssl) < 0 &&
		    tls_stream_result(s, SSL_ERROR_WANT_READ, &ignored) == STREAM_AGAIN)
			return false;
	}
	shutdown(t->fd, SHUT_WR);
	return true;
}

static void
tls_stream_close(struct transport *t)
{
	tls_stream_strip(t);
	t->ops->close(t);
}

/* Returns OpenSSL's error text, or a better one for errors that users of a server encounter. */
static const char *
tls_stream_reason(const struct tls_stream *s)
{
	static const struct {
		int reason;
		const char *text;
	} rows[] = {
	    {SSL_R_UNSUPPORTED_PROTOCOL, "the client does not support TLS 1.2 or later"},
	    {SSL_R_NO_SHARED_CIPHER, "no cipher suite in common with the client"},
	    {SSL_R_PEER_DID_NOT_RETURN_A_CERTIFICATE,
		"the client sent no certificate, which --sslca requires"},
	    {SSL_R_TLSV1_ALERT_UNKNOWN_CA,
		"the client does not trust the CA of the server certificate"},
	    {SSL_R_SSLV3_ALERT_CERTIFICATE_UNKNOWN,
		"the client rejects the server certificate"},
	    {SSL_R_SSLV3_ALERT_BAD_CERTIFICATE, "the client rejects the server certificate"},
	    {SSL_R_SSLV3_ALERT_CERTIFICATE_EXPIRED,
		"the client rejects the server certificate: expired"},
	};
	const char *text = ERR_reason_error_string(s->code);

	for (size_t i = 0; i < UTIL_LEN(rows) && s->tls && ERR_GET_LIB(s->code) == ERR_LIB_SSL;
	     i++) {
		if (ERR_GET_REASON(s->code) == rows[i].reason)
			return rows[i].text;
	}
	return text ? text : "unknown error";
}

static const char *
tls_stream_error(const struct transport *t)
{
	static char words[256];
	const struct tls_stream *s = t->state;
	const char *name;
	const char *reason;
	long verified;

	if (s->flooded)
		return "too many TLS messages without data, such as KeyUpdate";
	if (s->code == 0)
		return NULL;
	reason = tls_stream_reason(s);
	if (s->established)
		return reason;
	name = SSL_get_servername(s->ssl, TLSEXT_NAMETYPE_host_name);
	/* Only the server name callback can fail. */
	if (s->tls && ERR_GET_REASON(s->code) == SSL_R_CALLBACK_FAILED) {
		snprintf(words, sizeof(words), "TLS: %s%s",
		    name ? "no certificate for the server name "
			 : "the client sent no server name",
		    name ? name : "");
		return words;
	}
	verified = SSL_get_verify_result(s->ssl);
	snprintf(words, sizeof(words), "TLS: %s%s%s", reason, verified != X509_V_OK ? ": " : "",
	    verified != X509_V_OK ? X509_verify_cert_error_string(verified) : "");
	return words;
}

/* Formats a name. The text contains only printable ASCII: RFC 2253, section 2.4, escapes all
 * other bytes. */
static char *
tls_stream_cert_name(const X509_NAME *name)
{
	BIO *memory = BIO_new(BIO_s_mem());
	char *text = NULL;
	char *data;
	long len;

	if (memory && X509_NAME_print_ex(memory, name, 0, XN_FLAG_RFC2253) >= 0) {
		len = BIO_get_mem_data(memory, &data);
		text = strndup(len > 0 ? data : "", (size_t)len);
	}
	BIO_free(memory);
	return text;
}

static char *
tls_stream_cert_serial(const ASN1_INTEGER *serial)
{
	BIGNUM *number = ASN1_INTEGER_to_BN(serial, NULL);
	char *hex = number ? BN_bn2hex(number) : NULL;
	char *text = hex ? strdup(hex) : NULL;

	OPENSSL_free(hex);
	BN_free(number);
	return text;
}

static bool
tls_stream_client_cert(const struct transport *transport, struct stream_cert *out)
{
	struct tls_stream *s = transport->state;
	X509 *certificate = NULL;
	bool ok;

	if (s && s->ssl && SSL_get_verify_result(s->ssl) == X509_V_OK)
		certificate = SSL_get1_peer_certificate(s->ssl);
	if (!certificate)
		return true;
	out->subject = tls_stream_cert_name(X509_get_subject_name(certificate));
	out->serial = tls_stream_cert_serial(X509_get0_serialNumber(certificate));
	X509_free(certificate);
	ERR_clear_error();
	ok = out->subject && out->serial;
	if (!ok)
		stream_cert_clear(out);
	return ok;
}

const struct transport_ops transport_tls = {
    .read = tls_stream_read,
    .writev = tls_stream_writev,
    .shutdown = tls_stream_shutdown,
    .close = tls_stream_close,
    .pending = tls_stream_pending,
    .error = tls_stream_error,
    .client_cert = tls_stream_client_cert,
    .secure = true,
};

bool
tls_stream_open(struct tls *tls, int fd, struct transport *out)
{
	struct tls_stream *s = calloc(1, sizeof(*s));

	if (!s) {
		close(fd);
		return false;
	}
	*out = (struct transport){.ops = &transport_tls, .state = s, .fd = fd};
	s->tls = tls_hold(tls);
	return true;
}

bool
tls_stream_open_take(struct ssl_st *ssl, int fd, struct transport *out)
{
	struct tls_stream *s = calloc(1, sizeof(*s));

	if (s)
		s->ssl = ssl;
	if (!s || !tls_stream_attach(s, fd)) {
		SSL_free(ssl);
		free(s);
		close(fd);
		return false;
	}
	*out = (struct transport){.ops = &transport_tls, .state = s, .fd = fd};
	return true;
}
