/* SPDX-License-Identifier: BSD-2-Clause */
/* Static files. */
#include "serve/files.h"

#include "base/log.h"
#include "http/mime.h"
#include "http/send_file.h"
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
files_refuse_method(const struct files *files, struct exchange *exchange)
{
	static const char allow[] = "Allow: GET, HEAD\r\n";
	char *headers;

	if (asprintf(&headers, "%s%s", allow, files->headers) == -1)
		headers = NULL;
	exchange_reply_status(exchange, 405, headers ? headers : allow,
	    "only GET and HEAD are supported for static files");
	free(headers);
}

void
files_log_compat(const struct files *files, struct exchange *exchange, struct span event)
{
	const struct head *head = exchange_request(exchange)->head;
	struct span target = head_target(head);
	bool whole = target.len > 0 && target.data[0] != '/'; /* RFC 9112, section 3.2.2 */
	struct span host = {0};
	char *url;

	exchange_set_logged(exchange);
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
files_serve(const struct files *files, struct exchange *exchange, const char *path)
{
	const struct request *request = exchange_request(exchange);
	struct reply reply = {.status = 200, .fields = files->headers};
	char name[HEAD_MAX_LINE + 16];
	struct stat st;
	int fd;

	if (files->compat_scheme)
		files_log_compat(
		    files, exchange, files->root == -1 ? SPAN("NOT FOUND") : SPAN("STATIC"));
	if (!request->is_head && !span_equal(request->method, SPAN("GET"))) {
		files_refuse_method(files, exchange);
		return;
	}
	fd = files_open(files, path, &st, name);
	if (fd == -1) {
		exchange_reply_status(exchange, 404, files->headers,
		    files->root == -1 ? "plain HTTP request; this server only speaks WebSocket "
					"(add --staticdir=DIR to serve files)"
		    : path[strlen(path) - 1] == '/' ? "no index.html in this directory"
						    : "no such file in --staticdir");
		return;
	}
	reply.type = mime_type(name);
	reply.length = st.st_size;
	send_file_take(exchange, &reply, fd, 0);
}
