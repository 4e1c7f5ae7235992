/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Decodes the body of an HTTP/1.1 request, which has a known length or is chunked (RFC 9112,
 * section 7.1). A pure decoder that accepts input split at any byte. It is as strict as
 * http/head: lines end with CR LF, and CR LF follows each chunk. Chunk extensions are skipped,
 * trailer fields are checked and discarded; both are limited.
 */
#ifndef HTTP_BODY_H
#define HTTP_BODY_H

#include <stddef.h>
#include <stdint.h>

enum {
	BODY_LINE_MAX = 256, /* bytes of a chunk's size and extensions */
	BODY_TRAILER_MAX = 8 * 1024, /* bytes of all trailer fields */
};

enum body_kind {
	BODY_NONE,
	BODY_LENGTH,
	BODY_CHUNKED,
};

enum body_result {
	BODY_MORE,
	BODY_DONE,
	BODY_BAD, /* respond with 400 and close; body->reason is one sentence for the log */
};

/* What the next byte belongs to; private to body.c. */
enum body_state {
	BODY_AT_DATA,
	BODY_AT_DATA_CR, /* the CR and the LF after a chunk */
	BODY_AT_DATA_LF,
	BODY_AT_SIZE,
	BODY_AT_BLANK, /* after a size, before its extensions */
	BODY_AT_EXTENSION,
	BODY_AT_SIZE_LF,
	BODY_AT_TRAILER, /* the first byte of a field, or the CR of the empty line */
	BODY_AT_NAME,
	BODY_AT_VALUE,
	BODY_AT_VALUE_LF,
	BODY_AT_END_LF,
	BODY_AT_END,
	BODY_AT_FAULT,
};

/* Embedded in the user's struct. */
struct body {
	enum body_kind kind;
	enum body_state state;
	uint64_t left; /* remaining bytes of the body or chunk */
	size_t line; /* bytes of the size line or of the trailer so far */
	const char *reason; /* after BODY_BAD */
};

/* Initializes BODY; LENGTH is only used for BODY_LENGTH. */
void body_init(struct body *body, enum body_kind kind, uint64_t length);

/*
 * Decodes LEN BYTES in place: moves the content to the front of BYTES and sets *CONTENT to its
 * length. *USED is the number of bytes that belong to the body: all of them, or fewer after
 * BODY_DONE; the rest is not modified. A body without content is done at once.
 */
enum body_result body_decode(
    struct body *body, uint8_t *bytes, size_t len, size_t *used, size_t *content);

#endif
