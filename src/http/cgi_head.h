/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The header of a CGI response (RFC 3875, section 6.3): fields up to an empty line, each line
 * ended by LF or CR LF. A pure parser: bytes in, facts out, whatever the cuts.
 *
 * It is strict where a lax reading would change the response: no folded lines, no control
 * bytes, no blank before the colon, each of Content-Type, Location, Status and Content-Length
 * at most once, and one of the first three at least. Fields of the connection (section 6.3.4),
 * those that the server sends itself, and X-CGI- extensions (section 6.3.5) are dropped.
 */
#ifndef HTTP_CGI_HEAD_H
#define HTTP_CGI_HEAD_H

#include "base/buffer.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { CGI_HEAD_MAX = 16 * 1024 }; /* bytes with the empty line */

enum cgi_head_result {
	CGI_HEAD_MORE,
	CGI_HEAD_DONE,
	CGI_HEAD_BAD, /* head->reason is one sentence for the log */
};

/* Embedded by its user, which may read the members that follow LEN. */
struct cgi_head {
	struct buffer line; /* owned: a partial line */
	size_t len; /* bytes so far */
	const char *reason; /* after CGI_HEAD_BAD; constant */
	int status; /* that was given; 0: none */
	int64_t length; /* the Content-Length; -1: none */
	char *phrase; /* owned: the reason phrase of the status; NULL: none */
	char *type; /* owned: the Content-Type; NULL: none */
	char *location; /* owned; NULL: none */
	struct buffer fields; /* owned: all others, each with CR LF; not terminated */
};

void cgi_head_init(struct cgi_head *head);

/* Goes on with LEN BYTES. *USED is how many belong to the header: all of them, or after
 * CGI_HEAD_DONE less, and the rest is the body. */
enum cgi_head_result cgi_head_parse(
    struct cgi_head *head, const char *bytes, size_t len, size_t *used);

/* The status of the response: 302 for a Location without a status (section 6.2.3), else 200. */
int cgi_head_status(const struct cgi_head *head);

/* True for a local redirect (section 6.2.2): a path in Location, and nothing else. Together
 * with other fields, which would be lost, it is sent to the client. */
bool cgi_head_is_local_redirect(const struct cgi_head *head);

void cgi_head_clear(struct cgi_head *head);

#endif
