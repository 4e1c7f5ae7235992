/* SPDX-License-Identifier: BSD-2-Clause */
/* Starting a program with three pipes. */
#include "child/spawn.h"

#include "base/util.h"

#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <unistd.h>

int
spawn_was_ignored(int signal)
{
	struct sigaction now;

	return sigaction(signal, NULL, &now) == 0 && now.sa_handler == SIG_IGN;
}

void
spawn_heritage_init(struct spawn_heritage *heritage)
{
	int fd;

	do {
		fd = open("/dev/null", O_RDWR);
	} while (fd >= 0 && fd <= STDERR_FILENO);
	if (fd >= 0)
		close(fd);
	sigprocmask(SIG_SETMASK, NULL, &heritage->mask);
	getrlimit(RLIMIT_NOFILE, &heritage->nofile);
	sigemptyset(&heritage->set_default);
	/*
	 * exec resets handlers by itself; what is ignored stays ignored. The server
	 * ignores SIGPIPE. What was ignored at the start is the user's wish and stays.
	 */
	if (!spawn_was_ignored(SIGPIPE))
		sigaddset(&heritage->set_default, SIGPIPE);
}

static void
spawn_close(int *fd)
{
	if (*fd != -1)
		close(*fd);
	*fd = -1;
}

/*
 * A pipe, close-on-exec; the parent's end does not block. The child's end does: O_NONBLOCK
 * would be seen by the program, and most can't bear it.
 */
static int
spawn_pipe(int *parent, int *child, int parent_reads)
{
	int ends[2];

	if (pipe2(ends, O_CLOEXEC) == -1)
		return errno;
	*parent = parent_reads ? ends[0] : ends[1];
	*child = parent_reads ? ends[1] : ends[0];
	return util_nonblock(*parent) == -1 ? errno : 0;
}

static int
spawn_exec(const struct spawn_heritage *heritage, const char *path, char *const argv[],
    char *const envp[], const int child[3], pid_t *pid)
{
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attributes;
	struct rlimit ours;
	int error;

	error = posix_spawn_file_actions_init(&actions);
	if (error != 0)
		return error;
	error = posix_spawnattr_init(&attributes);
	if (error != 0) {
		posix_spawn_file_actions_destroy(&actions);
		return error;
	}
	for (int fd = 0; fd < 3 && error == 0; fd++)
		error = posix_spawn_file_actions_adddup2(&actions, child[fd], fd);
	if (error == 0)
		error = posix_spawn_file_actions_addclosefrom_np(&actions, 3);
	if (error == 0)
		error = posix_spawnattr_setsigmask(&attributes, &heritage->mask);
	if (error == 0)
		error = posix_spawnattr_setsigdefault(&attributes, &heritage->set_default);
	if (error == 0)
		error = posix_spawnattr_setflags(&attributes,
		    POSIX_SPAWN_SETSID | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
	if (error == 0 && getrlimit(RLIMIT_NOFILE, &ours) == 0) {
		/* The soft limit is inherited, so it is the user's for the moment of the start
		 * (select() needs that). */
		struct rlimit theirs = {heritage->nofile.rlim_cur, ours.rlim_max};

		setrlimit(RLIMIT_NOFILE, &theirs);
		error = posix_spawn(pid, path, &actions, &attributes, argv, envp);
		setrlimit(RLIMIT_NOFILE, &ours);
	}
	posix_spawnattr_destroy(&attributes);
	posix_spawn_file_actions_destroy(&actions);
	return error;
}

int
spawn_program(const struct spawn_heritage *heritage, const char *path, char *const argv[],
    char *const envp[], struct spawn_result *out)
{
	int parent[3] = {-1, -1, -1};
	int child[3] = {-1, -1, -1};
	int error = 0;

	for (int fd = 0; fd < 3 && error == 0; fd++)
		error = spawn_pipe(&parent[fd], &child[fd], fd != STDIN_FILENO);
	if (error == 0)
		error = spawn_exec(heritage, path, argv, envp, child, &out->pid);
	for (int fd = 0; fd < 3; fd++) {
		spawn_close(&child[fd]);
		if (error != 0)
			spawn_close(&parent[fd]);
	}
	out->in = parent[0];
	out->out = parent[1];
	out->err = parent[2];
	return error;
}
