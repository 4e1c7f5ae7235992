/* SPDX-License-Identifier: BSD-2-Clause */
/* Static files. */
#include "serve/files.h"

#include "base/log.h"
#include "http/connection.h"
#include "http/mime.h"
#include "serve/beneath.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

/* Opens what PATH names; -1 when there is no such regular file. */
static int
files_open(
    const struct files *files, const char *path, struct stat *st, char name[HEAD_MAX_LINE + 16])
{
	size_t len = strlen(path);

	if (files->root == -1 || beneath_hidden(path))
		return -1;
	snprintf(name, HEAD_MAX_LINE + 16, "%s%s", path + 1,
	    path[len - 1] == '/' ? "index.html" : "");
	return beneath_open_file(files->root, files->root_path, name, st);
}

static void
files_refuse_method(const struct files *files, struct connection *connection)
{
	static const char allow[] = "Allow: GET, HEAD\r\n";
	char *headers;

	if (asprintf(&headers, "%s%s", allow, files->headers) == -1)
		headers = NULL;
	connection_reply(connection, 405, headers ? headers : allow,
	    "only GET and HEAD are supported for static files");
	free(headers);
}

void
files_log_compat(const struct files *files, struct connection *connection,
    const struct head *head, struct span event)
{
	struct span target = head_target(head);
	bool whole = target.len > 0 && target.data[0] != '/'; /* RFC 9112, section 3.2.2 */
	struct span host = {0};
	char *url;

	connection_set_logged(connection);
	(void)head_find(head, "Host", &host);
	if (!log_begin(LOG_ACCESS, "http", 0, event))
		return;
	if (asprintf(&url, "%s://%.*s%.*s", files->compat_scheme, (int)host.len, host.data,
		(int)target.len, target.data) != -1) {
		log_text("url", whole ? target : span_of(url));
		free(url);
	}
	log_end();
}

void
files_serve(const struct files *files, struct connection *connection, const struct head *head,
    const char *path)
{
	char name[HEAD_MAX_LINE + 16];
	bool head_only = span_equal(head_method(head), SPAN("HEAD"));
	struct stat st;
	int fd;

	if (files->compat_scheme)
		files_log_compat(files, connection, head,
		    files->root == -1 ? SPAN("NOT FOUND") : SPAN("STATIC"));
	if (!head_only && !span_equal(head_method(head), SPAN("GET"))) {
		files_refuse_method(files, connection);
		return;
	}
	fd = files_open(files, path, &st, name);
	if (fd == -1) {
		connection_reply(connection, 404, files->headers,
		    files->root == -1 ? "plain HTTP request; this server only speaks WebSocket "
					"(add --staticdir=DIR to serve files)"
		    : path[strlen(path) - 1] == '/' ? "no index.html in this directory"
						    : "no such file in --staticdir");
		return;
	}
	connection_reply_file(
	    connection, fd, st.st_size, mime_type(name), files->headers, head_only);
}
