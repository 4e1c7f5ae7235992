/* SPDX-License-Identifier: BSD-2-Clause */
/* The system, replaced. */
#include "kernel.h"

#include "check.h"
#include "process/spawn.h"
#include "random.h"

#include <errno.h>
#include <event2/event.h>
#include <linux/sockios.h>
#include <linux/tcp.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <sys/uio.h>
#include <sys/wait.h>

enum { KERNEL_TIMEOUT_MS = 60 * 1000 }; /* TCP_USER_TIMEOUT */

struct kernel kernel;

int64_t __wrap_util_clock_ms(void);
ssize_t __wrap_getrandom(void *out, size_t len, unsigned int flags);
ssize_t __wrap_read(int fd, void *out, size_t len);
ssize_t __wrap_write(int fd, const void *bytes, size_t len);
ssize_t __wrap_writev(int fd, const struct iovec *parts, int count);
ssize_t __wrap_send(int fd, const void *bytes, size_t len, int flags);
int __wrap_shutdown(int fd, int how);
int __wrap_close(int fd);
int __wrap_ioctl(int fd, unsigned long request, ...);
int __wrap_getsockopt(int fd, int level, int name, void *value, socklen_t *len);
int __wrap_poll(struct pollfd *fds, nfds_t count, int timeout);
int __wrap_waitid(idtype_t type, id_t id, siginfo_t *info, int options);
pid_t __wrap_waitpid(pid_t pid, int *status, int options);
int __wrap_kill(pid_t pid, int signal);
pid_t __real_waitpid(pid_t pid, int *status, int options);
int __real_kill(pid_t pid, int signal);
int __wrap_timerfd_create(int clock, int flags);
int __wrap_timerfd_settime(
    int fd, int flags, const struct itimerspec *when, struct itimerspec *old);

static size_t
kernel_index(int fd)
{
	check_that(
	    fd >= KERNEL_SOCKET && fd < KERNEL_FD_END, "descriptors are known, not %d", fd);
	return (size_t)(fd - KERNEL_SOCKET);
}

static void
kernel_change(int fd)
{
	kernel.edges[kernel_index(fd)]++;
}

void
kernel_reset(void)
{
	struct kernel_pipe *pipes[] = {
	    &kernel.from_client, &kernel.to_client, &kernel.in, &kernel.out, &kernel.err};

	for (size_t i = 0; i < sizeof(pipes) / sizeof(pipes[0]); i++)
		bytes_free(&pipes[i]->bytes);
	memset(&kernel, 0, sizeof(kernel));
	kernel.open[0] = true;
	for (size_t i = 0; i < sizeof(pipes) / sizeof(pipes[0]); i++)
		pipes[i]->capacity = 64 * 1024;
}

bool
kernel_is_open(int fd)
{
	return kernel.open[kernel_index(fd)];
}

size_t
kernel_room(const struct kernel_pipe *pipe)
{
	size_t len = bytes_len(&pipe->bytes);

	return len < pipe->capacity ? pipe->capacity - len : 0;
}

/* Enough room for an event: a third, as of a socket. */
static bool
kernel_has_room(const struct kernel_pipe *pipe)
{
	return kernel_room(pipe) > pipe->capacity / 3;
}

static bool
kernel_is_readable(const struct kernel_pipe *pipe)
{
	return bytes_len(&pipe->bytes) > 0 || pipe->writer_closed;
}

short
kernel_poll(int fd)
{
	short what = 0;

	switch (fd) {
	case KERNEL_SOCKET:
		/* As libevent translates EPOLLERR. */
		if (kernel.reset && !kernel.reset_seen)
			return EV_READ | EV_WRITE;
		if (kernel_is_readable(&kernel.from_client) || kernel.reset)
			what |= EV_READ;
		if (kernel_has_room(&kernel.to_client) || kernel.reset)
			what |= EV_WRITE;
		if (kernel.from_client.writer_closed || kernel.reset)
			what |= EV_CLOSED;
		return what;
	case KERNEL_STDIN:
		return kernel.in.reader_closed	     ? EV_READ | EV_WRITE
		       : kernel_has_room(&kernel.in) ? EV_WRITE
						     : 0;
	case KERNEL_STDOUT:
		return kernel_is_readable(&kernel.out) ? EV_READ : 0;
	case KERNEL_STDERR:
		return kernel_is_readable(&kernel.err) ? EV_READ : 0;
	case KERNEL_PIDFD:
		return kernel.life == KERNEL_ZOMBIE ? EV_READ : 0;
	case KERNEL_TIMER:
		return kernel.timer_ms != 0 && kernel.timer_ms <= check.now_ms ? EV_READ : 0;
	default:
		check_fail("descriptors are known, not %d", fd);
	}
}

uint64_t
kernel_edge(int fd)
{
	return kernel.edges[kernel_index(fd)];
}

/* Whether a system call is interrupted, or finds nothing though an event came. */
static bool
kernel_disturbs(void)
{
	if (kernel.quiet)
		return false;
	if (random_one_in(40)) {
		errno = EINTR;
		return true;
	}
	if (random_one_in(40)) {
		errno = EAGAIN;
		return true;
	}
	return false;
}

/* Part of LEN, mostly all. */
static size_t
kernel_part(size_t len)
{
	if (len < 2 || kernel.quiet || !random_one_in(3))
		return len;
	return random_one_in(2) ? random_between(1, len)
				: random_between(1, len < 16 ? len : 16);
}

static ssize_t
kernel_read(int fd, struct kernel_pipe *pipe, void *out, size_t len)
{
	size_t n = bytes_len(&pipe->bytes);

	check_that(len > 0, "a read has room");
	if (n == 0 && !pipe->writer_closed) {
		errno = EAGAIN;
		return -1;
	}
	/* What a dead program left in its pipe is there. */
	if (kernel_disturbs() &&
	    (errno == EINTR || fd == KERNEL_SOCKET || kernel.life == KERNEL_RUNS))
		return -1;
	if (n > len)
		n = len;
	n = kernel_part(n);
	if (n > 0)
		memcpy(out, bytes_data(&pipe->bytes), n);
	bytes_consume(&pipe->bytes, n);
	pipe->read += n;
	check_trace("  read fd %d: %zu of %zu bytes", fd, n, len);
	return (ssize_t)n;
}

static ssize_t
kernel_write(int fd, struct kernel_pipe *pipe, const struct iovec *parts, int count)
{
	size_t room = kernel_room(pipe);
	size_t done = 0;
	size_t len = 0;

	for (int i = 0; i < count; i++)
		len += parts[i].iov_len;
	if (pipe->reader_closed) {
		errno = fd == KERNEL_SOCKET ? ECONNRESET : EPIPE;
		return -1;
	}
	if (kernel_disturbs()) {
		kernel_change(fd);
		return -1;
	}
	if (room == 0 && len > 0) {
		pipe->full = true;
		errno = EAGAIN;
		return -1;
	}
	if (room > len)
		room = len;
	room = kernel_part(room);
	if (room < len)
		pipe->full = true;
	/* What is short for no reason could go on at once. */
	if (kernel_has_room(pipe))
		kernel_change(fd);
	for (int i = 0; i < count && done < room; i++) {
		size_t n = parts[i].iov_len < room - done ? parts[i].iov_len : room - done;

		bytes_append(&pipe->bytes, parts[i].iov_base, n);
		if (fd == KERNEL_SOCKET)
			kernel.on_sent(parts[i].iov_base, n);
		done += n;
	}
	pipe->written += done;
	check_trace("  write fd %d: %zu of %zu bytes", fd, done, len);
	return (ssize_t)done;
}

/* The other sides. */

/* Writes to a pipe what it has room for. */
static size_t
kernel_put(struct kernel_pipe *pipe, const uint8_t *bytes, size_t len)
{
	size_t room = kernel_room(pipe);

	if (len > room)
		len = room;
	bytes_append(&pipe->bytes, bytes, len);
	pipe->written += len;
	return len;
}

/* Reads from a pipe that we write to as FD. */
static size_t
kernel_take(int fd, struct kernel_pipe *pipe, struct bytes *to, size_t max)
{
	size_t n = bytes_len(&pipe->bytes);

	if (n > max)
		n = max;
	bytes_append(to, bytes_data(&pipe->bytes), n);
	bytes_consume(&pipe->bytes, n);
	pipe->read += n;
	if (pipe->full && kernel_has_room(pipe)) {
		pipe->full = false;
		kernel_change(fd);
	}
	return n;
}

size_t
kernel_client_send(const uint8_t *bytes, size_t len)
{
	len = kernel_put(&kernel.from_client, bytes, len);
	if (len > 0)
		kernel_change(KERNEL_SOCKET);
	return len;
}

size_t
kernel_client_receive(struct bytes *to, size_t max)
{
	return kernel_take(KERNEL_SOCKET, &kernel.to_client, to, max);
}

void
kernel_client_fin(void)
{
	kernel.from_client.writer_closed = true;
	kernel_change(KERNEL_SOCKET);
}

void
kernel_client_reset(void)
{
	kernel.reset = true;
	kernel.from_client.writer_closed = true;
	kernel.to_client.reader_closed = true;
	kernel_change(KERNEL_SOCKET);
}

void
kernel_client_vanish(void)
{
	kernel.vanished = true;
	kernel.vanished_ms = check.now_ms;
}

static int64_t
kernel_reset_due(void)
{
	return kernel.vanished && !kernel.reset ? kernel.vanished_ms + KERNEL_TIMEOUT_MS
						: INT64_MAX;
}

int64_t
kernel_next_due(void)
{
	int64_t due = kernel_reset_due();

	return kernel.timer_ms != 0 && kernel.timer_ms < due ? kernel.timer_ms : due;
}

void
kernel_tick(void)
{
	if (check.now_ms >= kernel_reset_due())
		kernel_client_reset();
}

size_t
kernel_program_read(struct bytes *to, size_t max)
{
	return kernel_take(KERNEL_STDIN, &kernel.in, to, max);
}

size_t
kernel_program_write(struct kernel_pipe *pipe, const uint8_t *bytes, size_t len)
{
	return kernel_put(pipe, bytes, len);
}

void
kernel_program_close(struct kernel_pipe *pipe)
{
	if (pipe == &kernel.in)
		pipe->reader_closed = true;
	else
		pipe->writer_closed = true;
}

void
kernel_program_exit(bool by_signal, int value)
{
	kernel.life = KERNEL_ZOMBIE;
	kernel.by_signal = by_signal;
	kernel.value = value;
	kernel_program_close(&kernel.in);
	kernel_program_close(&kernel.err);
}

/* The system calls. */

int64_t
__wrap_util_clock_ms(void)
{
	return check.now_ms;
}

ssize_t
__wrap_getrandom(void *out, size_t len, unsigned int flags)
{
	uint8_t *bytes = out;

	(void)flags;
	for (size_t i = 0; i < len; i++)
		bytes[i] = (uint8_t)(i * 37 + 11);
	return (ssize_t)len;
}

ssize_t
__wrap_read(int fd, void *out, size_t len)
{
	ssize_t n;

	check_that(kernel_is_open(fd), "only open descriptors are read, not %d", fd);
	switch (fd) {
	case KERNEL_SOCKET:
		if (kernel.reset && bytes_len(&kernel.from_client.bytes) == 0) {
			kernel.reset_seen = true;
			errno = ECONNRESET;
			return -1;
		}
		n = kernel_read(fd, &kernel.from_client, out, len);
		kernel.eof_read = kernel.eof_read || n == 0;
		return n;
	case KERNEL_STDOUT:
		return kernel_read(fd, &kernel.out, out, len);
	case KERNEL_STDERR:
		return kernel_read(fd, &kernel.err, out, len);
	default:
		check_fail("descriptor %d is read", fd);
	}
}

ssize_t
__wrap_writev(int fd, const struct iovec *parts, int count)
{
	check_that(kernel_is_open(fd), "only open descriptors are written to, not %d", fd);
	if (fd == KERNEL_SOCKET)
		check_that(!kernel.to_client.writer_closed, "nothing is written after the FIN");
	return kernel_write(
	    fd, fd == KERNEL_SOCKET ? &kernel.to_client : &kernel.in, parts, count);
}

ssize_t
__wrap_write(int fd, const void *bytes, size_t len)
{
	struct iovec part = {(void *)(uintptr_t)bytes, len};

	return __wrap_writev(fd, &part, 1);
}

ssize_t
__wrap_send(int fd, const void *bytes, size_t len, int flags)
{
	(void)flags;
	return __wrap_write(fd, bytes, len);
}

int
__wrap_shutdown(int fd, int how)
{
	(void)how;
	check_that(fd == KERNEL_SOCKET && kernel_is_open(fd), "only the open socket is shut");
	check_trace("  shutdown");
	kernel.to_client.writer_closed = true;
	return 0;
}

int
__wrap_close(int fd)
{
	check_that(kernel_is_open(fd), "descriptor %d is closed once", fd);
	check_trace("  close fd %d", fd);
	kernel.open[kernel_index(fd)] = false;
	if (fd == KERNEL_SOCKET) {
		kernel.to_client.writer_closed = true;
		kernel.from_client.reader_closed = true;
	} else if (fd == KERNEL_STDIN) {
		kernel.in.writer_closed = true;
	} else if (fd == KERNEL_STDOUT) {
		kernel.out.reader_closed = true;
	} else if (fd == KERNEL_STDERR) {
		kernel.err.reader_closed = true;
	}
	return 0;
}

int
__wrap_ioctl(int fd, unsigned long request, ...)
{
	va_list arguments;
	int *out;

	va_start(arguments, request);
	out = va_arg(arguments, int *);
	va_end(arguments);
	check_that(kernel_is_open(fd), "only open descriptors are asked about");
	if (request == SIOCOUTQ && fd == KERNEL_SOCKET) {
		size_t len = bytes_len(&kernel.to_client.bytes);
		size_t window = kernel.vanished ? 0 : kernel.to_client.capacity / 2;

		*out = len > window ? (int)(len - window) : 0;
		return 0;
	}
	check_that(request == FIONREAD && fd == KERNEL_STDOUT, "ioctls are known");
	*out = (int)bytes_len(&kernel.out.bytes);
	return 0;
}

int
__wrap_getsockopt(int fd, int level, int name, void *value, socklen_t *len)
{
	struct tcp_info *info = value;

	check_that(fd == KERNEL_SOCKET && kernel_is_open(fd) && level == IPPROTO_TCP &&
		       name == TCP_INFO && *len <= sizeof(*info),
	    "socket options are known");
	memset(info, 0, *len);
	if (kernel.vanished) {
		info->tcpi_unacked = bytes_len(&kernel.to_client.bytes) > 0;
		info->tcpi_last_ack_recv = (uint32_t)(check.now_ms - kernel.vanished_ms);
	}
	return 0;
}

int
__wrap_poll(struct pollfd *fds, nfds_t count, int timeout)
{
	check_that(
	    count == 1 && timeout == 0 && fds->fd == KERNEL_SOCKET && kernel_is_open(fds->fd),
	    "the socket is polled");
	fds->revents = 0;
	if (kernel.from_client.writer_closed)
		fds->revents |= POLLRDHUP;
	if (kernel.reset)
		fds->revents |= POLLERR;
	return fds->revents != 0;
}

int
__wrap_waitid(idtype_t type, id_t id, siginfo_t *info, int options)
{
	check_that(type == P_PID && id == KERNEL_PID && (options & WNOWAIT),
	    "the program is waited for, and kept");
	if (kernel.life != KERNEL_ZOMBIE)
		return 0;
	info->si_pid = KERNEL_PID;
	info->si_code = kernel.by_signal ? CLD_KILLED : CLD_EXITED;
	info->si_status = kernel.value;
	return 0;
}

pid_t
__wrap_waitpid(pid_t pid, int *status, int options)
{
	if (pid != KERNEL_PID)
		return __real_waitpid(pid, status, options);
	check_that(kernel.life == KERNEL_ZOMBIE, "a zombie is reaped, once");
	check_that(kernel.group_killed, "the group is killed before its leader is reaped");
	if (!kernel.quiet && random_one_in(10)) {
		errno = EINTR;
		return -1;
	}
	kernel.life = KERNEL_REAPED;
	if (status)
		*status = kernel.by_signal ? kernel.value : kernel.value << 8;
	return pid;
}

int
__wrap_kill(pid_t pid, int signal)
{
	if (pid != KERNEL_PID && pid != -KERNEL_PID)
		return __real_kill(pid, signal);
	if (signal == 0) {
		errno = kernel.life == KERNEL_REAPED ? ESRCH : 0;
		return errno ? -1 : 0;
	}
	check_that(pid == -KERNEL_PID && kernel.life != KERNEL_REAPED,
	    "signals go to the group, while its number is reserved");
	check_trace("  kill: signal %d", signal);
	if (signal == SIGKILL)
		kernel.group_killed = true;
	kernel.on_signal(signal);
	return 0;
}

int
__wrap_timerfd_create(int clock, int flags)
{
	(void)clock;
	(void)flags;
	kernel.open[kernel_index(KERNEL_TIMER)] = true;
	return KERNEL_TIMER;
}

int
__wrap_timerfd_settime(int fd, int flags, const struct itimerspec *when, struct itimerspec *old)
{
	(void)old;
	check_that(fd == KERNEL_TIMER && kernel_is_open(fd) && flags == 0, "the timer is set");
	kernel.timer_ms = when->it_value.tv_sec == 0 && when->it_value.tv_nsec == 0
			      ? 0
			      : check.now_ms + (int64_t)when->it_value.tv_sec * 1000 +
				    (int64_t)when->it_value.tv_nsec / 1000000;
	return 0;
}

int
spawn_program(const struct spawn_inherited *inherited, struct pid_set *programs, pid_t server,
    const struct spawn_command *command, struct spawn_result *out)
{
	(void)inherited;
	(void)programs;
	(void)server;
	(void)command;
	for (int fd = KERNEL_STDIN; fd <= KERNEL_PIDFD; fd++)
		kernel.open[kernel_index(fd)] = true;
	kernel.life = KERNEL_RUNS;
	*out = (struct spawn_result){
	    KERNEL_PID, KERNEL_PIDFD, KERNEL_STDIN, KERNEL_STDOUT, KERNEL_STDERR};
	return 0;
}

void
spawn_undo(struct pid_set *programs, const struct spawn_result *started)
{
	(void)programs;
	(void)started;
	for (int fd = KERNEL_STDIN; fd <= KERNEL_PIDFD; fd++)
		kernel.open[kernel_index(fd)] = false;
	kernel.life = KERNEL_REAPED;
}
