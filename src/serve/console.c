/* SPDX-License-Identifier: BSD-2-Clause */
/* The developer console. */
#include "serve/console.h"

#include "base/json.h"
#include "serve/beneath.h"
#include "serve/console_page.h"
#include "serve/plain.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
	CONSOLE_PROGRAMS_MAX = 500, /* programs in the list */
	CONSOLE_DEPTH_MAX = 8, /* depth of directories */
	/* Directory entries read at most, because reading blocks the loop. */
	CONSOLE_ENTRIES_MAX = 10000,
};

/* A JSON list of programs. */
struct console_list {
	struct buffer *out;
	size_t programs;
	size_t entries;
};

#define CONSOLE_PREFIX "/-/"
#define CONSOLE_PAGE "/-/console"
#define CONSOLE_PROGRAMS "/-/programs"
#define CONSOLE_MESSAGES "/-/messages"
#define CONSOLE_PLACE "</p></noscript>" /* where the address is inserted into the page */

/* Reports whether PATH ends in the name of the list of programs. Only the end counts: the page
 * does not know which part of its path is the endpoint. */
static bool
console_is_list(const char *path)
{
	size_t len = strlen(path), tail = strlen(CONSOLE_PROGRAMS);

	return len >= tail && strcmp(path + len - tail, CONSOLE_PROGRAMS) == 0;
}

/* Reports whether the client requests the page or its list; curl, for example, does not accept
 * text/html. */
static bool
console_is_wanted(const struct head *head, const char *path)
{
	return head_find(head, "Accept", NULL) == 0 ||
	       head_has_token(head, "Accept", "text/html") || console_is_list(path);
}

bool
console_covers(const struct endpoint *endpoint, const struct head *head, const char *path)
{
	struct endpoint_script script = ENDPOINT_NO_SCRIPT;
	const char *rest = endpoint_rest(endpoint, path);
	bool found;

	if (!endpoint->console || endpoint->compat)
		return endpoint->console; /* websocketd serves it at every path */
	if (strncmp(rest, CONSOLE_PREFIX, strlen(CONSOLE_PREFIX)) == 0)
		return true;
	if (endpoint->files.root != -1 || !console_is_wanted(head, rest))
		return false;
	found = endpoint_find_cgi(endpoint, path, &script) != ENDPOINT_MISSING;
	endpoint_script_clear(&script);
	if (found)
		return false;
	found = rest[strspn(rest, "/")] == '\0' ||
		endpoint_find(endpoint, path, &script) == ENDPOINT_OK;
	endpoint_script_clear(&script);
	return found;
}

/* Appends TEXT as a JSON string. */
static bool
console_put_string(struct buffer *out, const char *text)
{
	return buffer_append(out, "\"", 1) &&
	       json_escape(out, (const uint8_t *)text, strlen(text), JSON_ESCAPE_HTML) &&
	       buffer_append(out, "\"", 1);
}

static bool
console_put_program(struct console_list *list, const char *path)
{
	return (list->programs++ == 0 || buffer_append(list->out, ",", 1)) &&
	       console_put_string(list->out, path);
}

/* Appends the programs below the directory FD, and closes FD. PATH is its URL path, with a '/'
 * at the end. Returns false if memory runs out. */
static bool
console_put_directory(struct console_list *list, int fd, const char *path, int depth)
{
	DIR *dir = fd == -1 ? NULL : fdopendir(fd);
	struct dirent *entry;
	bool ok = true;

	if (!dir && fd != -1)
		close(fd);
	while (dir && ok && list->programs < CONSOLE_PROGRAMS_MAX &&
	       list->entries++ < CONSOLE_ENTRIES_MAX && (entry = readdir(dir))) {
		const char *name = entry->d_name;
		struct stat st;
		char *child = NULL;

		/* "." and ".." are hidden, too. Links are not followed, so there are no
		 * loops. */
		if (beneath_hidden(name) ||
		    fstatat(dirfd(dir), name, &st, AT_SYMLINK_NOFOLLOW) == -1)
			continue;
		if (S_ISREG(st.st_mode) && faccessat(dirfd(dir), name, X_OK, AT_EACCESS) == 0)
			ok = asprintf(&child, "%s%s", path, name) != -1 &&
			     console_put_program(list, child);
		else if (S_ISDIR(st.st_mode) && depth < CONSOLE_DEPTH_MAX)
			ok = asprintf(&child, "%s%s/", path, name) != -1 &&
			     console_put_directory(list,
				 openat(dirfd(dir), name,
				     O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC),
				 child, depth + 1);
		free(child);
	}
	if (dir)
		closedir(dir);
	return ok;
}

/* Appends the member KEY with the programs below the directory FD, or an empty list if FD is
 * -1. */
static bool
console_put_member(struct console_list *list, const char *key, int fd, const char *path)
{
	list->programs = 0;
	return buffer_append(list->out, key, strlen(key)) &&
	       (fd == -1 ||
		   console_put_directory(
		       list, openat(fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC), path, 0)) &&
	       buffer_append(list->out, "]", 1);
}

/*
 * {"command": name or null, "unterminated": whether messages reach the program without a
 * newline, "programs": paths, "scripts": paths}. Clients on other machines get no lists, not
 * even through a proxy on this one.
 */
static bool
console_put_programs(const struct endpoint *endpoint, bool local, struct buffer *out)
{
	enum framing_kind kind = endpoint->framed.to_program.kind;
	const char *middle = kind == FRAMING_STREAM || kind == FRAMING_TEXT
				 ? ",\"unterminated\":true"
				 : ",\"unterminated\":false";
	const char *slash = endpoint->program ? strrchr(endpoint->program, '/') : NULL;
	struct console_list list = {.out = out};
	bool listed = endpoint->local_only && local, ok;
	char *path;

	if (asprintf(&path, "%s/", endpoint->path) == -1)
		return false;
	ok = buffer_append(out, "{\"command\":", 11) &&
	     (endpoint->program ? console_put_string(out, slash ? slash + 1 : endpoint->program)
				: buffer_append(out, "null", 4)) &&
	     buffer_append(out, middle, strlen(middle)) &&
	     console_put_member(&list, ",\"programs\":[", listed ? endpoint->dir : -1, path) &&
	     console_put_member(&list, ",\"scripts\":[", listed ? endpoint->cgi : -1, path) &&
	     buffer_append(out, "}\n", 2);
	free(path);
	return ok;
}

static void
console_send(struct exchange *exchange, const char *type, const char *fields,
    const char *headers, struct span body)
{
	struct reply reply = {.status = 200, .type = type, .length = (int64_t)body.len};
	char *lines;

	if (asprintf(&lines,
		"%sCache-Control: no-cache\r\n"
		"Cross-Origin-Resource-Policy: same-origin\r\n%s",
		fields, headers) == -1) {
		exchange_reply_status(exchange, 503, NULL, "out of memory");
		return;
	}
	reply.fields = lines;
	exchange_reply(exchange, &reply, body);
	free(lines);
}

/*
 * The page may connect automatically only if the user entered its URL: a link on another site
 * must not start a program. Sec-Fetch-Site shows that, and Server-Timing is the only field of
 * its own response that a page can read.
 */
static bool
console_was_typed(const struct head *head)
{
	struct span site;

	return head_find(head, "Sec-Fetch-Site", &site) > 0 &&
	       (span_equal(site, SPAN("none")) || span_equal(site, SPAN("same-origin")));
}

/* Appends TEXT with HTML escapes. */
static bool
console_put_html(struct buffer *out, struct span text)
{
	static const char *const entities[] = {['"'] = "&quot;",
	    ['&'] = "&amp;",
	    ['\''] = "&#39;",
	    ['<'] = "&lt;",
	    ['>'] = "&gt;"};

	for (size_t i = 0; i < text.len; i++) {
		unsigned char c = (unsigned char)text.data[i];
		const char *entity = c <= '>' ? entities[c] : NULL;

		if (!buffer_append(
			out, entity ? entity : &text.data[i], entity ? strlen(entity) : 1))
			return false;
	}
	return true;
}

/*
 * Appends the page with the address of the request, like websocketd. The address is inserted as
 * text, not as a command, because a link controls it.
 */
static bool
console_put_page(struct exchange *exchange, struct buffer *out)
{
	const struct request *request = exchange_request(exchange);
	const char *intro = exchange_client(exchange)->secure
				? " This page connects to <code>wss://"
				: " This page connects to <code>ws://";
	const char *plain = (const char *)console_page.plain;
	const char *end = plain + console_page.plain_len;
	const char *place =
	    memmem(plain, console_page.plain_len, CONSOLE_PLACE, strlen(CONSOLE_PLACE));

	return buffer_append(out, plain, (size_t)(place - plain)) &&
	       buffer_append(out, intro, strlen(intro)) &&
	       console_put_html(out, request->host) &&
	       console_put_html(out, request->uri.path) &&
	       (!request->uri.has_query || buffer_append(out, "?", 1)) &&
	       console_put_html(out, request->uri.query) && buffer_append(out, "</code>.", 8) &&
	       buffer_append(out, place, (size_t)(end - place));
}

static void
console_serve_page(const struct endpoint *endpoint, struct exchange *exchange,
    const struct console_page *page, const struct head *head)
{
	bool addressed = endpoint->compat && page == &console_page &&
			 exchange_request(exchange)->host.len > 0;
	bool gzip =
	    !addressed && (!page->plain || head_has_token(head, "Accept-Encoding", "gzip"));
	struct span body = gzip ? (struct span){(const char *)page->gzip, page->gzip_len}
				: (struct span){(const char *)page->plain, page->plain_len};
	struct buffer out = {0};
	char fields[640];

	if (addressed && !console_put_page(exchange, &out)) {
		buffer_clear(&out);
		exchange_reply_status(exchange, 503, NULL, "out of memory");
		return;
	}
	if (addressed)
		body = (struct span){(const char *)buffer_data(&out), buffer_len(&out)};
	snprintf(fields, sizeof(fields),
	    "Content-Security-Policy: default-src 'none'; script-src %s; style-src %s; "
	    "connect-src 'self'; worker-src blob:; img-src data:; base-uri 'none'; form-action "
	    "'none'; "
	    "frame-ancestors 'none'\r\n"
	    "Cross-Origin-Opener-Policy: same-origin\r\nReferrer-Policy: no-referrer\r\n"
	    "Vary: Accept, Accept-Encoding, Sec-Fetch-Site\r\n%s%s",
	    page->script, page->style, gzip ? "Content-Encoding: gzip\r\n" : "",
	    console_was_typed(head) ? "Server-Timing: typed\r\n" : "");
	console_send(
	    exchange, "text/html; charset=utf-8", fields, endpoint->files.headers, body);
	buffer_clear(&out);
}

/* Selects the page for PATH; at the root of a directory, the page that lists the programs. */
static const struct console_page *
console_choose(const struct endpoint *endpoint, const struct head *head, const char *path)
{
	const char *rest = endpoint_rest(endpoint, path);
	bool program = endpoint->kind == ENDPOINT_COMMAND ||
		       (strcmp(rest, CONSOLE_PAGE) != 0 && rest[strspn(rest, "/")] != '\0');

	if (!terminal_page.gzip || !plain_speaks_tty(endpoint) || !program ||
	    strcmp(rest, CONSOLE_MESSAGES) == 0 ||
	    !head_has_token(head, "Accept-Encoding", "gzip"))
		return &console_page;
	return &terminal_page;
}

static void
console_serve_programs(const struct endpoint *endpoint, struct exchange *exchange)
{
	struct buffer out = {0};

	if (console_put_programs(endpoint, exchange_is_local(exchange), &out))
		console_send(exchange, "application/json", "", endpoint->files.headers,
		    (struct span){(const char *)buffer_data(&out), buffer_len(&out)});
	else
		exchange_reply_status(exchange, 503, NULL, "out of memory");
	buffer_clear(&out);
}

void
console_serve(const struct endpoint *endpoint, struct exchange *exchange, const char *path)
{
	const struct request *request = exchange_request(exchange);
	const char *rest = endpoint_rest(endpoint, path);

	if (endpoint->files.compat_scheme)
		files_log_compat(
		    &endpoint->files, exchange, LOG_ACCESS, SPAN("DEVCONSOLE"), NULL);
	if (!request->is_head && !span_equal(request->method, SPAN("GET")))
		exchange_reply_status(exchange, 405, "Allow: GET, HEAD\r\n",
		    "the console accepts GET and HEAD only (--devconsole)");
	else if (console_is_list(rest))
		console_serve_programs(endpoint, exchange);
	else if (!endpoint->compat && strcmp(rest, CONSOLE_PAGE) != 0 &&
		 strcmp(rest, CONSOLE_MESSAGES) != 0 &&
		 strncmp(rest, CONSOLE_PREFIX, strlen(CONSOLE_PREFIX)) == 0)
		exchange_reply_status(exchange, 404, endpoint->files.headers,
		    "paths below /-/ are reserved for the console (--devconsole)");
	else
		console_serve_page(endpoint, exchange,
		    console_choose(endpoint, request->head, path), request->head);
}
