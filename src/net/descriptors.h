/* SPDX-License-Identifier: BSD-2-Clause */
/* Passes descriptors to another process, over a Unix socket that preserves message boundaries
 * (unix(7)). */
#ifndef NET_DESCRIPTORS_H
#define NET_DESCRIPTORS_H

#include <stdbool.h>
#include <stddef.h>

enum { DESCRIPTORS_MAX = 200 }; /* per message; the kernel's limit is 253 */

/* Sends COUNT descriptors, which stay open here, and LEN bytes. Does not block. Returns false
 * with errno. */
bool descriptors_send(int socket, const void *bytes, size_t len, const int *fds, size_t count)
    __attribute__((warn_unused_result));

/* Receives a message of exactly LEN bytes and its descriptors, which the caller must close.
 * Returns false if there is no such message; errno is 0 at the end of the socket. */
bool descriptors_receive(int socket, void *bytes, size_t len, int fds[DESCRIPTORS_MAX],
    size_t *count) __attribute__((warn_unused_result));

#endif
