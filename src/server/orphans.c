/* SPDX-License-Identifier: BSD-2-Clause */
/* Reaps children that are not our programs. */
#include "server/orphans.h"

#include "base/util.h"

#include <event2/event.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

/* Interval between two scans for exited children, however many exit. Programs raise SIGCHLD as
 * well, so its handler is removed after each signal until the next scan. */
enum { ORPHANS_WAIT_MS = 1000 };

bool
server_adopts(void)
{
	siginfo_t info;
	int subreaper = 0;

	(void)prctl(PR_GET_CHILD_SUBREAPER, &subreaper);
	return getpid() == 1 || subreaper != 0 ||
	       waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) == 0;
}

/* waitid() only shows the first dead child: a program that is not reaped yet hides those after
 * it until the next scan. */
static void
orphans_reap(void *arg)
{
	struct server *server = arg;
	siginfo_t info = {0};

	event_add(server->orphans_event, NULL);
	while (waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) == 0 && info.si_pid != 0) {
		/* A new server belongs to the handover, which signals it by its PID. */
		if (pid_set_has(&server->page->programs, info.si_pid) ||
		    info.si_pid == server->handover.pid) {
			timer_at(&server->orphans_timer, util_clock_ms() + ORPHANS_WAIT_MS);
			break;
		}
		waitpid(info.si_pid, NULL, WNOHANG);
		info.si_pid = 0;
	}
}

static void
orphans_on_signal(evutil_socket_t number, short what, void *arg)
{
	struct server *server = arg;

	(void)number;
	(void)what;
	timer_at(&server->orphans_timer, util_clock_ms() + ORPHANS_WAIT_MS);
}

bool
server_orphans_start(struct server *server)
{
	timer_init(&server->orphans_timer, &server->loop->timers, orphans_reap, server);
	server->orphans_event =
	    event_new(server->loop->base, SIGCHLD, EV_SIGNAL, orphans_on_signal, server);
	if (!server->orphans_event)
		return false;
	/* Some may already have exited. */
	timer_at(&server->orphans_timer, util_clock_ms());
	return true;
}

void
server_orphans_clear(struct server *server)
{
	if (server->orphans_event)
		event_free(server->orphans_event);
	timer_stop(&server->orphans_timer);
}
