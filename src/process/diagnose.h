/* SPDX-License-Identifier: BSD-2-Clause */
/* Explains why a program can't be started, and what to do. The text of errno is not enough:
 * ENOENT may refer to the interpreter of a script, EACCES to a parent directory. */
#ifndef PROCESS_DIAGNOSE_H
#define PROCESS_DIAGNOSE_H

#include <limits.h>
#include <stdbool.h>

enum { DIAGNOSE_MAX = PATH_MAX + 512 };

/*
 * Writes a clause to TEXT that follows "can't start PATH: ". ERROR is the errno of a failed
 * execve() of PATH; 0 means that nothing was tried yet, and false is returned if no problem is
 * found. Only the first bytes of a regular file are read; nothing else is opened.
 */
bool diagnose_program(const char *path, int error, char text[DIAGNOSE_MAX]);

#endif
