/* SPDX-License-Identifier: BSD-2-Clause */
/* Requests for one file, over connections that persist. */
#include "load.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/epoll.h>

static const char request[] = "GET /file HTTP/1.1\r\nHost: localhost\r\n\r\n";

/* The response that comes in. */
struct response {
	struct connection connection;
	char head[4096];
	size_t head_len;
	uint64_t left; /* of the body */
	bool in_body;
	bool closes;
};

static void
send_request(struct response *r)
{
	if (io_write(&r->connection, request, sizeof(request) - 1) != sizeof(request) - 1)
		load_fail("no room for a request");
	r->connection.sent_ns = load_now_ns();
}

/* Reads the head, which is complete and ends with NUL. */
static void
read_head(struct response *r)
{
	const char *length = strcasestr(r->head, "\r\nContent-Length: ");

	if (strncmp(r->head, "HTTP/1.1 200 ", 13) != 0)
		load_fail("a response is not 200");
	r->left = length ? strtoull(length + 18, NULL, 10) : 0;
	if (r->left != load_settings.size)
		load_fail("a response has another length than the file");
	r->closes = strcasestr(r->head, "\r\nConnection: close\r\n") != NULL;
	r->in_body = true;
}

/* True when the response is complete. */
static bool
receive(struct response *r)
{
	static char block[LOAD_BATCH];
	ssize_t n = io_read(&r->connection, block, sizeof(block));
	char *from = block;

	if (n == -1)
		return false;
	if (n == 0)
		load_fail("a connection ended within a response");
	if (!r->in_body) {
		size_t room = sizeof(r->head) - 1 - r->head_len;
		size_t len = (size_t)n < room ? (size_t)n : room;
		size_t before = r->head_len;
		char *end;

		memcpy(r->head + before, block, len);
		r->head_len += len;
		r->head[r->head_len] = '\0';
		end = strstr(r->head, "\r\n\r\n");
		if (!end && len < (size_t)n)
			load_fail("a response has a long head");
		if (!end)
			return false;
		from = block + (size_t)(end + 4 - r->head) - before;
		end[2] = '\0';
		read_head(r);
	}
	n -= from - block;
	if ((uint64_t)n > r->left)
		load_fail("a response is longer than its length");
	r->left -= (uint64_t)n;
	return r->left == 0;
}

static void
open_one(struct response *r, int epoll)
{
	struct epoll_event event = {.events = EPOLLIN, .data.ptr = r};

	io_open(&r->connection);
	io_unblock(&r->connection);
	if (epoll_ctl(epoll, EPOLL_CTL_ADD, r->connection.fd, &event) == -1)
		load_die("epoll_ctl");
}

void
http_get(struct connection *c)
{
	struct response r = {.connection = *c};

	send_request(&r);
	while (!receive(&r))
		continue;
	*c = r.connection;
}

void
http_run(void)
{
	struct response *all = calloc(load_settings.connections, sizeof(*all));
	int epoll = epoll_create1(0);
	struct epoll_event events[64];
	uint64_t sent = 0;
	uint64_t done = 0;
	int64_t begun;

	if (!all || epoll == -1)
		load_die("calloc");
	for (size_t i = 0; i < load_settings.connections; i++)
		open_one(&all[i], epoll);
	load_say("ready");
	load_wait();
	begun = load_now_ns();
	for (; sent < load_settings.connections; sent++)
		send_request(&all[sent]);
	while (done < load_settings.messages) {
		int n = epoll_wait(epoll, events, 64, LOAD_WAIT_S * 1000);

		if (n == 0)
			load_fail("nothing moved in time");
		for (int i = 0; i < n; i++) {
			struct response *r = events[i].data.ptr;

			if (!receive(r))
				continue;
			done++;
			load_sample(r->connection.sent_ns);
			r->in_body = false;
			r->head_len = 0;
			if (r->closes) {
				io_close(&r->connection);
				open_one(r, epoll);
			}
			if (sent < load_settings.messages) {
				send_request(r);
				sent++;
			}
		}
	}
	load_print_result((double)(load_now_ns() - begun) / 1e9, done);
	load_wait();
}
