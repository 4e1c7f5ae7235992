/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Restricts the files that a program may use with Landlock (landlock(7)) to those beneath the
 * paths of a ruleset, regardless of file permissions. The restriction is inherited by child
 * processes and can't be undone.
 *
 * Old kernels can't restrict everything: see landlock_gap().
 */
#ifndef PROCESS_LANDLOCK_H
#define PROCESS_LANDLOCK_H

#include <stdbool.h>

enum landlock_access {
	LANDLOCK_READ, /* read files, list directories, execute */
	LANDLOCK_WRITE, /* read and write files; create, rename and remove them */
};

/*
 * Creates a ruleset with what any program needs: /usr, /bin, /sbin, /lib*, the configuration of
 * the dynamic linker, /dev/zero and /dev/urandom read-only, /dev/null and /dev/tty read-write.
 * Returns a close-on-exec descriptor, or -1 with errno: ENOSYS or EOPNOTSUPP if this kernel
 * lacks Landlock or it is disabled.
 */
int landlock_new(void) __attribute__((warn_unused_result));

/* Returns a message for the errno of landlock_new(). */
const char *landlock_why(int error);

/* Adds a file, or a directory with everything beneath it. Returns false with errno. */
bool landlock_allow(int ruleset, const char *path, enum landlock_access access)
    __attribute__((warn_unused_result));

/*
 * Adds the program at PATH and, for a script, its interpreter. Ignores files that are missing
 * or inaccessible: starting the program will report them. May be called again for the same
 * program. Returns false with errno.
 */
bool landlock_allow_program(int ruleset, const char *path) __attribute__((warn_unused_result));

/* Returns a clause that names what this kernel can't restrict but newer ones can, or NULL. */
const char *landlock_gap(void);

/* Restricts the calling process to the ruleset, and sets no_new_privs, which Landlock requires.
 * Uses only system calls. Returns false with errno. */
bool landlock_apply(int ruleset) __attribute__((warn_unused_result));

#endif
