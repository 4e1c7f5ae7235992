/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Starting a program with three pipes, as the user who started wspipe would
 * have started it: his signal dispositions, mask and soft limit of
 * descriptors, not ours; no descriptor but 0, 1 and 2; a session and process
 * group of its own. The parent is not copied, however large it is and however many descriptors
 * it has, and the error of the exec comes back at once. No shell is ever used.
 */
#ifndef CHILD_SPAWN_H
#define CHILD_SPAWN_H

#include <signal.h>
#include <stdbool.h>
#include <sys/resource.h>
#include <sys/types.h>

enum { SPAWN_FRONT = 3 };

/* What a child inherits from the time before the server changed it for itself. */
struct spawn_heritage {
	sigset_t mask;
	sigset_t ignored; /* the others had their default: handlers don't outlive an exec */
	struct rlimit nofile;
	/* Places near the front of the table of descriptors, rising. In the moment of a start
	 * they have what is the child's 0, 1 and 2, where that is not near already; else our
	 * stdin, so that they are kept. */
	int front[SPAWN_FRONT];
};

/*
 * Notes the state of the process. Called once, before the server changes any
 * of it. Also opens /dev/null on those of the descriptors 0 to 2 that are closed, so that no
 * pipe gets such a number. False with errno when the system refuses a descriptor.
 */
bool spawn_heritage_init(struct spawn_heritage *heritage) __attribute__((warn_unused_result));

/* True when SIGNAL was ignored when the program started; the server then leaves it so. */
int spawn_was_ignored(int signal);

struct spawn_result {
	pid_t pid;
	int in; /* the parent's ends, non-blocking and close-on-exec: the child's stdin, */
	int out; /* stdout, */
	int err; /* and stderr */
};

/*
 * Starts PATH with ARGV and ENVP. 0, or the errno of the step that failed, and then nothing is
 * left open.
 */
int spawn_program(const struct spawn_heritage *heritage, const char *path, char *const argv[],
    char *const envp[], struct spawn_result *out) __attribute__((warn_unused_result));

#endif
