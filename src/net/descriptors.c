/* SPDX-License-Identifier: BSD-2-Clause */
/* Passes descriptors to another process. */
#include "net/descriptors.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* A suitably aligned control message. */
union descriptors_control {
	struct cmsghdr header;
	char bytes[CMSG_SPACE(DESCRIPTORS_MAX * sizeof(int))];
};

bool
descriptors_send(int socket, const void *bytes, size_t len, const int *fds, size_t count)
{
	union descriptors_control control = {0};
	struct iovec part = {(void *)bytes, len};
	struct msghdr message = {
	    .msg_iov = &part,
	    .msg_iovlen = 1,
	    .msg_control = control.bytes,
	    .msg_controllen = CMSG_SPACE(count * sizeof(int)),
	};
	struct cmsghdr *header = CMSG_FIRSTHDR(&message);

	header->cmsg_level = SOL_SOCKET;
	header->cmsg_type = SCM_RIGHTS;
	header->cmsg_len = CMSG_LEN(count * sizeof(int));
	memcpy(CMSG_DATA(header), fds, count * sizeof(int));
	return sendmsg(socket, &message, MSG_DONTWAIT | MSG_NOSIGNAL) == (ssize_t)len;
}

bool
descriptors_receive(
    int socket, void *bytes, size_t len, int fds[DESCRIPTORS_MAX], size_t *count)
{
	union descriptors_control control;
	/* cppcheck-suppress ctuuninitvar; filled here */
	struct iovec part = {bytes, len};
	struct msghdr message = {
	    .msg_iov = &part,
	    .msg_iovlen = 1,
	    .msg_control = control.bytes,
	    .msg_controllen = sizeof(control.bytes),
	};
	const struct cmsghdr *header;
	ssize_t got = recvmsg(socket, &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);

	*count = 0;
	if (got == -1)
		return false;
	header = CMSG_FIRSTHDR(&message);
	if (header && header->cmsg_level == SOL_SOCKET && header->cmsg_type == SCM_RIGHTS) {
		*count = (header->cmsg_len - CMSG_LEN(0)) / sizeof(int);
		memcpy(fds, CMSG_DATA(header), *count * sizeof(int));
	}
	if (got == (ssize_t)len && (message.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) == 0)
		return true;
	while (*count > 0)
		close(fds[--*count]);
	errno = got == 0 ? 0 : EBADMSG;
	return false;
}
