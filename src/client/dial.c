/* SPDX-License-Identifier: BSD-2-Clause */
/* Opens a WebSocket. */
#include "client/dial.h"

#include "client/proxy.h"
#include "http/body.h"
#include "net/io_socket.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/evp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

enum dial_state {
	DIAL_CONNECTING,
	DIAL_RESPONSE, /* waiting for the head of a response */
	DIAL_TEXT, /* waiting for the first line of an error response's body */
};

struct dial {
	const struct dial_settings *settings; /* borrowed, as the next one */
	void *arg; /* argument of the handler */
	dial_handler *handler;
	struct connect *connect; /* owned; NULL: no connect in progress */
	struct stream *stream; /* owned; NULL: not connected */
	int fd; /* owned: the socket, for TLS through a proxy; else -1 */
	struct sockaddr_storage address;
	struct timer timer;
	int64_t end_ms;
	enum dial_state state;
	bool at_proxy; /* the peer is a proxy that has not connected us yet */
	char key[HANDSHAKE_KEY_LEN + 1];
	struct buffer in; /* the response so far */
	struct head head;
	char why[2 * HANDSHAKE_WHY_MAX];
	struct loop_deferred deferred;
};

static void
dial_release(struct loop_deferred *deferred)
{
	free(LIST_ENTRY_OF(deferred, struct dial, deferred));
}

void
dial_cancel(struct dial *d)
{
	if (!d)
		return;
	connect_cancel(d->connect);
	stream_free(d->stream);
	if (d->fd != -1)
		close(d->fd);
	buffer_clear(&d->in);
	timer_stop(&d->timer);
	loop_defer_free(d->settings->loop, &d->deferred, dial_release);
}

/* Returns the subject of error messages. */
static const char *
dial_peer(const struct dial *d)
{
	return d->at_proxy ? "proxy" : "server";
}

static void __attribute__((format(printf, 3, 4)))
dial_fail(struct dial *d, bool retries, const char *format, ...)
{
	struct dial_result result = {.why = d->why, .retries = retries};
	dial_handler *handler = d->handler;
	void *arg = d->arg;
	va_list args;

	va_start(args, format);
	vsnprintf(d->why, sizeof(d->why), format, args);
	va_end(args);
	dial_cancel(d);
	handler(arg, &result);
}

/* Reports a failure of the stream or of its TLS. */
static void
dial_fail_stream(struct dial *d, const char *otherwise)
{
	const char *why = stream_error(d->stream), *advice = "";

	if (why &&
	    (strstr(why, "self-signed certificate") || strstr(why, "issuer certificate")))
		advice = "; if you trust it, give its CA with --cacert=FILE";
	else if (why && strcmp(why, "TLS: wrong version number") == 0)
		advice = "; if the server has no TLS, use ws://";
	/* A certificate or protocol error does not go away by itself. */
	dial_fail(d, !why, "%s%s", why ? why : otherwise, advice);
}

static void
dial_succeed(struct dial *d, const struct handshake_agreed *agreed)
{
	size_t len = head_len(&d->head);
	struct dial_result result = {
	    .stream = d->stream,
	    .rest = {(char *)buffer_data(&d->in) + len, buffer_len(&d->in) - len},
	    .agreed = agreed,
	    .address = d->address,
	};
	dial_handler *handler = d->handler;
	void *arg = d->arg;

	stream_set_reading(d->stream, false);
	d->stream = NULL;
	timer_stop(&d->timer);
	handler(arg, &result);
	dial_cancel(d);
}

/* The response */

/* Reports whether the error may be temporary: a limit, or a server that is overloaded or
 * restarting. */
static bool
dial_retries(const struct head *head)
{
	int code = head_code(head);

	return code >= 500 || code == 408 || code == 425 || code == 429;
}

/* Copies the first line of the body that is neither empty nor STATUS to LINE. Returns false if
 * more input is needed. */
static bool
dial_first_line(const struct dial *d, const char *status, char *line, size_t size)
{
	uint8_t bytes[DIAL_TEXT_MAX];
	size_t head = head_len(&d->head);
	size_t len = buffer_len(&d->in) - head, used, end;
	bool chunked = head_has_token(&d->head, "Transfer-Encoding", "chunked");
	struct body body;
	struct span text, type;
	bool over;

	*line = '\0';
	/* The first line of a page for a browser explains nothing. */
	if (head_find(&d->head, "Content-Type", &type) != 1 || type.len < 10 ||
	    !span_equal_nocase((struct span){type.data, 10}, SPAN("text/plain")))
		return true;
	if (len > sizeof(bytes))
		len = sizeof(bytes);
	memcpy(bytes, buffer_data(&d->in) + head, len);
	over = len == sizeof(bytes);
	body_init(&body, chunked ? BODY_CHUNKED : BODY_LENGTH, UINT64_MAX);
	over = body_decode(&body, bytes, len, &used, &len) != BODY_MORE || over;
	for (size_t start = 0; start < len; start = end + 1) {
		for (end = start; end < len && bytes[end] != '\n'; end++)
			continue;
		text = (struct span){(char *)bytes + start, end - start};
		handshake_show(span_trim(text), line, size);
		if (*line && strcmp(line, status) != 0)
			return over || end < len;
		*line = '\0';
	}
	return over;
}

/* Handles a response that is not a 101. */
static void
dial_reject(struct dial *d, bool over)
{
	char status[HANDSHAKE_WHY_MAX], line[HANDSHAKE_WHY_MAX / 2];

	handshake_describe(&d->head, status);
	if (!dial_first_line(d, status + strlen("HTTP "), line, sizeof(line)) && !over) {
		if (d->state != DIAL_TEXT) {
			d->state = DIAL_TEXT;
			d->end_ms = util_clock_ms() + DIAL_TEXT_MS;
			timer_at(&d->timer, d->end_ms);
		}
		return;
	}
	dial_fail(d, dial_retries(&d->head), "the %s responded with %s%s%s", dial_peer(d),
	    status, *line ? ": " : "", line);
}

static const struct stream_handlers dial_stream_handlers;

/* Creates a stream over the connected socket FD. Takes FD. Returns NULL if memory runs out. */
static struct stream *
dial_stream(struct dial *d, int fd)
{
	struct transport transport = {.ops = &transport_socket, .fd = fd};
	const struct dial_settings *settings = d->settings;
	char host[LOOKUP_NAME_MAX];

	snprintf(host, sizeof(host), "%.*s", (int)settings->offer.url.host.len,
	    settings->offer.url.host.data);
	if (settings->tls && !d->at_proxy &&
	    !tls_client_open(settings->tls, host, fd, &transport))
		return NULL;
	return io_socket_new_take(
	    settings->loop, transport, NULL, &d->address, &dial_stream_handlers, d);
}

/* The request */

/* Section 4.1, item 7: "a nonce consisting of a randomly selected 16-byte value". */
static bool
dial_make_key(char key[HANDSHAKE_KEY_LEN + 1])
{
	unsigned char bytes[16];

	return getrandom(bytes, sizeof(bytes), 0) == (ssize_t)sizeof(bytes) &&
	       EVP_EncodeBlock((unsigned char *)key, bytes, sizeof(bytes)) == HANDSHAKE_KEY_LEN;
}

static void
dial_request(struct dial *d)
{
	const struct dial_settings *settings = d->settings;
	struct buffer request = {0};
	bool made = d->at_proxy ? proxy_put_request(&settings->offer.url,
				      settings->proxy_authorization, &request)
				: dial_make_key(d->key) &&
				      handshake_put_request(&settings->offer, d->key, &request);
	bool sent = made && stream_write_take(d->stream, &request);

	buffer_clear(&request);
	head_init_response(&d->head);
	d->state = DIAL_RESPONSE;
	if (sent)
		stream_set_reading(d->stream, true);
	else
		dial_fail_stream(d, made ? strerror(errno) : "out of memory");
}

/* Continues after the proxy has connected us. The response has no body, whatever it says (RFC
 * 9110, section 9.3.6), and the server does not speak first. */
static void
dial_tunnel(struct dial *d)
{
	if (head_len(&d->head) < buffer_len(&d->in)) {
		dial_fail(d, false, "the proxy's response is followed by other bytes");
		return;
	}
	buffer_clear(&d->in);
	d->at_proxy = false;
	if (d->settings->tls) {
		stream_free(d->stream);
		d->stream = dial_stream(d, d->fd);
		d->fd = -1;
	}
	if (d->stream)
		dial_request(d);
	else
		dial_fail(d, true, "out of memory");
}

/* Handles the complete head of a response. */
static void
dial_process(struct dial *d)
{
	struct handshake_agreed agreed;
	char why[HANDSHAKE_WHY_MAX];

	if (d->at_proxy && head_code(&d->head) / 100 == 2)
		dial_tunnel(d);
	else if (d->at_proxy || head_code(&d->head) != 101)
		dial_reject(d, false);
	else if (handshake_check(&d->settings->offer, d->key, &d->head, &agreed, why))
		dial_succeed(d, &agreed);
	else
		dial_fail(d, false, "%s", why);
}

/* Skips an interim response such as 103 (RFC 9110, section 15.2). */
static bool
dial_skip_interim(struct dial *d)
{
	if (head_code(&d->head) >= 200 || head_code(&d->head) == 101)
		return false;
	buffer_consume(&d->in, head_len(&d->head));
	head_init_response(&d->head);
	return true;
}

static void
dial_parse(struct dial *d)
{
	enum head_result result;

	do {
		result = head_parse(&d->head, (char *)buffer_data(&d->in), buffer_len(&d->in));
	} while (result == HEAD_DONE && dial_skip_interim(d));
	switch (result) {
	case HEAD_MORE:
		break;
	case HEAD_DONE:
		dial_process(d);
		break;
	case HEAD_BAD:
	case HEAD_HTTP2:
		dial_fail(
		    d, false, "the response is not valid HTTP: %s", head_reason(&d->head));
		break;
	}
}

static void
dial_on_readable(void *arg)
{
	struct dial *d = arg;
	struct loop *loop = d->settings->loop;
	size_t n;

	switch (stream_read(d->stream, loop->in, DIAL_TEXT_MAX, &n)) {
	case STREAM_OK:
		if (!buffer_append(&d->in, loop->in, n)) {
			dial_fail(d, true, "out of memory");
		} else if (d->state == DIAL_TEXT) {
			/* The head is complete, but its bytes may have moved. */
			(void)head_parse(
			    &d->head, (char *)buffer_data(&d->in), buffer_len(&d->in));
			dial_reject(d, false);
		} else {
			dial_parse(d);
		}
		break;
	case STREAM_AGAIN:
		break;
	case STREAM_EOF:
		if (d->state == DIAL_TEXT)
			dial_reject(d, true);
		else
			dial_fail(
			    d, true, "the server closed the connection without a response");
		break;
	case STREAM_FAILED:
		if (d->state == DIAL_TEXT)
			dial_reject(d, true);
		else
			dial_fail_stream(d, strerror(errno));
		break;
	}
}

/* A FIN is read from the stream. */
static void
dial_on_gone(void *arg, enum stream_gone reason)
{
	struct dial *d = arg;

	if (reason == STREAM_LOST)
		dial_fail_stream(d, "the connection was lost");
}

static const struct stream_handlers dial_stream_handlers = {
    .on_readable = dial_on_readable,
    .on_gone = dial_on_gone,
};

static void
dial_on_connected(void *arg, const struct connect_result *result)
{
	struct dial *d = arg;

	d->connect = NULL;
	if (result->fd == -1) {
		dial_fail(d, true, "can't connect to %s%s port %u: %s",
		    d->settings->proxy ? "the proxy " : "", d->settings->target.host,
		    d->settings->target.port, result->why);
		return;
	}
	d->address = result->address;
	d->at_proxy = d->settings->proxy;
	if (d->at_proxy && d->settings->tls)
		d->fd = fcntl(result->fd, F_DUPFD_CLOEXEC, 0);
	d->stream = dial_stream(d, result->fd);
	if (!d->stream) {
		dial_fail(d, true, "out of memory");
		return;
	}
	d->end_ms = util_clock_ms() + d->settings->handshake_ms;
	timer_at(&d->timer, d->end_ms);
	dial_request(d);
}

static void
dial_on_timer(void *arg)
{
	struct dial *d = arg;

	if (util_clock_ms() < d->end_ms)
		timer_at(&d->timer, d->end_ms);
	else if (d->state == DIAL_TEXT)
		dial_reject(d, true);
	else
		dial_fail(d, true, "the %s did not respond within %g s", dial_peer(d),
		    (double)d->settings->handshake_ms / 1000);
}

struct dial *
dial_start(const struct dial_settings *settings, dial_handler *handler, void *arg)
{
	struct dial *d = calloc(1, sizeof(*d));

	if (!d)
		return NULL;
	d->settings = settings;
	d->handler = handler;
	d->arg = arg;
	d->fd = -1;
	timer_init(&d->timer, &settings->loop->timers, dial_on_timer, d);
	d->connect = connect_start(settings->loop, settings->lookup, &settings->target,
	    settings->connect_ms, dial_on_connected, d);
	if (d->connect)
		return d;
	free(d);
	return NULL;
}
