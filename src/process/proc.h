/* SPDX-License-Identifier: BSD-2-Clause */
/* What /proc knows about a process. */
#ifndef PROCESS_PROC_H
#define PROCESS_PROC_H

#include <stdbool.h>
#include <sys/types.h>

struct proc {
	char state; /* 'Z': a zombie */
	pid_t parent;
	pid_t group;
	pid_t session;
};

/* False when it does not exist. */
bool proc_look(pid_t pid, struct proc *proc);

#endif
