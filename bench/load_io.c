/* SPDX-License-Identifier: BSD-2-Clause */
/* The bytes of a connection, plain or in TLS 1.3. */
#include "load.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

static SSL_CTX *
tls_context(void)
{
	static SSL_CTX *context;

	if (context)
		return context;
	context = SSL_CTX_new(TLS_client_method());
	if (!context || SSL_CTX_set_min_proto_version(context, TLS1_3_VERSION) != 1 ||
	    SSL_CTX_load_verify_locations(context, load_settings.certificate, NULL) != 1)
		load_fail("the certificate can't be loaded");
	SSL_CTX_set_verify(context, SSL_VERIFY_PEER, NULL);
	SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF); /* no resumption */
	SSL_CTX_set_mode(
	    context, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
	SSL_CTX_set_options(context, SSL_OP_IGNORE_UNEXPECTED_EOF);
	SSL_CTX_set_read_ahead(context, 1);
	return context;
}

void
io_open(struct connection *c)
{
	struct sockaddr_in address = {.sin_family = AF_INET,
	    .sin_port = htons((uint16_t)load_settings.port),
	    .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	struct timeval deadline = {.tv_sec = LOAD_WAIT_S};
	int on = 1;

	c->fd = socket(AF_INET, SOCK_STREAM, 0);
	if (c->fd == -1 || setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on)) == -1 ||
	    setsockopt(c->fd, SOL_SOCKET, SO_RCVTIMEO, &deadline, sizeof(deadline)) == -1 ||
	    setsockopt(c->fd, SOL_SOCKET, SO_SNDTIMEO, &deadline, sizeof(deadline)) == -1 ||
	    connect(c->fd, (struct sockaddr *)&address, sizeof(address)) == -1)
		load_die("connect");
	if (load_settings.certificate) {
		c->ssl = SSL_new(tls_context());
		if (!c->ssl || SSL_set_fd(c->ssl, c->fd) != 1 || SSL_connect(c->ssl) != 1) {
			ERR_print_errors_fp(stderr);
			load_fail("the TLS handshake failed");
		}
	}
	if (load_settings.get_first)
		http_get(c);
	if (load_settings.ws)
		ws_handshake(c);
}

void
io_unblock(struct connection *c)
{
	if (fcntl(c->fd, F_SETFL, O_NONBLOCK) == -1)
		load_die("fcntl");
}

/* What a return value of OpenSSL means in those of io_read() and io_write(). */
static ssize_t
tls_result(struct connection *c, int result)
{
	if (result > 0)
		return result;
	switch (SSL_get_error(c->ssl, result)) {
	case SSL_ERROR_ZERO_RETURN:
		return 0;
	case SSL_ERROR_WANT_READ:
	case SSL_ERROR_WANT_WRITE:
		return -1;
	default:
		ERR_print_errors_fp(stderr);
		load_die("TLS");
	}
}

ssize_t
io_read(struct connection *c, void *bytes, size_t len)
{
	ssize_t n;

	if (c->early_len > 0) {
		n = (ssize_t)c->early_len;
		memcpy(bytes, c->early, c->early_len);
		free(c->early);
		c->early = NULL;
		c->early_len = 0;
		return n;
	}
	if (c->ssl) {
		ERR_clear_error();
		return tls_result(c, SSL_read(c->ssl, bytes, (int)len));
	}
	n = read(c->fd, bytes, len);
	if (n == -1 && errno != EAGAIN)
		load_die("read");
	return n;
}

ssize_t
io_write(struct connection *c, const void *bytes, size_t len)
{
	ssize_t n;

	if (c->ssl) {
		ERR_clear_error();
		return tls_result(c, SSL_write(c->ssl, bytes, (int)len));
	}
	n = send(c->fd, bytes, len, MSG_NOSIGNAL);
	if (n == -1 && errno != EAGAIN)
		load_die("write");
	return n;
}

void
io_close(struct connection *c)
{
	SSL_free(c->ssl);
	close(c->fd);
	free(c->early);
	free(c->queue);
	*c = (struct connection){.fd = -1};
}

bool
io_receive(struct connection *c)
{
	static uint8_t block[LOAD_BATCH];
	ssize_t n = io_read(c, block, sizeof(block));

	if (n == -1)
		return false;
	if (n == 0)
		load_fail("the connection ended too early: could the program not start?");
	if (load_settings.ws)
		ws_receive(c, block, (size_t)n);
	else
		load_on_payload(c, block, (size_t)n);
	return true;
}
