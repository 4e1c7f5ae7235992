/* SPDX-License-Identifier: BSD-2-Clause */
/* Pseudo-terminals. */
#include "process/pty.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

/* Sets the modes. The kernel's defaults suit a terminal, with two exceptions: erase multibyte
 * characters as a unit, and ring the bell for a line that is too long instead of losing it. */
static int
pty_set_mode(int slave, enum pty_kind kind)
{
	struct termios mode;

	if (tcgetattr(slave, &mode) == -1)
		return -1;
	if (kind == PTY_STDOUT)
		cfmakeraw(&mode);
	else
		mode.c_iflag |= IUTF8 | IMAXBEL;
	return tcsetattr(slave, TCSANOW, &mode);
}

/* Like openpty(3), which can neither open its descriptors close-on-exec nor, because it opens
 * the slave by name, work if /dev/pts belongs to another mount namespace. */
int
pty_open(enum pty_kind kind, struct pty_size size, int *master, int *slave)
{
	int flags = O_RDWR | O_NOCTTY | O_CLOEXEC;
	int error;

	*slave = -1;
	*master = posix_openpt(flags | O_NONBLOCK);
	if (*master == -1)
		return errno;
	if (unlockpt(*master) == 0)
		*slave = ioctl(*master, TIOCGPTPEER, flags);
	if (*slave != -1 && pty_set_mode(*slave, kind) == 0) {
		pty_resize(*master, size);
		return 0;
	}
	error = errno;
	if (*slave != -1)
		close(*slave);
	close(*master);
	return error;
}

void
pty_resize(int master, struct pty_size size)
{
	struct winsize window = {.ws_row = size.rows, .ws_col = size.columns};

	(void)ioctl(master, TIOCSWINSZ, &window);
}

pid_t
pty_foreground(int master)
{
	pid_t group = 0;

	return ioctl(master, TIOCGPGRP, &group) == 0 && group > 1 ? group : 0;
}
