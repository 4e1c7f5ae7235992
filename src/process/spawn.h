/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Starts a program with three pipes or a terminal, in a state independent of ours: descriptors
 * 0, 1 and 2 only, its own session and process group, no blocked signals, and default signal
 * actions, except that SIGHUP stays ignored under nohup(1). User, directory, umask, limits and
 * everything else are inherited unless process/confine changes them. Errors of exec are
 * returned. Unless CONFINE has an account, the parent's memory and descriptor table are not
 * copied, so that the cost does not depend on their size. No shell is ever used.
 *
 * The program gets SIGKILL if we die for any reason (PR_SET_PDEATHSIG). This does not extend to
 * the processes that it starts, nor to set-user-ID programs or programs that change their user.
 */
#ifndef PROCESS_SPAWN_H
#define PROCESS_SPAWN_H

#include "process/confine.h"
#include "process/pid_set.h"
#include "process/pty.h"

#include <stdbool.h>
#include <sys/resource.h>
#include <sys/types.h>

enum {
	SPAWN_FRONT = 3, /* descriptors of a program */
	SPAWN_PLACES = SPAWN_FRONT + 1, /* plus its executable file */
};

/* The state of this process before the server changed it. */
struct spawn_inherited {
	bool ignores_hup; /* started by nohup(1) */
	struct rlimit nofile;
	/*
	 * Reserved low descriptors, in ascending order. During a start they hold the child's 0,
	 * 1 and 2 and the file to execute, unless these are low already. At other times they
	 * are copies of our stdin, which keeps them reserved.
	 */
	int front[SPAWN_PLACES];
};

/*
 * Records the state of the process; call it once, before the server changes any of it. Opens
 * /dev/null for those of descriptors 0 to 2 that are closed, so that no pipe gets such a
 * number. Resets ignored signals to their default action, except those that a shell ignores for
 * background commands. Returns false with errno if no descriptor is available.
 */
bool spawn_inherited_init(struct spawn_inherited *inherited)
    __attribute__((warn_unused_result));

/* Returns true if SIGNAL is currently ignored. */
bool spawn_was_ignored(int signal);

struct spawn_result {
	pid_t pid;
	int pidfd; /* close-on-exec, like the others; readable once the program has exited */
	int in; /* our end of the child's stdin; non-blocking, as the next two */
	int out; /* our end of its stdout */
	/* Our end of its stderr; -1: it has our stderr, or a terminal. With a terminal, IN and
	 * OUT are the master. */
	int err;
};

/* All pointers are borrowed. */
struct spawn_command {
	const char *path;
	/*
	 * The file to execute, or -1. Binaries are executed through this descriptor, even if
	 * PATH was replaced meanwhile. A script is opened by its interpreter, by name, and
	 * needs that name as its $0, so it is started by PATH or else by the current name of
	 * the file, if that still refers to the same file. ESTALE if neither does.
	 */
	int fd;
	const char *directory; /* working directory; NULL: that of CONFINE, or ours */
	const struct confine *confine; /* restrictions to apply; NULL: none */
	bool keeps_stderr; /* stderr is ours instead of a pipe */
	/* If not NULL: set to the option that made the start fail, or NULL. */
	const char **option;
	char *const *argv;
	char *const *envp;
	enum pty_kind pty;
	struct pty_size size; /* of the terminal */
};

/* Starts a program and adds it to PROGRAMS, if not NULL. SERVER is our process ID. Returns 0,
 * or the errno of the step that failed, with nothing left open. */
int spawn_program(const struct spawn_inherited *inherited, struct pid_set *programs,
    pid_t server, const struct spawn_command *command, struct spawn_result *out)
    __attribute__((warn_unused_result));

/* Kills a program that was just started, reaps it, and closes its descriptors. */
void spawn_undo(struct pid_set *programs, const struct spawn_result *started);

#endif
