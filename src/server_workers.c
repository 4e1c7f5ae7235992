/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The parent of several workers. It has no event loop, which a fork could not
 * share: it waits for signals, which are blocked otherwise, and for time.
 */
#include "server_workers.h"

#include "base/util.h"
#include "server.h"
#include "server_inner.h"
#include "server_signals.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <sysexits.h>
#include <unistd.h>

enum {
	WORKERS_LOOK_MS = 20, /* how often it looks whether the programs of a dead worker are
				 gone */
	WORKERS_SPARE_MS = 1000, /* how much longer than its own deadline a worker may take */
};

struct worker {
	pid_t pid; /* 0: it does not run */
	int64_t started_ms;
	int64_t start_ms; /* when it is to be started, while it does not run */
	int64_t wait_ms; /* before the last start */
};

struct workers {
	struct server *server; /* borrowed */
	struct worker items[OPTIONS_WORKERS_MAX];
	size_t count;
	pid_t *strangers; /* owned: children from before, of a shell that became this process */
	size_t stranger_count;
	sigset_t signals;
	enum server_stage stage;
	int64_t stop_ms; /* when the first signal to stop came */
	int64_t stage_end_ms;
	int64_t sweep_ms; /* when to look for what a dead worker left; 0: nothing is left */
	int64_t sweep_end_ms;
	int status;
};

/* In the new worker. */
static void
workers_become(struct workers *w, size_t number, pid_t parent)
{
	struct server *server = w->server;

	server->worker = number;
	server->parent = parent;
	log_set_worker((int)number + 1);
	/* Orphans of its programs are its own, so that the parent's are those of the dead. */
	prctl(PR_SET_CHILD_SUBREAPER, 1);
	/* Without the parent it drains. The parent may be gone already. */
	prctl(PR_SET_PDEATHSIG, SIGTERM);
	if (getppid() != parent)
		raise(SIGTERM);
}

/* Starts one. True in the worker. */
static bool
workers_start(struct workers *w, size_t number)
{
	struct worker *worker = &w->items[number];
	pid_t parent = getpid();
	pid_t pid = fork();

	if (pid == 0) {
		workers_become(w, number, parent);
		return true;
	}
	worker->started_ms = util_clock_ms();
	if (pid == -1) {
		log_error("can't start worker %zu, trying again in %d ms", number + 1,
		    SERVER_WORKER_WAIT_MAX_MS);
		worker->start_ms = worker->started_ms + SERVER_WORKER_WAIT_MAX_MS;
		return false;
	}
	worker->pid = pid;
	return false;
}

static void
workers_signal(const struct workers *w, int number)
{
	for (size_t i = 0; i < w->count; i++) {
		if (w->items[i].pid != 0)
			kill(w->items[i].pid, number);
	}
}

static size_t
workers_alive(const struct workers *w)
{
	size_t alive = 0;

	for (size_t i = 0; i < w->count; i++)
		alive += w->items[i].pid != 0;
	return alive;
}

/* The programs of all workers: as many sessions have not ended. */
static size_t
workers_programs(const struct workers *w)
{
	size_t sum = 0;

	for (size_t i = 0; i < w->count; i++)
		sum += quota_held(&w->server->page->quota, i);
	return sum;
}

static bool
workers_has(const struct workers *w, pid_t pid)
{
	for (size_t i = 0; i < w->count; i++) {
		if (w->items[i].pid == pid)
			return true;
	}
	return false;
}

/* The parent and group of a process, from /proc. False when it is gone. */
static bool
workers_look(const char *name, pid_t *parent, pid_t *group)
{
	char path[32];
	char text[512];
	const char *behind;
	ssize_t len;
	int fd;

	snprintf(path, sizeof(path), "/proc/%.16s/stat", name);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd == -1)
		return false;
	len = read(fd, text, sizeof(text) - 1);
	close(fd);
	if (len <= 0)
		return false;
	text[len] = '\0';
	/* The name of the program stands in parentheses and may have any byte in it. */
	behind = strrchr(text, ')');
	return behind && sscanf(behind + 1, " %*c %d %d", parent, group) == 2;
}

/* The next process in /proc whose parent we are; 0: there is none. */
static pid_t
workers_next_child(DIR *proc, pid_t *group)
{
	struct dirent *entry;
	pid_t parent;

	while ((entry = readdir(proc))) {
		if (isdigit((unsigned char)entry->d_name[0]) &&
		    workers_look(entry->d_name, &parent, group) && parent == getpid())
			return atoi(entry->d_name);
	}
	return 0;
}

/* Before there are workers: whose parent we are already has nothing to do with them. */
static bool
workers_note_strangers(struct workers *w)
{
	DIR *proc = opendir("/proc");
	bool ok = true;
	pid_t pid, group;

	while (proc && ok && (pid = workers_next_child(proc, &group)) != 0) {
		pid_t *grown =
		    realloc(w->strangers, (w->stranger_count + 1) * sizeof(*w->strangers));

		ok = grown != NULL;
		if (!ok)
			break;
		w->strangers = grown;
		w->strangers[w->stranger_count++] = pid;
	}
	if (proc)
		closedir(proc);
	return ok;
}

static bool
workers_is_stranger(const struct workers *w, pid_t pid)
{
	for (size_t i = 0; i < w->stranger_count; i++) {
		if (w->strangers[i] == pid)
			return true;
	}
	return false;
}

/* It was reaped, so its number may be another's soon. */
static void
workers_forget_stranger(struct workers *w, pid_t pid)
{
	for (size_t i = 0; i < w->stranger_count; i++) {
		if (w->strangers[i] == pid)
			w->strangers[i] = w->strangers[--w->stranger_count];
	}
}

/*
 * Kills what came to us because its worker died, whole groups at a time. A group's number can't
 * be another one's by now: one of its processes is our child, which nobody has reaped. Returns
 * how many are left. A zombie counts: when it died, its children came to us, maybe those that
 * we had looked at before. So nothing is left only when no child was there all the time.
 */
static size_t
workers_kill_orphans(const struct workers *w)
{
	DIR *proc = opendir("/proc");
	pid_t pid, group;
	size_t left = 0;

	if (!proc) {
		log_error("can't read /proc to find the programs of a worker that died");
		return 0;
	}
	while ((pid = workers_next_child(proc, &group)) != 0) {
		if (workers_has(w, pid) || workers_is_stranger(w, pid))
			continue;
		left++;
		/* One that had not come to its own group yet is still in ours. */
		kill(group > 1 && group != getpgrp() ? -group : pid, SIGKILL);
	}
	closedir(proc);
	return left;
}

static void
workers_sweep(struct workers *w, int64_t now)
{
	struct quota *quota = &w->server->page->quota;
	size_t left = workers_kill_orphans(w);

	w->sweep_ms = now + WORKERS_LOOK_MS;
	if (left > 0 && now < w->sweep_end_ms)
		return;
	if (left > 0)
		log_errorx("%zu program%s of a worker that died did not exit after SIGKILL",
		    left, util_plural(left));
	quota_clear(quota, w->count);
	w->sweep_ms = 0;
}

/* Says how one ended, and when the next is started. */
static void
workers_log_end(
    const struct workers *w, size_t number, pid_t pid, const siginfo_t *info, int64_t wait_ms)
{
	char next[64] = "";
	char how[64];
	bool well = info->si_code == CLD_EXITED && info->si_status == 0;

	if (info->si_code == CLD_EXITED)
		snprintf(how, sizeof(how), "exited with status %d", info->si_status);
	else
		snprintf(
		    how, sizeof(how), "was killed by SIG%s", util_signal_name(info->si_status));
	if (w->stage == SERVER_SERVING)
		snprintf(
		    next, sizeof(next), "; starting another in %lld ms", (long long)wait_ms);
	if (!well)
		log_errorx("worker %zu (pid %d) %s%s", number + 1, (int)pid, how, next);
	else if (w->stage == SERVER_SERVING)
		log_info("worker %zu (pid %d) %s%s", number + 1, (int)pid, how, next);
}

static void
workers_on_end(struct workers *w, size_t number, const siginfo_t *info)
{
	struct worker *worker = &w->items[number];
	struct server_page *page = w->server->page;
	bool well = info->si_code == CLD_EXITED && info->si_status == 0;
	int64_t now = util_clock_ms();

	if (now - worker->started_ms >= SERVER_WORKER_SOUND_MS)
		worker->wait_ms = 0;
	else if (worker->wait_ms == 0)
		worker->wait_ms = SERVER_WORKER_WAIT_MS;
	else if (worker->wait_ms < SERVER_WORKER_WAIT_MAX_MS / 2)
		worker->wait_ms *= 2;
	else
		worker->wait_ms = SERVER_WORKER_WAIT_MAX_MS;
	worker->start_ms = now + worker->wait_ms;
	workers_log_end(w, number, worker->pid, info, worker->wait_ms);
	worker->pid = 0;
	atomic_store(&page->workers[number].accepts, false);
	atomic_store(&page->workers[number].connections, 0);
	tally_clear(w->server->tally, number);
	/* A worker that ended well has let go of its programs, and of those that left it. */
	if (well && quota_held(&page->quota, number) == 0)
		return;
	if (w->stage != SERVER_SERVING && !well)
		w->status = EX_SOFTWARE;
	quota_move(&page->quota, number, w->count);
	w->sweep_ms = now;
	w->sweep_end_ms = now + SERVER_SWEEP_MS;
}

static void
workers_reap(struct workers *w)
{
	for (;;) {
		siginfo_t info = {0};

		if (waitid(P_ALL, 0, &info, WEXITED | WNOHANG) == -1 || info.si_pid == 0)
			break;
		workers_forget_stranger(w, info.si_pid);
		for (size_t i = 0; i < w->count; i++) {
			if (w->items[i].pid == info.si_pid)
				workers_on_end(w, i, &info);
		}
	}
	/* The death of one orphan may have brought others. */
	if (w->sweep_ms != 0)
		w->sweep_ms = util_clock_ms();
}

static void
workers_enter(struct workers *w, enum server_stage stage, int64_t wait_ms)
{
	w->stage = stage;
	w->stage_end_ms = util_clock_ms() + wait_ms + WORKERS_SPARE_MS;
	atomic_store(&w->server->page->stage, stage);
	workers_signal(w, SIGTERM);
}

static void
workers_stop(struct workers *w, int number)
{
	switch (w->stage) {
	case SERVER_SERVING:
		w->stop_ms = util_clock_ms();
		server_log_shutdown(number, workers_programs(w));
		listeners_close(&w->server->listeners);
		workers_enter(w, SERVER_DRAINING, SERVER_DRAIN_MS + SERVER_KILL_MS);
		break;
	case SERVER_DRAINING:
		if (!server_is_repeated(w->stop_ms, util_clock_ms()))
			workers_enter(w, SERVER_KILLING, SERVER_KILL_MS);
		break;
	case SERVER_KILLING:
		break;
	}
}

/* Reloads the certificates in all workers, each of which logs the result, and in the parent for
 * the workers to come. */
static void
workers_reload(struct workers *w)
{
	char error[TLS_ERROR_MAX];

	if (!tls_ticket_begin(&w->server->page->tickets))
		log_errorx("can't create new session ticket keys");
	if (!server_load_tls(w->server, error))
		log_debug("the parent can't read the certificates: %s", error);
	workers_signal(w, SIGHUP);
}

static void
workers_on_signal(struct workers *w, int number)
{
	switch (number) {
	case SIGCHLD:
		workers_reap(w);
		break;
	case SIGUSR1:
		server_log_unused_signal(number);
		break;
	case SIGHUP:
		if (server_lost_terminal(w->server))
			workers_stop(w, number);
		else if (w->server->tls)
			workers_reload(w);
		else
			server_log_unused_signal(number);
		break;
	default:
		workers_stop(w, number);
	}
}

/* What the time asks for. True in a worker that was started. */
static bool
workers_step(struct workers *w)
{
	struct tls_ticket_keys *tickets = &w->server->page->tickets;
	int64_t now = util_clock_ms();

	if (w->server->tls && tls_ticket_due_ms(tickets) <= now && !tls_ticket_renew(tickets))
		log_errorx("can't create new session ticket keys");
	if (w->sweep_ms != 0 && w->sweep_ms <= now)
		workers_sweep(w, now);
	for (size_t i = 0; i < w->count && w->stage == SERVER_SERVING; i++) {
		if (w->items[i].pid == 0 && w->items[i].start_ms <= now && workers_start(w, i))
			return true;
	}
	if (w->stage != SERVER_SERVING && w->stage_end_ms <= now && workers_alive(w) > 0) {
		log_errorx("killing %zu worker%s that did not stop in time", workers_alive(w),
		    util_plural(workers_alive(w)));
		workers_signal(w, SIGKILL);
		w->stage_end_ms = now + SERVER_KILL_MS;
	}
	return false;
}

/* When the next step is due. */
static int64_t
workers_due(const struct workers *w)
{
	int64_t due = util_clock_ms() + SERVER_WORKER_WAIT_MAX_MS;

	if (w->sweep_ms != 0 && w->sweep_ms < due)
		due = w->sweep_ms;
	if (w->stage != SERVER_SERVING)
		return w->stage_end_ms < due ? w->stage_end_ms : due;
	for (size_t i = 0; i < w->count; i++) {
		if (w->items[i].pid == 0 && w->items[i].start_ms < due)
			due = w->items[i].start_ms;
	}
	return due;
}

/* Waits for a signal until DUE. 0: none came. */
static int
workers_wait(const struct workers *w, int64_t due)
{
	int64_t wait_ms = due - util_clock_ms();
	struct timespec wait;
	int number;

	if (wait_ms < 0)
		wait_ms = 0;
	wait.tv_sec = wait_ms / 1000;
	wait.tv_nsec = wait_ms % 1000 * 1000000;
	number = sigtimedwait(&w->signals, NULL, &wait);
	return number > 0 ? number : 0;
}

static void
workers_block_signals(struct workers *w)
{
	sigemptyset(&w->signals);
	sigaddset(&w->signals, SIGCHLD);
	sigaddset(&w->signals, SIGTERM);
	sigaddset(&w->signals, SIGHUP);
	sigaddset(&w->signals, SIGUSR1);
	/* As in a server without workers. */
	if (!spawn_was_ignored(SIGINT))
		sigaddset(&w->signals, SIGINT);
	sigprocmask(SIG_BLOCK, &w->signals, NULL);
}

int
server_work(struct server *server, bool *serves)
{
	struct workers w = {.server = server, .count = (size_t)server->options->workers};

	*serves = false;
	prctl(PR_SET_CHILD_SUBREAPER, 1);
	workers_block_signals(&w);
	if (!workers_note_strangers(&w)) {
		free(w.strangers);
		return server_fail(server, EX_OSERR, "out of memory");
	}
	(void)server_raise_limits(server); /* which says it; each worker does it for itself */
	server_announce(server);
	do {
		int number;

		if (workers_step(&w)) {
			free(w.strangers);
			*serves = true;
			return 0;
		}
		number = workers_wait(&w, workers_due(&w));
		if (number != 0)
			workers_on_signal(&w, number);
	} while (w.stage == SERVER_SERVING || workers_alive(&w) > 0 || w.sweep_ms != 0);
	free(w.strangers);
	log_info("stopped");
	return w.status;
}
