/* SPDX-License-Identifier: BSD-2-Clause */
/* Maps a path to the program that serves it. */
#include "serve/endpoint.h"

#include "base/util.h"
#include "serve/access.h"
#include "serve/beneath.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct endpoint *
endpoint_new(const char *path)
{
	struct endpoint *endpoint = calloc(1, sizeof(*endpoint));
	size_t len = strlen(path);

	while (len > 0 && path[len - 1] == '/')
		len--;
	if (!endpoint)
		return NULL;
	endpoint->refs = 1;
	endpoint->dir = endpoint->cgi = endpoint->files.root = -1;
	endpoint->confine = CONFINE_NONE;
	endpoint->path = strndup(path, len);
	if (endpoint->path)
		return endpoint;
	endpoint_unref(endpoint);
	return NULL;
}

struct endpoint *
endpoint_ref(struct endpoint *endpoint)
{
	endpoint->refs++;
	return endpoint;
}

void
endpoint_unref(struct endpoint *endpoint)
{
	if (!endpoint || --endpoint->refs > 0)
		return;
	if (endpoint->dir != -1)
		close(endpoint->dir);
	if (endpoint->cgi != -1)
		close(endpoint->cgi);
	if (endpoint->files.root != -1)
		close(endpoint->files.root);
	confine_clear(&endpoint->confine);
	shared_free(endpoint->shared);
	free(endpoint->files.headers);
	free(endpoint->rules);
	access_free(endpoint->access);
	free(endpoint->switch_headers);
	free(endpoint->pass_env);
	free(endpoint->path);
	if (endpoint->free_source)
		endpoint->free_source(endpoint->source);
	free(endpoint);
}

bool
endpoint_covers(const struct endpoint *endpoint, const char *path)
{
	size_t len = strlen(endpoint->path);

	return strncmp(path, endpoint->path, len) == 0 &&
	       (path[len] == '\0' || path[len] == '/');
}

const char *
endpoint_rest(const struct endpoint *endpoint, const char *path)
{
	return path + strlen(endpoint->path);
}

/* Releases the endpoint's reference of a session that has ended. */
static void
endpoint_release_rules(const struct session_rules *rules)
{
	endpoint_unref(LIST_ENTRY_OF((uintptr_t)rules, struct endpoint, session));
}

/* Completes the rules of a shared program: the messages of several clients must not be mixed,
 * and may need their sender. */
static void
endpoint_complete_shared(struct endpoint *endpoint)
{
	struct shared_rules *rules = &endpoint->shared_rules;
	bool is_json = endpoint->framed.to_program.kind == FRAMING_JSON;

	endpoint->format.parts = false;
	endpoint->format.joins =
	    endpoint->format.joins && rules->settings.mode == SHARED_BROADCAST;
	endpoint->websocket.deflate.shares = true;
	rules->framed = rules->program = endpoint->framed;
	/* backend/shared writes its records and reads its lines */
	rules->program.events = false;
	if (is_json)
		rules->program.from_program.kind = FRAMING_LINES;
	rules->output.addresses = rules->settings.mode == SHARED_BROADCAST ? SHARED_TO_ALL
				  : is_json				   ? SHARED_JSON
				  : endpoint->framed.events		   ? SHARED_EVENTS
									   : SHARED_LINES;
	rules->output.max_message = endpoint->framed.from_program.max_record;
	rules->output.invalid_is_binary = endpoint->session.output.invalid == OUTPUT_BINARY;
	rules->settings.members.reports_dropped = is_json;
}

void
endpoint_complete(struct endpoint *endpoint)
{
	endpoint->session.release = endpoint_release_rules;
	endpoint->format = framed_format(&endpoint->framed);
	if (endpoint_is_shared(endpoint))
		endpoint_complete_shared(endpoint);
}

void
endpoint_script_clear(struct endpoint_script *script)
{
	free(script->program);
	free(script->script_name);
	free(script->path_info);
	if (script->fd != -1)
		close(script->fd);
	*script = ENDPOINT_NO_SCRIPT;
}

/* Fills *OUT, which takes PROGRAM. PROGRAM may be NULL if memory ran out. */
static enum endpoint_result
endpoint_fill(
    struct endpoint_script *out, char *program, struct span script_name, const char *path_info)
{
	out->program = program;
	out->script_name = span_dup(script_name);
	out->path_info = strdup(path_info);
	if (out->program && out->script_name && out->path_info)
		return ENDPOINT_OK;
	endpoint_script_clear(out);
	return ENDPOINT_NOMEM;
}

/* A directory of programs and its real path. */
struct endpoint_directory {
	int fd;
	const char *path;
};

/* Checks one file below DIRECTORY; *IS_DIR is set if it is a directory. OK: *FILE is its
 * descriptor, so that the file started is the file checked. */
static enum endpoint_result
endpoint_look(
    const struct endpoint_directory *directory, const char *relative, bool *is_dir, int *file)
{
	struct stat st;
	enum endpoint_result result = ENDPOINT_MISSING;
	int fd = beneath_open(directory->fd, directory->path, relative, O_PATH);

	*is_dir = false;
	if (fd == -1)
		return errno == EACCES ? ENDPOINT_FORBIDDEN : ENDPOINT_MISSING;
	if (fstat(fd, &st) == -1) {
		result = ENDPOINT_MISSING;
	} else if (S_ISDIR(st.st_mode)) {
		*is_dir = true;
	} else if (S_ISREG(st.st_mode)) {
		result = ENDPOINT_FORBIDDEN;
		if (faccessat(fd, "", X_OK, AT_EMPTY_PATH | AT_EACCESS) == 0) {
			*file = fd;
			return ENDPOINT_OK;
		}
	}
	close(fd);
	return result;
}

/* REST is the part of PATH below the endpoint. */
static enum endpoint_result
endpoint_find_below(const struct endpoint_directory *directory, const char *path,
    const char *rest, struct endpoint_script *out)
{
	enum endpoint_result result = ENDPOINT_MISSING;
	char *relative = strdup(*rest ? rest + 1 : "");
	size_t end = 0;
	bool is_dir = true;

	if (!relative)
		return ENDPOINT_NOMEM;
	while (is_dir) {
		size_t start = end == 0 ? 0 : end + 1;
		char separator;

		end = start + strcspn(relative + start, "/");
		if (end == start)
			break; /* the path ends at a directory */
		separator = relative[end];
		relative[end] = '\0';
		/* Only the path of the script is checked; PATH_INFO may contain any name. */
		if (beneath_hidden(relative + start)) {
			result = ENDPOINT_MISSING;
			is_dir = false;
		} else {
			result = endpoint_look(directory, relative, &is_dir, &out->fd);
		}
		if (!is_dir || separator == '\0')
			break;
		relative[end] = separator;
	}
	if (result == ENDPOINT_OK) {
		const char *info = rest + 1 + end;
		char *program;

		if (asprintf(&program, "%s/%s", directory->path, relative) == -1)
			program = NULL;
		result = endpoint_fill(
		    out, program, (struct span){path, (size_t)(info - path)}, info);
	}
	free(relative);
	return result;
}

enum endpoint_result
endpoint_find(const struct endpoint *endpoint, const char *path, struct endpoint_script *out)
{
	const char *rest = endpoint_rest(endpoint, path);
	struct span name = {path, (size_t)(rest - path)};

	*out = ENDPOINT_NO_SCRIPT;
	switch (endpoint->kind) {
	case ENDPOINT_FILES:
	case ENDPOINT_SOCKET:
		break;
	case ENDPOINT_COMMAND:
		return endpoint_fill(
		    out, strdup(endpoint->program), name.len > 0 ? name : SPAN("/"), rest);
	case ENDPOINT_DIR:
		return endpoint_find_below(
		    &(struct endpoint_directory){endpoint->dir, endpoint->dir_path}, path, rest,
		    out);
	}
	return ENDPOINT_MISSING;
}

enum endpoint_result
endpoint_find_cgi(
    const struct endpoint *endpoint, const char *path, struct endpoint_script *out)
{
	struct endpoint_directory directory = {endpoint->cgi, endpoint->cgi_path};

	*out = ENDPOINT_NO_SCRIPT;
	if (endpoint->cgi == -1)
		return ENDPOINT_MISSING;
	return endpoint_find_below(&directory, path, endpoint_rest(endpoint, path), out);
}
