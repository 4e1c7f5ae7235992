/* SPDX-License-Identifier: BSD-2-Clause */
/* The termination sequence of a program. */
#include "process/termination.h"

#include "base/log.h"
#include "process/groups.h"
#include "process/pty.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <sys/stat.h>

enum { TERMINATION_KILL_MS = 1000 }; /* how long to wait for SIGKILL to take effect */

static const struct {
	int signal;
	int wait_ms;
} termination_steps[] = {
    [TERMINATION_INPUT] = {0, 100},
    [TERMINATION_HANGUP] = {SIGHUP, 100},
    [TERMINATION_INTERRUPT] = {SIGINT, 250},
    [TERMINATION_TERM] = {SIGTERM, 500},
    [TERMINATION_KILL] = {SIGKILL, TERMINATION_KILL_MS},
};

/* Logs, once, that the program runs as another user. */
static void
termination_deny(struct termination *t)
{
	char path[32];
	struct stat st;

	if (t->silent)
		return;
	t->silent = true;
	snprintf(path, sizeof(path), "/proc/%d", (int)t->pid);
	if (stat(path, &st) == -1)
		st.st_uid = 0;
	log_errorx("can't signal process %d: it runs as another user (uid %u), so it can't be "
		   "terminated",
	    (int)t->pid, (unsigned int)st.st_uid);
}

/* Signals the process group. The leader is not reaped, so the ID is still valid. */
static void
termination_signal_group(struct termination *t, int signal)
{
	if (kill(-t->pid, signal) == -1 && errno == EPERM)
		termination_deny(t);
}

bool
termination_signal(struct termination *t, int signal)
{
	bool all = true;

	termination_signal_group(t, signal);
	if (t->terminal)
		all = groups_signal(t->pid, 0, signal);
	/* A process may have started another one meanwhile, in a group of its own. */
	if (t->terminal && signal == SIGKILL)
		all = groups_signal(t->pid, 0, signal);
	return all;
}

/* Sends the signals of a closing terminal. */
static void
termination_hang_up(struct termination *t, int master)
{
	pid_t foreground = pty_foreground(master);

	termination_signal_group(t, SIGHUP);
	termination_signal_group(t, SIGCONT);
	if (foreground != 0 && foreground != t->pid)
		(void)groups_signal(t->pid, foreground, SIGHUP);
}

void
termination_skip_input(struct termination *t)
{
	if (t->step == TERMINATION_INPUT)
		t->step = t->terminal ? TERMINATION_HANGUP : TERMINATION_INTERRUPT;
}

int64_t
termination_next(struct termination *t, int master, int64_t extra_ms)
{
	unsigned int step = t->step;

	if (step == TERMINATION_OVER) {
		if (kill(t->pid, 0) == -1 && errno == EPERM)
			termination_deny(t);
		else
			log_errorx("process %d did not exit after SIGKILL", (int)t->pid);
		return -1;
	}
	if (step == TERMINATION_HANGUP)
		termination_hang_up(t, master);
	else if (step != TERMINATION_INPUT)
		(void)termination_signal(t, termination_steps[step].signal);
	t->step++;
	if (t->step == TERMINATION_HANGUP && !t->terminal)
		t->step++;
	return termination_steps[step].wait_ms + (step != TERMINATION_KILL ? extra_ms : 0);
}

bool
termination_has_jobs(const struct termination *t)
{
	return t->terminal && t->step < TERMINATION_KILL && groups_remain(t->pid);
}
