/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Files below a directory, and nothing else: by openat2(2), so that neither
 * ".." nor a symbolic link nor a rename between check and use leads out. Links are followed,
 * relative and absolute ones, as long as they stay inside.
 */
#ifndef SERVE_BENEATH_H
#define SERVE_BENEATH_H

#include <stdbool.h>
#include <sys/stat.h>

/* Opens the directory PATH as a root. -1 with errno; ENOSYS when the kernel has no openat2
 * (Linux 5.6). */
int beneath_root(const char *path);

/*
 * Opens the file PATH, relative to ROOT, whose real path is ROOT_PATH, and without "." and
 * "..", with FLAGS and always close-on-exec, non-blocking (a FIFO can't hold us) and without
 * becoming a terminal's. -1 with errno: EXDEV when it leads out.
 */
int beneath_open(int root, const char *root_path, const char *path, int flags);

/*
 * The same for reading, and only a regular file: anything else, which to open may have an
 * effect (FIFOs, devices), is not opened. *ST describes the file.
 */
int beneath_open_file(int root, const char *root_path, const char *path, struct stat *st);

/*
 * True when a segment of PATH is one that is never shown: it begins with a dot, or ends with
 * '~', ".bak", ".swp" or ".orig", as editors' and version control's leftovers do.
 */
bool beneath_hidden(const char *path);

#endif
