/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A load generator: messages over many connections from one thread, and every byte that comes
 * back is checked.
 *
 *	load KIND PROTOCOL PORT CONNECTIONS INFLIGHT SIZE MESSAGES TEXT [CERTIFICATE]
 *
 * KIND is echo (to a child that echoes), sink (from `child sink`), sink-endless (the same, and
 * it ends when MESSAGES came of all connections together), source (to `child count`), connect
 * (MESSAGES sessions one behind the other), get-connect (the same, each after a request for
 * /file on its connection), get (MESSAGES requests for /file, which has SIZE bytes), idle,
 * slow-reader or slow-child. PROTOCOL is raw (lines over plain TCP), ws or http; raw-binary and
 * ws-binary (bytes, no lines) or ws-deflate. TEXT is a kind of corpus.h. With a CERTIFICATE,
 *which must be the server's, it speaks TLS 1.3.
 *
 * It says "ready" when it is connected and then waits for a byte on stdin, so that the caller
 * can look at the bridge; slow readers and slow children go on until that byte. Then it prints
 * one line: messages, seconds, and with INFLIGHT 1 the median and the 99.9th percentile of the
 * round trips in microseconds; and waits for another byte, with all connections open.
 */
#include "load.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <time.h>
#include <unistd.h>

enum { SAMPLES_MAX = 1 << 20, TLS_RECORD = 16 * 1024, LIFE_S = 180 };

struct load_settings load_settings;
struct corpus load_corpus;

static uint8_t *image; /* all messages of the corpus as they are sent; NULL when compressed */
static size_t image_len;
static size_t image_message_len;
static uint64_t started;
static uint64_t finished;
static uint32_t samples[SAMPLES_MAX];
static size_t sample_count;
static uint64_t compressed_count;

void
load_die(const char *what)
{
	fprintf(stderr, "load: %s: %s\n", what, strerror(errno));
	exit(1);
}

void
load_fail(const char *what)
{
	fprintf(stderr, "load: %s\n", what);
	exit(1);
}

int64_t
load_now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

void
load_say(const char *word)
{
	printf("%s\n", word);
	fflush(stdout);
}

void
load_wait(void)
{
	char byte;

	if (read(STDIN_FILENO, &byte, 1) != 1)
		load_fail("nobody measures any more");
}

void
load_sample(int64_t since_ns)
{
	if (sample_count < SAMPLES_MAX)
		samples[sample_count++] = (uint32_t)(load_now_ns() - since_ns);
}

static int
compare_samples(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a;
	uint32_t y = *(const uint32_t *)b;

	return x < y ? -1 : x > y;
}

void
load_print_result(double seconds, uint64_t count)
{
	if (count == 0 || seconds <= 0)
		load_fail("nothing was measured");
	printf("%llu %.6f", (unsigned long long)count, seconds);
	if (sample_count > 0) {
		qsort(samples, sample_count, sizeof(*samples), compare_samples);
		printf(" %.1f %.1f", samples[sample_count / 2] / 1e3,
		    samples[sample_count * 999 / 1000] / 1e3);
	}
	load_say("");
}

/* Sets what is to come next on a connection. */
static void
expect(struct connection *c)
{
	c->expected_at = 0;
	c->expected_len = load_corpus.size + !(load_settings.ws || load_settings.binary);
	if (load_corpus.count > 0) {
		c->expected = corpus_message(&load_corpus, c->expected_index++);
		return;
	}
	if (c->expected)
		corpus_count_up(c->number, load_corpus.size);
	else
		memcpy(c->number, CORPUS_FIRST_NUMBER "\n", load_corpus.size + 1);
	c->expected = c->number;
}

/* A message came back whole. */
static void
finish_message(struct connection *c)
{
	finished++;
	c->ended++;
	c->expected_at = 0;
	if (c->compressed)
		compressed_count++;
	if (load_settings.inflight == 1 && c->sent_ns != 0)
		load_sample(c->sent_ns);
	if (strcmp(load_settings.kind, "echo") == 0 ||
	    strncmp(load_settings.kind, "sink", 4) == 0)
		expect(c);
}

void
load_on_payload(struct connection *c, const uint8_t *bytes, size_t len)
{
	bool framed = load_settings.ws && !load_settings.binary;

	while (len > 0) {
		size_t piece = c->expected_len - c->expected_at;

		if (piece > len)
			piece = len;
		if (piece == 0 || memcmp(c->expected + c->expected_at, bytes, piece) != 0)
			load_fail("what came is not what should have come");
		c->expected_at += piece;
		bytes += piece;
		len -= piece;
		if (!framed && c->expected_at == c->expected_len)
			finish_message(c);
	}
}

void
load_on_message_end(struct connection *c)
{
	if (load_settings.binary) /* a stream: its messages end anywhere */
		return;
	if (c->expected_at != c->expected_len)
		load_fail("a message ended too early");
	finish_message(c);
}

static void
build_image(void)
{
	size_t size = load_corpus.size;
	uint8_t *to;

	image = malloc(load_corpus.count * (size + 16));
	if (!image)
		load_die("malloc");
	to = image;
	for (size_t i = 0; i < load_corpus.count; i++) {
		const uint8_t *message = corpus_message(&load_corpus, i);

		if (load_settings.ws) {
			to += ws_frame(to, load_settings.binary ? 0x82 : 0x81, message, size);
			continue;
		}
		memcpy(to, message, size + 1);
		to += size + !load_settings.binary;
	}
	image_len = (size_t)(to - image);
	image_message_len = image_len / load_corpus.count;
}

/* Sends what is due, as blocks. True when something is left. */
static bool
flush(struct connection *c)
{
	static uint8_t block[LOAD_BATCH];
	size_t room = c->ssl ? TLS_RECORD : sizeof(block);

	for (;;) {
		bool from_image = c->unsent > 0;
		const uint8_t *bytes = block;
		size_t len = 0;
		ssize_t n;

		if (from_image) {
			size_t at = c->sent_at;

			while (len < c->unsent && len < room) {
				size_t piece = image_len - at;

				if (piece > c->unsent - len)
					piece = c->unsent - len;
				if (piece > room - len)
					piece = room - len;
				memcpy(block + len, image + at, piece);
				len += piece;
				at = (at + piece) % image_len;
			}
		} else if (c->queue_len > 0) {
			bytes = c->queue + c->queue_at;
			len = c->queue_len;
		} else {
			return false;
		}
		n = io_write(c, bytes, len);
		if (n == -1)
			return true;
		if (from_image) {
			c->unsent -= (size_t)n;
			c->sent_at = (c->sent_at + (size_t)n) % image_len;
		} else {
			c->queue_at += (size_t)n;
			c->queue_len -= (size_t)n;
		}
	}
}

static void
start_messages(struct connection *c, size_t count)
{
	if (count > load_settings.messages - started)
		count = (size_t)(load_settings.messages - started);
	started += count;
	if (count > 0 && load_settings.inflight == 1)
		c->sent_ns = load_now_ns();
	if (image) {
		c->unsent += count * image_message_len;
		return;
	}
	for (; count > 0; count--)
		ws_queue_compressed(
		    c, corpus_message(&load_corpus, c->sent_count++), load_corpus.size);
}

/* What a connection has to send at the start. */
static void
start(struct connection *c)
{
	uint64_t share = load_settings.messages / load_settings.connections;

	if (strcmp(load_settings.kind, "echo") == 0) {
		expect(c);
		start_messages(c, load_settings.inflight);
	} else if (strcmp(load_settings.kind, "source") == 0) {
		c->expected = (const uint8_t *)c->report;
		c->expected_len = (size_t)snprintf(c->report, sizeof(c->report), "%llu %llu\n",
		    (unsigned long long)share + 1,
		    (unsigned long long)share * (load_corpus.size + 1) + 2);
		c->expected_len -= load_settings.ws;
		c->unsent = (size_t)share * image_message_len;
		ws_queue(c, ".", 1);
	} else {
		expect(c);
		ws_queue(c, "go", 2);
	}
}

static void
watch(int epoll, int op, struct connection *c, bool to_write)
{
	struct epoll_event event = {
	    .events = EPOLLIN | (to_write ? (uint32_t)EPOLLOUT : 0), .data.ptr = c};

	if (epoll_ctl(epoll, op, c->fd, &event) == -1)
		load_die("epoll_ctl");
}

/* All kinds that move messages. */
static void
run_messages(void)
{
	bool echo = strcmp(load_settings.kind, "echo") == 0;
	bool source = strcmp(load_settings.kind, "source") == 0;
	size_t count = load_settings.connections;
	struct connection *connections = calloc(count, sizeof(*connections));
	struct epoll_event events[64];
	int epoll = epoll_create1(0);
	uint64_t wanted = source ? count : load_settings.messages;
	int64_t begun;

	if (!connections || epoll == -1)
		load_die("calloc");
	if (load_settings.messages % count != 0)
		load_fail("MESSAGES must be a multiple of CONNECTIONS");
	if (!load_settings.deflate && load_corpus.count > 0)
		build_image();
	for (size_t i = 0; i < count; i++) {
		io_open(&connections[i]);
		io_unblock(&connections[i]);
		watch(epoll, EPOLL_CTL_ADD, &connections[i], false);
	}
	load_say("ready");
	load_wait();
	begun = load_now_ns();
	for (size_t i = 0; i < count; i++) {
		start(&connections[i]);
		if (flush(&connections[i]))
			watch(epoll, EPOLL_CTL_MOD, &connections[i], true);
	}
	while (finished < wanted) {
		int n = epoll_wait(epoll, events, 64, LOAD_WAIT_S * 1000);

		if (n == 0)
			load_fail("nothing moved in time");
		for (int i = 0; i < n; i++) {
			struct connection *c = events[i].data.ptr;
			bool waited = events[i].events & EPOLLOUT;

			c->ended = 0;
			if (events[i].events & (EPOLLIN | EPOLLHUP | EPOLLERR)) {
				/* OpenSSL may hold more, which epoll can't know. */
				while (io_receive(c) && c->ssl)
					continue;
			}
			if (echo)
				start_messages(c, c->ended);
			if (flush(c) != waited)
				watch(epoll, EPOLL_CTL_MOD, c, !waited);
		}
	}
	if (finished > wanted && strcmp(load_settings.kind, "sink-endless") != 0)
		load_fail("more came than should have come");
	if (load_settings.deflate && compressed_count == 0)
		load_fail("nothing was compressed");
	load_print_result(
	    (double)(load_now_ns() - begun) / 1e9, source ? load_settings.messages : finished);
	load_wait();
}

int
main(int argc, char **argv)
{
	struct load_settings *s = &load_settings;

	if (argc != 9 && argc != 10)
		load_fail(
		    "usage: load KIND PROTOCOL PORT CONNECTIONS INFLIGHT SIZE MESSAGES TEXT "
		    "[CERTIFICATE]");
	alarm(LIFE_S);
	s->kind = argv[1];
	s->ws = strncmp(argv[2], "ws", 2) == 0;
	s->binary = strstr(argv[2], "-binary") != NULL;
	s->deflate = strstr(argv[2], "-deflate") != NULL;
	s->get_first = strcmp(s->kind, "get-connect") == 0;
	s->port = atoi(argv[3]);
	s->connections = strtoul(argv[4], NULL, 10);
	s->inflight = strtoul(argv[5], NULL, 10);
	s->size = strtoul(argv[6], NULL, 10);
	s->messages = strtoull(argv[7], NULL, 10);
	s->text = argv[8];
	s->certificate = argc == 10 ? argv[9] : NULL;
	if (s->connections == 0 || s->inflight == 0 || s->messages == 0)
		load_fail("CONNECTIONS, INFLIGHT and MESSAGES must not be 0");
	load_corpus = corpus_new(s->text, s->size);
	if (strcmp(s->kind, "get") == 0)
		http_run();
	else if (strcmp(s->kind, "connect") == 0 || s->get_first)
		sessions_connect();
	else if (strcmp(s->kind, "idle") == 0)
		sessions_idle();
	else if (strcmp(s->kind, "slow-reader") == 0)
		sessions_slow_reader();
	else if (strcmp(s->kind, "slow-child") == 0)
		sessions_slow_child();
	else if (strcmp(s->kind, "echo") == 0 || strncmp(s->kind, "sink", 4) == 0 ||
		 strcmp(s->kind, "source") == 0)
		run_messages();
	else
		load_fail("no such KIND");
	return 0;
}
