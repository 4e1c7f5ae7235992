/* SPDX-License-Identifier: BSD-2-Clause */
/* Descriptors that one process passes to another one, over a socket of unix(7) that keeps
 * messages apart. */
#ifndef NET_DESCRIPTORS_H
#define NET_DESCRIPTORS_H

#include <stdbool.h>
#include <stddef.h>

enum { DESCRIPTORS_MAX = 200 }; /* in a message; the system's limit is 253 */

/* Sends COUNT descriptors, which stay open here, with LEN bytes. It does not block. False with
 * errno. */
bool descriptors_send(int socket, const void *bytes, size_t len, const int *fds, size_t count)
    __attribute__((warn_unused_result));

/* Receives a message of exactly LEN bytes and its descriptors, which the caller closes. False
 * when there is none, or another one; errno is 0 at the end of the socket. */
bool descriptors_receive(int socket, void *bytes, size_t len, int fds[DESCRIPTORS_MAX],
    size_t *count) __attribute__((warn_unused_result));

#endif
