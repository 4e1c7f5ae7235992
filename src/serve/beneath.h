/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Opens files strictly below a directory. openat2(2) ensures that neither ".." nor a symbolic
 * link nor a rename between check and use escapes it. Relative and absolute links are followed
 * as long as they stay inside.
 */
#ifndef SERVE_BENEATH_H
#define SERVE_BENEATH_H

#include <stdbool.h>
#include <sys/stat.h>

/* Opens the directory PATH as a root. Returns -1 with errno; ENOSYS if the kernel lacks openat2
 * (Linux 5.6). */
int beneath_root(const char *path);

/*
 * Opens PATH, which is relative to ROOT and contains no "." or "..". ROOT_PATH is the real path
 * of ROOT. O_CLOEXEC, O_NONBLOCK (a FIFO must not block us) and O_NOCTTY are added to FLAGS.
 * Returns -1 with errno; EXDEV if PATH leads outside.
 */
int beneath_open(int root, const char *root_path, const char *path, int flags);

/*
 * Opens a regular file for reading and fills *ST. Other types are not opened, because opening
 * them may have side effects (FIFOs, devices).
 */
int beneath_open_file(int root, const char *root_path, const char *path, struct stat *st);

/*
 * Returns true if a segment of PATH is hidden: it begins with a dot, or ends with '~', ".bak",
 * ".swp" or ".orig" (leftovers of editors and version control).
 */
bool beneath_hidden(const char *path);

#endif
