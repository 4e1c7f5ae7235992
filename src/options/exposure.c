/* SPDX-License-Identifier: BSD-2-Clause */
/* Checks what --staticdir exposes. */
#include "options/exposure.h"

#include "options/config_load.h"
#include "options/report.h"
#include "options/served.h"
#include "options/value.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

/* Returns true if PATH is DIRECTORY or below it; both are real paths. */
static bool
is_within(const char *path, const char *directory)
{
	size_t len = strlen(directory);

	if (strcmp(directory, "/") == 0)
		return true;
	return strncmp(path, directory, len) == 0 && (path[len] == '\0' || path[len] == '/');
}

bool
options_serve(const struct options_endpoint *endpoint, const char *path)
{
	char *resolved = endpoint->staticdir ? realpath(path, NULL) : NULL;
	struct stat st;
	bool served = resolved && is_within(resolved, endpoint->staticdir) &&
		      stat(resolved, &st) == 0 && S_ISREG(st.st_mode);

	free(resolved);
	return served;
}

/* Each of these returns an error like options_find_exposure(). */
static char *
find_secret(const struct options_endpoint *endpoint, const char *option, const char *path)
{
	if (!path || !options_serve(endpoint, path))
		return NULL;
	return options_format(
	    "--%s '%s' is inside --staticdir '%s', so anyone could download it: "
	    "move it elsewhere",
	    option, path, endpoint->staticdir);
}

/* Checks the secrets of the server. */
static char *
find_server_secret(const struct options *options, const struct options_endpoint *endpoint)
{
	const struct options_list *keys = &options->listener.sslkey;
	char *text = NULL;

	for (size_t i = 0; i < keys->count && !text; i++)
		text = find_secret(endpoint, "sslkey", keys->items[i]);
	return text ? text : find_secret(endpoint, "admin-token", options->server.admin_token);
}

/* Checks a directory of programs, given by the option NAME. */
static char *
find_overlap(const char *staticdir, const char *directory, const char *name)
{
	if (!directory ||
	    (!is_within(directory, staticdir) && !is_within(staticdir, directory)))
		return NULL;
	return options_format(
	    "--%s '%s' and --staticdir '%s' overlap, so anyone could download the "
	    "programs' source: use two directories, neither inside the other",
	    name, directory, staticdir);
}

char *
options_find_exposure(const struct options *options, const struct options_endpoint *endpoint)
{
	char *text;

	if (!endpoint->staticdir)
		return NULL;
	text = find_server_secret(options, endpoint);
	if (!text)
		text = find_overlap(endpoint->staticdir, endpoint->dir, "dir");
	if (!text)
		text = find_overlap(endpoint->staticdir, endpoint->cgidir, "cgidir");
	for (size_t i = 0; i < ACCESS_FILES && !text; i++) {
		struct access_file file = access_file(&endpoint->access, i);

		text = find_secret(endpoint, file.option, file.path);
	}
	if (!text && endpoint->program && options_serve(endpoint, endpoint->program))
		text =
		    options_format("COMMAND '%s' is inside --staticdir '%s', so anyone could "
				   "download its source: move it elsewhere",
			endpoint->command[0], endpoint->staticdir);
	return text;
}

/* The distinct static directories of a configuration file. */
struct static_dirs {
	struct options_served *items; /* owned */
	size_t count;
};

/* Checks PROGRAM, a real path or NULL, which is the VALUE of the option NAME of the endpoint at
 * PLACE. IS_DIR: PROGRAM is a directory. */
static void
check_program(const struct option_place *place, FILE *err, const struct static_dirs *dirs,
    const char *program, bool is_dir, const char *name, const char *value)
{
	for (size_t i = 0; i < dirs->count && program; i++) {
		const char *dir = dirs->items[i].endpoint->staticdir;

		if (!is_within(program, dir) && !(is_dir && is_within(dir, program)))
			continue;
		option_report_take(place, err,
		    options_format(
			"%s '%s' and staticdir '%s' of [%s] overlap, so anyone could "
			"download the source: use directories that are not inside each "
			"other",
			name, value, dir, dirs->items[i].path));
		return;
	}
}

static void
check_programs(const struct options_served *served, FILE *err, const struct static_dirs *dirs)
{
	const struct options_endpoint *endpoint = served->endpoint;
	const struct option_place *place = &served->place;
	char *program = endpoint->program ? realpath(endpoint->program, NULL) : NULL;

	check_program(place, err, dirs, endpoint->dir, true, "--dir", endpoint->dir);
	if (program)
		check_program(
		    place, err, dirs, program, false, "COMMAND", endpoint->command[0]);
	check_program(place, err, dirs, endpoint->cgidir, true, "--cgidir", endpoint->cgidir);
	free(program);
	for (size_t i = 0; i < ACCESS_FILES; i++) {
		struct access_file file = access_file(&endpoint->access, i);
		char *path = file.path ? realpath(file.path, NULL) : NULL;

		check_program(place, err, dirs, path, false, file.option, file.path);
		free(path);
	}
}

static int
compare_static(const void *a, const void *b)
{
	const struct options_served *x = a, *y = b;

	return strcmp(x->endpoint->staticdir, y->endpoint->staticdir);
}

static bool
has_failed(const struct options *options, const struct options_served *served)
{
	return options->config->sections[served->place.section].failed;
}

static struct static_dirs
find_static_dirs(const struct options *options)
{
	size_t count = options_served_count(options), found = 0;
	struct static_dirs dirs = {calloc(count + 1, sizeof(*dirs.items)), 0};

	if (!dirs.items)
		options_no_memory();
	for (size_t i = 0; i < count; i++) {
		dirs.items[found] = options_served(options, i);
		found += dirs.items[found].endpoint->staticdir &&
			 !has_failed(options, &dirs.items[found]);
	}
	qsort(dirs.items, found, sizeof(*dirs.items), compare_static);
	for (size_t i = 0; i < found; i++) {
		if (dirs.count == 0 ||
		    compare_static(&dirs.items[dirs.count - 1], &dirs.items[i]) != 0)
			dirs.items[dirs.count++] = dirs.items[i];
	}
	return dirs;
}

void
options_check_exposures(const struct options *options, FILE *err)
{
	struct static_dirs dirs = find_static_dirs(options);

	for (size_t i = 0; i < dirs.count; i++) {
		char *text = find_server_secret(options, dirs.items[i].endpoint);

		if (text)
			option_report_take(&dirs.items[i].place, err, text);
	}
	for (size_t i = 0; i < options_served_count(options) && dirs.count > 0; i++) {
		struct options_served served = options_served(options, i);

		if (!has_failed(options, &served))
			check_programs(&served, err, &dirs);
	}
	free(dirs.items);
}
