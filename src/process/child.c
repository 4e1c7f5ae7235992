/* SPDX-License-Identifier: BSD-2-Clause */
/* A running program with pipes or a terminal, from its start until it is reaped. */
#include "process/child.h"

#include "base/log.h"
#include "net/io.h"
#include "process/lines.h"

#include <assert.h>
#include <errno.h>
#include <event2/event.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <unistd.h>

enum { CHILD_LAST_WORDS = 1024 * 1024 }; /* bytes of stderr that are read from a dead program */

enum child_life {
	CHILD_ALIVE,
	CHILD_ZOMBIE, /* keeps the ID of its process group reserved */
	CHILD_REAPED,
};

/* One allocation, including its streams: an idle session has one child. */
struct child {
	union { /* first: child_release() casts to the container */
		struct children_member member; /* until reaped */
		struct loop_deferred deferred; /* once freed */
	};
	struct children *children; /* borrowed, as the next two */
	const struct child_handlers *handlers;
	void *arg; /* argument of the handlers */
	int pidfd; /* owned; -1 once dead */
	enum child_life life : 8;
	bool stuck; /* alive after the whole termination sequence */
	bool out_lost; /* stdout can't be polled */
	enum pty_kind pty : 8;
	struct child_facts facts;
	struct event event; /* exit while alive; timeouts */
	struct io in;
	struct io out;
	struct io err;
	struct lines err_lines;
};

static void
child_on_line(void *arg, const char *line, size_t len)
{
	struct child *child = arg;

	child->handlers->on_stderr(child->arg, line, len);
}

static void
child_close_stderr(struct child *child)
{
	if (!io_is_open(&child->err))
		return;
	lines_end(&child->err_lines, child_on_line, child);
	io_clear(&child->err);
	if (child->handlers->on_stderr_read)
		child->handlers->on_stderr_read(child->arg);
}

/* Reads once from stderr. Returns false if there is nothing more for now. */
static bool
child_read_stderr(struct child *child)
{
	struct loop *loop = child->children->loop;
	size_t n;

	switch (stream_read(&child->err.stream, loop->in, CHILD_STDERR_BATCH, &n)) {
	case STREAM_OK:
		lines_take(&child->err_lines, (const char *)loop->in, n, child_on_line, child);
		if (child->handlers->on_stderr_read)
			child->handlers->on_stderr_read(child->arg);
		return true;
	case STREAM_AGAIN:
		break;
	case STREAM_EOF:
	case STREAM_FAILED:
		child_close_stderr(child);
		break;
	}
	return false;
}

static void
child_release(struct loop_deferred *deferred)
{
	struct child *child = (struct child *)(void *)deferred;

	lines_clear(&child->err_lines);
	free(child);
}

void
child_free(struct child *child)
{
	if (!child)
		return;
	assert(child->life == CHILD_REAPED);
	io_clear(&child->out);
	loop_count_stream(child->children->loop, false);
	loop_defer_free(child->children->loop, &child->deferred, child_release);
}

/* Records that the program is dead. Its stdin and the watch for its exit are no longer
 * needed. */
static void
child_set_dead(struct child *child)
{
	child->life = CHILD_ZOMBIE;
	child->facts.dead = true;
	child->member.termination.silent = true;
	event_del(&child->event);
	if (child->pidfd != -1)
		close(child->pidfd);
	child->pidfd = -1;
	io_clear(&child->in);
}

/* Kills what is left of the group of a dead program, then reaps it. */
static void
child_reap(struct child *child)
{
	struct children *children = child->children;
	bool all;
	int left = 0, status = 0;

	child_set_dead(child);
	all = termination_signal(&child->member.termination, SIGKILL);
	if (children->settings.programs)
		pid_set_remove(children->settings.programs, child->facts.pid);
	while (waitpid(child->facts.pid, &status, 0) == -1 && errno == EINTR)
		continue;
	child->life = CHILD_REAPED;
	child->facts.by_signal = WIFSIGNALED(status);
	child->facts.value =
	    (uint8_t)(child->facts.by_signal ? WTERMSIG(status) : WEXITSTATUS(status));
	/* Processes of our own user are dying by now; EPERM means another user's. */
	if (!all || (kill(-child->facts.pid, 0) == -1 && errno == EPERM)) {
		log_errorx("process %d has exited, but a process of its group can't be "
			   "signalled: it runs as another user",
		    (int)child->facts.pid);
		children->left_behind = true;
	}
	children->stuck -= child->stuck;
	children_remove(children, &child->member);
	quota_give(children->settings.quota, children->settings.holder);
	/* What is in the pipe now is the last of its output: a process that left the group and
	 * holds the pipe could write forever. */
	if (child->pty != PTY_NONE)
		child->facts.left = PTY_BUFFERED_MAX;
	else if (io_is_open(&child->out) && ioctl(io_fd(&child->out), FIONREAD, &left) == 0 &&
		 left > 0)
		child->facts.left = (unsigned int)left;
	/* The rest of stderr is bounded, too. */
	for (int read = 0;
	     io_is_open(&child->err) && read < CHILD_LAST_WORDS && child_read_stderr(child);
	     read += CHILD_STDERR_BATCH)
		continue;
	child_close_stderr(child);
	child->handlers->on_reaped(child->arg);
}

static void
child_wait(struct child *child, int64_t wait_ms)
{
	struct timeval wait = {wait_ms / 1000, wait_ms % 1000 * 1000};

	/* If out of memory, don't wait any longer. */
	if (event_add(&child->event, &wait) == -1)
		event_active(&child->event, EV_TIMEOUT, 0);
}

/* Takes the next step of the termination sequence, and sets the timeout for the
 * following one. */
static void
child_escalate(struct child *child)
{
	struct termination *sequence = &child->member.termination;
	int64_t wait_ms;

	if (sequence->step == TERMINATION_INPUT)
		stream_shutdown(&child->in.stream);
	wait_ms = termination_next(
	    sequence, io_fd(&child->out), child->children->settings.extra_wait_ms);
	if (wait_ms != -1) {
		child_wait(child, wait_ms);
		return;
	}
	child->stuck = true;
	child->children->stuck++;
	event_remove_timer(&child->event);
	if (child->handlers->on_stuck)
		child->handlers->on_stuck(child->arg);
}

void
child_adopt(struct child *child, const struct child_handlers *handlers, void *arg)
{
	child->handlers = handlers;
	child->arg = arg;
}

/* Returns true if the program has exited, with the result in *INFO. Does not reap it. */
static bool
child_look(const struct child *child, siginfo_t *info)
{
	*info = (siginfo_t){0};
	return waitid(P_PID, (id_t)child->facts.pid, info, WEXITED | WNOHANG | WNOWAIT) == 0 &&
	       info->si_pid != 0;
}

bool
child_has_exited(const struct child *child)
{
	siginfo_t info;

	return child->life != CHILD_ALIVE || child_look(child, &info);
}

bool
child_kill(struct child *child, int ms)
{
	struct pollfd end = {.fd = child->pidfd, .events = POLLIN};

	if (child->life != CHILD_ALIVE)
		return false;
	(void)termination_signal(&child->member.termination, SIGKILL);
	if (poll(&end, 1, ms) != 1)
		return false;
	child_reap(child);
	return true;
}

void
child_end_input(struct child *child)
{
	if (io_is_open(&child->in))
		stream_shutdown(&child->in.stream);
}

void
child_interrupt(struct child *child)
{
	if (child->life != CHILD_ALIVE || child->member.termination.step > 0)
		return;
	termination_skip_input(&child->member.termination);
	child_escalate(child);
}

void
child_end(struct child *child)
{
	if (child->life == CHILD_ALIVE && child->member.termination.step == 0)
		child_escalate(child);
}

static void child_on_event(evutil_socket_t fd, short what, void *arg);

/* Handles the exit of the program. Keeps the zombie as long as its group may write to its
 * stdout, or its session has other groups. */
static void
child_on_exit(struct child *child)
{
	siginfo_t info;
	bool jobs = termination_has_jobs(&child->member.termination);

	if (child->facts.stdout_ended && !jobs) {
		child_reap(child);
		return;
	}
	if (!child_look(child, &info))
		return;
	child_set_dead(child);
	child->facts.by_signal = info.si_code != CLD_EXITED;
	child->facts.value = (uint8_t)info.si_status;
	(void)evtimer_assign(&child->event, child->children->loop->base, child_on_event, child);
	if (jobs) {
		termination_skip_input(&child->member.termination);
		child_escalate(child);
	} else {
		child_wait(child, CHILD_GRACE_MS);
	}
	if (child->handlers->on_exit)
		child->handlers->on_exit(child->arg);
}

static void
child_on_event(evutil_socket_t fd, short what, void *arg)
{
	struct child *child = arg;

	(void)fd;
	if (child->life == CHILD_ZOMBIE && termination_has_jobs(&child->member.termination))
		child_escalate(child);
	else if (child->life == CHILD_ZOMBIE)
		child_reap(child);
	else if (what & EV_READ)
		child_on_exit(child);
	else
		child_escalate(child);
}

static void
child_on_stdout(void *arg)
{
	struct child *child = arg;

	child->handlers->on_stdout(child->arg);
}

static void
child_on_written(void *arg)
{
	struct child *child = arg;

	if (child->handlers->on_written)
		child->handlers->on_written(child->arg);
}

static void
child_on_stderr(void *arg)
{
	(void)child_read_stderr(arg);
}

/* The program no longer reads its stdin. Drops the queue; the output is still wanted. */
static void
child_on_stdin_gone(void *arg, enum stream_gone reason)
{
	struct child *child = arg;

	(void)reason;
	io_clear(&child->in);
	child_on_written(child);
}

/* Lets child_read() report the loss. */
static void
child_on_stdout_gone(void *arg, enum stream_gone reason)
{
	struct child *child = arg;

	(void)reason;
	io_clear(&child->out);
	child->out_lost = true;
	child->handlers->on_stdout(child->arg);
}

static void
child_on_stderr_gone(void *arg, enum stream_gone reason)
{
	(void)reason;
	child_close_stderr(arg);
}

static const struct stream_handlers child_stdin_handlers = {
    .on_drained = child_on_written,
    .on_gone = child_on_stdin_gone,
};

static const struct stream_handlers child_stdout_handlers = {
    .on_readable = child_on_stdout,
    .on_gone = child_on_stdout_gone,
};

static const struct stream_handlers child_stderr_handlers = {
    .on_readable = child_on_stderr,
    .on_gone = child_on_stderr_gone,
};

int
child_start(struct children *children, const struct spawn_command *command,
    const struct child_handlers *handlers, void *arg, struct child **out)
{
	const struct children_settings *settings = &children->settings;
	struct loop *loop = children->loop;
	struct child *child = calloc(1, sizeof(*child));
	struct spawn_result spawned;
	int error = EDQUOT;

	*out = NULL;
	if (!child)
		return ENOMEM;
	if (!quota_take(settings->quota, settings->holder))
		goto fail;
	error = spawn_program(
	    settings->inherited, settings->programs, children->server, command, &spawned);
	if (error != 0)
		goto release;
	child->children = children;
	child_adopt(child, handlers, arg);
	child->pty = command->pty;
	child->member.termination.terminal = command->pty == PTY_TERMINAL;
	child->member.termination.pid = child->facts.pid = spawned.pid;
	child->pidfd = spawned.pidfd;
	if (event_assign(&child->event, loop->base, child->pidfd, EV_READ | EV_PERSIST,
		child_on_event, child) == -1 ||
	    event_add(&child->event, NULL) == -1) {
		spawn_undo(settings->programs, &spawned);
		error = ENOMEM;
		goto release;
	}
	children_add(children, &child->member);
	io_init(&child->in, loop,
	    child->member.termination.terminal ? &transport_terminal : &transport_pipe,
	    spawned.in, &child_stdin_handlers, child);
	io_init(&child->out, loop,
	    child->pty != PTY_NONE ? &transport_terminal : &transport_pipe, spawned.out,
	    &child_stdout_handlers, child);
	io_init(&child->err, loop, &transport_pipe, spawned.err, &child_stderr_handlers, child);
	if (spawned.err != -1)
		stream_set_reading(&child->err.stream, true);
	loop_count_stream(loop, true); /* its session exists as long */
	*out = child;
	return 0;
release:
	quota_give(settings->quota, settings->holder);
fail:
	free(child);
	return error;
}

const struct child_facts *
child_facts(const struct child *child)
{
	return &child->facts;
}

void
child_write(struct child *child, const struct iovec *parts, int count)
{
	if (io_is_open(&child->in) && !stream_writev(&child->in.stream, parts, count))
		io_clear(&child->in);
}

void
child_write_take(struct child *child, struct buffer *buffer)
{
	if (!io_is_open(&child->in))
		buffer_clear(buffer);
	else if (!stream_write_take(&child->in.stream, buffer))
		io_clear(&child->in);
}

size_t
child_queued(const struct child *child)
{
	return stream_queued(&child->in.stream);
}

void
child_resize(struct child *child, struct pty_size size)
{
	if (io_is_open(&child->out))
		pty_resize(io_fd(&child->out), size);
}

void
child_set_reading(struct child *child, bool on)
{
	if (io_is_open(&child->out) && !child->facts.stdout_ended &&
	    stream_is_reading(&child->out.stream) != on)
		stream_set_reading(&child->out.stream, on);
}

void
child_set_reading_stderr(struct child *child, bool on)
{
	if (io_is_open(&child->err) && stream_is_reading(&child->err.stream) != on)
		stream_set_reading(&child->err.stream, on);
}

enum stream_result
child_read(struct child *child, uint8_t *bytes, size_t capacity, size_t *n)
{
	enum stream_result result = child->out_lost ? STREAM_FAILED : STREAM_EOF;

	*n = 0;
	if (child->life == CHILD_REAPED && capacity > child->facts.left)
		capacity = child->facts.left;
	if (io_is_open(&child->out) && capacity > 0)
		result = stream_read(&child->out.stream, bytes, capacity, n);
	if (result == STREAM_OK && child->life == CHILD_REAPED)
		child->facts.left -= (unsigned int)*n;
	if (result == STREAM_OK || (result == STREAM_AGAIN && child->life != CHILD_REAPED))
		return result;
	/* Closing the master of a controlling terminal would send SIGHUP. */
	if (child->member.termination.terminal && child->life == CHILD_ALIVE &&
	    io_is_open(&child->out))
		stream_set_reading(&child->out.stream, false);
	else
		io_clear(&child->out);
	child->facts.stdout_ended = true;
	/* The grace period has no more purpose. Use the timer: no handler may be called from
	 * here. */
	if (child->life == CHILD_ZOMBIE && !termination_has_jobs(&child->member.termination))
		child_wait(child, 0);
	return result == STREAM_FAILED ? STREAM_FAILED : STREAM_EOF;
}
