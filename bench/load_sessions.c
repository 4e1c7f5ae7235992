/* SPDX-License-Identifier: BSD-2-Clause */
/* What is about sessions: that they come and go, and that they hang about. */
#include "load.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

enum { SLOW_MESSAGES_MIN = 100, SLOW_BYTES_MIN = 64 * 1024 };

static void
send_queue(struct connection *c)
{
	while (c->queue_len > 0) {
		ssize_t n = io_write(c, c->queue + c->queue_at, c->queue_len);

		if (n <= 0)
			load_fail("the server took no bytes in time");
		c->queue_at += (size_t)n;
		c->queue_len -= (size_t)n;
	}
}

/* Says good-bye and waits for the end, so that no session overlaps the next one. */
static void
end_session(struct connection *c)
{
	uint8_t block[1024];
	ssize_t n;

	if (load_settings.ws) {
		ws_queue_close(c);
		send_queue(c);
	} else if (shutdown(c->fd, SHUT_WR) == -1) {
		load_die("shutdown");
	}
	while ((n = io_read(c, block, sizeof(block))) > 0) {
		if (!load_settings.ws)
			load_fail("more came than was sent");
		ws_receive(c, block, (size_t)n);
	}
	if (n == -1)
		load_fail("the connection did not end in time");
	if (load_settings.ws && !c->close_came)
		load_fail("no close frame came");
	io_close(c);
}

void
sessions_connect(void)
{
	struct connection c = {.fd = -1};
	int64_t begun;

	load_say("ready");
	load_wait();
	begun = load_now_ns();
	for (uint64_t i = 0; i < load_settings.messages; i++) {
		int64_t session_begun = load_now_ns();

		c.expected = corpus_message(&load_corpus, 0);
		c.expected_len = load_corpus.size + !load_settings.ws;
		io_open(&c);
		ws_queue(&c, corpus_message(&load_corpus, 0), load_corpus.size);
		send_queue(&c);
		while (c.ended == 0) {
			if (!io_receive(&c))
				load_fail("no echo came in time");
		}
		end_session(&c);
		load_sample(session_begun);
	}
	load_print_result((double)(load_now_ns() - begun) / 1e9, load_settings.messages);
	load_wait();
}

static struct connection *
open_all(void)
{
	struct connection *connections =
	    calloc(load_settings.connections, sizeof(*connections));

	if (!connections)
		load_die("calloc");
	for (size_t i = 0; i < load_settings.connections; i++) {
		io_open(&connections[i]);
		io_unblock(&connections[i]);
	}
	return connections;
}

void
sessions_idle(void)
{
	struct connection *connections = open_all();
	uint8_t byte;

	load_say("ready");
	load_wait();
	for (size_t i = 0; i < load_settings.connections; i++) {
		if (io_read(&connections[i], &byte, 1) != -1)
			load_fail("an idle session did not stay idle");
	}
	load_print_result(1, load_settings.connections);
	load_wait();
}

/* The child is yes(1). Reads nothing until it is told to; then what is there must be right. */
void
sessions_slow_reader(void)
{
	struct connection *connections = open_all();
	uint64_t total = 0;

	load_say("ready");
	load_wait();
	for (size_t i = 0; i < load_settings.connections; i++) {
		struct connection *c = &connections[i];

		c->expected = (const uint8_t *)"y\n";
		c->expected_len = load_settings.ws ? 1 : 2;
		while (c->ended < SLOW_MESSAGES_MIN) {
			struct pollfd in = {.fd = c->fd, .events = POLLIN};

			if (!io_receive(c) && poll(&in, 1, LOAD_WAIT_S * 1000) != 1)
				load_fail("a slow reader found nothing to read");
		}
		total += c->ended;
	}
	load_print_result(1, total);
	load_wait();
}

/* The child reads nothing. Each connection sends until it is stuck, and again when it is not.
 */
void
sessions_slow_child(void)
{
	struct connection *connections = open_all();
	size_t count = load_settings.connections;
	struct pollfd *polls = calloc(count + 1, sizeof(*polls));
	uint64_t *sent = calloc(count, sizeof(*sent));
	uint64_t total = 0;

	if (!polls || !sent)
		load_die("calloc");
	for (size_t i = 0; i < count; i++)
		polls[i] = (struct pollfd){.fd = connections[i].fd, .events = POLLOUT};
	polls[count] = (struct pollfd){.fd = 0, .events = POLLIN};
	load_say("ready");
	while (poll(polls, count + 1, LOAD_WAIT_S * 1000) > 0 && polls[count].revents == 0) {
		for (size_t i = 0; i < count; i++) {
			struct connection *c = &connections[i];
			ssize_t n;

			if (polls[i].revents == 0)
				continue;
			if (c->queue_len == 0)
				ws_queue(c, corpus_message(&load_corpus, 0), load_corpus.size);
			n = io_write(c, c->queue + c->queue_at, c->queue_len);
			if (n <= 0)
				continue;
			sent[i] += (uint64_t)n;
			c->queue_at += (size_t)n;
			c->queue_len -= (size_t)n;
		}
	}
	load_wait();
	for (size_t i = 0; i < count; i++) {
		if (sent[i] < SLOW_BYTES_MIN)
			load_fail("a session took too little to be stuck");
		total += sent[i];
	}
	load_print_result(1, total / (load_corpus.size + 1));
	load_wait();
}
