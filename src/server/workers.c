/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The parent of several workers. It has no event loop, because a fork could not share one: it
 * waits for signals, which are blocked otherwise, and for time.
 */
#include "server/workers.h"

#include "base/util.h"
#include "server/admin.h"
#include "server/announce.h"
#include "server/relays.h"
#include "server/reload.h"
#include "server/reload_orders.h"
#include "server/setup.h"
#include "server/signals.h"
#include "server/sweep.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <sysexits.h>
#include <unistd.h>

enum {
	WORKERS_SPARE_MS = 1000, /* extra time for a worker beyond its own deadline */
	WORKERS_START_MS = 1000, /* minimum interval between two starts of a worker */
	WORKERS_STEP_MS = 20, /* polling interval while work is pending */
	WORKERS_IDLE_MS = 60 * 1000,
};

struct worker {
	pid_t pid; /* 0: not running */
	int channel; /* owned: sends reload orders; -1: none */
	int64_t start_ms; /* when it may be restarted */
};

struct workers {
	struct server *server; /* borrowed */
	struct worker items[OPTIONS_WORKERS_MAX];
	size_t count;
	struct sweep sweep;
	sigset_t signals;
	bool ready; /* all workers have started serving */
	int64_t watchdog_ms; /* time of the next watchdog message */
	int status;
};

static void
workers_close_channel(struct worker *worker)
{
	if (worker->channel != -1)
		close(worker->channel);
	worker->channel = -1;
}

/* In the new worker: sets up the process. Takes CHANNEL. */
static void
workers_become(struct workers *w, size_t number, pid_t parent, int channel)
{
	struct server *server = w->server;

	server->worker = number;
	server->parent = parent;
	server->reload_socket = channel;
	handover_leave(&server->handover);
	for (size_t i = 0; i < w->count; i++)
		workers_close_channel(&w->items[i]);
	log_set_worker((int)number + 1);
	/* Orphans of its programs are reparented to the worker, so only those of dead workers
	 * are reparented to the parent. */
	prctl(PR_SET_CHILD_SUBREAPER, 1);
	/* Shut down gracefully if the parent dies, which may already have happened. */
	prctl(PR_SET_PDEATHSIG, SIGTERM);
	if (getppid() != parent)
		raise(SIGTERM);
}

/* Starts a worker. Returns true in the worker. */
static bool
workers_start(struct workers *w, size_t number)
{
	struct worker *worker = &w->items[number];
	pid_t parent = getpid();
	pid_t pid = -1;
	int ends[2];

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) == 0) {
		pid = fork();
		worker->channel = ends[0];
		if (pid == 0) {
			workers_become(w, number, parent, ends[1]);
			return true;
		}
		close(ends[1]);
		if (pid == -1)
			workers_close_channel(worker);
	}
	worker->start_ms = util_clock_ms() + WORKERS_START_MS;
	if (pid == -1)
		log_error("can't start worker %zu, trying again in %d ms", number + 1,
		    WORKERS_START_MS);
	else
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

/* Returns the number of programs of all workers, which is the number of sessions that have not
 * ended. */
static size_t
workers_programs(const struct workers *w)
{
	size_t sum = 0;

	for (size_t i = 0; i < w->count; i++) {
		/* In this order, a program parked in between is at most counted as a
		 * session. */
		size_t parked = atomic_load(&w->server->page->workers[i].parked);
		size_t held = quota_held(&w->server->page->quota, i);

		sum += held > parked ? held - parked : 0;
	}
	return sum;
}

static void
workers_log_end(const struct workers *w, size_t number, const siginfo_t *info)
{
	const char *next = w->server->stage == SERVER_SERVING ? "; starting another" : "";
	int pid = (int)w->items[number].pid;

	if (info->si_code != CLD_EXITED)
		log_errorx("worker %zu (pid %d) was killed by SIG%s%s", number + 1, pid,
		    util_signal_name(info->si_status), next);
	else if (info->si_status != 0)
		log_errorx("worker %zu (pid %d) exited with status %d%s", number + 1, pid,
		    info->si_status, next);
	else if (w->server->stage == SERVER_SERVING)
		log_info("worker %zu (pid %d) exited with status 0%s", number + 1, pid, next);
}

static void
workers_on_end(struct workers *w, size_t number, const siginfo_t *info)
{
	struct server_shared *page = w->server->page;
	bool exited = info->si_code == CLD_EXITED;
	bool well = exited && info->si_status == 0;

	workers_log_end(w, number, info);
	w->items[number].pid = 0;
	workers_close_channel(&w->items[number]);
	atomic_store(&page->workers[number].accepts, false);
	atomic_store(&page->workers[number].connections, 0);
	atomic_store(&page->workers[number].sockets, 0);
	atomic_store(&page->workers[number].members, 0);
	atomic_store(&page->workers[number].parked, 0);
	atomic_store(&page->workers[number].alive_ms, 0);
	tally_clear(w->server->tally, number);
	server_admin_lost(w->server, number);
	if (well && quota_held(&page->quota, number) == 0)
		return;
	quota_move(&page->quota, number, w->count);
	if (exited && info->si_status == SERVER_LEFT_BEHIND) {
		/* The worker has terminated what can be terminated. */
		w->sweep.left_behind = true;
		quota_clear(&page->quota, w->count);
		return;
	}
	if (w->server->stage != SERVER_SERVING && !well)
		w->status = EX_SOFTWARE;
	sweep_begin(&w->sweep);
}

static void
workers_reap(struct workers *w)
{
	for (;;) {
		siginfo_t info = {0};

		if (waitid(P_ALL, 0, &info, WEXITED | WNOHANG) == -1 || info.si_pid == 0)
			break;
		if (info.si_pid == w->server->handover.pid)
			w->server->handover.end = info;
		for (size_t i = 0; i < w->count; i++) {
			if (w->items[i].pid == info.si_pid)
				workers_on_end(w, i, &info);
		}
	}
}

static void
workers_enter(struct workers *w, enum server_stage stage, int64_t wait_ms)
{
	w->server->stage = stage;
	w->server->stage_end_ms = util_clock_ms() + wait_ms + WORKERS_SPARE_MS;
	atomic_store(&w->server->page->stage, stage);
	workers_signal(w, SIGTERM);
	/* The worker may be stopped. */
	workers_signal(w, SIGCONT);
}

static void
workers_finish(struct workers *w, int number)
{
	if (w->server->stage != SERVER_SERVING)
		return;
	server_report_finish(w->server, number, workers_programs(w));
	server_close_listeners(w->server);
	w->server->stage = SERVER_FINISHING;
	atomic_store(&w->server->page->stage, SERVER_FINISHING);
	w->server->stage_end_ms = INT64_MAX;
	workers_signal(w, SIGQUIT);
}

static void
workers_stop(struct workers *w, int number)
{
	switch (w->server->stage) {
	case SERVER_SERVING:
	case SERVER_FINISHING:
		w->server->stop_ms = util_clock_ms();
		server_report_shutdown(w->server, number, workers_programs(w));
		server_close_listeners(w->server);
		workers_enter(w, SERVER_DRAINING, server_drain_ms(w->server));
		break;
	case SERVER_DRAINING:
		if (!server_is_repeated(w->server))
			workers_enter(w, SERVER_KILLING, SERVER_KILL_MS);
		break;
	case SERVER_KILLING:
		break;
	}
}

/* Reopens the log in all processes. */
static void
workers_reopen_log(struct workers *w, int number)
{
	server_reopen_log(w->server, number);
	workers_signal(w, SIGUSR1);
}

/* Reloads the certificates in all workers, each of which logs the result, and in the parent for
 * future workers. */
static void
workers_reload_tls(struct workers *w)
{
	const char *error;

	server_reopen_log(w->server, SIGHUP);
	atomic_fetch_add(&w->server->page->tickets.reloads, 1);
	if (!tls_ticket_renew(&w->server->page->tickets))
		log_errorx("can't create new session ticket keys");
	if (!server_load_tls(w->server, &error))
		log_debug("the parent can't read the certificates: %s", error);
	workers_signal(w, SIGHUP);
}

/* Reloads everything that can be reloaded. */
static void
workers_reload(struct workers *w)
{
	int channels[OPTIONS_WORKERS_MAX];

	notify_reloading(&w->server->notify);
	for (size_t i = 0; i < w->count; i++)
		channels[i] = w->items[i].channel;
	if (server_reloads_options(w->server)) {
		workers_reopen_log(w, SIGHUP);
		server_reload_workers(w->server, channels, w->count);
	} else if (w->server->tls) {
		workers_reload_tls(w);
	} else {
		workers_reopen_log(w, SIGHUP);
		server_log_nothing_to_reload(w->server);
	}
	server_report_ready(w->server);
}

static void
workers_on_signal(struct workers *w, int number)
{
	switch (number) {
	case SIGCHLD:
		break;
	case SIGHUP:
		if (server_lost_terminal(w->server))
			workers_stop(w, number);
		else if (w->server->stage == SERVER_SERVING)
			workers_reload(w);
		else
			workers_reopen_log(w, number);
		break;
	case SIGUSR1:
		workers_reopen_log(w, number);
		break;
	case SIGUSR2:
		server_hand_over(w->server);
		break;
	case SIGQUIT:
		workers_finish(w, number);
		break;
	default:
		workers_stop(w, number);
	}
}

/* Reports whether all workers are serving. */
static bool
workers_serve(const struct workers *w)
{
	bool serve = true;

	for (size_t i = 0; i < w->count; i++)
		serve = serve && atomic_load(&w->server->page->workers[i].accepts);
	return serve;
}

/* Sends the watchdog message if the event loops of all running workers have run in time. */
static void
workers_watch(struct workers *w, int64_t now)
{
	int64_t limit_ms = w->server->notify.watchdog_ms;

	for (size_t i = 0; i < w->count; i++) {
		int64_t alive_ms = atomic_load(&w->server->page->workers[i].alive_ms);

		if (w->items[i].pid != 0 && alive_ms != 0 && now - alive_ms > limit_ms)
			return;
	}
	notify_watchdog(&w->server->notify);
	w->watchdog_ms = now + limit_ms / 2;
}

/* Does the work that is due. Returns true in a worker that was started. */
static bool
workers_step(struct workers *w)
{
	struct tls_ticket_keys *tickets = &w->server->page->tickets;
	int64_t now = util_clock_ms();

	if (w->server->tls && tickets->due_ms <= now && !tls_ticket_renew(tickets))
		log_errorx("can't create new session ticket keys");
	if (w->sweep.end_ms != 0 && sweep_run(&w->sweep))
		quota_clear(&w->server->page->quota, w->count);
	for (size_t i = 0; i < w->count && w->server->stage == SERVER_SERVING; i++) {
		if (w->items[i].pid == 0 && w->items[i].start_ms <= now && workers_start(w, i))
			return true;
	}
	if (!w->ready && workers_serve(w)) {
		w->ready = true;
		server_report_ready(w->server);
	}
	if (server_poll_handover(w->server) == HANDOVER_DONE)
		workers_finish(w, SIGUSR2);
	if (w->ready && w->server->notify.watchdog_ms > 0 && now >= w->watchdog_ms)
		workers_watch(w, now);
	for (size_t i = 0; i < w->count && w->server->stage != SERVER_SERVING; i++) {
		if (w->items[i].pid == 0)
			server_relays_refuse(w->server, i);
	}
	if (w->server->stage != SERVER_SERVING && w->server->stage_end_ms <= now &&
	    workers_alive(w) > 0) {
		log_errorx("killing %zu worker%s that did not stop in time", workers_alive(w),
		    util_plural(workers_alive(w)));
		workers_signal(w, SIGKILL);
		w->server->stage_end_ms = now + SERVER_KILL_MS;
	}
	return false;
}

/* Returns the time until work is due, in milliseconds. */
static int64_t
workers_idle_ms(const struct workers *w)
{
	bool idle = w->server->stage == SERVER_SERVING && w->sweep.end_ms == 0 && w->ready &&
		    w->server->handover.pid == 0 && workers_alive(w) == w->count;
	int64_t wait_ms = idle ? WORKERS_IDLE_MS : WORKERS_STEP_MS;

	if (idle && w->server->notify.watchdog_ms > 0)
		wait_ms = w->watchdog_ms - util_clock_ms();
	return wait_ms > WORKERS_STEP_MS ? wait_ms : WORKERS_STEP_MS;
}

/* Waits for a signal, or until work is due. Returns the signal, or 0. */
static int
workers_wait(const struct workers *w)
{
	int64_t wait_ms = workers_idle_ms(w);
	struct timespec wait = {
	    .tv_sec = wait_ms / 1000,
	    .tv_nsec = wait_ms % 1000 * 1000000,
	};
	int number = sigtimedwait(&w->signals, NULL, &wait);

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
	sigaddset(&w->signals, SIGUSR2);
	/* As in a server without workers. */
	if (!server_signal_is_for_others(SIGINT))
		sigaddset(&w->signals, SIGINT);
	if (!server_signal_is_for_others(SIGQUIT))
		sigaddset(&w->signals, SIGQUIT);
	sigprocmask(SIG_BLOCK, &w->signals, NULL);
}

int
server_work(struct server *server, bool *serves)
{
	struct workers w = {.server = server, .count = (size_t)server->options->server.workers};

	*serves = false;
	for (size_t i = 0; i < w.count; i++)
		w.items[i].channel = -1;
	w.sweep.programs = &server->page->programs;
	prctl(PR_SET_CHILD_SUBREAPER, 1);
	workers_block_signals(&w);
	if (!server_relays_open(server))
		return server_fail(server, EX_OSERR, "can't create sockets between workers: %s",
		    strerror(errno));
	server_announce(server);
	do {
		int number;

		if (workers_step(&w)) {
			*serves = true;
			return 0;
		}
		number = workers_wait(&w);
		if (number != 0)
			workers_on_signal(&w, number);
		/* Reap after every signal: pending signals are delivered lowest number first,
		 * and repeated SIGTERMs would delay SIGCHLD forever. */
		workers_reap(&w);
	} while (
	    server->stage == SERVER_SERVING || workers_alive(&w) > 0 || w.sweep.end_ms != 0);
	log_info("stopped");
	return w.sweep.left_behind ? SERVER_LEFT_BEHIND : w.status;
}
