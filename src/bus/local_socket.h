/* SPDX-License-Identifier: BSD-2-Clause */
/* Sockets between the workers of a server, at abstract addresses that the kernel chooses
 * (unix(7)): five characters, as a number. Whoever uses one compares the pid of the other side.
 */
#ifndef BUS_LOCAL_SOCKET_H
#define BUS_LOCAL_SOCKET_H

#include <stdint.h>
#include <sys/types.h>

/* -1 with errno. */
int local_socket_listen(uint64_t *address) __attribute__((warn_unused_result));

/* Connects to the process PID. -1: it is not possible now, or another one listens there. */
int local_socket_connect(uint64_t address, pid_t pid) __attribute__((warn_unused_result));

/* The process that listened at, or has connected, the other side; 0: unknown. */
pid_t local_socket_peer(int fd);

#endif
