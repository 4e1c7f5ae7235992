/* SPDX-License-Identifier: BSD-2-Clause */
/* Finds COMMAND as a shell would, or explains why it can't be executed. */
#include "config.h"

#include "options_command.h"

#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

enum { USER_MAX = 64 };

/* Where a shell without PATH looks. */
static const char standard_path[] = "/usr/local/bin:/usr/bin:/bin";

/* 0 when PATH is a file that we may execute, else an errno; ENOEXEC: it is not a regular file.
 */
static int
try_program(const char *path)
{
	struct stat st;

	if (stat(path, &st) == -1)
		return errno;
	if (S_ISDIR(st.st_mode))
		return EISDIR;
	if (!S_ISREG(st.st_mode))
		return ENOEXEC;
	return faccessat(AT_FDCWD, path, X_OK, AT_EACCESS) == -1 ? errno : 0;
}

/* NAME, which contains a slash, as an absolute path. NULL with errno. */
static char *
make_absolute(const char *name)
{
	char *cwd = name[0] == '/' ? strdup("") : getcwd(NULL, 0);
	char *path = NULL;

	if (cwd && asprintf(&path, "%s%s%s", cwd, *cwd ? "/" : "",
		       strncmp(name, "./", 2) == 0 ? name + 2 : name) == -1)
		path = NULL;
	free(cwd);
	return path;
}

/*
 * Looks for NAME, which contains no slash, in the directories of PATH that are absolute: what
 * the others contain depends on where wspipe is started. Returns the first file that can be
 * executed, with *ERROR 0; otherwise the first one that can't, with its errno; or NULL with
 * ENOENT.
 */
static char *
search_path(const char *name, int *error)
{
	const char *path = getenv("PATH");
	char *found = NULL;

	*error = ENOENT;
	for (const char *p = path ? path : standard_path; *name && *p; p += *p == ':') {
		size_t len = (size_t)(strchrnul(p, ':') - p);
		char *candidate;
		int failed;

		if (*p == '/') {
			if (asprintf(&candidate, "%.*s/%s", (int)len, p, name) == -1)
				return found;
			failed = try_program(candidate);
			/* A directory that can't be searched says nothing about the program. */
			if (failed == 0 ||
			    (!found && failed == EACCES && access(candidate, F_OK) == 0)) {
				free(found);
				found = candidate;
				*error = failed;
			} else {
				free(candidate);
			}
			if (failed == 0)
				break;
		}
		p += len;
	}
	return found;
}

static void
print_user(char name[USER_MAX], uid_t uid)
{
	struct passwd *user = getpwuid(uid);

	if (user)
		snprintf(name, USER_MAX, "%s", user->pw_name);
	else
		snprintf(name, USER_MAX, "%lu", (unsigned long)uid);
}

/* Explains why the file at the absolute PATH can't be executed: the file itself or a directory
 * that leads to it denies it to us. */
static void
explain_denial(const char *name, const char *path, char reason[OPTIONS_COMMAND_REASON_MAX])
{
	char part[PATH_MAX], user[USER_MAX], owner[USER_MAX];
	size_t len = 0;
	struct stat st = {0};
	struct statvfs fs;
	bool is_file;

	do {
		len += 1 + strcspn(path + len + 1, "/");
		snprintf(part, sizeof(part), "%.*s", (int)len, path);
		is_file = path[len] == '\0';
	} while (!is_file && faccessat(AT_FDCWD, part, X_OK, AT_EACCESS) == 0);
	(void)stat(part, &st);
	print_user(user, geteuid());
	print_user(owner, st.st_uid);

	if (is_file && (st.st_mode & 0111) == 0)
		snprintf(reason, OPTIONS_COMMAND_REASON_MAX,
		    "COMMAND '%s' can't be executed: make it executable with chmod +x", name);
	else if (is_file && statvfs(part, &fs) == 0 && (fs.f_flag & ST_NOEXEC))
		snprintf(reason, OPTIONS_COMMAND_REASON_MAX,
		    "COMMAND '%s' is on a file system mounted with noexec: move it elsewhere",
		    name);
	else
		snprintf(reason, OPTIONS_COMMAND_REASON_MAX,
		    "COMMAND '%s': permission denied for user %s%s%s (mode %04o, owner %s)",
		    name, user, is_file ? "" : " in ", is_file ? "" : part,
		    (unsigned)st.st_mode & 07777, owner);
}

static void
explain(const char *name, const char *path, int error, char reason[OPTIONS_COMMAND_REASON_MAX])
{
	bool has_slash = strchr(name, '/');

	if (*name == '\0')
		snprintf(
		    reason, OPTIONS_COMMAND_REASON_MAX, "COMMAND is empty: give a program");
	else if (error == EACCES && path)
		explain_denial(name, path, reason);
	else if ((error == ENOENT || error == ENOTDIR) && strpbrk(name, " \t"))
		snprintf(reason, OPTIONS_COMMAND_REASON_MAX,
		    "COMMAND '%s' contains blanks: give the program and its arguments as "
		    "separate words, without quotes around all of it",
		    name);
	else if (error == ENOENT && !has_slash)
		snprintf(reason, OPTIONS_COMMAND_REASON_MAX,
		    "COMMAND '%s' is not on PATH: install it, or write ./%s for a file here",
		    name, name);
	else
		snprintf(reason, OPTIONS_COMMAND_REASON_MAX,
		    "COMMAND '%s' can't be used: %s; give the path of a program", name,
		    error == ENOEXEC ? "Not a regular file" : strerror(error));
}

char *
options_find_command(const char *name, char reason[OPTIONS_COMMAND_REASON_MAX])
{
	char *path;
	int error;

	if (strchr(name, '/')) {
		path = make_absolute(name);
		error = path ? try_program(path) : errno;
	} else {
		path = search_path(name, &error);
	}
	if (path && error == 0)
		return path;
	explain(name, path, error, reason);
	free(path);
	return NULL;
}
