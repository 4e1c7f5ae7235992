/* SPDX-License-Identifier: BSD-2-Clause */
/* Expands a pattern of glob(7). */
#include "options/config_names.h"

#include <dirent.h>
#include <errno.h>
#include <fnmatch.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static bool names_below(char path[PATH_MAX], size_t len, const char *rest, FILE *out);

/* Adds NAME, in the directory PATH of LEN bytes, which is a literal part of the pattern or
 * matches it; REST of the pattern follows. */
static bool
names_add(char path[PATH_MAX], size_t len, const char *name, const char *rest, FILE *out)
{
	int part = snprintf(path + len, PATH_MAX - len, "%s%s", name, *rest ? "/" : "");
	size_t end = len + (size_t)part;

	if (end >= PATH_MAX)
		return true;
	if (*rest)
		return names_below(path, end, rest, out);
	return access(path, F_OK) == -1 || fwrite(path, 1, end + 1, out) == end + 1;
}

/* Adds what REST of a pattern matches in the directory PATH of LEN bytes. */
static bool
names_below(char path[PATH_MAX], size_t len, const char *rest, FILE *out)
{
	size_t part = strcspn(rest, "/");
	const char *next = rest + part + strspn(rest + part, "/");
	struct dirent **entries;
	char pattern[NAME_MAX + 1];
	bool ok = true;
	int count;

	if (part > NAME_MAX)
		return true;
	memcpy(pattern, rest, part);
	pattern[part] = '\0';
	if (!strpbrk(pattern, "*?[\\"))
		return names_add(path, len, pattern, next, out);
	path[len] = '\0';
	count = scandir(len > 0 ? path : ".", &entries, NULL, alphasort);
	if (count == -1)
		return errno != ENOMEM;
	for (int i = 0; i < count; i++) {
		if (ok && fnmatch(pattern, entries[i]->d_name, FNM_PERIOD) == 0)
			ok = names_add(path, len, entries[i]->d_name, next, out);
		free(entries[i]);
	}
	free(entries);
	return ok;
}

bool
config_names(const char *pattern, FILE *out)
{
	char path[PATH_MAX] = "/";

	return names_below(path, *pattern == '/', pattern + strspn(pattern, "/"), out);
}
