/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Starts a program with three pipes, or with a terminal, in a state that does not depend on
 * ours: descriptors 0, 1 and 2 only, a session and process group of its own, no signal blocked,
 * and every signal at its default action, except that SIGHUP stays ignored under nohup(1). What
 * else was inherited is passed on, unless process/confine changes it: user, directory, umask,
 * limits. The parent is not copied, however large it is and however many descriptors it has,
 * and an error of exec is returned. No shell is ever used.
 *
 * The program gets SIGKILL when we die, however that happens (PR_SET_PDEATHSIG). The processes
 * that it starts don't, nor does a program that is set-user-ID or changes its user.
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
	SPAWN_PLACES = SPAWN_FRONT + 1, /* and its file */
};

/* The state of the process before the server changed it for itself. */
struct spawn_inherited {
	bool ignores_hup; /* by nohup(1) */
	struct rlimit nofile;
	/* Places near the front of the table of descriptors, rising. In the moment of a start
	 * they have what is the child's 0, 1 and 2, and the file to execute, where that is not
	 * near already; else our stdin, so that they are kept. */
	int front[SPAWN_PLACES];
};

/*
 * Records the state of the process. Called once, before the server changes any
 * of it. Also opens /dev/null on those of the descriptors 0 to 2 that are closed, so that no
 * pipe gets such a number, and sets signals that are ignored to their default action, except
 * the ones that a shell ignores for a background command. False with errno if the system gives
 * no descriptor.
 */
bool spawn_inherited_init(struct spawn_inherited *inherited)
    __attribute__((warn_unused_result));

/* True if SIGNAL is ignored. */
bool spawn_was_ignored(int signal);

struct spawn_result {
	pid_t pid;
	int pidfd; /* close-on-exec, like the others; readable when the program has exited */
	int in; /* the parent's ends, non-blocking and close-on-exec: the child's stdin, */
	int out; /* stdout, */
	int err; /* and stderr; -1: it is ours. Of a terminal IN and OUT are its master, and
		    this is -1 */
};

/* All borrowed. */
struct spawn_command {
	const char *path;
	/*
	 * The file itself, or -1. An executable is started through it, whatever PATH leads to
	 * by then. A script is opened by its interpreter, by name, and needs that name as its
	 * $0; so it is started by PATH, or else by the name that the file has now, if that
	 * leads to the same file. ESTALE if neither does.
	 */
	int fd;
	const char *directory; /* the working directory; NULL: that of CONFINE, or ours */
	const struct confine *confine; /* applied to the program; NULL: nothing is */
	bool keeps_stderr; /* its stderr is ours, and not a pipe */
	const char **option; /* if not NULL: set to the option that is why the start failed */
	char *const *argv;
	char *const *envp;
	enum pty_kind pty;
	struct pty_size size; /* of the terminal */
};

/*
 * Starts a program, and adds it to PROGRAMS unless that is NULL. SERVER is our process ID. 0,
 * or the errno of the step that failed, and then nothing is left open.
 */
int spawn_program(const struct spawn_inherited *inherited, struct pid_set *programs,
    pid_t server, const struct spawn_command *command, struct spawn_result *out)
    __attribute__((warn_unused_result));

/* Ends a program that was just started, and closes its descriptors. */
void spawn_undo(struct pid_set *programs, const struct spawn_result *started);

#endif
