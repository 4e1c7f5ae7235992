/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The process groups of a session: a shell with job control gives each job one of its own, and
 * the session's leader need not know of those that it has left.
 */
#ifndef PROCESS_GROUPS_H
#define PROCESS_GROUPS_H

#include <stdbool.h>
#include <sys/types.h>

/*
 * Sends SIGNAL to each process group of SESSION but that of its leader, which must not be
 * reaped, or only to the group ONLY unless that is 0. After SIGHUP and SIGTERM, SIGCONT
 * follows, so that a stopped process gets them. False: a process of the session belongs to
 * another user.
 */
bool groups_signal(pid_t session, pid_t only, int signal);

/* Whether SESSION has a process in a group other than its leader's that is no zombie. */
bool groups_remain(pid_t session);

#endif
