/* SPDX-License-Identifier: BSD-2-Clause */
/* The process groups of a session. A shell with job control creates one per job, and the
 * session leader may not know those left behind by others. */
#ifndef PROCESS_GROUPS_H
#define PROCESS_GROUPS_H

#include <stdbool.h>
#include <sys/types.h>

/*
 * Sends SIGNAL to every process group of SESSION except its leader's, or only to the group ONLY
 * if that is not 0. The leader must not be reaped yet. SIGHUP and SIGTERM are followed by
 * SIGCONT, so that stopped processes receive them. Returns false if a process of the session
 * belongs to another user.
 */
bool groups_signal(pid_t session, pid_t only, int signal);

/* Returns true if SESSION has a process, other than a zombie, in a group other than its
 * leader's. */
bool groups_remain(pid_t session);

#endif
