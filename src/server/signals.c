/* SPDX-License-Identifier: BSD-2-Clause */
/* The signals of the server. */
#include "server/signals.h"

#include "base/util.h"
#include "server/reload.h"
#include "server/setup.h"

#include <errno.h>
#include <event2/event.h>
#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

enum {
	SIGNALS_REPEATED_MS = 200,
	SIGNALS_HANDOVER_MS = 20, /* interval of checks on a new server */
};

static const int server_signals[SERVER_SIGNALS] = {
    SIGTERM, SIGINT, SIGQUIT, SIGHUP, SIGUSR1, SIGUSR2};

static bool
signals_has_terminal(void)
{
	int fd = open("/dev/tty", O_RDONLY | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);

	if (fd == -1)
		return false;
	close(fd);
	return true;
}

/* Blocks rather than ignores them, so that the inherited state can still be recorded. */
void
server_hold_signals(void)
{
	sigset_t mask;

	sigemptyset(&mask);
	sigaddset(&mask, SIGHUP);
	sigaddset(&mask, SIGUSR1);
	sigaddset(&mask, SIGUSR2);
	sigprocmask(SIG_BLOCK, &mask, NULL);
}

void
server_signals_settle(struct server *server)
{
	/* Raised by a closed pipe or socket, and by a log that has reached its size limit. */
	signal(SIGPIPE, SIG_IGN);
	signal(SIGXFSZ, SIG_IGN);
	/* Ignored until there are handlers, and in a worker until it has its own. */
	signal(SIGHUP, SIG_IGN);
	signal(SIGUSR1, SIG_IGN);
	signal(SIGUSR2, SIG_IGN);
	server->has_terminal = signals_has_terminal();
}

bool
server_lost_terminal(const struct server *server)
{
	return server->has_terminal && !server->inherited.ignores_hup &&
	       !signals_has_terminal();
}

bool
server_is_repeated(const struct server *server)
{
	return util_clock_ms() - server->stop_ms < SIGNALS_REPEATED_MS;
}

void
server_log_nothing_to_reload(const struct server *server)
{
	log_info("SIGHUP: %s to reload without --config or --ssl",
	    server->options->server.log_file ? "log reopened; nothing else" : "nothing");
}

void
server_reopen_log(const struct server *server, int number)
{
	const char *path = server->options->server.log_file;

	if (path && !log_reopen(path))
		return;
	if (number == SIGUSR1 && server->parent == 0)
		log_info(path ? "SIGUSR1: log reopened"
			      : "SIGUSR1: no log to reopen without --log-file");
}

static void
signals_reload(struct server *server)
{
	const char *error;
	bool reports = server->parent == 0 && server->stage == SERVER_SERVING;

	if (reports)
		notify_reloading(&server->notify);
	server_reopen_log(server, SIGHUP);
	if (server_reloads_options(server)) {
		/* With several workers, the parent passes on what it has read. */
		if (server->parent == 0 && server->stage == SERVER_SERVING)
			server_reload(server);
	} else if (!server->tls) {
		/* With several workers, the parent logs it. */
		if (server->parent == 0)
			server_log_nothing_to_reload(server);
	} else if (server_load_tls(server, &error)) {
		log_info("SIGHUP: certificates reloaded");
	} else {
		log_errorx("SIGHUP: %s; the old certificates stay in use", error);
	}
	if (reports)
		server_report_ready(server);
}

/*
 * Reports whether a signal during the shutdown is a second request. A terminal or a service
 * manager signals workers as well as their parent: the parent counts and passes its decision
 * on.
 */
static bool
signals_is_second(const struct server *server)
{
	if (server->parent != 0 && getppid() == server->parent)
		return atomic_load(&server->page->stage) == SERVER_KILLING;
	return !server_is_repeated(server);
}

/* A terminal also sends QUIT to workers, even if it is meant for another command. */
static bool
signals_may_finish(const struct server *server)
{
	return server->parent == 0 || atomic_load(&server->page->stage) >= SERVER_FINISHING;
}

static void
signals_stop(struct server *server, int number)
{
	switch (server->stage) {
	case SERVER_SERVING:
	case SERVER_FINISHING:
		server->stop_ms = util_clock_ms();
		server_shut_down(server, number);
		break;
	case SERVER_DRAINING:
		if (signals_is_second(server))
			server_kill(server);
		break;
	case SERVER_KILLING:
		break;
	}
}

/* Timer callback: polls the progress of the new server. */
static void
signals_on_handover(void *arg)
{
	struct server *server = arg;

	switch (server_poll_handover(server)) {
	case HANDOVER_NONE:
		break;
	case HANDOVER_PENDING:
		timer_at(&server->handover_timer, util_clock_ms() + SIGNALS_HANDOVER_MS);
		break;
	case HANDOVER_DONE:
		server_finish(server, SIGUSR2);
		break;
	}
}

static void
signals_on(evutil_socket_t number, short what, void *arg)
{
	struct server *server = arg;

	(void)what;
	switch ((int)number) {
	case SIGUSR1:
		server_reopen_log(server, SIGUSR1);
		break;
	case SIGUSR2:
		if (server->parent == 0) {
			server_hand_over(server);
			signals_on_handover(server);
		}
		break;
	case SIGQUIT:
		if (server->stage == SERVER_SERVING && signals_may_finish(server))
			server_finish(server, SIGQUIT);
		break;
	case SIGHUP:
		if (server->parent != 0 || !server_lost_terminal(server)) {
			signals_reload(server);
			break;
		}
		/* fallthrough */
	default:
		signals_stop(server, (int)number);
	}
}

bool
server_signal_is_for_others(int number)
{
	return (number == SIGINT || number == SIGQUIT) && spawn_was_ignored(number);
}

void
server_signals_unblock(void)
{
	sigset_t mask;

	sigemptyset(&mask);
	sigprocmask(SIG_SETMASK, &mask, NULL);
}

bool
server_signals_install(struct server *server)
{
	timer_init(&server->handover_timer, &server->loop->timers, signals_on_handover, server);
	for (size_t i = 0; i < UTIL_LEN(server_signals); i++) {
		int number = server_signals[i];

		/* The parent relays QUIT to a worker. */
		if (server_signal_is_for_others(number) &&
		    !(number == SIGQUIT && server->parent != 0))
			continue;
		server->signals[i] =
		    evsignal_new(server->loop->base, number, signals_on, server);
		if (!server->signals[i] || event_add(server->signals[i], NULL) == -1)
			return false;
	}
	return true;
}

void
server_signals_clear(struct server *server)
{
	sigset_t all;

	/* The process is about to exit with its own status; a late signal must not change
	 * that. */
	sigfillset(&all);
	sigprocmask(SIG_BLOCK, &all, NULL);
	for (size_t i = 0; i < UTIL_LEN(server_signals); i++) {
		if (server->signals[i])
			event_free(server->signals[i]);
	}
}
