/* SPDX-License-Identifier: BSD-2-Clause */
/* Static files. */
#include "serve/files.h"

#include "base/log.h"
#include "http/conditional.h"
#include "http/mime.h"
#include "http/send_file.h"
#include "serve/beneath.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

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

/* A status without a file, with FIRST, which is whole header lines, and the user's. */
static void
files_reply(const struct files *files, struct exchange *exchange, int status, const char *first,
    const char *reason)
{
	struct reply reply = {.status = status, .length = REPLY_LENGTH_UNKNOWN};
	char *fields;

	if (asprintf(&fields, "%s%s", first, files->headers) == -1) {
		exchange_reply_status(exchange, 503, NULL, "out of memory");
		return;
	}
	reply.fields = fields;
	if (reply_has_body(status))
		exchange_reply_status(exchange, status, fields, reason);
	else
		exchange_reply(exchange, &reply, (struct span){0});
	free(fields);
}

/* Methods other than GET and HEAD. */
static void
files_answer_method(const struct files *files, struct exchange *exchange)
{
	bool asked = span_equal(exchange_request(exchange)->method, SPAN("OPTIONS"));

	files_reply(files, exchange, asked ? 204 : 405, "Allow: GET, HEAD, OPTIONS\r\n",
	    "only GET and HEAD are supported for static files");
}

static bool
files_is_directory(const struct files *files, const char *path)
{
	struct stat st;
	int fd = -1;
	bool found;

	if (files->root != -1 && !beneath_hidden(path) && path[1] != '\0')
		fd = beneath_open(files->root, files->root_path, path + 1, O_PATH);
	found = fd != -1 && fstat(fd, &st) == 0 && S_ISDIR(st.st_mode);
	if (fd != -1)
		close(fd);
	return found;
}

/* There is no file at PATH. */
static void
files_answer_missing(const struct files *files, struct exchange *exchange, const char *path)
{
	const struct uri *uri = &exchange_request(exchange)->uri;
	bool slash = path[strlen(path) - 1] == '/';
	char *location;

	if (!slash && files_is_directory(files, path)) {
		if (asprintf(&location, "Location: %.*s/%s%.*s\r\n", (int)uri->path.len,
			uri->path.data, uri->has_query ? "?" : "", (int)uri->query.len,
			uri->has_query ? uri->query.data : "") == -1) {
			exchange_reply_status(exchange, 503, NULL, "out of memory");
			return;
		}
		files_reply(files, exchange, 301, location, NULL);
		free(location);
		return;
	}
	exchange_reply_status(exchange, 404, files->headers,
	    files->root == -1 ? "plain HTTP request; this server only speaks WebSocket "
				"(add --staticdir=DIR to serve files)"
	    : slash	      ? "no index.html in this directory"
			      : "no such file in --staticdir");
}

/* Sends what the request asks for of FD, which is taken. */
static void
files_send(const struct files *files, struct exchange *exchange, int fd, const struct stat *st,
    const char *type)
{
	struct conditional_file file = {.size = st->st_size, .modified = st->st_mtim.tv_sec};
	struct conditional part;
	struct reply reply;
	char date[CONDITIONAL_DATE_MAX];
	char range[96] = "";
	char *fields;

	conditional_make_tag(file.tag, st->st_size,
	    st->st_mtim.tv_sec * 1000000000 + st->st_mtim.tv_nsec, st->st_ino);
	conditional_put_date(date, file.modified);
	part = conditional_check(exchange_request(exchange), &file);
	if (part.status == 206)
		snprintf(range, sizeof(range),
		    "Content-Range: bytes %" PRId64 "-%" PRId64 "/%" PRId64 "\r\n", part.first,
		    part.first + part.length - 1, file.size);
	if (part.status == 416)
		snprintf(
		    range, sizeof(range), "Content-Range: bytes */%" PRId64 "\r\n", file.size);
	if (asprintf(&fields, "ETag: %s\r\nLast-Modified: %s\r\nAccept-Ranges: bytes\r\n%s%s",
		file.tag, date, range, part.status < 300 ? files->headers : "") == -1) {
		close(fd);
		exchange_reply_status(exchange, 503, NULL, "out of memory");
		return;
	}
	reply = (struct reply){part.status, type, part.length, fields};
	if (part.status < 300) {
		send_file_take(exchange, &reply, fd, part.first);
	} else {
		close(fd);
		files_reply(files, exchange, part.status, fields,
		    part.status == 416 ? "the range lies beyond the end of the file"
				       : "the file is not the one of the precondition");
	}
	free(fields);
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
	char name[HEAD_MAX_LINE + 16];
	struct stat st;
	int fd;

	if (files->compat_scheme)
		files_log_compat(
		    files, exchange, files->root == -1 ? SPAN("NOT FOUND") : SPAN("STATIC"));
	if (!request->is_head && !span_equal(request->method, SPAN("GET"))) {
		files_answer_method(files, exchange);
		return;
	}
	fd = files_open(files, path, &st, name);
	if (fd == -1)
		files_answer_missing(files, exchange, path);
	else
		files_send(files, exchange, fd, &st, mime_type(name));
}
