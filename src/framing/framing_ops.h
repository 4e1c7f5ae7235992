/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The internals of a framing: its rules, its reader, its table of functions, and shared steps.
 * Users include framing/framing.h.
 */
#ifndef FRAMING_FRAMING_OPS_H
#define FRAMING_FRAMING_OPS_H

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

/* How to handle a newline inside a message that must be one line. */
enum framing_newline {
	FRAMING_NEWLINE_PASS, /* the message becomes several lines */
	FRAMING_NEWLINE_SPACE,
	FRAMING_NEWLINE_REJECT,
};

/* The rules of one direction. */
struct framing {
	enum framing_kind kind;
	enum framing_newline newline; /* lines, to the program */
	bool text; /* length, from the program: records are text */
	/* LSP, to the program: set processId to null in the "initialize" request. */
	bool null_process_id;
	uint64_t max_record; /* json, from the program: maximum bytes per line; 0: no limit */
	/* Lines and json, to a shared program: ID of the client that sent the message
	 * (framing/address.h); 0: the program need not know. */
	uint64_t sender;
	bool events; /* lines with SENDER: other records are events */
};

/* To the program */

enum {
	FRAMING_NO_TAIL = -1,
	FRAMING_HEAD_MAX = 48,
	/*
	 * Maximum total length of head and tail that are written in place, around the message:
	 * that of the shortest frame header of a client, which preceded the message.
	 */
	FRAMING_IN_PLACE_MAX = 6,
};

/* The head and tail of a message. */
struct framing_envelope {
	size_t head_len;
	uint8_t head[FRAMING_HEAD_MAX];
	struct span tail; /* constant */
	const char *reason; /* reason of a rejection; constant */
	bool initialize; /* null_process_id applied to this message */
};

enum framing_wrap_result {
	FRAMING_AROUND, /* the record is head, message, tail */
	FRAMING_APPENDED, /* the record differs from the message and was appended to RECORDS */
	FRAMING_REFUSED, /* the message can't be one record */
	FRAMING_NO_ROOM, /* memory ran out */
};

/* From the program */

enum {
	/* Maximum buffered bytes of a partial record; a longer record is emitted in parts. */
	FRAMING_PART_MAX = 64 * 1024,
	/* Minimum size at which the next part of a long record is emitted in place. */
	FRAMING_PART_MIN = 16 * 1024,
	FRAMING_SHOWN_MAX = 64, /* bytes of a malformed record to emit */
};

struct framing_reader {
	const struct framing *framing; /* borrowed */
	bool in_message; /* a part was emitted, but not the last one */
	bool partial_out; /* PARTIAL was emitted: the next call clears it */
	bool over; /* a final event was emitted: further input is ignored */
	bool in_record; /* length, lsp: LEFT is known */
	uint8_t cut_len;
	uint8_t cut[4]; /* length: prefix of this record; text: partial character */
	uint16_t line; /* lsp: offset of the partial head line in PARTIAL */
	unsigned int lines; /* lsp: lines of the partial head */
	uint64_t left; /* length, lsp: remaining bytes of the record */
	uint64_t size; /* lsp: total bytes of the record */
	uint8_t *bytes; /* borrowed: fed bytes not consumed yet */
	size_t len;
	struct buffer partial; /* partial record; owned */
};

enum framing_event {
	FRAMING_MORE, /* all fed bytes were consumed */
	FRAMING_MESSAGE, /* item.message: a message, or its last part */
	FRAMING_PART, /* item.message: a part of a message that is not the last */
	/* Final events. CLOSE: the program ends the session; item.code and, as item.message,
	 * the reason; item.shown is the start of that record. */
	FRAMING_CLOSE,
	FRAMING_BAD, /* item.why, and as item.message the start of the malformed record */
	FRAMING_TOO_BIG, /* a record larger than max_record, which can't be emitted in parts */
	FRAMING_NOMEM, /* no memory to buffer a partial record */
};

struct framing_item {
	struct message message;
	uint16_t code;
	const char *why; /* constant */
	size_t shown_len;
	uint8_t shown[FRAMING_SHOWN_MAX];
};

/* The functions of a framing; their contracts are in framing/framing.h. */
struct framing_ops {
	bool takes_binary;
	bool splits; /* a record is text up to SEPARATOR, without a preceding '\r' if CR */
	bool cr;
	char separator;
	bool plain; /* a record is the unmodified message and TAIL */
	int tail;
	/* *OUT initially has no head and no tail. */
	enum framing_wrap_result (*wrap)(const struct framing *framing,
	    const struct message *message, struct framing_envelope *out,
	    struct buffer *records);
	enum framing_event (*next)(struct framing_reader *r, struct framing_item *item);
	enum framing_event (*end)(struct framing_reader *r, struct framing_item *item);
};

extern const struct framing_ops framing_lines;
extern const struct framing_ops framing_stream;
extern const struct framing_ops framing_text;
extern const struct framing_ops framing_nul;
extern const struct framing_ops framing_length;
extern const struct framing_ops framing_json;
extern const struct framing_ops framing_lsp;

const struct framing_ops *framing_ops(enum framing_kind kind);

/* Shared steps */

/* Skips LEN fed bytes. */
static inline void
framing_skip(struct framing_reader *r, size_t len)
{
	r->bytes += len;
	r->len -= len;
}

/* Moves LEN fed bytes to PARTIAL. Returns false if memory runs out. */
bool framing_hold(struct framing_reader *r, size_t len) __attribute__((warn_unused_result));

/* Emit bytes, or the first LEN bytes of PARTIAL, whose memory the next call frees. */
enum framing_event framing_emit(struct framing_reader *r, struct framing_item *item,
    enum message_type type, uint8_t *bytes, size_t len, bool last);
enum framing_event framing_emit_partial(struct framing_reader *r, struct framing_item *item,
    enum message_type type, size_t len, bool last);

/* Returns the number of bytes at the end of a text that begin an incomplete character: at most
 * 3. */
size_t framing_text_cut(const uint8_t *bytes, size_t len);

/* Appends bytes to the shown bytes of ITEM, as far as they fit. */
void framing_show(struct framing_item *item, const uint8_t *bytes, size_t len);

/* Report a malformed record that begins with these bytes, or with the shown ones. */
enum framing_event framing_bad_shown(struct framing_item *item, const char *why);
enum framing_event framing_bad(
    struct framing_item *item, const char *why, const uint8_t *bytes, size_t len);

/* next() and end() of framings with separators; a long record is emitted in parts. */
enum framing_event framing_next_until(struct framing_reader *r, struct framing_item *item);
enum framing_event framing_end_until(struct framing_reader *r, struct framing_item *item);

/*
 * next() of framings with a length: R->left bytes of the record remain. A long record is
 * emitted in parts and needs no memory. Clears in_record at its end.
 */
enum framing_event framing_next_counted(
    struct framing_reader *r, struct framing_item *item, enum message_type type);

/*
 * Extracts a whole line of at most MAX bytes, including its '\n', in place or into PARTIAL,
 * which the caller clears. FRAMING_MESSAGE: *LINE and *LEN are set; FRAMING_TOO_BIG: they are
 * the start of a longer line; FRAMING_MORE or FRAMING_NOMEM.
 */
enum framing_event framing_take_line(
    struct framing_reader *r, uint64_t max, uint8_t **line, size_t *len);

#endif
