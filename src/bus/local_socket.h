/* SPDX-License-Identifier: BSD-2-Clause */
/* Sockets between the workers of a server, at abstract addresses chosen by the kernel
 * (unix(7)): five characters, stored in a number. Users must check the PID of the other end. */
#ifndef BUS_LOCAL_SOCKET_H
#define BUS_LOCAL_SOCKET_H

#include <stdint.h>
#include <sys/types.h>

/* Returns a listening socket and its address, or -1 with errno. */
int local_socket_listen(uint64_t *address) __attribute__((warn_unused_result));

/* Connects to a socket of process PID. Returns -1 if that is not possible now, or if another
 * process listens there. */
int local_socket_connect(uint64_t address, pid_t pid) __attribute__((warn_unused_result));

/* Returns the process that listened at, or has connected, the other end; 0 if unknown. */
pid_t local_socket_peer(int fd);

#endif
