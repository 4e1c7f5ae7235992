/* SPDX-License-Identifier: BSD-2-Clause */
/* Which program a WebSocket gets. */
#include "serve/endpoint.h"

#include "base/util.h"
#include "serve/beneath.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

void
endpoint_set_session(struct endpoint *endpoint)
{
	struct websocket_rules *websocket = &endpoint->websocket;
	struct session_rules *session = &endpoint->session;

	endpoint->format = program_format(&endpoint->program_rules);
	snprintf(websocket->reason_message, sizeof(websocket->reason_message),
	    "message larger than %" PRIu64 " bytes (--maxframesize)", websocket->max_message);
	snprintf(websocket->reason_empty_fragments, sizeof(websocket->reason_empty_fragments),
	    "more than %" PRIu32 " empty fragments (--max-empty-fragments)",
	    websocket->max_empty_fragments);
	snprintf(websocket->reason_pings, sizeof(websocket->reason_pings),
	    "more than %u PINGs in a second (--max-pings)", websocket->max_pings);
	snprintf(session->reason_output, sizeof(session->reason_output),
	    "the program wrote a line larger than %" PRIu64 " bytes (--max-output-message)",
	    endpoint->program_rules.from_program.max_record);
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

static enum endpoint_result
endpoint_fill(struct endpoint_script *out, const char *program, struct span script_name,
    const char *path_info)
{
	out->program = strdup(program);
	out->script_name = span_dup(script_name);
	out->path_info = strdup(path_info);
	if (out->program && out->script_name && out->path_info)
		return ENDPOINT_OK;
	endpoint_script_clear(out);
	return ENDPOINT_NOMEM;
}

/* Checks one file below the directory: *IS_DIR when it is a directory. OK: its descriptor is in
 * *FILE, so that what is started is what was checked. */
static enum endpoint_result
endpoint_look(const struct endpoint *endpoint, const char *relative, bool *is_dir, int *file)
{
	struct stat st;
	enum endpoint_result result = ENDPOINT_MISSING;
	int fd = beneath_open(endpoint->dir, endpoint->dir_path, relative, O_PATH);

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

static enum endpoint_result
endpoint_find_below(
    const struct endpoint *endpoint, const char *path, struct endpoint_script *out)
{
	enum endpoint_result result = ENDPOINT_MISSING;
	char *relative = strdup(path + 1);
	size_t end = 0;
	bool is_dir = true;

	if (!relative)
		return ENDPOINT_NOMEM;
	while (is_dir) {
		size_t start = end == 0 ? 0 : end + 1;
		char separator;

		end = start + strcspn(relative + start, "/");
		if (end == start)
			break; /* the path ends on a directory */
		separator = relative[end];
		relative[end] = '\0';
		/* Only what leads to the script is checked; PATH_INFO may hold any name. */
		if (beneath_hidden(relative + start)) {
			result = ENDPOINT_MISSING;
			is_dir = false;
		} else {
			result = endpoint_look(endpoint, relative, &is_dir, &out->fd);
		}
		if (!is_dir || separator == '\0')
			break;
		relative[end] = separator;
	}
	if (result == ENDPOINT_OK) {
		char *program;

		if (asprintf(&program, "%s/%s", endpoint->dir_path, relative) == -1) {
			free(relative);
			endpoint_script_clear(out);
			return ENDPOINT_NOMEM;
		}
		result =
		    endpoint_fill(out, program, (struct span){path, end + 1}, path + 1 + end);
		free(program);
	}
	free(relative);
	return result;
}

enum endpoint_result
endpoint_find(const struct endpoint *endpoint, const char *path, struct endpoint_script *out)
{
	*out = ENDPOINT_NO_SCRIPT;
	if (endpoint->program)
		return endpoint_fill(out, endpoint->program, SPAN("/"), path);
	if (endpoint->dir == -1)
		return ENDPOINT_MISSING;
	return endpoint_find_below(endpoint, path, out);
}
