/* SPDX-License-Identifier: BSD-2-Clause */
/* Reports the state of the server to its service manager. */
#include "server/notify.h"

#include "base/log.h"
#include "base/util.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

/* Time limit for sending a message to the service manager. */
enum { NOTIFY_WAIT_MS = 100 };

/* Returns a socket connected to PATH; a leading '@' stands for the NUL of an abstract name.
 * Returns -1 with errno. */
static int
notify_connect(const char *path)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	struct timeval wait = {.tv_usec = NOTIFY_WAIT_MS * 1000};
	size_t len = strlen(path);
	int fd;

	if ((path[0] != '/' && path[0] != '@') || len >= sizeof(address.sun_path)) {
		errno = EINVAL;
		return -1;
	}
	memcpy(address.sun_path, path, len);
	if (path[0] == '@')
		address.sun_path[0] = '\0';
	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd == -1)
		return -1;
	(void)setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &wait, sizeof(wait));
	if (connect(fd, (const struct sockaddr *)&address,
		(socklen_t)(offsetof(struct sockaddr_un, sun_path) + len)) == 0)
		return fd;
	close(fd);
	return -1;
}

static int64_t
notify_number(const char *name)
{
	const char *text = getenv(name);
	int64_t number = 0;

	if (!text || util_parse_number(span_of(text), 1, INT64_MAX, &number))
		return 0;
	return number;
}

void
notify_init(struct notify *notify)
{
	const char *path = getenv("NOTIFY_SOCKET");
	int64_t pid = notify_number("WATCHDOG_PID");

	*notify = (struct notify){.fd = -1};
	if (!path)
		return;
	notify->fd = notify_connect(path);
	if (notify->fd == -1)
		log_warn("can't notify the service manager at NOTIFY_SOCKET=%s", path);
	else if (pid == 0 || pid == getpid())
		notify->watchdog_ms = notify_number("WATCHDOG_USEC") / 1000;
}

__attribute__((format(printf, 2, 3))) static void
notify_send(const struct notify *notify, const char *format, ...)
{
	char text[256];
	va_list args;
	int len;

	if (notify->fd == -1)
		return;
	va_start(args, format);
	len = vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	if (send(notify->fd, text, (size_t)len, MSG_NOSIGNAL) == -1)
		log_warn("can't notify the service manager");
}

void
notify_ready(const struct notify *notify, size_t endpoints)
{
	notify_send(notify, "READY=1\nSTATUS=serving %zu endpoint%s", endpoints,
	    util_plural(endpoints));
}

void
notify_reloading(const struct notify *notify)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	notify_send(notify, "RELOADING=1\nMONOTONIC_USEC=%" PRId64 "\nSTATUS=reloading",
	    (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000);
}

void
notify_stopping(const struct notify *notify, size_t sessions)
{
	notify_send(notify, "STOPPING=1\nSTATUS=waiting for %zu session%s to end", sessions,
	    util_plural(sessions));
}

void
notify_watchdog(const struct notify *notify)
{
	notify_send(notify, "WATCHDOG=1");
}

void
notify_hand_over(struct notify *notify, pid_t pid)
{
	notify_send(notify, "MAINPID=%d\nSTATUS=upgrading", (int)pid);
	notify_clear(notify);
}

void
notify_clear(struct notify *notify)
{
	if (notify->fd != -1)
		close(notify->fd);
	*notify = (struct notify){.fd = -1};
}
