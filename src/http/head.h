/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The head of an HTTP/1.x request, or of a response: its first line and header fields, up to
 * and with the empty line. A pure parser: bytes in, facts out; no I/O.
 *
 * It is strict on purpose, since what two parsers read differently can be
 * smuggled (RFC 9112, section 11.2): lines end with CR LF (a bare LF or CR is
 * refused, section 2.2), no blank before the colon (section 5.1), no folded
 * line (section 5.2), no NUL or other control byte in a value except HTAB
 * (RFC 9110, section 5.5), a name is a token. HTTP/1.1 has exactly one valid
 * Host (RFC 9112, section 3.2), also beside an absolute-form target; HTTP/1.0
 * may have none. How the body is framed is decided by http/request.
 *
 * The parser resumes where it stopped: each byte is looked at once, however
 * slowly it comes.
 */
#ifndef HTTP_HEAD_H
#define HTTP_HEAD_H

#include "base/util.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	HEAD_MAX_BYTES = 16 * 1024, /* the whole head; above: 431 */
	HEAD_MAX_LINE =
	    8 * 1024, /* the request line without CR LF; above: 414 (RFC 9112, section 3) */
	HEAD_MAX_FIELDS = 100, /* above: 431 */
};

enum head_result {
	HEAD_MORE, /* not complete, nothing wrong so far */
	HEAD_DONE,
	HEAD_BAD, /* answer with head_status() and close */
	HEAD_HTTP2, /* the preface of HTTP/2: close without an answer */
};

struct head_field {
	struct span name; /* a token, as it was sent */
	struct span value; /* without the blanks around it; may be empty */
};

/* Positions and lengths within the bytes of the head; both below HEAD_MAX_BYTES. */
struct head_range {
	uint16_t at;
	uint16_t len;
};

/* What the next byte belongs to; only head.c looks at it. */
enum head_state {
	HEAD_AT_START, /* the first byte of all */
	HEAD_AT_START_LF, /* the LF of the empty line that may come first */
	HEAD_AT_STATUS, /* of a response: the version, a space and three digits */
	HEAD_AT_PHRASE,
	HEAD_AT_METHOD,
	HEAD_AT_TARGET,
	HEAD_AT_VERSION,
	HEAD_AT_LINE_LF, /* the LF that ends the request line */
	HEAD_AT_FIELD, /* the first byte of a field, or the CR of the empty line */
	HEAD_AT_NAME,
	HEAD_AT_BLANK, /* between the colon and the value */
	HEAD_AT_VALUE,
	HEAD_AT_VALUE_LF,
	HEAD_AT_END_LF, /* the LF of the empty line */
};

/* Embedded by its user; only head.c looks inside. */
struct head {
	const char *bytes; /* borrowed: the bytes of the last head_parse() */
	size_t scanned; /* how far the parser has looked */
	size_t line; /* where the request line begins */
	enum head_state state;
	enum head_result result;
	struct head_range method;
	struct head_range target;
	struct head_range phrase;
	struct {
		struct head_range name;
		struct head_range value;
	} fields[HEAD_MAX_FIELDS];
	size_t field_count;
	size_t version; /* where the version begins */
	int major;
	int minor; /* HTTP/1.minor */
	int code; /* of a response; 0: a request */
	int status; /* of the response to a malformed request */
	const char *reason;
};

/* Begins a new head of a request, or of a response. */
void head_init(struct head *head);
void head_init_response(struct head *head);

/*
 * Goes on with BYTES, which are all LEN bytes that came since the beginning
 * of the head (they may have moved since the last call). Bytes after the head
 * are not touched. After HEAD_DONE the facts below hold as long as BYTES do;
 * after HEAD_BAD or HEAD_HTTP2 only head_status() and head_reason() do.
 */
enum head_result head_parse(struct head *head, const char *bytes, size_t len);

/* After HEAD_BAD: the status of the answer (400, 414, 431, 505) and one sentence for the log.
 */
int head_status(const struct head *head);
const char *head_reason(const struct head *head);

/* How many bytes the head has, with its empty line; what follows belongs to the body or to the
 * next protocol. */
size_t head_len(const struct head *head);
struct span head_method(const struct head *head);
struct span head_target(const struct head *head);
/* Of a response: 100 to 599, and the reason phrase, which may be empty. */
int head_code(const struct head *head);
struct span head_phrase(const struct head *head);
/* 0 for HTTP/1.0, 1 for HTTP/1.1 and later minors (RFC 9110, section 2.5). */
int head_minor(const struct head *head);

size_t head_field_count(const struct head *head);
struct head_field head_field(const struct head *head, size_t i);

/* How many fields are called NAME (any case). The value of the first goes to *VALUE unless
 * VALUE is NULL. */
size_t head_find(const struct head *head, const char *name, struct span *value);

/*
 * Walks the comma-separated elements of all fields called NAME, in order and
 * over several lines (RFC 9110, section 5.6.1): *CURSOR is 0 at the start and means nothing to
 * its owner. A walk looks at each field and each byte of the values once.
 * Elements come trimmed; a quoted string is not split; empty elements are
 * returned as empty spans. False when there are no more.
 */
bool head_next_element(
    const struct head *head, const char *name, size_t *cursor, struct span *element);

/* True when one of those elements equals TOKEN in any case. */
bool head_has_token(const struct head *head, const char *name, const char *token);

#endif
