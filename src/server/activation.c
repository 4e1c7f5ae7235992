/* SPDX-License-Identifier: BSD-2-Clause */
/* Inherits sockets from a service manager. */
#include "server/activation.h"

#include "base/util.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { ACTIVATION_FIRST = 3 }; /* the first descriptor */

/* Returns the number of sockets passed to this process. */
static int64_t
activation_count(void)
{
	const char *pid = getenv("LISTEN_PID");
	const char *count = getenv("LISTEN_FDS");
	int64_t number;

	if (!pid || !count || util_parse_number(span_of(pid), 1, INT32_MAX, &number) ||
	    number != getpid() || util_parse_number(span_of(count), 0, INT32_MAX, &number))
		return 0;
	return number;
}

/* Returns the next name in LISTEN_FDNAMES, which ':' separates. */
static struct span
activation_name(const char **names)
{
	struct span name = {*names, strcspn(*names, ":")};

	*names += name.len + ((*names)[name.len] == ':');
	return name;
}

static int
activation_option(int fd, int option)
{
	int value = -1;
	socklen_t len = sizeof(value);

	return getsockopt(fd, SOL_SOCKET, option, &value, &len) == 0 ? value : -1;
}

/* Returns what is wrong with FD, or NULL. */
static const char *
activation_check(int fd)
{
	int domain = activation_option(fd, SO_DOMAIN);

	if (activation_option(fd, SO_TYPE) != SOCK_STREAM ||
	    (domain != AF_INET && domain != AF_INET6 && domain != AF_UNIX))
		return "not a TCP or Unix stream socket; name it in ListenStream=";
	if (activation_option(fd, SO_ACCEPTCONN) != 1)
		return "not listening; set Accept=no";
	return NULL;
}

bool
activation_take(struct activation *activation, struct activation_error *error)
{
	int64_t count = activation_count();
	const char *names = getenv("LISTEN_FDNAMES");
	size_t redirect = 0;

	*error = (struct activation_error){.fd = ACTIVATION_FIRST};
	if (count > LISTENERS_MAX)
		error->text = "too many sockets: 64 are supported";
	if (!names)
		names = "";
	for (int i = 0; i < count && !error->text; i++) {
		error->fd = ACTIVATION_FIRST + i;
		error->text = activation_check(error->fd);
		if (error->text)
			break;
		activation->items[i] = (struct activation_socket){
		    .fd = error->fd,
		    .redirects = span_equal(activation_name(&names), SPAN("redirect")),
		};
		redirect += activation->items[i].redirects;
		activation->count++;
		fcntl(error->fd, F_SETFD, FD_CLOEXEC);
	}
	if (!error->text && count > 0 && redirect == activation->count)
		error->text = "all sockets are called redirect; pass one to redirect to";
	unsetenv("LISTEN_PID");
	unsetenv("LISTEN_FDS");
	unsetenv("LISTEN_FDNAMES");
	return !error->text;
}

bool
activation_listen(const struct activation *activation, struct listeners *listeners,
    struct listeners *redirect_listeners)
{
	for (size_t i = 0; i < activation->count; i++) {
		const struct activation_socket *item = &activation->items[i];
		int fd = fcntl(item->fd, F_DUPFD_CLOEXEC, 0);

		if (fd == -1)
			return false;
		listener_tune(fd);
		if (!listeners_add_take(item->redirects ? redirect_listeners : listeners, fd))
			return false;
	}
	return true;
}

void
activation_close(struct activation *activation)
{
	while (activation->count > 0)
		close(activation->items[--activation->count].fd);
}
