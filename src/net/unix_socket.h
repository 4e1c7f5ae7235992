/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The file of a listening Unix socket: created without taking it from another server, and
 * removed at the end.
 */
#ifndef NET_UNIX_SOCKET_H
#define NET_UNIX_SOCKET_H

#include <stdbool.h>
#include <sys/types.h>

struct unix_socket_settings {
	const char *path; /* borrowed */
	mode_t mode; /* mode of the file; 0: set by the umask */
	uid_t uid; /* -1: that of the process, as the next one */
	gid_t gid;
	bool keep; /* leave the file in place at the end */
};

/* A created socket file; PATH is NULL if there is none. */
struct unix_socket {
	char *path; /* owned */
	dev_t device;
	ino_t inode;
	pid_t owner; /* only this process removes the file */
};

/*
 * Listens on a new socket, non-blocking and close-on-exec; mode and owner are set before anyone
 * can connect. Replaces a socket on which nobody listens. Returns -1 with errno: EADDRINUSE if
 * somebody listens there, EEXIST if the file is not a socket, ENAMETOOLONG above 107 bytes.
 */
int unix_socket_listen(struct unix_socket *out, const struct unix_socket_settings *settings)
    __attribute__((warn_unused_result));

/* Records the file of FD, which another process opened and owns, if the file still has that
 * device and inode. */
void unix_socket_find(struct unix_socket *out, int fd, dev_t device, ino_t inode);

/* Copies the record of a file. Returns false if memory runs out. */
bool unix_socket_copy(struct unix_socket *out, const struct unix_socket *from)
    __attribute__((warn_unused_result));
bool unix_socket_is_same(const struct unix_socket *a, const struct unix_socket *b);

/* Makes this process the owner of the file. */
void unix_socket_own(struct unix_socket *socket);

/* Drops the record and leaves the file in place. */
void unix_socket_forget(struct unix_socket *socket);

/* Removes the file, unless another process owns it or its name refers to another file by then.
 * May be called twice. */
void unix_socket_remove(struct unix_socket *socket);

#endif
