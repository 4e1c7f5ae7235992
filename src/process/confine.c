/* SPDX-License-Identifier: BSD-2-Clause */
/* Restrictions for a program. */
#include "process/confine.h"

#include "process/landlock.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

const struct confine_limit_name confine_limit_names[CONFINE_LIMITS] = {
    [CONFINE_AS] = {"as", true},
    [CONFINE_CORE] = {"core", true},
    [CONFINE_CPU] = {"cpu", false},
    [CONFINE_DATA] = {"data", true},
    [CONFINE_FSIZE] = {"fsize", true},
    [CONFINE_MEMLOCK] = {"memlock", true},
    [CONFINE_MSGQUEUE] = {"msgqueue", true},
    [CONFINE_NOFILE] = {"nofile", false},
    [CONFINE_NPROC] = {"nproc", false},
    [CONFINE_STACK] = {"stack", true},
};

static const struct {
	unsigned int resource;
	const char *option;
} confine_limits[CONFINE_LIMITS] = {
    [CONFINE_AS] = {RLIMIT_AS, "--rlimit=as"},
    [CONFINE_CORE] = {RLIMIT_CORE, "--rlimit=core"},
    [CONFINE_CPU] = {RLIMIT_CPU, "--rlimit=cpu"},
    [CONFINE_DATA] = {RLIMIT_DATA, "--rlimit=data"},
    [CONFINE_FSIZE] = {RLIMIT_FSIZE, "--rlimit=fsize"},
    [CONFINE_MEMLOCK] = {RLIMIT_MEMLOCK, "--rlimit=memlock"},
    [CONFINE_MSGQUEUE] = {RLIMIT_MSGQUEUE, "--rlimit=msgqueue"},
    [CONFINE_NOFILE] = {RLIMIT_NOFILE, "--rlimit=nofile"},
    [CONFINE_NPROC] = {RLIMIT_NPROC, "--rlimit=nproc"},
    [CONFINE_STACK] = {RLIMIT_STACK, "--rlimit=stack"},
};

void
confine_clear(struct confine *confine)
{
	account_clear(&confine->account);
	if (confine->ruleset != -1)
		close(confine->ruleset);
	*confine = CONFINE_NONE;
}

/* Writes a number to a file in /proc/self. */
static ACCOUNT_IN_CHILD bool
confine_write(const char *path, int64_t number)
{
	char digits[8];
	size_t at = sizeof(digits);
	int64_t left = number < 0 ? -number : number;
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	ssize_t wrote;
	int saved;

	if (fd == -1)
		return false;
	do {
		digits[--at] = (char)('0' + left % 10);
		left /= 10;
	} while (left > 0);
	if (number < 0)
		digits[--at] = '-';
	wrote = write(fd, digits + at, sizeof(digits) - at);
	saved = errno;
	close(fd);
	errno = saved;
	return wrote != -1;
}

static ACCOUNT_IN_CHILD const char *
confine_apply_limits(const struct confine_number *limits)
{
	for (size_t i = 0; i < CONFINE_LIMITS; i++) {
		struct rlimit limit;

		if (!limits[i].given)
			continue;
		limit.rlim_cur = limit.rlim_max =
		    limits[i].value == -1 ? RLIM_INFINITY : (rlim_t)limits[i].value;
		if (setrlimit(confine_limits[i].resource, &limit) == -1)
			return confine_limits[i].option;
	}
	return NULL;
}

/*
 * Sets the nice level. The kernel may first divide CPU time between sessions (sched(7),
 * autogroup), and each program has its own session, so the autogroup gets the level, too. The
 * kernel may temporarily reject that, or lack the file.
 */
static ACCOUNT_IN_CHILD bool
confine_apply_nice(int level)
{
	if (setpriority(PRIO_PROCESS, 0, level) == -1)
		return false;
	(void)confine_write("/proc/self/autogroup", level);
	return true;
}

/* Order: what needs privileges or files comes before the change of the user and the restriction
 * of files. */
ACCOUNT_IN_CHILD const char *
confine_apply(const struct confine *confine)
{
	const struct confine_settings *settings = &confine->settings;
	const char *option;

	if (settings->oom_score.given &&
	    !confine_write("/proc/self/oom_score_adj", settings->oom_score.value))
		return "--child-oom-score";
	option = confine_apply_limits(settings->limits);
	if (option)
		return option;
	if (settings->nice.given && !confine_apply_nice((int)settings->nice.value))
		return "--nice";
	if (settings->umask.given)
		(void)umask((mode_t)settings->umask.value);
	if (confine->has_account && !account_become(&confine->account))
		return confine->account.has_user ? "--child-user" : "--child-group";
	if (settings->no_new_privs && prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == -1)
		return "--no-new-privs";
	if (confine->ruleset != -1 && !landlock_apply(confine->ruleset))
		return "--child-read";
	return NULL;
}

ACCOUNT_IN_CHILD const char *
confine_blame(const struct confine *confine, int error)
{
	if (error == EAGAIN && confine->settings.limits[CONFINE_NPROC].given)
		return confine_limits[CONFINE_NPROC].option;
	if (error == EACCES && confine->ruleset != -1)
		return confine->has_account ? "--child-user or --child-read" : "--child-read";
	if (error == EACCES && confine->has_account)
		return confine->account.has_user ? "--child-user" : "--child-group";
	return NULL;
}
