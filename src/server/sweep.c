/* SPDX-License-Identifier: BSD-2-Clause */
/* Kills the processes that a dead worker leaves behind. */
#include "server/sweep.h"

#include "base/log.h"
#include "base/util.h"
#include "process/proc.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

/* Returns the next child of ours whose session is that of a program, which means that it was
 * reparented because its worker died; 0: none. */
static pid_t
sweep_next(const struct sweep *sweep, DIR *proc, struct proc *process)
{
	struct dirent *entry;

	while ((entry = readdir(proc))) {
		pid_t pid = atoi(entry->d_name);

		if (isdigit((unsigned char)entry->d_name[0]) && proc_look(pid, process) &&
		    process->parent == getpid() &&
		    pid_set_has(sweep->programs, process->session))
			return pid;
	}
	return 0;
}

/*
 * Kills these processes, whole groups at a time. A group ID can't have been reused: one of its
 * processes is our unreaped child. Returns the number of processes left, and in *DENIED those
 * of other users. A zombie counts: its children were reparented to us when it died, perhaps
 * after the scan had passed their PIDs.
 */
static size_t
sweep_kill(const struct sweep *sweep, size_t *denied)
{
	DIR *proc = opendir("/proc");
	struct proc process;
	size_t left = 0;
	pid_t pid;

	*denied = 0;
	if (!proc) {
		log_error("can't read /proc to find the programs of a worker that died");
		return 0;
	}
	while ((pid = sweep_next(sweep, proc, &process)) != 0) {
		if (process.group > 1 && process.group != getpgrp())
			kill(-process.group, SIGKILL);
		if (kill(pid, SIGKILL) == -1 && errno == EPERM && process.state != 'Z')
			(*denied)++;
		else
			left++;
	}
	closedir(proc);
	return left;
}

/* Removes exited processes from the set. One that is our child by now was reparented after the
 * scan because its worker died, too; the next sweep handles it. */
static void
sweep_remove_ended(const struct sweep *sweep)
{
	for (pid_t pid = pid_set_next(sweep->programs, 0); pid != 0;
	     pid = pid_set_next(sweep->programs, pid)) {
		struct proc process;

		if (!proc_look(pid, &process))
			pid_set_remove(sweep->programs, pid);
	}
}

void
sweep_begin(struct sweep *sweep)
{
	sweep->end_ms = util_clock_ms() + SWEEP_MS;
}

bool
sweep_run(struct sweep *sweep)
{
	size_t denied;
	size_t left = sweep_kill(sweep, &denied);

	if (left > 0 && util_clock_ms() < sweep->end_ms)
		return false;
	if (left > 0)
		log_errorx("%zu process%s of a worker that died did not exit after SIGKILL",
		    left, left == 1 ? "" : "es");
	if (denied > 0)
		log_errorx("can't kill %zu process%s of a worker that died: %s as another user",
		    denied, denied == 1 ? "" : "es", denied == 1 ? "it runs" : "they run");
	if (left + denied > 0)
		sweep->left_behind = true;
	sweep_remove_ended(sweep);
	sweep->end_ms = 0;
	return true;
}
