/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * For bench/shared and bench/bus: what one program writes, sent to many clients.
 *
 * fanout server COMMAND...: the baseline, frames of the lines that COMMAND writes, with one
 * send(2) for each client and read. It prints its port.
 *
 * fanout clients HOW PORT N BYTES: N clients, HOW "ws" or "raw", until each has got so many
 * bytes of frames. It prints the seconds, and the median and 99th percentile of the
 * microseconds from the time that a line begins with, in nanoseconds, to its arrival, over all
 * lines of all clients.
 *
 * fanout churn PORT RATE COUNT: COUNT sessions, RATE in a second, that send two messages, read
 * them, and leave with a Close or without.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sched.h>
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

enum { MAX_CLIENTS = 20000, READ = 64 * 1024 };

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

enum {
	CARRY = 32, /* bytes of a frame: its header and the time after it */
	BUCKETS = 200000,
	BUCKET_NS = 100000,
};

struct client {
	int fd;
	int64_t left; /* bytes that it is still to get */
	size_t skip; /* those of the frame that it is in */
	size_t carried;
	char carry[CARRY]; /* the beginning of a frame that ends in the next read */
};

static uint32_t latencies[BUCKETS];
static uint64_t latency_count;

/* The time at the beginning of a line, if there is one. */
static void
note_latency(const char *text, const char *end, int64_t now)
{
	int64_t sent = 0, bucket;

	if (text == end || *text < '0' || *text > '9')
		return;
	for (; text < end && *text >= '0' && *text <= '9'; text++)
		sent = 10 * sent + (*text - '0');
	bucket = (now - sent) / BUCKET_NS;
	latencies[bucket < 0 ? 0 : bucket < BUCKETS ? bucket : BUCKETS - 1]++;
	latency_count++;
}

/* Microseconds within which PERCENT of all messages came, from the time that they begin with
 * until they were read. */
static int64_t
latency_us(unsigned int percent)
{
	uint64_t sum = 0;

	for (int64_t i = 0; i < BUCKETS && latency_count > 0; i++) {
		sum += latencies[i];
		if (sum * 100 >= latency_count * percent)
			return (i + 1) * BUCKET_NS / 1000;
	}
	return 0;
}

/* The frames in BYTES, before which there is room for CARRY bytes. */
static void
read_frames(struct client *c, char *bytes, size_t len)
{
	const char *at = bytes - c->carried, *end = bytes + len;
	int64_t now = now_ns();

	memcpy(bytes - c->carried, c->carry, c->carried);
	c->carried = 0;
	while (c->skip <= (size_t)(end - at)) {
		const unsigned char *frame = (const unsigned char *)(at += c->skip);
		size_t header = 2, payload;

		c->skip = 0;
		if (end - at < 4)
			break;
		payload = frame[1];
		if (payload == 126) {
			header = 4;
			payload = (size_t)frame[2] << 8 | frame[3];
		} else if (payload == 127) {
			if (end - at < 10)
				break;
			header = 10;
			payload = 0;
			for (int i = 2; i < 10; i++)
				payload = payload << 8 | frame[i];
		}
		if (end - at < CARRY && (size_t)(end - at) < header + payload)
			break;
		note_latency(at + header,
		    at + header + payload < end ? at + header + payload : end, now);
		c->skip = header + payload;
	}
	if (c->skip > 0) {
		c->skip -= (size_t)(end - at);
		return;
	}
	c->carried = (size_t)(end - at);
	memcpy(c->carry, at, c->carried);
}

/* Returns true when C has got all, with this read. */
static bool
receive(struct client *c)
{
	static char block[CARRY + READ];
	char *in = block + CARRY;
	bool done = false;
	ssize_t got;

	/* An edge-triggered event: up to the end of what has come. */
	do {
		got = recv(c->fd, in, READ, MSG_DONTWAIT);
		if (got == -1 && errno == EAGAIN)
			return done;
		if (got <= 0 && c->left > 0)
			fail("the end came early");
		if (got <= 0) {
			close(c->fd);
			return done;
		}
		read_frames(c, in, (size_t)got);
		c->left -= got;
		done |= c->left <= 0 && c->left + got > 0;
	} while (got == READ);
	return done;
}

static int
be_clients(const char *how, int port, int count, int64_t bytes)
{
	bool ws = strcmp(how, "ws") == 0;
	struct client *all = calloc((size_t)count, sizeof(*all));
	int epoll = epoll_create1(0), done = 0, last = -1;
	int64_t start;

	for (int i = 0; i < count; i++) {
		struct epoll_event event = {.events = EPOLLIN | EPOLLET, .data.ptr = &all[i]};

		last = connect_to(port);
		if (ws)
			upgrade(last);
		all[i].fd = last;
		all[i].left = bytes;
		epoll_ctl(epoll, EPOLL_CTL_ADD, last, &event);
	}
	/* As bench/run does: or each write of the server may be interrupted by the client that
	 * it wakes up. */
	if (sched_getscheduler(0) == SCHED_OTHER)
		(void)sched_setscheduler(0, SCHED_BATCH, &(struct sched_param){0});
	printf("connected\n");
	fflush(stdout);
	if (getchar() == EOF)
		return 1;
	start = now_ns();
	if (write(last, ws ? go : "g", ws ? sizeof(go) - 1 : 1) < 1)
		fail("write");
	while (done < count) {
		struct epoll_event events[256];
		int n = epoll_wait(epoll, events, 256, 60000);

		if (n <= 0)
			fail("nothing comes");
		for (int i = 0; i < n; i++)
			done += receive(events[i].data.ptr);
	}
	printf("%.6f %lld %lld\n", (double)(now_ns() - start) / 1e9, (long long)latency_us(50),
	    (long long)latency_us(99));
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
