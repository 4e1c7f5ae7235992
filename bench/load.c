/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A load generator: echoes messages over many connections from one thread, and
 * checks every byte that comes back.
 *
 *	load ws|raw PORT CONNECTIONS INFLIGHT SIZE MESSAGES
 *
 * ws speaks WebSocket, raw lines over plain TCP. It prints one line:
 * messages, seconds, and the round trips' median and 99.9th percentile in microseconds.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { BATCH = 256 * 1024, SAMPLES_MAX = 1 << 22 };

struct connection {
	int fd;
	size_t unsent; /* bytes of the block that are still to be sent */
	size_t sent_at; /* position within a message */
	size_t payload_at; /* position within the message that comes back */
	uint8_t header[10];
	size_t header_len;
	uint64_t frame_left;
	bool frame_last;
	bool in_frame;
	int64_t sent_ns; /* when the oldest in flight left; only with INFLIGHT 1 */
};

static bool ws;
static size_t size;
static size_t inflight;
static uint8_t *message; /* as it is sent */
static size_t message_len;
static uint8_t *payload; /* as it comes back, with the newline of raw mode */
static size_t payload_len;
static uint64_t wanted;
static uint64_t started;
static uint64_t finished;
static uint32_t *samples;
static size_t sample_count;

static void
die(const char *what)
{
	fprintf(stderr, "load: %s: %s\n", what, strerror(errno));
	exit(1);
}

static void
fail(const char *what)
{
	fprintf(stderr, "load: %s\n", what);
	exit(1);
}

static int64_t
now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

static void
build_message(void)
{
	static const uint8_t mask[4] = {1, 2, 3, 4};
	size_t at = 0;

	payload_len = size + (ws ? 0 : 1);
	payload = malloc(payload_len + 1);
	message = malloc(size + 16);
	if (!payload || !message)
		die("malloc");
	for (size_t i = 0; i < size; i++)
		payload[i] = (uint8_t)('a' + i % 26);
	payload[size] = '\n';
	if (!ws) {
		memcpy(message, payload, payload_len);
		message_len = payload_len;
		return;
	}
	message[at++] = 0x81;
	if (size < 126) {
		message[at++] = (uint8_t)(0x80 | size);
	} else if (size < 65536) {
		message[at++] = 0x80 | 126;
		message[at++] = (uint8_t)(size >> 8);
		message[at++] = (uint8_t)size;
	} else {
		message[at++] = 0x80 | 127;
		for (int shift = 56; shift >= 0; shift -= 8)
			message[at++] = (uint8_t)((uint64_t)size >> shift);
	}
	memcpy(message + at, mask, 4);
	at += 4;
	for (size_t i = 0; i < size; i++)
		message[at + i] = payload[i] ^ mask[i % 4];
	message_len = at + size;
}

static void
handshake(int fd, int port)
{
	char text[512];
	size_t len = 0;
	int n = snprintf(text, sizeof(text),
	    "GET / HTTP/1.1\r\nHost: 127.0.0.1:%d\r\nUpgrade: websocket\r\nConnection: "
	    "Upgrade\r\n"
	    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n",
	    port);

	if (write(fd, text, (size_t)n) != n)
		die("handshake");
	while (len < 4 || memcmp(text + len - 4, "\r\n\r\n", 4) != 0) {
		if (len == sizeof(text) || read(fd, text + len, 1) != 1)
			die("handshake");
		len++;
	}
	if (memcmp(text, "HTTP/1.1 101 ", 13) != 0)
		fail("the server did not answer with 101");
}

static void
connect_to(struct connection *c, int port)
{
	struct sockaddr_in address = {.sin_family = AF_INET,
	    .sin_port = htons((uint16_t)port),
	    .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	int on = 1;

	c->fd = socket(AF_INET, SOCK_STREAM, 0);
	if (c->fd == -1 || connect(c->fd, (struct sockaddr *)&address, sizeof(address)) == -1)
		die("connect");
	setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	if (ws)
		handshake(c->fd, port);
	fcntl(c->fd, F_SETFL, O_NONBLOCK);
}

/* Sends what is due, as one block. True when something is left. */
static bool
flush(struct connection *c)
{
	static uint8_t block[BATCH];

	while (c->unsent > 0) {
		size_t len = 0;
		size_t at = c->sent_at;
		ssize_t n;

		while (len < c->unsent && len < sizeof(block)) {
			size_t piece = message_len - at;

			if (piece > c->unsent - len)
				piece = c->unsent - len;
			if (piece > sizeof(block) - len)
				piece = sizeof(block) - len;
			memcpy(block + len, message + at, piece);
			len += piece;
			at = (at + piece) % message_len;
		}
		n = write(c->fd, block, len);
		if (n == -1 && errno == EAGAIN)
			return true;
		if (n == -1)
			die("write");
		c->unsent -= (size_t)n;
		c->sent_at = (c->sent_at + (size_t)n) % message_len;
	}
	return false;
}

static void
start_messages(struct connection *c, size_t count)
{
	if (count > wanted - started)
		count = wanted - started;
	started += count;
	c->unsent += count * message_len;
	if (count > 0)
		c->sent_ns = now_ns();
}

/* A message came back whole. */
static void
finish_message(struct connection *c)
{
	finished++;
	if (inflight == 1 && sample_count < SAMPLES_MAX)
		samples[sample_count++] = (uint32_t)(now_ns() - c->sent_ns);
}

/* Checks bytes of payload; returns how many messages ended in them. */
static size_t
check(struct connection *c, const uint8_t *bytes, size_t len)
{
	size_t ended = 0;

	while (len > 0) {
		size_t piece = payload_len - c->payload_at;

		if (piece > len)
			piece = len;
		if (memcmp(payload + c->payload_at, bytes, piece) != 0)
			fail("what came back is not what was sent");
		c->payload_at += piece;
		bytes += piece;
		len -= piece;
		if (c->payload_at == payload_len) {
			c->payload_at = 0;
			finish_message(c);
			ended++;
		}
	}
	return ended;
}

/* The length of a frame's header, 0 while it is not whole. */
static size_t
header_len(const uint8_t *h, size_t have)
{
	size_t need = 2;

	if (have < 2)
		return 0;
	if ((h[1] & 0x7f) == 126)
		need = 4;
	else if ((h[1] & 0x7f) == 127)
		need = 10;
	return have < need ? 0 : need;
}

static size_t
receive_frames(struct connection *c, const uint8_t *bytes, size_t len)
{
	size_t ended = 0;

	while (len > 0) {
		size_t piece;

		if (!c->in_frame) {
			c->header[c->header_len++] = *bytes++;
			len--;
			piece = header_len(c->header, c->header_len);
			if (piece == 0)
				continue;
			if ((c->header[0] & 0xf) > 2)
				fail("a control frame came");
			c->frame_left = c->header[1] & 0x7f;
			if (piece > 2)
				c->frame_left = 0;
			for (size_t i = 2; i < piece; i++)
				c->frame_left = c->frame_left << 8 | c->header[i];
			c->in_frame = c->frame_left > 0;
			c->header_len = 0;
			continue;
		}
		piece = len < c->frame_left ? len : (size_t)c->frame_left;
		ended += check(c, bytes, piece);
		bytes += piece;
		len -= piece;
		c->frame_left -= piece;
		c->in_frame = c->frame_left > 0;
	}
	return ended;
}

static void
on_readable(struct connection *c)
{
	static uint8_t block[BATCH];
	ssize_t n = read(c->fd, block, sizeof(block));

	if (n == -1 && errno == EAGAIN)
		return;
	if (n <= 0)
		die("the connection ended");
	start_messages(
	    c, ws ? receive_frames(c, block, (size_t)n) : check(c, block, (size_t)n));
}

static int
compare_samples(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a;
	uint32_t y = *(const uint32_t *)b;

	return x < y ? -1 : x > y;
}

int
main(int argc, char **argv)
{
	struct connection *connections;
	struct epoll_event events[64];
	size_t count;
	int64_t begun;
	int epoll = epoll_create1(0);

	if (argc != 7)
		fail("usage: load ws|raw PORT CONNECTIONS INFLIGHT SIZE MESSAGES");
	ws = strcmp(argv[1], "ws") == 0;
	count = strtoul(argv[3], NULL, 10);
	inflight = strtoul(argv[4], NULL, 10);
	size = strtoul(argv[5], NULL, 10);
	wanted = strtoul(argv[6], NULL, 10);
	build_message();
	samples = malloc(SAMPLES_MAX * sizeof(*samples));
	connections = calloc(count, sizeof(*connections));
	if (!connections || !samples)
		die("malloc");
	for (size_t i = 0; i < count; i++)
		connect_to(&connections[i], (int)strtol(argv[2], NULL, 10));
	begun = now_ns();
	for (size_t i = 0; i < count; i++) {
		struct epoll_event event = {.events = EPOLLIN, .data.ptr = &connections[i]};

		epoll_ctl(epoll, EPOLL_CTL_ADD, connections[i].fd, &event);
		start_messages(&connections[i], inflight);
	}
	for (size_t i = 0; i < count; i++) {
		if (flush(&connections[i])) {
			struct epoll_event event = {
			    .events = EPOLLIN | EPOLLOUT, .data.ptr = &connections[i]};

			epoll_ctl(epoll, EPOLL_CTL_MOD, connections[i].fd, &event);
		}
	}
	while (finished < wanted) {
		int n = epoll_wait(epoll, events, 64, 10000);

		if (n == 0)
			fail("nothing came for 10 s");
		for (int i = 0; i < n; i++) {
			struct connection *c = events[i].data.ptr;
			bool waited = events[i].events & EPOLLOUT;
			bool waits;

			if (events[i].events & EPOLLIN)
				on_readable(c);
			waits = flush(c);
			if (waits != waited) {
				struct epoll_event event = {
				    .events = EPOLLIN | (waits ? (uint32_t)EPOLLOUT : 0),
				    .data.ptr = c};

				epoll_ctl(epoll, EPOLL_CTL_MOD, c->fd, &event);
			}
		}
	}
	printf("%llu %.6f", (unsigned long long)finished, (double)(now_ns() - begun) / 1e9);
	if (sample_count > 0) {
		qsort(samples, sample_count, sizeof(*samples), compare_samples);
		printf(" %.1f %.1f", samples[sample_count / 2] / 1e3,
		    samples[sample_count * 999 / 1000] / 1e3);
	}
	printf("\n");
	return 0;
}
