/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Parses the header of a CGI response (RFC 3875, section 6.3): fields up to an empty line, each
 * line ended by LF or CR LF. A pure parser that accepts input split at any byte.
 *
 * It is strict where a lax parser would change the response: no folded lines, no control bytes,
 * no blank before the colon, each of Content-Type, Location, Status and Content-Length at most
 * once, and at least one of the first three. Connection fields (section 6.3.4), fields that the
 * server sends itself, and X-CGI- extensions (section 6.3.5) are dropped.
 */
#ifndef HTTP_CGI_HEAD_H
#define HTTP_CGI_HEAD_H

#include "base/buffer.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { CGI_HEAD_MAX = 16 * 1024 }; /* bytes, including the empty line */

enum cgi_head_result {
	CGI_HEAD_MORE,
	CGI_HEAD_DONE,
	CGI_HEAD_BAD, /* head->reason is one sentence for the log */
};

/* Embedded in the user's struct; the user may read the fields after LEN. */
struct cgi_head {
	struct buffer line; /* owned: a partial line */
	size_t len; /* bytes parsed so far */
	const char *reason; /* after CGI_HEAD_BAD; constant */
	int status; /* Status field; 0: none */
	int64_t length; /* the Content-Length; -1: none */
	char *phrase; /* owned: the reason phrase of the status; NULL: none */
	char *type; /* owned: the Content-Type; NULL: none */
	char *location; /* owned; NULL: none */
	struct buffer fields; /* owned: all other fields, each with CR LF; not NUL-terminated */
};

void cgi_head_init(struct cgi_head *head);

/* Parses the next LEN BYTES. *USED is the number of bytes that belong to the header: all of
 * them, or fewer after CGI_HEAD_DONE; the rest is the body. */
enum cgi_head_result cgi_head_parse(
    struct cgi_head *head, const char *bytes, size_t len, size_t *used);

/* Returns the status of the response: the Status field, else 302 with a Location (section
 * 6.2.3), else 200. */
int cgi_head_status(const struct cgi_head *head);

/* Returns true for a local redirect (section 6.2.2): a path in Location, and no other fields.
 * With other fields, which would be lost, the redirect is sent to the client. */
bool cgi_head_is_local_redirect(const struct cgi_head *head);

void cgi_head_clear(struct cgi_head *head);

#endif
