/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Messages <-> the child's byte stream. Pure: bytes in, facts out; it knows
 * neither pipes nor the WebSocket.
 *
 *   lines   a message is a line: '\n' behind it on the way in; on the way out
 *           "\n" or "\r\n" is taken off. Text.
 *   stream  bytes as they are; what is read at once is a message. Binary.
 */
#ifndef CHILD_FRAMING_H
#define CHILD_FRAMING_H

#include "base/buffer.h"
#include "base/message.h"
#include "base/util.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum framing_kind {
	FRAMING_LINES,
	FRAMING_STREAM,
};

/* What stands behind a message on its way to the child; at most FRAMING_AROUND_MAX bytes. */
enum { FRAMING_AROUND_MAX = 4 };
struct span framing_suffix(enum framing_kind kind);

/*
 * A part that is kept back never grows beyond this. A longer line is handed
 * out in parts, so a line may have any length.
 */
enum { FRAMING_PART_MAX = 64 * 1024 };

struct framing_reader {
	enum framing_kind kind;
	bool in_message;   /* a part was handed out and its end was not */
	bool held_out;	   /* HELD was handed out: it is cleared by the next call */
	uint8_t *bytes;	   /* borrowed: what was fed and not used up */
	size_t len;
	struct buffer held; /* the begun line; owned */
};

enum framing_event {
	FRAMING_MORE,	 /* all that was fed is used up */
	FRAMING_MESSAGE, /* a message, or its last part */
	FRAMING_PART,	 /* a part of a message that is not the last */
	FRAMING_NOMEM,	 /* no memory to keep a begun line */
};

void framing_init(struct framing_reader *r, enum framing_kind kind);
void framing_clear(struct framing_reader *r);

/* Gives it the next LEN bytes of the child, which it borrows until framing_next() returns FRAMING_MORE. */
void framing_feed(struct framing_reader *r, uint8_t *bytes, size_t len);

/* The next message or part. OUT is valid until the next call. */
enum framing_event framing_next(struct framing_reader *r, struct message *out);

/* After the last byte: FRAMING_MESSAGE for a last line without an end, else FRAMING_MORE. */
enum framing_event framing_end(struct framing_reader *r, struct message *out);

#endif
