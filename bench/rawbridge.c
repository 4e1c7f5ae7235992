/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The floor: the least program that does the same work without the protocol.
 * TCP socket <-> the pipes of a child, with epoll, one read and one write for
 * each wake-up. A session ends as a whole when one side ends; its child is reaped. It has no
 * limits, no log and no deadlines; it is measured, not used.
 *
 *	rawbridge [-t] PROGRAM [ARG ...]	prints its port; -t: a raw terminal, not pipes
 *	rawbridge -c PORT			a TCP connection in place of a child
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pty.h>
#include <signal.h>
#include <spawn.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

enum { BATCH = 64 * 1024 };

/* One direction: FROM is read, TO is written; what did not fit waits in REST. */
struct flow {
	int from;
	int to;
	struct flow *back; /* the other direction of the same session */
	struct session *session;
	char *rest; /* owned; NULL until it is needed */
	size_t rest_len;
	size_t rest_at;
};

struct session {
	struct flow in;
	struct flow out;
	bool ended; /* its descriptors are closed; it is freed behind the batch of events */
	struct session *next_ended;
};

static int epoll;
static struct session *all_ended;
static bool terminal;
static in_port_t target; /* of -c, in network byte order; 0: a child */

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
end(struct session *session)
{
	close(session->in.from);
	close(session->in.to);
	if (session->out.from != session->in.to)
		close(session->out.from);
	session->ended = true;
	session->next_ended = all_ended;
	all_ended = session;
}

static void
free_ended(void)
{
	while (all_ended) {
		struct session *session = all_ended;

		all_ended = session->next_ended;
		free(session->in.rest);
		free(session->out.rest);
		free(session);
	}
}

/* How many bytes did not fit; -1 when the other side is gone. */
static ssize_t
write_all(int fd, const char *bytes, size_t len)
{
	while (len > 0) {
		ssize_t n = write(fd, bytes, len);

		if (n == -1 && errno == EAGAIN)
			return (ssize_t)len;
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
	ssize_t left = write_all(flow->to, flow->rest + flow->rest_at, flow->rest_len);

	if (left == -1) {
		end(flow->session);
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
	ssize_t left;

	if (n == -1 && errno == EAGAIN)
		return;
	left = n <= 0 ? -1 : write_all(flow->to, block, (size_t)n);
	if (left == -1) {
		end(flow->session);
		return;
	}
	if (left == 0)
		return;
	if (!flow->rest && !(flow->rest = malloc(BATCH)))
		die("malloc");
	memcpy(flow->rest, block + n - left, (size_t)left);
	flow->rest_len = (size_t)left;
	flow->rest_at = 0;
	watch(EPOLL_CTL_DEL, flow->from, 0, NULL);
	if (flow->to == flow->back->from && flow->back->rest_len == 0)
		watch(EPOLL_CTL_MOD, flow->to, EPOLLOUT, flow);
	else
		watch(EPOLL_CTL_ADD, flow->to, EPOLLOUT, flow);
}

/* The ends of two pipes, or of a terminal twice: a child's first, then ours. */
static bool
open_ends(int to_child[2], int from_child[2])
{
	struct termios mode;

	if (!terminal)
		return pipe2(to_child, O_CLOEXEC) == 0 && pipe2(from_child, O_CLOEXEC) == 0;
	if (openpty(&from_child[0], &from_child[1], NULL, NULL, NULL) == -1 ||
	    tcgetattr(from_child[1], &mode) == -1)
		return false;
	cfmakeraw(&mode);
	to_child[0] = fcntl(from_child[1], F_DUPFD_CLOEXEC, 0);
	to_child[1] = fcntl(from_child[0], F_DUPFD_CLOEXEC, 0);
	fcntl(from_child[0], F_SETFD, FD_CLOEXEC);
	fcntl(from_child[1], F_SETFD, FD_CLOEXEC);
	return tcsetattr(from_child[1], TCSANOW, &mode) == 0;
}

static void
start_child(char **argv, int to_child[2], int from_child[2])
{
	extern char **environ;
	posix_spawn_file_actions_t actions;
	pid_t pid;

	if (!open_ends(to_child, from_child))
		die("pipe");
	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_adddup2(&actions, to_child[0], 0);
	posix_spawn_file_actions_adddup2(&actions, from_child[1], 1);
	errno = posix_spawn(&pid, argv[0], &actions, NULL, argv, environ);
	if (errno != 0)
		die("spawn");
	posix_spawn_file_actions_destroy(&actions);
	close(to_child[0]);
	close(from_child[1]);
	fcntl(to_child[1], F_SETFL, O_NONBLOCK);
	fcntl(from_child[0], F_SETFL, O_NONBLOCK);
}

/* The other side is on this machine, so it does not take long. */
static int
connect_target(void)
{
	struct sockaddr_in address = {.sin_family = AF_INET,
	    .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	    .sin_port = target};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	int on = 1;

	if (connect(fd, (struct sockaddr *)&address, sizeof(address)) == -1)
		die("connect");
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	fcntl(fd, F_SETFL, O_NONBLOCK);
	return fd;
}

static void
on_accept(int listener, char **argv)
{
	struct session *session = calloc(1, sizeof(*session));
	int to_child[2];
	int from_child[2];
	int on = 1;
	int fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);

	if (!session || fd == -1)
		die("accept");
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	if (target)
		to_child[1] = from_child[0] = connect_target();
	else
		start_child(argv, to_child, from_child);
	session->in = (struct flow){
	    .from = fd, .to = to_child[1], .back = &session->out, .session = session};
	session->out = (struct flow){
	    .from = from_child[0], .to = fd, .back = &session->in, .session = session};
	watch(EPOLL_CTL_ADD, fd, EPOLLIN, &session->in);
	watch(EPOLL_CTL_ADD, from_child[0], EPOLLIN, &session->out);
}

static void
on_child(int signal)
{
	int saved = errno;

	(void)signal;
	while (waitpid(-1, NULL, WNOHANG) > 0)
		continue;
	errno = saved;
}

int
main(int argc, char **argv)
{
	struct sockaddr_in address = {
	    .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	struct sigaction reap = {.sa_handler = on_child, .sa_flags = SA_RESTART | SA_NOCLDSTOP};
	socklen_t len = sizeof(address);
	struct epoll_event events[32];
	int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	terminal = argc > 1 && strcmp(argv[1], "-t") == 0;
	argv += terminal;
	if (argc < 2 + terminal)
		die("usage: rawbridge [-t] PROGRAM [ARG ...], or -c PORT");
	if (argc == 3 && strcmp(argv[1], "-c") == 0)
		target = htons((in_port_t)atoi(argv[2]));
	signal(SIGPIPE, SIG_IGN);
	sigaction(SIGCHLD, &reap, NULL);
	if (bind(listener, (struct sockaddr *)&address, len) == -1 ||
	    listen(listener, 1024) == -1 ||
	    getsockname(listener, (struct sockaddr *)&address, &len) == -1)
		die("listen");
	printf("%d\n", ntohs(address.sin_port));
	fflush(stdout);
	epoll = epoll_create1(EPOLL_CLOEXEC);
	watch(EPOLL_CTL_ADD, listener, EPOLLIN, NULL);
	for (;;) {
		int n = epoll_wait(epoll, events, 32, -1); /* -1 when a child ended */

		for (int i = 0; i < n; i++) {
			struct flow *flow = events[i].data.ptr;

			if (!flow)
				on_accept(listener, argv + 1);
			else if (flow->session->ended)
				continue;
			else if (events[i].events & EPOLLOUT)
				on_writable(flow);
			else
				on_readable(flow);
		}
		free_ended();
	}
}
