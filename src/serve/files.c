/* SPDX-License-Identifier: BSD-2-Clause */
/* Static files. */
#include "serve/files.h"

#include "base/log.h"
#include "http/conditional.h"
#include "http/credentials.h"
#include "http/encoding.h"
#include "http/mime.h"
#include "http/send_file.h"
#include "serve/beneath.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
	FILES_NAME_MAX = HEAD_MAX_LINE + 16, /* bytes of a path with an appended suffix */
	FILES_TYPES_MAX = 1024 * 1024, /* bytes of a media types file */
};

/* The file to send, and its properties. */
struct files_found {
	char name[FILES_NAME_MAX]; /* name of the file, without the suffix of a variant */
	int fd; /* owned until it is sent */
	struct stat st;
	const char *coding; /* constant: the content coding; NULL: none */
	bool varies; /* other clients may get another variant */
};

/* Opens the regular file PATH. Returns false if there is none. */
static bool
files_open(const struct files *files, const char *path, struct files_found *found)
{
	size_t len = strlen(path);

	if (files->root == -1 || beneath_hidden(path))
		return false;
	snprintf(found->name, sizeof(found->name), "%s%s", path + 1,
	    path[len - 1] == '/' ? "index.html" : "");
	found->coding = NULL;
	found->varies = false;
	found->fd = beneath_open_file(files->root, files->root_path, found->name, &found->st);
	return found->fd != -1;
}

static bool
files_is_older(const struct stat *st, const struct stat *than)
{
	return st->st_mtim.tv_sec != than->st_mtim.tv_sec
		   ? st->st_mtim.tv_sec < than->st_mtim.tv_sec
		   : st->st_mtim.tv_nsec < than->st_mtim.tv_nsec;
}

/* Replaces FOUND by the client's preferred variant of the file, if there is one. */
static void
files_choose_variant(
    const struct files *files, const struct head *head, struct files_found *found)
{
	static const char *const kinds[][2] = {{".br", "br"}, {".gz", "gzip"}};
	int best = encoding_weight(head, "identity") - 1;
	const struct stat plain = found->st;
	char name[FILES_NAME_MAX];
	struct stat st;

	for (size_t i = 0; i < UTIL_LEN(kinds); i++) {
		int weight = encoding_weight(head, kinds[i][1]);
		int fd;

		snprintf(name, sizeof(name), "%s%s", found->name, kinds[i][0]);
		fd = beneath_open_file(files->root, files->root_path, name, &st);
		if (fd == -1)
			continue;
		if (files_is_older(&st, &plain)) {
			close(fd);
			continue;
		}
		found->varies = true;
		if (weight <= 0 || weight <= best) {
			close(fd);
			continue;
		}
		close(found->fd);
		found->fd = fd;
		found->st = st;
		found->coding = kinds[i][1];
		best = weight;
	}
}

/* Sends a status without a file, with the header lines FIRST and those of the user. */
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

/* Responds to methods other than GET and HEAD. */
static void
files_answer_method(const struct files *files, struct exchange *exchange)
{
	bool asked = span_equal(exchange_request(exchange)->method, SPAN("OPTIONS"));

	files_reply(files, exchange, asked ? 204 : 405, "Allow: GET, HEAD, OPTIONS\r\n",
	    "only GET and HEAD are supported for static files");
}

/* Returns the file type of PATH if it can't be served as a file; 0: it does not exist. */
static mode_t
files_look(const struct files *files, const char *path)
{
	struct stat st;
	mode_t type = 0;
	int fd;

	if (files->root == -1)
		return 0;
	fd = beneath_open(
	    files->root, files->root_path, path[1] == '\0' ? "." : path + 1, O_PATH);
	if (fd == -1)
		return errno == ENOENT || errno == ENOTDIR || errno == ENAMETOOLONG ? 0
										    : S_IFREG;
	if (fstat(fd, &st) == 0)
		type = st.st_mode & S_IFMT;
	close(fd);
	return type;
}

/* Redirects to the same path with a slash. */
static void
files_redirect(const struct files *files, struct exchange *exchange)
{
	const struct uri *uri = &exchange_request(exchange)->uri;
	char *location;

	if (asprintf(&location, "Location: %.*s/%s%.*s\r\n", (int)uri->path.len, uri->path.data,
		uri->has_query ? "?" : "", (int)uri->query.len,
		uri->has_query ? uri->query.data : "") == -1) {
		exchange_reply_status(exchange, 503, NULL, "out of memory");
		return;
	}
	files_reply(files, exchange, 301, location, NULL);
	free(location);
}

static void
files_answer_missing(const struct files *files, struct exchange *exchange, bool slash)
{
	exchange_reply_status(exchange, 404, files->headers,
	    files->root == -1 ? "plain HTTP request where only WebSocket is served "
				"(add --staticdir=DIR to serve files)"
	    : slash	      ? "no index.html in this directory"
			      : "no such file in --staticdir");
}

/* Sends the file, or the part or status that the request asks for. */
static void
files_send(const struct files *files, struct exchange *exchange, struct files_found *found)
{
	const struct stat *st = &found->st;
	struct conditional_file file;
	struct conditional part;
	struct reply reply;
	char type[MIME_TYPE_MAX];
	char date[CONDITIONAL_DATE_MAX];
	char range[96] = "";
	char *fields;

	files_choose_variant(files, exchange_request(exchange)->head, found);
	file.size = st->st_size;
	file.modified = st->st_mtim.tv_sec;
	conditional_make_tag(file.tag, st->st_size, st->st_mtim, st->st_ino);
	conditional_put_date(date, file.modified);
	part = conditional_check(exchange_request(exchange), &file);
	if (part.status == 206)
		snprintf(range, sizeof(range),
		    "Content-Range: bytes %" PRId64 "-%" PRId64 "/%" PRId64 "\r\n", part.first,
		    part.first + part.length - 1, file.size);
	if (part.status == 416)
		snprintf(
		    range, sizeof(range), "Content-Range: bytes */%" PRId64 "\r\n", file.size);
	if (asprintf(&fields,
		"ETag: %s\r\nLast-Modified: %s\r\nAccept-Ranges: bytes\r\n%s%s%s%s%s%s",
		file.tag, date, found->varies ? "Vary: Accept-Encoding\r\n" : "",
		found->coding && part.status < 300 ? "Content-Encoding: " : "",
		found->coding && part.status < 300 ? found->coding : "",
		found->coding && part.status < 300 ? "\r\n" : "", range,
		part.status < 300 ? files->headers : "") == -1) {
		close(found->fd);
		exchange_reply_status(exchange, 503, NULL, "out of memory");
		return;
	}
	mime_type(found->name, type);
	reply = (struct reply){
	    .status = part.status, .type = type, .length = part.length, .fields = fields};
	if (part.status < 300) {
		send_file_take(exchange, &reply, found->fd, part.first);
	} else {
		close(found->fd);
		files_reply(files, exchange, part.status, fields,
		    part.status == 416 ? "the range lies beyond the end of the file"
				       : "the file is not the one of the precondition");
	}
	free(fields);
}

void
files_load_types(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	char *text = malloc(FILES_TYPES_MAX + 1);
	struct stat st;
	ssize_t len = -1;

	if (fd == -1 && errno == ENOENT) {
		free(text);
		return;
	}
	if (fd != -1 && fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && text)
		len = read(fd, text, FILES_TYPES_MAX);
	if (len == -1) {
		log_warnx("can't read the media types in %s; using the built-in ones", path);
		free(text);
	} else {
		text[len] = '\0';
		mime_load_take(text);
	}
	if (fd != -1)
		close(fd);
}

bool
files_has_spa(const struct files *files)
{
	struct files_found found;

	if (!files->spa)
		return true;
	if (!files_open(files, files->spa, &found))
		return false;
	close(found.fd);
	return true;
}

void
files_log_compat(const struct files *files, struct exchange *exchange, enum log_level level,
    struct span event, const char *script)
{
	const struct head *head = exchange_request(exchange)->head;
	char room[HEAD_MAX_LINE];
	struct span target = credentials_log_target(head_target(head), room, sizeof(room));
	bool whole = target.len > 0 && target.data[0] != '/'; /* RFC 9112, section 3.2.2 */
	struct span host = {0};
	char *url;

	exchange_set_logged(exchange);
	(void)head_find(head, "Host", &host);
	if (!log_begin(level, "http", 0, event))
		return;
	if (asprintf(&url, "%s://%.*s%.*s", files->compat_scheme, (int)host.len, host.data,
		(int)target.len, target.data) != -1) {
		log_text("url", whole ? target : span_of(url));
		free(url);
	}
	if (script)
		log_text("cgiscript", span_of(script));
	log_end();
}

void
files_serve(const struct files *files, struct exchange *exchange, const char *path)
{
	const struct request *request = exchange_request(exchange);
	const char *last = *path ? strrchr(path, '/') + 1 : path;
	struct files_found found;
	mode_t other = S_IFREG;

	if (files->compat_scheme)
		files_log_compat(files, exchange, LOG_ACCESS,
		    files->root == -1 ? SPAN("NOT FOUND") : SPAN("STATIC"), NULL);
	if (!request->is_head && !span_equal(request->method, SPAN("GET"))) {
		files_answer_method(files, exchange);
		return;
	}
	if (*path == '\0') {
		files_redirect(files, exchange);
		return;
	}
	if (files_open(files, path, &found)) {
		files_send(files, exchange, &found);
		return;
	}
	if (!beneath_hidden(path))
		other = files_look(files, path);
	if (S_ISDIR(other) && *last != '\0')
		files_redirect(files, exchange);
	else if (files->spa && other == 0 && !strchr(last, '.') &&
		 files_open(files, files->spa, &found))
		files_send(files, exchange, &found);
	else
		files_answer_missing(files, exchange, *last == '\0');
}
