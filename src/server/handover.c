/* SPDX-License-Identifier: BSD-2-Clause */
/* Replaces the running server by a new binary. */
#include "server/handover.h"

#include "base/log.h"
#include "base/util.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <sysexits.h>
#include <unistd.h>

/* The variable that describes what the new server inherits: the channel, then a letter and a
 * descriptor for each socket; for a Unix socket that the old server opened, also the device and
 * inode of its file. */
#define HANDOVER_VARIABLE "WSPIPE_HANDOVER"

enum {
	HANDOVER_MS = 10 * 1000, /* time limit of the new server to start serving */
	HANDOVER_ACK_MS = 1000, /* time limit of the old server to step back */

	HANDOVER_OPENED = 'o', /* opened by the options; upper case for --admin */
	HANDOVER_UNIX = 'u', /* Unix socket opened by the options */
	HANDOVER_ACTIVATED = 'a', /* opened by the service manager */
	HANDOVER_REDIRECT = 'r', /* opened by the service manager, for redirects */
};

/* The message of the new server on the channel: 0 when it serves, or the errno of its exec. */
typedef int handover_message;

/* ---- The new server */

/* Reports whether FD is a stream socket that is listening, or one that is not. */
static bool
handover_is_socket(int fd, int listens)
{
	int value = -1;
	socklen_t len = sizeof(value);

	return fd > STDERR_FILENO &&
	       getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &value, &len) == 0 && value == listens;
}

static void
handover_take_socket(
    struct handover *handover, struct activation *activation, const char *item, int fd)
{
	char kind = util_lower(item[0]);
	struct listeners *group =
	    &handover->inherited[kind == item[0] ? HANDOVER_CLIENTS : HANDOVER_ADMIN];
	uintmax_t device, inode;

	fcntl(fd, F_SETFD, FD_CLOEXEC);
	if (kind == HANDOVER_ACTIVATED || kind == HANDOVER_REDIRECT) {
		if (activation->count < LISTENERS_MAX)
			activation->items[activation->count++] =
			    (struct activation_socket){fd, kind == HANDOVER_REDIRECT};
		return;
	}
	if (kind == HANDOVER_UNIX && sscanf(item + 1, "%*d.%ju.%ju", &device, &inode) == 2)
		unix_socket_find(&group->unix_socket, fd, (dev_t)device, (ino_t)inode);
	if (!listeners_add_take(group, fd))
		log_warnx("out of memory for an inherited socket");
}

void
handover_take(struct handover *handover, struct activation *activation)
{
	const char *value = getenv(HANDOVER_VARIABLE);
	char *copy = value ? strdup(value) : NULL;
	char *next = NULL;
	char *item;

	*handover = (struct handover){.channel = -1};
	unsetenv(HANDOVER_VARIABLE);
	if (!copy)
		return;
	item = strtok_r(copy, ":", &next);
	/* Anyone may have set the variable. */
	if (item && handover_is_socket(atoi(item), 0)) {
		handover->channel = atoi(item);
		fcntl(handover->channel, F_SETFD, FD_CLOEXEC);
		while ((item = strtok_r(NULL, ":", &next))) {
			if (handover_is_socket(atoi(item + 1), 1))
				handover_take_socket(
				    handover, activation, item, atoi(item + 1));
		}
	}
	free(copy);
}

void
handover_report(struct handover *handover, struct listeners *const used[HANDOVER_GROUPS],
    bool keeps, bool waits)
{
	struct pollfd end = {.fd = handover->channel, .events = POLLIN};
	handover_message message = 0;

	if (handover->channel == -1 || handover->pid != 0)
		return;
	(void)!send(handover->channel, &message, sizeof(message), MSG_NOSIGNAL);
	if (waits)
		(void)poll(&end, 1, HANDOVER_ACK_MS);
	close(handover->channel);
	handover->channel = -1;
	for (size_t i = 0; i < HANDOVER_GROUPS; i++) {
		struct unix_socket *file = &used[i]->unix_socket;
		struct unix_socket *old = &handover->inherited[i].unix_socket;

		if (!(keeps && i == HANDOVER_CLIENTS))
			unix_socket_own(unix_socket_is_same(old, file) ? file : old);
		listeners_close_but(&handover->inherited[i], used[i]);
	}
}

void
handover_clear(struct handover *handover)
{
	for (size_t i = 0; i < HANDOVER_GROUPS; i++)
		listeners_close(&handover->inherited[i]);
}

void
handover_leave(struct handover *handover)
{
	if (handover->channel != -1)
		close(handover->channel);
	handover->channel = -1;
	handover->pid = 0;
	handover_clear(handover);
}

/* ---- The old server */

static void
handover_add(FILE *out, const struct listeners *listeners, bool admin)
{
	const struct unix_socket *file = &listeners->unix_socket;

	for (size_t i = 0; i < listeners->count; i++) {
		bool is_file = file->path && i == listeners->count - 1;
		char kind = is_file ? HANDOVER_UNIX : HANDOVER_OPENED;

		fprintf(out, ":%c%d", admin ? kind - 'a' + 'A' : kind,
		    listener_fd(listeners->items[i]));
		if (is_file)
			fprintf(
			    out, ".%ju.%ju", (uintmax_t)file->device, (uintmax_t)file->inode);
	}
}

/* Returns the variable for the new server, or NULL if memory runs out. */
static char *
handover_variable(const struct handover_state *state, int channel)
{
	const struct activation *activation = state->activation;
	char *text = NULL;
	size_t len;
	FILE *out = open_memstream(&text, &len);

	if (!out)
		return NULL;
	fprintf(out, HANDOVER_VARIABLE "=%d", channel);
	for (size_t i = 0; i < activation->count; i++)
		fprintf(out, ":%c%d",
		    activation->items[i].redirects ? HANDOVER_REDIRECT : HANDOVER_ACTIVATED,
		    activation->items[i].fd);
	/* A Unix socket comes last in its group. */
	if (activation->count == 0) {
		handover_add(out, state->redirect, false);
		handover_add(out, state->groups[HANDOVER_CLIENTS], false);
	}
	handover_add(out, state->groups[HANDOVER_ADMIN], true);
	if (fclose(out) == 0)
		return text;
	free(text);
	return NULL;
}

/* Returns our environment with VARIABLE. The watchdog applies to the main process, whichever
 * that is. Returns NULL if memory runs out. */
static char **
handover_environment(char *variable)
{
	size_t count = 0, used = 0;
	char **envp;

	while (environ[count])
		count++;
	envp = calloc(count + 2, sizeof(char *));
	for (size_t i = 0; envp && i < count; i++) {
		if (strncmp(environ[i], "WATCHDOG_PID=", strlen("WATCHDOG_PID=")) != 0)
			envp[used++] = environ[i];
	}
	if (envp)
		envp[used] = variable;
	return envp;
}

/* Keeps the sockets named by VARIABLE open across the exec. */
static void
handover_keep(const char *variable)
{
	const char *item = strchr(variable, '=') + 1;

	fcntl(atoi(item), F_SETFD, 0);
	while ((item = strchr(item, ':'))) {
		item += 2;
		fcntl(atoi(item), F_SETFD, 0);
	}
}

/* In the new process, with all signals blocked: executes the new server, in the state in which
 * this one was started, including its signal mask. */
_Noreturn static void
handover_exec(const struct handover_state *state, char *variable, char **envp, int channel)
{
	static const int signals[] = {
	    SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGUSR1, SIGUSR2, SIGPIPE, SIGXFSZ, SIGCHLD};
	handover_message message;
	sigset_t held;

	for (size_t i = 0; i < UTIL_LEN(signals); i++) {
		bool kept = (signals[i] == SIGINT || signals[i] == SIGQUIT) &&
			    spawn_was_ignored(signals[i]);

		if (!kept)
			signal(signals[i], SIG_DFL);
	}
	if (state->inherited->ignores_hup)
		signal(SIGHUP, SIG_IGN);
	setrlimit(RLIMIT_NOFILE, &state->inherited->nofile);
	handover_keep(variable);
	sigemptyset(&held);
	sigaddset(&held, SIGHUP);
	sigaddset(&held, SIGUSR1);
	sigaddset(&held, SIGUSR2);
	sigprocmask(SIG_SETMASK, &held, NULL);
	execvpe(state->argv[0], state->argv, envp);
	message = errno;
	(void)!send(channel, &message, sizeof(message), MSG_NOSIGNAL);
	_exit(EX_OSERR);
}

/* Starts the new server. Returns false with errno. */
static bool
handover_fork(struct handover *handover, const struct handover_state *state, int ends[2])
{
	char *variable = handover_variable(state, ends[1]);
	char **envp = variable ? handover_environment(variable) : NULL;
	sigset_t all, ours;
	pid_t pid = -1;

	if (envp) {
		/* Our handlers must not run in the new process. */
		sigfillset(&all);
		sigprocmask(SIG_SETMASK, &all, &ours);
		pid = fork();
		if (pid == 0)
			handover_exec(state, variable, envp, ends[1]);
		sigprocmask(SIG_SETMASK, &ours, NULL);
	}
	free(envp);
	free(variable);
	handover->pid = pid > 0 ? pid : 0;
	return pid > 0;
}

void
handover_start(struct handover *handover, const struct handover_state *state)
{
	int ends[2];

	if (handover->channel != -1 || handover->pid != 0) {
		log_info("SIGUSR2: a new server can't be started now");
		return;
	}
	if (getpid() == 1) {
		log_errorx("SIGUSR2: process 1 can't be replaced, since its exit ends all "
			   "others: restart the container");
		return;
	}
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) == -1) {
		log_error("SIGUSR2: can't start a new server");
		return;
	}
	handover->end = (siginfo_t){0};
	if (!handover_fork(handover, state, ends)) {
		log_error("SIGUSR2: can't start a new server");
		close(ends[0]);
	} else {
		log_info(
		    "SIGUSR2: starting %s as process %d", state->argv[0], (int)handover->pid);
		handover->program = state->argv[0];
		handover->channel = ends[0];
		handover->deadline_ms = util_clock_ms() + HANDOVER_MS;
	}
	close(ends[1]);
}

void
handover_end(struct handover *handover)
{
	if (handover->channel != -1)
		close(handover->channel);
	handover->channel = -1;
	handover->pid = 0;
}

/* Reports the failure of the new server once its process has exited, which may take long after
 * SIGKILL. */
static enum handover_result
handover_reap(struct handover *handover)
{
	int pid = (int)handover->pid;
	siginfo_t end = handover->end;

	if (end.si_pid == 0 &&
	    waitid(P_PID, (id_t)handover->pid, &end, WEXITED | WNOHANG) == 0 && end.si_pid == 0)
		return HANDOVER_PENDING;
	if (*handover->failure != '\0')
		log_errorx("SIGUSR2: %s; this server keeps serving", handover->failure);
	else if (end.si_pid == 0)
		log_errorx(
		    "SIGUSR2: process %d exited before it served; this server keeps serving",
		    pid);
	else if (end.si_code == CLD_EXITED)
		log_errorx("SIGUSR2: process %d exited with status %d before it served; this "
			   "server keeps serving",
		    pid, end.si_status);
	else
		log_errorx("SIGUSR2: process %d was killed by SIG%s before it served; this "
			   "server keeps serving",
		    pid, util_signal_name(end.si_status));
	handover->pid = 0;
	return HANDOVER_NONE;
}

enum handover_result
handover_poll(struct handover *handover)
{
	handover_message message;
	ssize_t got;

	if (handover->pid == 0)
		return HANDOVER_NONE;
	if (handover->channel == -1)
		return handover_reap(handover);
	got = recv(handover->channel, &message, sizeof(message), MSG_DONTWAIT);
	if (got == (ssize_t)sizeof(message) && message == 0) {
		log_info("SIGUSR2: process %d is now serving", (int)handover->pid);
		return HANDOVER_DONE;
	}
	if (got == -1 && errno == EAGAIN && util_clock_ms() < handover->deadline_ms)
		return HANDOVER_PENDING;
	*handover->failure = '\0';
	if (got == (ssize_t)sizeof(message))
		snprintf(handover->failure, sizeof(handover->failure), "can't start %.200s: %s",
		    handover->program, strerror(message));
	else if (got == -1)
		snprintf(handover->failure, sizeof(handover->failure),
		    "process %d did not serve within %d s and was killed", (int)handover->pid,
		    HANDOVER_MS / 1000);
	if (handover->end.si_pid == 0)
		kill(handover->pid, SIGKILL);
	close(handover->channel);
	handover->channel = -1;
	return handover_reap(handover);
}

void
handover_abort(struct handover *handover)
{
	if (handover->pid == 0)
		return;
	kill(handover->pid, SIGTERM);
	handover_end(handover);
}
