/* SPDX-License-Identifier: BSD-2-Clause */
/* Why a request is rejected. */
#include "serve/reject.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { REJECT_LINE_MAX = 256 }; /* bytes of a #! line, as in the kernel */

bool
reject_with(struct reject *reject, int status, const char *headers, const char *constant_reason)
{
	reject->status = status;
	reject->headers = headers;
	reject->reason = constant_reason;
	return false;
}

bool
reject_format(struct reject *reject, int status, const char *headers, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(reject->text, sizeof(reject->text), format, args);
	va_end(args);
	return reject_with(reject, status, headers, reject->text);
}

bool
reject_busy(struct reject *reject)
{
	return reject_with(reject, 429, REJECT_RETRY_LATER,
	    "as many programs are running as --maxforks allows");
}

bool
reject_unless_found(
    struct reject *reject, const struct endpoint *endpoint, enum endpoint_result result)
{
	switch (result) {
	case ENDPOINT_OK:
		break;
	case ENDPOINT_MISSING:
		return reject_format(reject, 404, NULL, "no program in --dir=%s has this path",
		    endpoint->dir_path);
	case ENDPOINT_FORBIDDEN:
		return reject_with(reject, 403, NULL,
		    "the program at this path is not executable; run chmod +x on it");
	case ENDPOINT_NOMEM:
		return reject_with(reject, 503, REJECT_RETRY_LATER, "out of memory");
	}
	return true;
}

/*
 * The first line of a script without "#!" and the blanks after it. False when PROGRAM is none
 * or can't be read.
 */
static bool
reject_read_line(const char *program, char line[REJECT_LINE_MAX])
{
	int fd = open(program, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	ssize_t got = fd == -1 ? -1 : read(fd, line, REJECT_LINE_MAX - 1);
	size_t blanks;

	if (fd != -1)
		close(fd);
	if (got < 2 || line[0] != '#' || line[1] != '!')
		return false;
	line[got] = '\0';
	line[strcspn(line, "\n")] = '\0';
	blanks = 2 + strspn(line + 2, " \t");
	memmove(line, line + blanks, strlen(line + blanks) + 1);
	return true;
}

bool
reject_start(struct reject *reject, const char *program, int error)
{
	char line[REJECT_LINE_MAX];

	switch (error) {
	case EDQUOT:
		return reject_busy(reject);
	case EAGAIN:
	case EMFILE:
	case ENFILE:
	case ENOMEM:
		return reject_format(reject, 503, REJECT_RETRY_LATER,
		    "can't start %s now: %s (a limit of the system)", program, strerror(error));
	case ENOEXEC:
		return reject_format(reject, 500, NULL,
		    "can't start %s: not an executable for this machine; if it is a script, "
		    "its first line must name the interpreter, such as #!/bin/sh",
		    program);
	case ENOENT:
		if (access(program, F_OK) == -1)
			break;
		if (!reject_read_line(program, line))
			return reject_format(reject, 500, NULL,
			    "can't start %s: its dynamic loader does not exist; the program "
			    "was built for another system",
			    program);
		if (strchr(line, '\r'))
			return reject_format(reject, 500, NULL,
			    "can't start %s: its first line ends in CR-LF (Windows line "
			    "endings); convert it with dos2unix",
			    program);
		return reject_format(reject, 500, NULL,
		    "can't start %s: its interpreter '%.*s' does not exist (first line of the "
		    "script)",
		    program, (int)strcspn(line, " \t"), line);
	default:
		break;
	}
	return reject_format(reject, error == EACCES ? 403 : 500, NULL, "can't start %s: %s",
	    program, strerror(error));
}
