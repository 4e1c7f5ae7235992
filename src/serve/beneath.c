/* SPDX-License-Identifier: BSD-2-Clause */
/* Opens files strictly below a directory. */
#include "serve/beneath.h"

#include "base/util.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

static int
beneath_open_name(int root, const char *path, int flags)
{
	struct open_how how = {
	    .flags = (unsigned int)(flags | O_CLOEXEC | O_NONBLOCK | O_NOCTTY),
	    .resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS,
	};
	long fd;

	if (flags & O_PATH)
		how.flags = O_PATH | O_CLOEXEC;
	/* EAGAIN: a rename during the lookup, so the kernel can't rule out an escape. */
	do {
		fd = syscall(SYS_openat2, root, path, &how, sizeof(how));
	} while (fd == -1 && (errno == EINTR || errno == EAGAIN));
	return (int)fd;
}

/*
 * Resolves PATH by name, relative to ROOT_PATH. Returns the target's name relative to
 * ROOT_PATH, without links, which the caller frees; or NULL.
 */
static char *
beneath_resolve(const char *root_path, const char *path)
{
	size_t len = strcmp(root_path, "/") == 0 ? 0 : strlen(root_path);
	char *resolved = NULL;
	char *inside = NULL;
	char *joined;

	if (asprintf(&joined, "%s/%s", root_path, path) == -1)
		return NULL;
	resolved = realpath(joined, NULL);
	if (resolved && strcmp(resolved, root_path) == 0)
		inside = strdup(".");
	else if (resolved && strncmp(resolved, root_path, len) == 0 && resolved[len] == '/')
		inside = strdup(resolved + len + 1);
	free(resolved);
	free(joined);
	return inside;
}

int
beneath_open(int root, const char *root_path, const char *path, int flags)
{
	int fd = beneath_open_name(root, path, flags);
	char *inside;

	/*
	 * openat2() treats every absolute link as an escape. If the target is inside by name,
	 * open that name in the same way, so that a rename in between can't escape. Targets
	 * outside must not cause a different error, which would reveal what exists there.
	 */
	if (fd != -1 || errno != EXDEV)
		return fd;
	inside = beneath_resolve(root_path, path);
	errno = EXDEV;
	if (inside)
		fd = beneath_open_name(root, inside, flags);
	free(inside);
	return fd;
}

int
beneath_open_file(int root, const char *root_path, const char *path, struct stat *st)
{
	int fd = -1;

	/* This may stat a file outside, which is then not opened. */
	if (fstatat(root, path, st, 0) == 0 && S_ISREG(st->st_mode))
		fd = beneath_open(root, root_path, path, O_RDONLY);
	/* The name may refer to another file by the time it is opened. */
	if (fd != -1 && (fstat(fd, st) == -1 || !S_ISREG(st->st_mode))) {
		close(fd);
		fd = -1;
	}
	return fd;
}

int
beneath_root(const char *path)
{
	int root = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	int probe;

	if (root == -1)
		return -1;
	probe = beneath_open_name(root, ".", O_PATH);
	if (probe == -1) {
		int saved = errno;

		close(root);
		errno = saved;
		return -1;
	}
	close(probe);
	return root;
}

static bool
beneath_ends(struct span segment, struct span ending)
{
	return segment.len >= ending.len &&
	       memcmp(segment.data + segment.len - ending.len, ending.data, ending.len) == 0;
}

bool
beneath_hidden(const char *path)
{
	while (*path != '\0') {
		struct span segment = {path, strcspn(path, "/")};

		if (segment.len > 0 && segment.data[0] == '.')
			return true;
		if (beneath_ends(segment, SPAN("~")) || beneath_ends(segment, SPAN(".bak")) ||
		    beneath_ends(segment, SPAN(".swp")) || beneath_ends(segment, SPAN(".orig")))
			return true;
		path += segment.len;
		path += *path == '/';
	}
	return false;
}
