/* SPDX-License-Identifier: BSD-2-Clause */
/* Reads and merges fragments of an AsyncAPI document. */
#include "server/fragment.h"

#include "base/buffer.h"
#include "base/yaml.h"
#include "options/value.h"
#include "serve/beneath.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Reads all of FD. Returns the reason if that fails, or NULL. */
static const char *
read_all(int fd, struct buffer *out)
{
	ssize_t got = 1;

	while (got > 0 && buffer_len(out) <= FRAGMENT_SIZE_MAX) {
		uint8_t *room = buffer_reserve(out, BUFFER_HIGH);

		if (!room)
			options_no_memory();
		got = read(fd, room, BUFFER_HIGH);
		if (got == -1)
			return strerror(errno);
		buffer_commit(out, (size_t)got);
	}
	return got > 0 ? "it is larger than 1 MiB" : NULL;
}

static json_t *
parse_json(struct span bytes, struct yaml_error *error)
{
	json_error_t wrong;
	json_t *value = json_loadb(bytes.data, bytes.len, JSON_REJECT_DUPLICATES, &wrong);

	error->line = wrong.line > 0 ? (size_t)wrong.line : 0;
	snprintf(
	    error->why, sizeof(error->why), "%.*s", (int)sizeof(error->why) - 1, wrong.text);
	return value;
}

/* Returns what is wrong with FRAGMENT as a whole, or NULL. */
static char *
check(const json_t *fragment)
{
	static const char *const names[] = {"channels", "operations", "components", "info"};
	const char *key;
	json_t *value;

	if (!json_is_object(fragment))
		return options_format("it must be an object");
	json_object_foreach((json_t *)fragment, key, value)
	{
		bool known = false;

		for (size_t i = 0; i < UTIL_LEN(names); i++)
			known = known || strcmp(key, names[i]) == 0;
		if (!known)
			return options_format(
			    "unknown member '%s': it can have channels, operations, "
			    "components and info",
			    key);
		if (!json_is_object(value))
			return options_format("the member '%s' must be an object", key);
	}
	return NULL;
}

/* Parses FD. Returns NULL with the reason in *WHY, which the caller frees, and the line in
 * *LINE unless that is 0. */
static json_t *
load(int fd, bool is_yaml, char **why, size_t *line)
{
	struct buffer bytes = {0};
	struct yaml_error error = {0};
	const char *failed = read_all(fd, &bytes);
	struct span span = {(const char *)buffer_data(&bytes), buffer_len(&bytes)};
	json_t *fragment = NULL;

	if (!failed)
		fragment = is_yaml ? yaml_parse(span, &error) : parse_json(span, &error);
	buffer_clear(&bytes);
	*line = error.line;
	*why = fragment ? check(fragment) : options_format("%s", failed ? failed : error.why);
	if (!*why)
		return fragment;
	json_decref(fragment);
	return NULL;
}

/* Opens and reads the fragment FILE. Returns NULL if it does not exist, or with the error in
 * *WRONG. */
static json_t *
open_fragment(int root, const char *root_path, const char *file, bool is_yaml, char **wrong)
{
	json_t *fragment = NULL;
	char at[24] = "", *why = NULL;
	size_t line = 0;
	struct stat st;
	int fd;

	errno = 0;
	fd = beneath_open_file(root, root_path, file, &st);
	if (fd == -1 && errno == ENOENT)
		return NULL;
	if (fd == -1)
		why = options_format("%s", errno == EXDEV ? "it leads out of the directory"
					   : errno != 0	  ? strerror(errno)
							  : "it is not a regular file");
	else
		fragment = load(fd, is_yaml, &why, &line);
	if (fd != -1)
		close(fd);
	if (line > 0)
		snprintf(at, sizeof(at), ":%zu", line);
	if (!fragment)
		*wrong = options_format(
		    "%s/%s%s: %s; correct it, or remove the file", root_path, file, at, why);
	free(why);
	return fragment;
}

bool
fragment_read(
    json_t *fragments, int root, const char *root_path, const char *name, char **wrong)
{
	static const char *const kinds[] = {"json", "yaml"};
	size_t before = json_array_size(fragments);

	*wrong = NULL;
	for (size_t i = 0; i < UTIL_LEN(kinds) && !*wrong; i++) {
		char *file = options_format("%s.asyncapi.%s", name, kinds[i]);
		json_t *fragment = open_fragment(root, root_path, file, i == 1, wrong);

		if (fragment && json_array_append_new(fragments, fragment) != 0)
			options_no_memory();
		free(file);
	}
	if (!*wrong && json_array_size(fragments) == before + 2)
		*wrong = options_format(
		    "%s/%s.asyncapi.json and .yaml both exist: remove one of them", root_path,
		    name);
	return !*wrong;
}

void
fragment_merge(json_t *document, const json_t *fragments)
{
	json_t *fragment;
	size_t i;

	json_array_foreach(fragments, i, fragment)
	{
		if (json_object_update_recursive(document, fragment) != 0)
			options_no_memory();
	}
}
