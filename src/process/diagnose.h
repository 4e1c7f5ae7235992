/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Why a program can't be started, and the remedy. The text of errno is not enough: ENOENT may
 * mean the interpreter of a script, EACCES a directory that leads to the file.
 */
#ifndef PROCESS_DIAGNOSE_H
#define PROCESS_DIAGNOSE_H

#include <limits.h>
#include <stdbool.h>

enum { DIAGNOSE_MAX = PATH_MAX + 512 };

/*
 * ERROR is the errno of a failed execve() of the file at PATH, and TEXT becomes a clause that
 * follows "can't start PATH: ". With ERROR 0 nothing has been tried yet: false if nothing was
 * found that will fail. Only a regular file is opened, and only its first bytes are read.
 */
bool diagnose_program(const char *path, int error, char text[DIAGNOSE_MAX]);

#endif
