/* SPDX-License-Identifier: BSD-2-Clause */
/* Files below a directory, and nothing else. */
#include "serve/beneath.h"

#include "base/util.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

int
beneath_open(int root, const char *path, int flags)
{
	struct open_how how = {
	    .flags = (unsigned int)(flags | O_CLOEXEC | O_NONBLOCK | O_NOCTTY),
	    .resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS,
	};
	long fd;

	if (flags & O_PATH)
		how.flags = O_PATH | O_CLOEXEC;
	/* EAGAIN: something was renamed while the kernel looked, and it can't be sure. */
	do {
		fd = syscall(SYS_openat2, root, path, &how, sizeof(how));
	} while (fd == -1 && (errno == EINTR || errno == EAGAIN));
	return (int)fd;
}

int
beneath_root(const char *path)
{
	int root = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	int probe;

	if (root == -1)
		return -1;
	probe = beneath_open(root, ".", O_PATH);
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
