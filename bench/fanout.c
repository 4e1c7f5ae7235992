/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * For bench/shared: what one program writes, sent to many clients.
 *
 *	fanout server COMMAND...	the baseline: frames of the lines that COMMAND writes,
 *with one send(2) for each client and read; it prints its port fanout clients HOW PORT N BYTES
 *N clients, HOW "ws" or "raw", until each has got so many bytes of frames; prints the latencies
 *of lines that begin with a time in nanoseconds fanout churn PORT RATE COUNT	COUNT sessions,
 *RATE in a second, that send two messages, read them, and leave with a Close or without
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { MAX_CLIENTS = 20000, READ = 64 * 1024, SAMPLES = 1 << 20 };

static const char head[] =
    "GET / HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n";
/* "go", masked with zeros. */
static const char go[] = "\x81\x82\0\0\0\0go";

static void
fail(const char *what)
{
	perror(what);
	exit(1);
}

static int64_t
now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * INT64_C(1000000000) + t.tv_nsec;
}

static int
connect_to(int port)
{
	struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
	int fd = socket(AF_INET, SOCK_STREAM, 0), on = 1;

	to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	if (fd == -1 || connect(fd, (struct sockaddr *)&to, sizeof(to)) == -1)
		fail("connect");
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	return fd;
}

/* Reads up to the end of the response. */
static void
upgrade(int fd)
{
	char text[4096];
	size_t len = 0;

	if (write(fd, head, sizeof(head) - 1) != sizeof(head) - 1)
		fail("write");
	while (len < 4 || memcmp(text + len - 4, "\r\n\r\n", 4) != 0) {
		if (read(fd, text + len, 1) != 1 || ++len == sizeof(text))
			fail("no response");
	}
	if (memcmp(text, "HTTP/1.1 101", 12) != 0)
		fail("no 101");
}

/* The baseline */

static int clients[MAX_CLIENTS];
static int client_count;

/* Frames of the lines in BYTES, in one piece. */
static size_t
frame_lines(const char *bytes, size_t len, char *out)
{
	char *to = out;

	for (const char *end; (end = memchr(bytes, '\n', len));) {
		size_t n = (size_t)(end - bytes);

		*to++ = (char)0x81;
		if (n < 126) {
			*to++ = (char)n;
		} else {
			*to++ = 126;
			*to++ = (char)(n >> 8);
			*to++ = (char)n;
		}
		memcpy(to, bytes, n);
		to += n;
		len -= n + 1;
		bytes += n + 1;
	}
	return (size_t)(to - out);
}

static void
send_all(const char *bytes, size_t len)
{
	for (int i = 0; i < client_count; i++) {
		size_t done = 0;

		while (done < len) {
			ssize_t n = send(clients[i], bytes + done, len - done, MSG_NOSIGNAL);

			if (n > 0) {
				done += (size_t)n;
			} else if (errno == EAGAIN) {
				struct pollfd wait = {clients[i], POLLOUT, 0};

				poll(&wait, 1, -1);
			} else {
				fail("send");
			}
		}
	}
}

static int
serve(char **argv)
{
	static char in[READ], out[2 * READ];
	struct sockaddr_in address = {.sin_family = AF_INET};
	socklen_t size = sizeof(address);
	int fd = socket(AF_INET, SOCK_STREAM, 0), to[2], from[2];
	struct pollfd wait[2];
	size_t kept = 0;

	address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	if (bind(fd, (struct sockaddr *)&address, sizeof(address)) == -1 ||
	    listen(fd, 1024) == -1 || pipe(to) == -1 || pipe(from) == -1)
		fail("listen");
	getsockname(fd, (struct sockaddr *)&address, &size);
	printf("%d\n", ntohs(address.sin_port));
	fflush(stdout);
	if (fork() == 0) {
		dup2(to[0], 0);
		dup2(from[1], 1);
		for (int i = 3; i < 16; i++)
			close(i);
		execvp(argv[0], argv);
		_exit(127);
	}
	close(to[0]);
	close(from[1]);
	wait[0] = (struct pollfd){fd, POLLIN, 0};
	wait[1] = (struct pollfd){from[0], POLLIN, 0};
	for (;;) {
		ssize_t n;

		poll(wait, 2, to[1] == -1 ? -1 : 1);
		if (wait[0].revents & POLLIN) {
			int one = accept4(fd, NULL, NULL, SOCK_NONBLOCK), on = 1;

			if (one == -1 || client_count == MAX_CLIENTS)
				fail("accept");
			setsockopt(one, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
			clients[client_count++] = one;
			continue;
		}
		/* The last client asks for the lines. */
		if (to[1] != -1 && client_count > 0 &&
		    recv(clients[client_count - 1], in, 1, 0) == 1) {
			if (write(to[1], "go\n", 3) != 3)
				fail("write");
			close(to[1]);
			to[1] = -1;
		}
		if (!(wait[1].revents & (POLLIN | POLLHUP)))
			continue;
		n = read(from[0], in + kept, sizeof(in) - kept);
		if (n <= 0)
			break;
		kept += (size_t)n;
		send_all(out, frame_lines(in, kept, out));
		{
			char *last = memrchr(in, '\n', kept);
			size_t used = last ? (size_t)(last - in) + 1 : 0;

			memmove(in, in + used, kept - used);
			kept -= used;
		}
	}
	/* Until all have read. */
	for (int i = 0; i < client_count; i++) {
		fcntl(clients[i], F_SETFL, 0);
		shutdown(clients[i], SHUT_WR);
	}
	pause();
	return 0;
}

/* Clients */

static int32_t *samples; /* microseconds */
static size_t sample_count;

static int
compare(const void *a, const void *b)
{
	int32_t x = *(const int32_t *)a, y = *(const int32_t *)b;

	return (x > y) - (x < y);
}

static int
be_clients(const char *how, int port, int count, int64_t bytes)
{
	bool ws = strcmp(how, "ws") == 0;
	int64_t *left = calloc((size_t)count, sizeof(*left));
	int epoll = epoll_create1(0), done = 0, last = -1;
	int64_t start;
	static char in[READ];

	samples = calloc(SAMPLES, sizeof(*samples));
	for (int i = 0; i < count; i++) {
		struct epoll_event event = {.events = EPOLLIN, .data.u64 = (uint32_t)i};

		last = connect_to(port);
		if (ws)
			upgrade(last);
		event.data.u64 |= (uint64_t)last << 32;
		epoll_ctl(epoll, EPOLL_CTL_ADD, last, &event);
		left[i] = bytes;
	}
	printf("connected\n");
	fflush(stdout);
	if (getchar() == EOF)
		return 1;
	start = now_ns();
	if (write(last, ws ? go : "g", ws ? sizeof(go) - 1 : 1) < 1)
		fail("write");
	while (done < count) {
		struct epoll_event events[64];
		int n = epoll_wait(epoll, events, 64, 60000);

		if (n <= 0)
			fail("nothing comes");
		for (int i = 0; i < n; i++) {
			uint32_t which = (uint32_t)events[i].data.u64;
			ssize_t got = read((int)(events[i].data.u64 >> 32), in, sizeof(in));

			if (got <= 0 && left[which] > 0)
				fail("the end came early");
			if (got <= 0) {
				close((int)(events[i].data.u64 >> 32));
				continue;
			}
			/* A frame that came alone begins with a time. */
			if (got > 20 && sample_count < SAMPLES && in[2] >= '0' && in[2] <= '9')
				samples[sample_count++] =
				    (int32_t)((now_ns() - strtoll(in + 2, NULL, 10)) / 1000);
			left[which] -= got;
			if (left[which] <= 0 && left[which] + got > 0)
				done++;
		}
	}
	qsort(samples, sample_count, sizeof(*samples), compare);
	printf("%.6f %d %d\n", (double)(now_ns() - start) / 1e9,
	    sample_count > 0 ? samples[sample_count / 2] : 0,
	    sample_count > 0 ? samples[sample_count * 99 / 100] : 0);
	return 0;
}

static int
churn(int port, int rate, int count)
{
	static const char two[] = "\x81\x81\0\0\0\0"
				  "0"
				  "\x81\x81\0\0\0\0"
				  "1";
	static const char bye[] = "\x88\x82\0\0\0\0\x03\xe8";
	int64_t start = now_ns();

	for (int i = 0; i < count; i++) {
		int64_t due = start + i * INT64_C(1000000000) / rate;
		struct linger reset = {1, 0};
		char got[6];
		int fd;

		while (now_ns() < due)
			poll(NULL, 0, 1);
		fd = connect_to(port);
		upgrade(fd);
		if (write(fd, two, sizeof(two) - 1) != sizeof(two) - 1 ||
		    recv(fd, got, 6, MSG_WAITALL) != 6 ||
		    memcmp(got,
			"\x81\1"
			"0\x81\1"
			"1",
			6) != 0)
			fail("no echo");
		if (i % 3 == 0 && write(fd, bye, sizeof(bye) - 1) > 0)
			(void)!read(fd, got, 4);
		if (i % 3 == 1)
			setsockopt(fd, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset));
		close(fd);
	}
	printf("%.3f\n", (double)(now_ns() - start) / 1e9);
	return 0;
}

int
main(int argc, char **argv)
{
	struct rlimit files;

	signal(SIGPIPE, SIG_IGN);
	getrlimit(RLIMIT_NOFILE, &files);
	files.rlim_cur = files.rlim_max;
	setrlimit(RLIMIT_NOFILE, &files);
	if (argc > 2 && strcmp(argv[1], "server") == 0)
		return serve(argv + 2);
	if (argc == 6 && strcmp(argv[1], "clients") == 0)
		return be_clients(argv[2], atoi(argv[3]), atoi(argv[4]), atoll(argv[5]));
	if (argc == 5 && strcmp(argv[1], "churn") == 0)
		return churn(atoi(argv[2]), atoi(argv[3]), atoi(argv[4]));
	fprintf(stderr, "usage: fanout server|clients|churn ...\n");
	return 64;
}
