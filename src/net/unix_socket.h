/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The name of a listening Unix socket in the file system: created without taking it from
 * another server, and removed at the end.
 */
#ifndef NET_UNIX_SOCKET_H
#define NET_UNIX_SOCKET_H

#include <stdbool.h>
#include <sys/types.h>

struct unix_socket_settings {
	const char *path; /* borrowed */
	mode_t mode; /* of the file; 0: as the umask has it */
	uid_t uid; /* -1: the process's; likewise the next */
	gid_t gid;
	bool keep; /* leave the file in place at the end */
};

/* A file that was created; with PATH NULL there is none. */
struct unix_socket {
	char *path; /* owned */
	dev_t device;
	ino_t inode;
	pid_t owner; /* the only process that removes it */
};

/*
 * Listens on a new socket, non-blocking and close-on-exec, with its mode and owner before
 * anybody can connect. A socket on which nobody listens is replaced. -1 with errno:
 * EADDRINUSE when somebody listens there, EEXIST when the file is not a socket, and
 * ENAMETOOLONG above 107 bytes.
 */
int unix_socket_listen(struct unix_socket *out, const struct unix_socket_settings *settings)
    __attribute__((warn_unused_result));

/* The record of the file of FD, which another process opened and owns, if the file still has
 * that device and inode. */
void unix_socket_find(struct unix_socket *out, int fd, dev_t device, ino_t inode);

/* Another record of the same file. False without memory. */
bool unix_socket_copy(struct unix_socket *out, const struct unix_socket *from)
    __attribute__((warn_unused_result));
bool unix_socket_is_same(const struct unix_socket *a, const struct unix_socket *b);

/* From now on this process owns the file. */
void unix_socket_own(struct unix_socket *socket);

/* Drops the record, and leaves the file in place. */
void unix_socket_forget(struct unix_socket *socket);

/* Removes the file, unless another process owns it or another file has its name by now. It may
 * be called twice. */
void unix_socket_remove(struct unix_socket *socket);

#endif
