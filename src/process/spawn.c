/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Starts a program with three pipes or a terminal.
 *
 * The child runs in our memory, on its own stack, until it executes the program; meanwhile we
 * are suspended, and nothing is copied. posix_spawn() works the same way, but it copies our
 * descriptor table, which takes longer the more sessions there are (1 ms at 4,000), it
 * allocates a stack each time, and it can't set a limit for the child alone. Here the child
 * shares the table and then copies only its front, to which its own three descriptors are moved
 * unless they are there anyway. The child must not change the table before that.
 *
 * A child that changes its user is a copy instead: processes of that user could stop it, and
 * suspend us for as long as they want. It reports through a pipe, which exec closes.
 */
#include "process/spawn.h"

#include "base/util.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/close_range.h>
#include <poll.h>
#include <sched.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
	SPAWN_STACK = 16 * 1024, /* in bytes: the child needs a few hundred */
	/* Descriptors below this are cheap to copy: cheaper than moving one to its reserved
	 * place. */
	SPAWN_NEAR = 32,
	SPAWN_FILE = SPAWN_FRONT, /* the child's descriptor of the file to execute */
	SPAWN_REPORT = 8, /* the descriptor of the report is at or above this */
	/* Timeout for a child with its own memory to execute the program. */
	SPAWN_APART_MS = 2000,
	SPAWN_FAILED = 127, /* exit status of a child that did not execute the program */
};

#define SPAWN_FILE_LINK "/proc/self/fd/3"
_Static_assert(SPAWN_FILE == 3, "see SPAWN_FILE_LINK");

/* Signals that the server ignores or handles, or may have inherited as ignored. */
static const int spawn_signals[] = {
    SIGHUP, SIGINT, SIGQUIT, SIGPIPE, SIGTERM, SIGUSR1, SIGUSR2, SIGXFSZ};

/* Input and result of the child. */
struct spawn_order {
	const struct spawn_inherited *inherited; /* borrowed */
	struct pid_set *programs; /* borrowed, or NULL */
	pid_t parent;
	/* The child's ends: SPAWN_FRONT descriptors, above 2 unless it keeps our stderr. */
	const int *ends;
	const struct spawn_command *command; /* borrowed */
	int file; /* the child's descriptor of the file, or -1 */
	int report; /* a copied child writes FAILURE to it; -1: not a copy */
	struct spawn_failure {
		int error; /* errno; 0: the program was executed */
		const char *option; /* option that caused the failure, or NULL */
	} failure;
};

bool
spawn_was_ignored(int signal)
{
	struct sigaction now;

	return sigaction(signal, NULL, &now) == 0 && now.sa_handler == SIG_IGN;
}

/*
 * Resets signals that a careless parent left ignored: SIGPIPE (systemd, Python), SIGCHLD, which
 * prevents waiting for children, or SIGTERM. A shell ignores SIGINT and SIGQUIT in a background
 * command, so that keys on its terminal don't reach it. That concerns only us: a program is not
 * on that terminal, and its termination sequence uses SIGINT.
 */
static void
spawn_stop_ignoring(void)
{
	for (int number = 1; number <= SIGRTMAX; number++) {
		if (number != SIGINT && number != SIGQUIT && spawn_was_ignored(number))
			signal(number, SIG_DFL);
	}
}

bool
spawn_inherited_init(struct spawn_inherited *inherited)
{
	for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++) {
		/* Gets this number, because all lower ones are open. */
		if (fcntl(fd, F_GETFD) == -1 && open("/dev/null", O_RDWR) == -1)
			return false;
	}
	for (size_t i = 0; i < SPAWN_PLACES; i++) {
		inherited->front[i] = fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
		if (inherited->front[i] == -1)
			return false;
	}
	getrlimit(RLIMIT_NOFILE, &inherited->nofile);
	inherited->ignores_hup = spawn_was_ignored(SIGHUP);
	spawn_stop_ignoring();
	return true;
}

/* Moves a child's descriptor to its reserved PLACE, unless it is low anyway. */
static int
spawn_place(int *child, int place)
{
	int error = 0;

	if (*child < SPAWN_NEAR)
		return 0;
	if (dup3(*child, place, O_CLOEXEC) == -1)
		error = errno;
	close(*child);
	*child = place;
	return error;
}

/* Creates a close-on-exec pipe. Only the parent's end is non-blocking: the program would see
 * O_NONBLOCK on its end, and most programs can't handle that. */
static int
spawn_pipe(int *parent, int *child, int place, bool parent_reads)
{
	int ends[2];

	if (pipe2(ends, O_CLOEXEC) == -1)
		return errno;
	*parent = parent_reads ? ends[0] : ends[1];
	*child = parent_reads ? ends[1] : ends[0];
	if (fcntl(*parent, F_SETFL, O_NONBLOCK) == -1)
		return errno;
	return spawn_place(child, place);
}

/* Opens the child's descriptor FD. On a controlling terminal, the descriptor of stdout serves
 * all three; the parent later gets one descriptor per direction, so that each can be closed. */
static int
spawn_open(const struct spawn_command *command, int fd, int *parent, int *child, int place)
{
	int error;

	if (command->keeps_stderr && fd == STDERR_FILENO)
		return 0;
	if (command->pty == PTY_NONE || (command->pty == PTY_STDOUT && fd != STDOUT_FILENO))
		return spawn_pipe(parent, child, place, fd != STDIN_FILENO);
	if (fd != STDOUT_FILENO)
		return 0;
	error = pty_open(command->pty, command->size, parent, child);
	return error == 0 ? spawn_place(child, place) : error;
}

/* Our handlers must not run in the child once signals are unblocked: exec would reset them too
 * late, and ignored signals not at all. */
static ACCOUNT_IN_CHILD void
spawn_reset_signals(const struct spawn_inherited *inherited)
{
	struct sigaction action = {.sa_handler = SIG_DFL};

	for (size_t i = 0; i < UTIL_LEN(spawn_signals); i++)
		sigaction(spawn_signals[i], &action, NULL);
	if (inherited->ignores_hup) {
		action.sa_handler = SIG_IGN;
		sigaction(SIGHUP, &action, NULL);
	}
}

/* Returns true if PATH refers to the file of the child's descriptor. */
static ACCOUNT_IN_CHILD bool
spawn_is_file(const char *path)
{
	struct stat named, file;

	return stat(path, &named) == 0 && fstat(SPAWN_FILE, &file) == 0 &&
	       named.st_dev == file.st_dev && named.st_ino == file.st_ino;
}

/* Executes the program. Returns only on failure. */
static ACCOUNT_IN_CHILD void
spawn_execute(const struct spawn_command *command)
{
	char name[PATH_MAX];
	ssize_t len;

	if (command->fd == -1) {
		execve(command->path, command->argv, command->envp);
		return;
	}
	execveat(SPAWN_FILE, "", command->argv, command->envp, AT_EMPTY_PATH);
	/* ENOENT: a script, whose interpreter can't open the descriptor because exec closes it.
	 * (Or something else is missing; the next attempt will find that again.) */
	if (errno != ENOENT)
		return;
	if (spawn_is_file(command->path)) {
		execve(command->path, command->argv, command->envp);
		return;
	}
	len = readlink(SPAWN_FILE_LINK, name, sizeof(name) - 1);
	if (len > 0) {
		name[len] = '\0';
		if (spawn_is_file(name)) {
			execve(name, command->argv, command->envp);
			return;
		}
	}
	errno = ESTALE;
}

/* Changes to the working directory. */
static ACCOUNT_IN_CHILD bool
spawn_enter(struct spawn_order *order)
{
	const struct spawn_command *command = order->command;
	bool is_own = command->directory != NULL;
	const char *directory = command->directory;

	if (!is_own && command->confine)
		directory = command->confine->directory;
	if (!directory || chdir(directory) == 0)
		return true;
	order->failure.option = is_own ? NULL : "--chdir";
	return false;
}

/* Restores the user's soft limit of descriptors (select() needs that). The hard limit may have
 * been lowered since. */
static ACCOUNT_IN_CHILD bool
spawn_restore_limit(const struct spawn_inherited *inherited)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) == -1)
		return false;
	if (inherited->nofile.rlim_cur < limit.rlim_max)
		limit.rlim_cur = inherited->nofile.rlim_cur;
	else
		limit.rlim_cur = limit.rlim_max;
	return setrlimit(RLIMIT_NOFILE, &limit) == 0;
}

/* Runs in the child, in our memory: system calls only. All signals are blocked, and the parent
 * is suspended. Returns the exit status if the program could not be executed. */
static ACCOUNT_IN_CHILD int
spawn_child(void *arg)
{
	struct spawn_order *order = arg;
	const struct spawn_inherited *inherited = order->inherited;
	const struct confine *confine = order->command->confine;
	int last = STDERR_FILENO, kept = SPAWN_FRONT;
	pid_t pid = setsid(); /* the new session has our PID */
	sigset_t none;

	if (pid == -1)
		goto fail;
	if (order->programs)
		pid_set_add(order->programs, pid);
	if (confine)
		order->failure.option = confine_apply(confine);
	if (order->failure.option)
		goto fail;
	/* SIGKILL when the parent dies; it may have died already. */
	if (prctl(PR_SET_PDEATHSIG, SIGKILL) == -1)
		goto fail;
	if (getppid() != order->parent)
		return SPAWN_FAILED;
	if (!spawn_enter(order))
		goto fail;

	for (int fd = 0; fd < SPAWN_FRONT; fd++) {
		if (last < order->ends[fd])
			last = order->ends[fd];
	}
	if (last < order->file)
		last = order->file;
	if (last < order->report)
		last = order->report;
	if (close_range((unsigned int)last + 1, ~0U, CLOSE_RANGE_UNSHARE) == -1)
		goto fail;
	for (int fd = 0; fd < SPAWN_FRONT; fd++) {
		if (dup2(order->ends[fd], fd) == -1)
			goto fail;
	}
	if (order->file != -1 && order->file != SPAWN_FILE &&
	    dup3(order->file, SPAWN_FILE, O_CLOEXEC) == -1)
		goto fail;
	kept += order->file != -1;
	if (order->report != -1) {
		order->report = dup3(order->report, kept, O_CLOEXEC);
		kept++;
	}
	/* Don't leave this to exec: the parent may resume before exec has closed them, and
	 * relies on descriptors that it closes being closed. */
	(void)close_range((unsigned int)kept, ~0U, 0);
	if (order->command->pty == PTY_TERMINAL && ioctl(STDIN_FILENO, TIOCSCTTY, 0) == -1)
		goto fail;
	if (!(confine && confine->settings.limits[CONFINE_NOFILE].given) &&
	    !spawn_restore_limit(inherited))
		goto fail;
	spawn_reset_signals(inherited);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	spawn_execute(order->command);
	if (confine)
		order->failure.option = confine_blame(confine, errno);
fail:
	order->failure.error = errno;
	if (order->report != -1) {
		struct spawn_failure failure = order->failure;

		(void)!write(order->report, &failure, sizeof(failure));
	}
	return SPAWN_FAILED;
}

static void
spawn_reap(struct pid_set *programs, const struct spawn_result *started)
{
	if (programs)
		pid_set_remove(programs, started->pid);
	while (waitpid(started->pid, NULL, 0) == -1 && errno == EINTR)
		continue;
	close(started->pidfd);
}

/* Waits until a copied child has executed the program or failed. */
static void
spawn_await(struct spawn_order *order, pid_t pid, int report)
{
	struct pollfd readable = {.fd = report, .events = POLLIN};

	if (poll(&readable, 1, SPAWN_APART_MS) == 1) {
		/* EOF: exec has closed the pipe. */
		if (read(report, &order->failure, sizeof(order->failure)) !=
		    (ssize_t)sizeof(order->failure))
			order->failure = (struct spawn_failure){.error = 0};
		return;
	}
	kill(pid, SIGKILL);
	order->failure = (struct spawn_failure){EAGAIN, "--child-user"};
}

/* Creates the child. Returns 0 or an errno. */
static int
spawn_clone(struct spawn_order *order, int flags, struct spawn_result *out)
{
	/* Never used by two children at once, because we are suspended. */
	static char stack[SPAWN_STACK] __attribute__((aligned(64)));

	out->pid = clone(spawn_child, stack + sizeof(stack), flags | CLONE_PIDFD | SIGCHLD,
	    order, &out->pidfd);
	return out->pid == -1 ? errno : 0;
}

/* Creates the child as a copy of us. Returns 0 or an errno. */
static int
spawn_copy(struct spawn_order *order, struct spawn_result *out)
{
	int ends[2], error;

	if (pipe2(ends, O_CLOEXEC) == -1)
		return errno;
	order->report = fcntl(ends[1], F_DUPFD_CLOEXEC, SPAWN_REPORT);
	error = order->report == -1 ? errno : spawn_clone(order, 0, out);
	close(ends[1]);
	if (order->report != -1)
		close(order->report);
	if (error == 0)
		spawn_await(order, out->pid, ends[0]);
	close(ends[0]);
	return error;
}

/* Runs the child until it has executed the program or failed. */
static int
spawn_run(struct spawn_order *order, struct spawn_result *out)
{
	const struct confine *confine = order->command->confine;
	sigset_t all, ours;
	int error;

	sigfillset(&all);
	sigprocmask(SIG_SETMASK, &all, &ours);
	if (confine && confine->has_account)
		error = spawn_copy(order, out);
	else
		error = spawn_clone(order, CLONE_VM | CLONE_FILES | CLONE_VFORK, out);
	sigprocmask(SIG_SETMASK, &ours, NULL);
	if (error != 0)
		return error;
	if (order->failure.error != 0)
		spawn_reap(order->programs, out);
	return order->failure.error;
}

/* Sets the child's descriptor of the file, moved to the front of the table if necessary. Ours
 * stays open. */
static int
spawn_place_file(const struct spawn_inherited *inherited, struct spawn_order *order)
{
	order->file = order->command->fd;
	if (order->file < SPAWN_NEAR)
		return 0;
	order->file = dup3(order->file, inherited->front[SPAWN_FRONT], O_CLOEXEC);
	return order->file == -1 ? errno : 0;
}

/* Closes the child's descriptors and keeps the places reserved. dup3() can't fail, because the
 * places are in use. */
static void
spawn_clear(const struct spawn_inherited *inherited, const int *ends, int file)
{
	for (int fd = 0; fd < SPAWN_FRONT; fd++) {
		if (ends[fd] == inherited->front[fd])
			(void)dup3(STDIN_FILENO, ends[fd], O_CLOEXEC);
		else if (ends[fd] != -1)
			close(ends[fd]);
	}
	if (file == inherited->front[SPAWN_FRONT])
		(void)dup3(STDIN_FILENO, file, O_CLOEXEC);
}

/* Closes the parent's ends. */
static void
spawn_close(const int *parent)
{
	for (int fd = 0; fd < SPAWN_FRONT; fd++) {
		if (parent[fd] != -1)
			close(parent[fd]);
	}
}

int
spawn_program(const struct spawn_inherited *inherited, struct pid_set *programs, pid_t server,
    const struct spawn_command *command, struct spawn_result *out)
{
	int parent[SPAWN_FRONT] = {-1, -1, -1};
	int child[SPAWN_FRONT] = {-1, -1, -1};
	int ends[SPAWN_FRONT];
	struct spawn_order order = {
	    .inherited = inherited,
	    .programs = programs,
	    .parent = server,
	    .ends = ends,
	    .command = command,
	    .report = -1,
	};
	int error = spawn_place_file(inherited, &order);

	for (int fd = 0; fd < SPAWN_FRONT && error == 0; fd++)
		error = spawn_open(command, fd, &parent[fd], &child[fd], inherited->front[fd]);
	for (int fd = 0; fd < SPAWN_FRONT; fd++)
		ends[fd] = child[fd] == -1 ? child[STDOUT_FILENO] : child[fd];
	if (command->keeps_stderr)
		ends[STDERR_FILENO] = STDERR_FILENO;
	if (error == 0 && command->pty == PTY_TERMINAL) {
		parent[0] = fcntl(parent[1], F_DUPFD_CLOEXEC, SPAWN_FRONT);
		if (parent[0] == -1)
			error = errno;
	}
	if (error == 0)
		error = spawn_run(&order, out);
	if (command->option)
		*command->option = order.failure.option;
	spawn_clear(inherited, child, order.file);
	if (error != 0)
		spawn_close(parent);
	out->in = parent[0];
	out->out = parent[1];
	out->err = parent[2];
	return error;
}

void
spawn_undo(struct pid_set *programs, const struct spawn_result *started)
{
	const int parent[SPAWN_FRONT] = {started->in, started->out, started->err};

	kill(-started->pid, SIGKILL);
	spawn_reap(programs, started);
	spawn_close(parent);
}
