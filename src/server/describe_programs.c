/* SPDX-License-Identifier: BSD-2-Clause */
/* Walks a directory of programs. Files are checked in the same way as for a request. */
#include "server/describe_programs.h"

#include "http/uri.h"
#include "options/report.h"
#include "options/value.h"
#include "serve/beneath.h"
#include "serve/endpoint.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct walk {
	const struct options_served *served;
	struct endpoint *endpoint; /* endpoint used to find its programs */
	struct options_list *names;
	FILE *err;
};

static bool __attribute__((format(printf, 2, 3)))
walk_fail(const struct walk *walk, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	option_report_take(&walk->served->place, walk->err, options_vformat(format, args));
	va_end(args);
	return false;
}

static int
compare_names(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/* Lists the names in the directory FD, sorted. Takes FD. Returns false with errno. */
static bool
list_directory(int fd, struct options_list *names)
{
	DIR *directory = fdopendir(fd);
	struct dirent *entry;
	int error;

	if (!directory) {
		close(fd);
		return false;
	}
	while (errno = 0, (entry = readdir(directory)) != NULL) {
		if (!beneath_hidden(entry->d_name))
			options_list_add(names, span_of(entry->d_name));
	}
	error = errno;
	closedir(directory);
	if (names->count > 0)
		qsort(names->items, names->count, sizeof(*names->items), compare_names);
	errno = error;
	return error == 0;
}

/* Adds the file NAME if a request can start it: it is executable, and a URL can contain its
 * name. */
static bool
walk_file(const struct walk *walk, const char *name)
{
	struct endpoint_script script = ENDPOINT_NO_SCRIPT;
	struct buffer encoded = {0};
	enum endpoint_result result = ENDPOINT_MISSING;
	char *path = NULL, *decoded = NULL;

	if (asprintf(&path, "%s/%s", walk->endpoint->path, name) == -1 ||
	    !uri_put_path(&encoded, path) || !(decoded = malloc(buffer_len(&encoded) + 1)))
		options_no_memory();
	if (uri_decode_path((struct span){(char *)buffer_data(&encoded), buffer_len(&encoded)},
		decoded) == URI_PATH_OK)
		result = endpoint_find(walk->endpoint, path, &script);
	endpoint_script_clear(&script);
	buffer_clear(&encoded);
	free(decoded);
	free(path);
	if (result == ENDPOINT_NOMEM)
		options_no_memory();
	if (result == ENDPOINT_OK && walk->names->count == DESCRIBE_PROGRAMS_MAX)
		return walk_fail(walk,
		    "--dir '%s' has more than %d programs, which are too many to describe",
		    walk->endpoint->dir_path, DESCRIBE_PROGRAMS_MAX);
	if (result == ENDPOINT_OK)
		options_list_add(walk->names, span_of(name));
	return true;
}

static bool walk_directory(const struct walk *walk, const char *name, int depth);

/* Handles NAME, which is relative to the root. */
static bool
walk_entry(const struct walk *walk, const char *name, int depth)
{
	struct stat st;

	if (fstatat(walk->endpoint->dir, name, &st, AT_SYMLINK_NOFOLLOW) == -1)
		return true; /* removed in the meantime */
	return S_ISDIR(st.st_mode) ? walk_directory(walk, name, depth + 1)
				   : walk_file(walk, name);
}

static bool
walk_directory(const struct walk *walk, const char *name, int depth)
{
	const char *root = walk->endpoint->dir_path;
	struct options_list entries = {0};
	bool ok;
	int fd;

	if (depth > DESCRIBE_DEPTH_MAX)
		return walk_fail(walk, "--dir '%s' has more than %d levels of directories",
		    root, DESCRIBE_DEPTH_MAX);
	fd = beneath_open(walk->endpoint->dir, root, name, O_RDONLY | O_DIRECTORY);
	ok = fd != -1 && list_directory(fd, &entries);
	if (!ok)
		(void)walk_fail(
		    walk, "can't read '%s' in --dir '%s': %s", name, root, strerror(errno));
	for (size_t i = 0; i < entries.count && ok; i++) {
		char *path;

		if (asprintf(&path, "%s%s%s", depth == 0 ? "" : name, depth == 0 ? "" : "/",
			entries.items[i]) == -1)
			options_no_memory();
		ok = walk_entry(walk, path, depth);
		free(path);
	}
	options_list_clear(&entries);
	return ok;
}

bool
describe_programs_find(
    const struct options_served *served, struct describe_programs *out, FILE *err)
{
	struct walk walk = {served, endpoint_new(served->path), &out->names, err};
	bool ok = false;

	*out = (struct describe_programs){.root = beneath_root(served->endpoint->dir)};
	if (!walk.endpoint)
		options_no_memory();
	walk.endpoint->kind = ENDPOINT_DIR;
	walk.endpoint->dir_path = served->endpoint->dir;
	walk.endpoint->dir = out->root == -1 ? -1 : dup(out->root);
	if (walk.endpoint->dir == -1)
		(void)walk_fail(
		    &walk, "can't open --dir '%s': %s", served->endpoint->dir, strerror(errno));
	else
		ok = walk_directory(&walk, ".", 0);
	endpoint_unref(walk.endpoint);
	return ok;
}

void
describe_programs_clear(struct describe_programs *programs)
{
	if (programs->root != -1)
		close(programs->root);
	options_list_clear(&programs->names);
}
