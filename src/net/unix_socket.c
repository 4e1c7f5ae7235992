/* SPDX-License-Identifier: BSD-2-Clause */
/* The file of a listening Unix socket. */
#include "net/unix_socket.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

enum {
	UNIX_SOCKET_LOCK_MS = 1000, /* how long to wait for another server to start there */
	UNIX_SOCKET_LOCK_STEP_MS = 10,
};

static int
unix_socket_new(void)
{
	return socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
}

/*
 * Locks the directory, so that no other server checks and replaces the same old socket at the
 * same time. Returns -1 if there is no lock, because we may not read the directory, or somebody
 * else holds the lock too long: then two servers that start in the same millisecond may both
 * replace the file.
 */
static int
unix_socket_lock(const char *path)
{
	const char *slash = strrchr(path, '/');
	char *directory = strndup(path, slash ? (size_t)(slash - path) + 1 : 0);
	int fd = -1;

	if (directory)
		fd = open(*directory ? directory : ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	free(directory);
	for (int i = 0; fd != -1 && i < UNIX_SOCKET_LOCK_MS / UNIX_SOCKET_LOCK_STEP_MS; i++) {
		if (flock(fd, LOCK_EX | LOCK_NB) == 0 || errno != EWOULDBLOCK)
			break;
		poll(NULL, 0, UNIX_SOCKET_LOCK_STEP_MS);
	}
	return fd;
}

/* Removes the socket at ADDRESS if nobody listens on it. Returns false with errno. */
static bool
unix_socket_clear(const struct sockaddr_un *address)
{
	struct stat st;
	int probe, error;

	if (lstat(address->sun_path, &st) == -1)
		return errno == ENOENT;
	if (!S_ISSOCK(st.st_mode)) {
		errno = EEXIST;
		return false;
	}
	probe = unix_socket_new();
	if (probe == -1)
		return false;
	/* Does not block: if the queue is full, it fails with EAGAIN. */
	error = connect(probe, (const struct sockaddr *)address, sizeof(*address)) == -1 ? errno
											 : 0;
	close(probe);
	/* Any other result, for example from a socket that we may not connect to, may mean a
	 * running server. */
	if (error != ECONNREFUSED) {
		errno = EADDRINUSE;
		return false;
	}
	return unlink(address->sun_path) == 0 || errno == ENOENT;
}

static bool
unix_socket_bind(
    int fd, const struct sockaddr_un *address, const struct unix_socket_settings *settings)
{
	/* The umask gives the file its mode from the start. */
	mode_t old = settings->mode ? umask(0777 & ~settings->mode) : 0;
	bool bound = bind(fd, (const struct sockaddr *)address, sizeof(*address)) == 0;

	if (settings->mode)
		umask(old);
	return bound;
}

int
unix_socket_listen(struct unix_socket *out, const struct unix_socket_settings *settings)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	struct stat st;
	int fd, lock, saved;

	*out = (struct unix_socket){.path = NULL};
	if (strlen(settings->path) >= sizeof(address.sun_path)) {
		errno = ENAMETOOLONG;
		return -1;
	}
	strcpy(address.sun_path, settings->path);
	fd = unix_socket_new();
	if (fd == -1)
		return -1;
	lock = unix_socket_lock(settings->path);
	if (!unix_socket_clear(&address) || !unix_socket_bind(fd, &address, settings))
		goto fail;
	if (lstat(settings->path, &st) == 0)
		*out = (struct unix_socket){strdup(settings->path), st.st_dev, st.st_ino,
		    settings->keep ? 0 : getpid()};
	/* Nobody can connect until it listens. */
	if ((settings->uid != (uid_t)-1 || settings->gid != (gid_t)-1) &&
	    lchown(settings->path, settings->uid, settings->gid) == -1)
		goto fail;
	if (listen(fd, SOMAXCONN) == -1)
		goto fail;
	if (lock != -1)
		close(lock);
	return fd;
fail:
	saved = errno;
	if (out->path) {
		out->owner = getpid();
		unix_socket_remove(out);
	}
	close(fd);
	if (lock != -1)
		close(lock);
	errno = saved;
	return -1;
}

void
unix_socket_find(struct unix_socket *out, int fd, dev_t device, ino_t inode)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	socklen_t len = sizeof(address) - 1; /* keeps the NUL */
	struct stat st;

	*out = (struct unix_socket){.path = NULL};
	if (getsockname(fd, (struct sockaddr *)&address, &len) == 0 &&
	    lstat(address.sun_path, &st) == 0 && st.st_dev == device && st.st_ino == inode)
		*out = (struct unix_socket){strdup(address.sun_path), st.st_dev, st.st_ino, 0};
}

void
unix_socket_own(struct unix_socket *socket)
{
	socket->owner = getpid();
}

bool
unix_socket_copy(struct unix_socket *out, const struct unix_socket *from)
{
	*out = *from;
	out->path = strdup(from->path);
	return out->path;
}

bool
unix_socket_is_same(const struct unix_socket *a, const struct unix_socket *b)
{
	return a->path && b->path && a->device == b->device && a->inode == b->inode;
}

void
unix_socket_forget(struct unix_socket *socket)
{
	free(socket->path);
	socket->path = NULL;
}

void
unix_socket_remove(struct unix_socket *socket)
{
	struct stat st;

	if (socket->path && socket->owner == getpid() && lstat(socket->path, &st) == 0 &&
	    st.st_dev == socket->device && st.st_ino == socket->inode)
		unlink(socket->path);
	unix_socket_forget(socket);
}
