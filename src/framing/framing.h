/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Messages <-> the child's byte stream. Pure: bytes in, facts out; it knows
 * neither pipes nor the WebSocket nor the log.
 *
 *           to the child                          from the child
 *   lines   the message and '\n'                  a line, without "\n" or "\r\n": text
 *   stream  its bytes                             what is read at once: binary
 *   text    its bytes                             what is read at once, never cut inside a
 *                                                 character: text
 *   nul     the message and '\0'                  what stands before a '\0': text
 *   length  its length in 4 bytes, big-endian,    the same: binary, or text
 *           and the message
 *   json    an object in a line                   the same: text, binary, or the end
 *   lsp     "Content-Length: N\r\n\r\n" and the   the same: text
 *           message
 *
 * Each shape is a file of its own, framing_NAME.c, behind one table of functions
 * (framing/framing_shape.h).
 */
#ifndef FRAMING_FRAMING_H
#define FRAMING_FRAMING_H

#include "base/buffer.h"
#include "base/message.h"
#include "base/util.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum framing_kind {
	FRAMING_LINES,
	FRAMING_STREAM,
	FRAMING_TEXT,
	FRAMING_NUL,
	FRAMING_LENGTH,
	FRAMING_JSON,
	FRAMING_LSP,
	FRAMING_KINDS,
};

/* What becomes of a newline within a message that is to be a line. */
enum framing_newline {
	FRAMING_NEWLINE_PASS, /* the message is several lines then */
	FRAMING_NEWLINE_SPACE,
	FRAMING_NEWLINE_REJECT,
};

/* The rules of one direction; a value. */
struct framing {
	enum framing_kind kind;
	enum framing_newline newline; /* lines, to the child */
	bool text; /* length, from the child: records are text */
	bool null_process_id; /* lsp, to the child: the "initialize" request has none */
	uint64_t max_record; /* json, from the child: bytes of a line; 0: no limit */
};

/* To the child. */

enum {
	FRAMING_HEAD_MAX = 48,
	/*
	 * Head and tail of a message together are at most this long, unless there is no place
	 * for them where it lies. It is the length of the shortest frame header of a client,
	 * which stood before the message.
	 */
	FRAMING_IN_PLACE_MAX = 6,
};

/* Whether messages of TYPE can be said to the child. */
bool framing_takes(const struct framing *framing, enum message_type type);

enum { FRAMING_NO_TAIL = -1 };

/*
 * True when a record is a message as it is, whatever is in it, and *TAIL behind it (one byte,
 * or FRAMING_NO_TAIL): who knows that may put many together without framing_wrap().
 */
bool framing_is_plain(const struct framing *framing, int *tail);

/* Whether the child can tell where a message ends. If not, parts of messages may be written as
 * they come. */
static inline bool
framing_has_boundaries(const struct framing *framing)
{
	return framing->kind != FRAMING_STREAM && framing->kind != FRAMING_TEXT;
}

/* What stands around a message. */
struct framing_wrapped {
	size_t head_len;
	uint8_t head[FRAMING_HEAD_MAX];
	struct span tail; /* constant */
	const char *reason; /* of a refusal: words, constant */
	bool initialize; /* null_process_id was found to be meant by this message */
};

enum framing_wrap_result {
	FRAMING_AROUND, /* head, the message, tail */
	FRAMING_APPENDED, /* the record is another text, which was appended to RECORDS */
	FRAMING_REFUSED, /* the message would not be one record */
	FRAMING_NO_ROOM, /* no memory */
};

/* Makes a record of a message that framing_takes(). Its bytes may be changed, its length stays.
 */
enum framing_wrap_result framing_wrap(const struct framing *framing,
    const struct message *message, struct framing_wrapped *out, struct buffer *records)
    __attribute__((warn_unused_result));

/* From the child. */

enum {
	/* A part that is kept back never grows beyond this; a longer record is emitted in
	   parts. */
	FRAMING_PART_MAX = 64 * 1024,
	/* From this on the next part of a long record is emitted where it was read. */
	FRAMING_PART_MIN = 16 * 1024,
	FRAMING_SHOWN_MAX = 64, /* bytes of a malformed record that are emitted */
};

struct framing_reader {
	const struct framing *framing; /* borrowed */
	bool in_message; /* a part was emitted and its end was not */
	bool partial_out; /* PARTIAL was emitted: it is cleared by the next call */
	bool over; /* an event that ends was emitted: what comes is dropped */
	bool in_record; /* length, lsp: LEFT is known */
	uint8_t cut_len;
	uint8_t cut[4]; /* length: the prefix of this record; text: the begun character */
	uint16_t line; /* lsp: where the begun line of the head begins in PARTIAL */
	unsigned int lines; /* lsp: of the begun head */
	uint64_t left; /* length, lsp: bytes of the record that are still to come */
	uint64_t size; /* lsp: bytes of the record in all */
	uint8_t *bytes; /* borrowed: what was fed and not used up */
	size_t len;
	struct buffer partial; /* the begun record; owned */
};

enum framing_event {
	FRAMING_MORE, /* all that was fed is used up */
	FRAMING_MESSAGE, /* item.message: a message, or its last part */
	FRAMING_PART, /* item.message: a part of a message that is not the last */
	/* One of these is the last event. */
	FRAMING_CLOSE, /* item.code and, as item.message, the reason: the child ends the
			  session; item.shown are the first bytes of the record that says so */
	FRAMING_BAD, /* item.why, and as item.message the first bytes of the malformed record */
	FRAMING_TOO_BIG, /* a record above max_record, which can't be emitted in parts */
	FRAMING_NOMEM, /* no memory to keep a begun record */
};

struct framing_item {
	struct message message;
	uint16_t code;
	const char *why; /* words, constant */
	size_t shown_len;
	uint8_t shown[FRAMING_SHOWN_MAX];
};

/* FRAMING outlives R. */
void framing_init(struct framing_reader *r, const struct framing *framing);

/* Frees what it holds. It may be called twice. */
void framing_clear(struct framing_reader *r);

/* Frees it as well; what comes from now on is dropped. */
void framing_stop(struct framing_reader *r);

/* Gives it the next LEN bytes of the child, which it borrows until framing_next() returns
 * FRAMING_MORE. */
void framing_feed(struct framing_reader *r, uint8_t *bytes, size_t len);

/*
 * Before framing_next(), whenever it pleases: whether what was fed begins with a record that is
 * all text up to *SEPARATOR, which is ASCII, and with *CR less one '\r' before it. Who finds
 * such records there itself takes them by framing_take().
 */
bool framing_splits(struct framing_reader *r, char *separator, bool *cr);

/* Steps over whole records, with their separators, of LEN bytes. */
void framing_take(struct framing_reader *r, size_t len);

/* The next event. What ITEM points to is valid until the next call. */
enum framing_event framing_next(struct framing_reader *r, struct framing_item *item);

/*
 * After the last byte, until it says FRAMING_MORE: a last line without an end is a
 * message; a record that says its length and is not whole is malformed.
 */
enum framing_event framing_end(struct framing_reader *r, struct framing_item *item);

#endif
