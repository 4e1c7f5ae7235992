/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The files that a program may use, by Landlock (landlock(7)): only what is beneath the paths
 * of a ruleset, whatever the permissions of the files say. It holds for all that the program
 * starts, and can't be undone.
 *
 * An old kernel can't restrict all there is: see landlock_gap().
 */
#ifndef PROCESS_LANDLOCK_H
#define PROCESS_LANDLOCK_H

#include <stdbool.h>

enum landlock_access {
	LANDLOCK_READ, /* read files, list directories, execute */
	LANDLOCK_WRITE, /* read and write files, create, rename and remove them */
};

/*
 * A ruleset with what any program needs: /usr, /bin, /sbin and /lib*, the configuration of the
 * dynamic linker, /dev/zero and /dev/urandom to read, /dev/null and /dev/tty to write. A
 * descriptor, close-on-exec; -1 with errno: ENOSYS or EOPNOTSUPP when this kernel has no
 * Landlock, or it is off.
 */
int landlock_new(void) __attribute__((warn_unused_result));

/* The text for the errno of landlock_new(). */
const char *landlock_why(int error);

/* Adds the file or the directory at PATH, with all that is beneath it. False with errno. */
bool landlock_allow(int ruleset, const char *path, enum landlock_access access)
    __attribute__((warn_unused_result));

/*
 * Adds the program at PATH and, if it is a script, its interpreter. What does not exist is not
 * added: the start will fail with that reason. It may be called again for the same one.
 */
bool landlock_allow_program(int ruleset, const char *path) __attribute__((warn_unused_result));

/* What this kernel can't restrict: a clause; NULL: nothing of what a newer one could. */
const char *landlock_gap(void);

/* Restricts the calling process by the ruleset, and sets no_new_privs, without which it is not
 * possible: system calls only. False with errno. */
bool landlock_apply(int ruleset) __attribute__((warn_unused_result));

#endif
