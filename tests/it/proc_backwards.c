/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * For LD_PRELOAD: what looks through /proc comes to the processes in the reverse order, and one
 * of them dies just before it is looked at. Its number is in the file that PROC_DOOMED names,
 * which is empty once that was so.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <dlfcn.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#undef open
#undef open64
#undef readdir
#undef readdir64

static DIR *proc; /* the one that is being read; the entries of it that are left */
static struct dirent64 *entries;
static size_t left;

static ssize_t
content(const char *path, char *text, size_t size)
{
	int (*next)(const char *, int, ...) =
	    (int (*)(const char *, int, ...))dlsym(RTLD_NEXT, "open");
	int fd = next(path, O_RDONLY | O_CLOEXEC);
	ssize_t len = fd == -1 ? -1 : read(fd, text, size - 1);

	if (fd != -1)
		close(fd);
	if (len >= 0)
		text[len] = '\0';
	return len;
}

static int
is_dead(const char *path)
{
	char text[512];
	const char *behind;

	if (content(path, text, sizeof(text)) <= 0)
		return 1;
	behind = strrchr(text, ')');
	return behind && strchr("ZX", behind[2]);
}

static void
end_doomed(const char *path)
{
	const char *file = getenv("PROC_DOOMED");
	char number[32];
	char stat[64];

	if (!file || strncmp(path, "/proc/", 6) != 0 ||
	    content(file, number, sizeof(number)) <= 0)
		return;
	snprintf(stat, sizeof(stat), "/proc/%d/stat", atoi(number));
	if (strcmp(path, stat) != 0)
		return;
	kill(atoi(number), SIGKILL);
	while (!is_dead(stat))
		sched_yield();
	if (truncate(file, 0) == -1)
		abort();
}

int
open(const char *path, int flags, ...)
{
	int (*next)(const char *, int, ...) =
	    (int (*)(const char *, int, ...))dlsym(RTLD_NEXT, "open");
	va_list args;
	int mode;

	va_start(args, flags);
	mode = flags & (O_CREAT | __O_TMPFILE) ? va_arg(args, int) : 0;
	va_end(args);
	end_doomed(path);
	return next(path, flags, mode);
}

int open64(const char *path, int flags, ...) __attribute__((alias("open")));

DIR *
opendir(const char *path)
{
	DIR *(*next)(const char *) = (DIR * (*)(const char *)) dlsym(RTLD_NEXT, "opendir");
	struct dirent64 *(*read_next)(DIR *) =
	    (struct dirent64 * (*)(DIR *)) dlsym(RTLD_NEXT, "readdir64");
	DIR *dir = next(path);
	const struct dirent64 *entry;

	if (!dir || strcmp(path, "/proc") != 0)
		return dir;
	proc = dir;
	left = 0;
	while ((entry = read_next(dir))) {
		entries = realloc(entries, (left + 1) * sizeof(*entries));
		if (!entries)
			abort();
		memcpy(&entries[left++], entry, entry->d_reclen);
	}
	return dir;
}

struct dirent64 *
readdir64(DIR *dir)
{
	struct dirent64 *(*next)(DIR *) =
	    (struct dirent64 * (*)(DIR *)) dlsym(RTLD_NEXT, "readdir64");

	if (dir != proc)
		return next(dir);
	return left > 0 ? &entries[--left] : NULL;
}

/* The same struct, where a file's place has 64 bits. */
struct dirent *
readdir(DIR *dir)
{
	return (struct dirent *)readdir64(dir);
}
