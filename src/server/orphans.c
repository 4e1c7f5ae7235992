/* SPDX-License-Identifier: BSD-2-Clause */
/* Children that are not programs of ours. */
#include "server/orphans.h"

#include "base/util.h"

#include <errno.h>
#include <event2/event.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

/* One SIGCHLD may stand for several exits, so at most once in this time all children are looked
 * at, however many exit. */
enum { ORPHANS_SWEEP_MS = 1000 };

bool
server_adopts(void)
{
	siginfo_t info;
	int subreaper = 0;

	(void)prctl(PR_GET_CHILD_SUBREAPER, &subreaper);
	return getpid() == 1 || subreaper != 0 ||
	       waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) == 0;
}

/* Of the dead children the system shows the first one: a program that is not reaped yet hides
 * those after it until the next time. */
static void
orphans_sweep(void *arg)
{
	struct server *server = arg;

	for (;;) {
		siginfo_t info = {0};

		if (waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) == -1 ||
		    info.si_pid == 0)
			return;
		if (pid_set_has(&server->page->programs, info.si_pid))
			break;
		waitpid(info.si_pid, NULL, WNOHANG);
	}
	timer_at(&server->orphans_timer, util_clock_ms() + ORPHANS_SWEEP_MS);
}

static void
orphans_on_signal(evutil_socket_t fd, short what, void *arg)
{
	struct server *server = arg;
	struct signalfd_siginfo info;
	pid_t pid;

	(void)what;
	if (read(fd, &info, sizeof(info)) != (ssize_t)sizeof(info))
		return;
	pid = (pid_t)info.ssi_pid;
	if (!pid_set_has(&server->page->programs, pid))
		waitpid(pid, NULL, WNOHANG);
	if (server->orphans_timer.due_ms == 0)
		timer_at(&server->orphans_timer, util_clock_ms() + ORPHANS_SWEEP_MS);
}

/* SIGCHLD is read from a descriptor: it comes with every program, and a handler would interrupt
 * system calls. */
bool
server_orphans_start(struct server *server)
{
	sigset_t set;

	timer_init(&server->orphans_timer, server->loop, orphans_sweep, server);
	sigemptyset(&set);
	sigaddset(&set, SIGCHLD);
	sigprocmask(SIG_BLOCK, &set, NULL);
	server->orphans_fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	if (server->orphans_fd == -1)
		return false;
	server->orphans_event = event_new(server->loop->base, server->orphans_fd,
	    EV_READ | EV_PERSIST, orphans_on_signal, server);
	return server->orphans_event && event_add(server->orphans_event, NULL) == 0;
}

void
server_orphans_clear(struct server *server)
{
	if (server->orphans_event)
		event_free(server->orphans_event);
	if (server->orphans_fd != -1)
		close(server->orphans_fd);
	timer_stop(&server->orphans_timer);
}
