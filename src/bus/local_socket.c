/* SPDX-License-Identifier: BSD-2-Clause */
/* Sockets between the workers of a server. */
#include "bus/local_socket.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

enum { LOCAL_SOCKET_NAME = 5, LOCAL_SOCKET_BACKLOG = 64 };

int
local_socket_listen(uint64_t *name)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	socklen_t len = sizeof(sa_family_t);
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	int error;

	if (fd == -1)
		return -1;
	if (bind(fd, (struct sockaddr *)&address, len) == 0 &&
	    listen(fd, LOCAL_SOCKET_BACKLOG) == 0) {
		len = sizeof(address);
		if (getsockname(fd, (struct sockaddr *)&address, &len) == 0) {
			*name = 0;
			memcpy(name, address.sun_path + 1, LOCAL_SOCKET_NAME);
			return fd;
		}
	}
	error = errno;
	close(fd);
	errno = error;
	return -1;
}

pid_t
local_socket_peer(int fd)
{
	struct ucred peer;
	socklen_t len = sizeof(peer);

	return getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &len) == 0 ? peer.pid : 0;
}

int
local_socket_connect(uint64_t name, pid_t pid)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	if (fd == -1)
		return -1;
	memcpy(address.sun_path + 1, &name, LOCAL_SOCKET_NAME);
	if (connect(fd, (struct sockaddr *)&address,
		offsetof(struct sockaddr_un, sun_path) + 1 + LOCAL_SOCKET_NAME) == 0 &&
	    local_socket_peer(fd) == pid)
		return fd;
	close(fd);
	return -1;
}
