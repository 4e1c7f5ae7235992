/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The floor: the least program that does the same work without the protocol.
 * TCP socket <-> the pipes of a child, with epoll, one read and one write for
 * each wake-up. It has no limits, no log and no deadlines; it is measured, not used.
 *
 *	rawbridge PROGRAM [ARG ...]	prints its port
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

enum { BATCH = 64 * 1024 };

/* One direction: FROM is read, TO is written; LEFT bytes of a write that did not fit wait in
 * REST. */
struct flow {
	int from;
	int to;
	struct flow *back; /* the other direction of the same connection */
	char *rest;
	size_t rest_len;
	size_t rest_at;
};

static int epoll;

static void
die(const char *what)
{
	fprintf(stderr, "rawbridge: %s: %s\n", what, strerror(errno));
	exit(1);
}

static void
watch(int op, int fd, unsigned int events, struct flow *flow)
{
	struct epoll_event event = {.events = events, .data.ptr = flow};

	if (epoll_ctl(epoll, op, fd, &event) == -1)
		die("epoll_ctl");
}

static void
end(struct flow *flow)
{
	close(flow->from);
	close(flow->to);
	if (flow->back->from != flow->to)
		close(flow->back->from);
	if (flow->back->to != flow->from)
		close(flow->back->to);
}

/* Waits for room, then goes on: simple, as the load that is measured never fills a pipe for
 * long. */
static int
write_all(int fd, const char *bytes, size_t len)
{
	while (len > 0) {
		ssize_t n = write(fd, bytes, len);

		if (n == -1 && errno == EAGAIN)
			return (int)len;
		if (n == -1)
			return -1;
		bytes += n;
		len -= (size_t)n;
	}
	return 0;
}

static void
on_writable(struct flow *flow)
{
	int left = write_all(flow->to, flow->rest + flow->rest_at, flow->rest_len);

	if (left == -1) {
		end(flow);
		return;
	}
	flow->rest_at += flow->rest_len - (size_t)left;
	flow->rest_len = (size_t)left;
	if (left > 0)
		return;
	/* The descriptor that was written to goes back to what it was; reading starts again. */
	if (flow->to == flow->back->from && flow->back->rest_len == 0)
		watch(EPOLL_CTL_MOD, flow->to, EPOLLIN, flow->back);
	else
		watch(EPOLL_CTL_DEL, flow->to, 0, NULL);
	watch(EPOLL_CTL_ADD, flow->from, EPOLLIN, flow);
}

static void
on_readable(struct flow *flow)
{
	static char block[BATCH];
	ssize_t n = read(flow->from, block, sizeof(block));
	int left;

	if (n == -1 && errno == EAGAIN)
		return;
	if (n <= 0) {
		end(flow);
		return;
	}
	left = write_all(flow->to, block, (size_t)n);
	if (left == -1) {
		end(flow);
		return;
	}
	if (left == 0)
		return;
	if (!flow->rest)
		flow->rest = malloc(BATCH);
	memcpy(flow->rest, block + n - left, (size_t)left);
	flow->rest_len = (size_t)left;
	flow->rest_at = 0;
	watch(EPOLL_CTL_DEL, flow->from, 0, NULL);
	if (flow->to == flow->back->from && flow->back->rest_len == 0)
		watch(EPOLL_CTL_MOD, flow->to, EPOLLOUT, flow);
	else
		watch(EPOLL_CTL_ADD, flow->to, EPOLLOUT, flow);
}

static void
on_accept(int listener, char **argv)
{
	extern char **environ;
	struct flow *in = calloc(2, sizeof(*in));
	struct flow *out = in + 1;
	int to_child[2];
	int from_child[2];
	int on = 1;
	posix_spawn_file_actions_t actions;
	pid_t pid;
	int fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);

	if (fd == -1 || pipe2(to_child, O_CLOEXEC) == -1 || pipe2(from_child, O_CLOEXEC) == -1)
		die("accept");
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_adddup2(&actions, to_child[0], 0);
	posix_spawn_file_actions_adddup2(&actions, from_child[1], 1);
	if (posix_spawn(&pid, argv[0], &actions, NULL, argv, environ) != 0)
		die("spawn");
	posix_spawn_file_actions_destroy(&actions);
	close(to_child[0]);
	close(from_child[1]);
	fcntl(to_child[1], F_SETFL, O_NONBLOCK);
	fcntl(from_child[0], F_SETFL, O_NONBLOCK);
	*in = (struct flow){.from = fd, .to = to_child[1], .back = out};
	*out = (struct flow){.from = from_child[0], .to = fd, .back = in};
	watch(EPOLL_CTL_ADD, fd, EPOLLIN, in);
	watch(EPOLL_CTL_ADD, from_child[0], EPOLLIN, out);
}

int
main(int argc, char **argv)
{
	struct sockaddr_in address = {
	    .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t len = sizeof(address);
	struct epoll_event events[32];
	int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (argc < 2)
		die("usage: rawbridge PROGRAM [ARG ...]");
	signal(SIGPIPE, SIG_IGN);
	signal(SIGCHLD, SIG_IGN);
	if (bind(listener, (struct sockaddr *)&address, len) == -1 ||
	    listen(listener, 1024) == -1 ||
	    getsockname(listener, (struct sockaddr *)&address, &len) == -1)
		die("listen");
	printf("%d\n", ntohs(address.sin_port));
	fflush(stdout);
	epoll = epoll_create1(EPOLL_CLOEXEC);
	watch(EPOLL_CTL_ADD, listener, EPOLLIN, NULL);
	for (;;) {
		int n = epoll_wait(epoll, events, 32, -1);

		for (int i = 0; i < n; i++) {
			struct flow *flow = events[i].data.ptr;

			if (!flow)
				on_accept(listener, argv + 1);
			else if (events[i].events & EPOLLOUT)
				on_writable(flow);
			else
				on_readable(flow);
		}
	}
}
