/* SPDX-License-Identifier: BSD-2-Clause */
/* Explains why a program can't be started, and what to do. */
#include "process/diagnose.h"

#include "base/util.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

enum { DIAGNOSE_LINE = 256 }; /* bytes of the first line that the kernel examines */

/* Reads the start of a regular file and terminates it; opens nothing else. Returns 0 on
 * failure. */
static size_t
diagnose_read(const char *path, char head[DIAGNOSE_LINE])
{
	struct stat st;
	ssize_t n = 0;
	int fd = -1;

	if (stat(path, &st) == 0 && S_ISREG(st.st_mode))
		fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	if (fd != -1) {
		n = read(fd, head, DIAGNOSE_LINE - 1);
		close(fd);
	}
	n = n > 0 ? n : 0;
	head[n] = '\0';
	return (size_t)n;
}

/* Finds out what denies access to PATH: the file itself or a parent directory. Returns false if
 * neither does. */
static bool
diagnose_denial(const char *path, char text[DIAGNOSE_MAX])
{
	char part[PATH_MAX];
	size_t len = 0;
	struct stat st;
	struct statvfs fs;
	bool is_file;

	do {
		len += strspn(path + len, "/");
		len += strcspn(path + len, "/");
		snprintf(part, sizeof(part), "%.*s", (int)len, path);
		is_file = path[len] == '\0';
		if (stat(part, &st) == -1)
			return false;
		if (is_file && !S_ISREG(st.st_mode)) {
			snprintf(text, DIAGNOSE_MAX, "not a regular file");
			return true;
		}
		if (faccessat(AT_FDCWD, part, X_OK, AT_EACCESS) == -1)
			break;
	} while (!is_file);
	if (is_file && (st.st_mode & 0111) == 0)
		snprintf(text, DIAGNOSE_MAX, "make it executable with chmod +x");
	else if (is_file && statvfs(part, &fs) == 0 && (fs.f_flag & ST_NOEXEC))
		snprintf(text, DIAGNOSE_MAX,
		    "its file system is mounted with noexec; move it elsewhere");
	else if (faccessat(AT_FDCWD, part, X_OK, AT_EACCESS) == 0)
		return false;
	else
		snprintf(text, DIAGNOSE_MAX,
		    "permission denied for uid %u%s%s (mode %04o, owner uid %u)", geteuid(),
		    is_file ? "" : " in ", is_file ? "" : part, (unsigned)st.st_mode & 07777,
		    st.st_uid);
	return true;
}

/* Checks the first line of a script. Returns false if nothing is wrong, or it is not a
 * script. */
static bool
diagnose_script(const char *path, char text[DIAGNOSE_MAX])
{
	char head[DIAGNOSE_LINE];
	size_t len = diagnose_read(path, head);
	char *end = memchr(head, '\n', len);
	char inner[DIAGNOSE_MAX];
	struct stat st;
	char *name;

	if (len >= 5 && memcmp(head, "\xef\xbb\xbf#!", 5) == 0) {
		snprintf(text, DIAGNOSE_MAX,
		    "its first line starts with a byte order mark; remove it with dos2unix");
		return true;
	}
	if (len < 2 || memcmp(head, "#!", 2) != 0)
		return false;
	if (end && end[-1] == '\r') {
		snprintf(text, DIAGNOSE_MAX,
		    "its first line ends in CR-LF (Windows line endings); convert it with "
		    "dos2unix");
		return true;
	}
	if (end)
		*end = '\0';
	name = head + 2 + strspn(head + 2, " \t");
	name[strcspn(name, " \t")] = '\0';
	if (*name == '\0')
		snprintf(text, DIAGNOSE_MAX,
		    "its first line names no interpreter; write e.g. #!/bin/sh");
	else if (stat(name, &st) == -1 && (errno == ENOENT || errno == ENOTDIR))
		snprintf(text, DIAGNOSE_MAX,
		    "its interpreter '%s' does not exist (first line of the script)", name);
	else if (diagnose_denial(name, inner))
		snprintf(text, DIAGNOSE_MAX, "its interpreter '%s' can't be started: %.*s",
		    name, DIAGNOSE_MAX - DIAGNOSE_LINE - 64, inner);
	else
		return false;
	return true;
}

/* Explains an error of a file that exists and is not a script. */
static const char *
diagnose_binary(const char *path, int error)
{
	char head[DIAGNOSE_LINE];
	size_t len = diagnose_read(path, head);

	if (error == ENOENT && len >= SELFMAG && memcmp(head, ELFMAG, SELFMAG) == 0)
		return "its loader does not exist; it was built for another system or C "
		       "library";
	if (error == ENOEXEC && len == 0)
		return "the file is empty";
	if (error == ENOEXEC)
		return "not an executable for this machine; if it is a script, its first line "
		       "must name the interpreter, e.g. #!/bin/sh";
	if (error == ELOOP)
		return "its interpreter is a script whose interpreter is a script, and so on";
	return NULL;
}

bool
diagnose_program(const char *path, int error, char text[DIAGNOSE_MAX])
{
	struct stat st;
	const char *why = NULL;

	if (error == 0)
		return diagnose_script(path, text);
	if (error == EACCES && diagnose_denial(path, text))
		return true;
	if (stat(path, &st) == 0) {
		if ((error == ENOENT || error == EACCES || error == ENOEXEC ||
			error == ENOTDIR) &&
		    diagnose_script(path, text))
			return true;
		why = diagnose_binary(path, error);
	}
	if (error == ESTALE)
		why = "the file was replaced while it was being started";
	else if (error == ETXTBSY)
		why = "a process has the file open for writing";
	snprintf(text, DIAGNOSE_MAX, "%s", why ? why : strerror(error));
	return true;
}
