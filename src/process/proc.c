/* SPDX-License-Identifier: BSD-2-Clause */
/* Reads what /proc knows about a process. */
#include "process/proc.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

bool
proc_look(pid_t pid, struct proc *proc)
{
	char path[32];
	char text[512];
	const char *after;
	ssize_t len;
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd == -1)
		return false;
	len = read(fd, text, sizeof(text) - 1);
	close(fd);
	if (len <= 0)
		return false;
	text[len] = '\0';
	/* The name of the program is in parentheses and may contain any byte. */
	after = strrchr(text, ')');
	return after && sscanf(after + 1, " %c %d %d %d", &proc->state, &proc->parent,
			    &proc->group, &proc->session) == 4;
}
