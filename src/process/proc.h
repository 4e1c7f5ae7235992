/* SPDX-License-Identifier: BSD-2-Clause */
/* Reads what /proc knows about a process. */
#ifndef PROCESS_PROC_H
#define PROCESS_PROC_H

#include <stdbool.h>
#include <sys/types.h>

struct proc {
	char state; /* 'Z' is a zombie */
	pid_t parent;
	pid_t group;
	pid_t session;
};

/* Returns false if the process does not exist. */
bool proc_look(pid_t pid, struct proc *proc);

#endif
