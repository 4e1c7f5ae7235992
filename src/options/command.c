/* SPDX-License-Identifier: BSD-2-Clause */
/* Finds COMMAND as a shell would, or explains why it can't be executed. */
#include "config.h"

#include "options/command.h"
#include "process/diagnose.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* The default PATH of a shell. */
static const char standard_path[] = "/usr/local/bin:/usr/bin:/bin";

/* Returns 0 if PATH is a file that we may execute, else an errno; ENOEXEC: not a regular
 * file. */
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

/* Returns NAME, which contains a slash, as an absolute path, or NULL with errno. */
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
 * Searches for NAME, which contains no slash, in the absolute directories of PATH: the others
 * depend on where wspipe is started. Returns the first file that can be executed, with *ERROR
 * 0; otherwise the first one that can't, with its errno; or NULL with ENOENT.
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
			/* An EACCES of the directory says nothing about the program. */
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
explain(const char *name, const char *path, int error, char reason[OPTIONS_COMMAND_REASON_MAX])
{
	bool has_slash = strchr(name, '/');
	char why[DIAGNOSE_MAX];

	if (*name == '\0')
		snprintf(
		    reason, OPTIONS_COMMAND_REASON_MAX, "COMMAND is empty: give a program");
	else if (error == EISDIR)
		snprintf(reason, OPTIONS_COMMAND_REASON_MAX,
		    "COMMAND '%s' is a directory: give the path of a program, or use --dir=%s "
		    "to "
		    "serve the programs in it",
		    name, name);
	else if (error == EACCES && path && diagnose_program(path, error, why))
		snprintf(reason, OPTIONS_COMMAND_REASON_MAX,
		    "COMMAND '%s' can't be executed: %s", name, why);
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
		/* The current directory is not searched, but the user may have meant it. */
		if (!path && try_program(name) == EISDIR)
			error = EISDIR;
	}
	if (path && error == 0)
		return path;
	explain(name, path, error, reason);
	free(path);
	return NULL;
}
