/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The head of an HTTP/1.x request or response: its first line and header fields, including the
 * empty line. A pure parser without I/O.
 *
 * It is strict on purpose, because anything that two parsers interpret differently can be used
 * for smuggling (RFC 9112, section 11.2): lines end with CR LF (a bare LF or CR is rejected,
 * section 2.2), no blank before the colon (section 5.1), no folded line (section 5.2), no NUL
 * or other control byte in a value except HTAB (RFC 9110, section 5.5), and a name is a token.
 * HTTP/1.1 requires exactly one valid Host (RFC 9112, section 3.2), even with an absolute-form
 * target; HTTP/1.0 may have none. http/request determines the framing of the body.
 *
 * The parser resumes where it stopped: it processes each byte once, however slowly bytes
 * arrive.
 */
#ifndef HTTP_HEAD_H
#define HTTP_HEAD_H

#include "base/util.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	HEAD_MAX_BYTES = 16 * 1024, /* whole head; beyond that, 431 */
	HEAD_MAX_LINE =
	    8 * 1024, /* request line without CR LF; beyond that, 414 (RFC 9112, section 3) */
	HEAD_MAX_FIELDS = 100, /* beyond that, 431 */
};

enum head_result {
	HEAD_MORE, /* incomplete, but valid so far */
	HEAD_DONE,
	HEAD_BAD, /* respond with head_status() and close */
	HEAD_HTTP2, /* HTTP/2 preface: close without a response */
};

struct head_field {
	struct span name; /* a token, as sent */
	struct span value; /* trimmed; may be empty */
};

/* Position and length within the head; both below HEAD_MAX_BYTES. */
struct head_range {
	uint16_t at;
	uint16_t len;
};

/* What the next byte belongs to; private to head.c. */
enum head_state {
	HEAD_AT_START, /* the first byte */
	HEAD_AT_START_LF, /* the LF of an empty line before the request line */
	HEAD_AT_STATUS, /* response: version, space and three digits */
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

/* Embedded in the user's struct; the fields are private to head.c. */
struct head {
	const char *bytes; /* borrowed: bytes of the last head_parse() */
	size_t scanned; /* number of bytes parsed */
	size_t line; /* start of the request line */
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
	size_t version; /* start of the version */
	int major;
	int minor; /* HTTP/1.minor */
	int code; /* status code of a response; 0: a request */
	int status; /* status of the response to a malformed request */
	const char *reason;
};

/* Initialize the parser for the head of a request, or of a response. */
void head_init(struct head *head);
void head_init_response(struct head *head);

/*
 * Continues parsing. BYTES are all LEN bytes received since the start of the head (they may
 * have moved since the last call). Bytes after the head are ignored. After HEAD_DONE, the
 * functions below may be used as long as BYTES are valid; after HEAD_BAD or HEAD_HTTP2, only
 * head_status() and head_reason().
 */
enum head_result head_parse(struct head *head, const char *bytes, size_t len);

/* After HEAD_BAD: return the status of the response (400, 414, 431, 505) and one sentence for
 * the log. */
int head_status(const struct head *head);
const char *head_reason(const struct head *head);

/* Returns the length of the head, including the empty line; what follows belongs to the body or
 * to the next protocol. */
size_t head_len(const struct head *head);
struct span head_method(const struct head *head);
struct span head_target(const struct head *head);
/* For a response: return the status code, 100 to 599, and the reason phrase, which may be
 * empty. */
int head_code(const struct head *head);
struct span head_phrase(const struct head *head);
/* Returns 0 for HTTP/1.0, and 1 for HTTP/1.1 and later minor versions (RFC 9110, section
 * 2.5). */
int head_minor(const struct head *head);

size_t head_field_count(const struct head *head);
struct head_field head_field(const struct head *head, size_t i);

/* Returns the number of fields called NAME (case-insensitive). Sets *VALUE to the value of the
 * first one, unless VALUE is NULL. */
size_t head_find(const struct head *head, const char *name, struct span *value);

/*
 * Iterates over the comma-separated elements of all fields called NAME, in order and across
 * lines (RFC 9110, section 5.6.1). *CURSOR must be 0 at the start and is opaque to the caller.
 * An iteration processes each field and each byte of the values once. Elements are trimmed; a
 * quoted string is not split; empty elements are returned as empty spans. Returns false at the
 * end.
 */
bool head_next_element(
    const struct head *head, const char *name, size_t *cursor, struct span *element);

/* Returns true if one of those elements equals TOKEN, case-insensitively. */
bool head_has_token(const struct head *head, const char *name, const char *token);

#endif
