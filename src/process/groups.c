/* SPDX-License-Identifier: BSD-2-Clause */
/* The process groups of a session. */
#include "process/groups.h"

#include "process/proc.h"

#include <dirent.h>
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

enum { GROUPS_SEEN_MAX = 64 }; /* groups of a session that are signalled only once */

struct groups {
	pid_t seen[GROUPS_SEEN_MAX];
	size_t count;
};

/* Adds GROUP. Returns false if it was added before. */
static bool
groups_add(struct groups *groups, pid_t group)
{
	for (size_t i = 0; i < groups->count; i++) {
		if (groups->seen[i] == group)
			return false;
	}
	if (groups->count < GROUPS_SEEN_MAX)
		groups->seen[groups->count++] = group;
	return true;
}

/*
 * Returns the next process of SESSION in a group other than its leader's, with the group in
 * *GROUP, or 0 at the end. Reads only the names in /proc: getsid() and getpgid() cost a tenth
 * of reading a file per process.
 */
static pid_t
groups_next(DIR *proc, pid_t session, pid_t *group)
{
	struct dirent *entry;

	while ((entry = readdir(proc))) {
		pid_t pid = atoi(entry->d_name);

		if (pid <= 1 || getsid(pid) != session)
			continue;
		*group = getpgid(pid);
		if (*group > 1 && *group != session)
			return pid;
	}
	return 0;
}

/* A group keeps its ID while it has a process, and we have just seen one. */
bool
groups_signal(pid_t session, pid_t only, int signal)
{
	DIR *proc = opendir("/proc");
	struct groups groups = {.count = 0};
	bool all = true;
	pid_t pid, group;

	while (proc && (pid = groups_next(proc, session, &group)) != 0) {
		if (only != 0 && group != only)
			continue;
		if (groups_add(&groups, group)) {
			(void)kill(-group, signal);
			if (signal == SIGHUP || signal == SIGTERM)
				(void)kill(-group, SIGCONT);
		}
		if (kill(pid, 0) == -1 && errno == EPERM)
			all = false;
	}
	if (proc)
		closedir(proc);
	return all;
}

bool
groups_remain(pid_t session)
{
	DIR *proc = opendir("/proc");
	bool remain = false;
	pid_t pid, group;

	while (proc && !remain && (pid = groups_next(proc, session, &group)) != 0) {
		struct proc process;

		remain = proc_look(pid, &process) && process.state != 'Z';
	}
	if (proc)
		closedir(proc);
	return remain;
}
