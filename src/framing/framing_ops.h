/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a framing is made of: its rules, its reader, its table of functions, and the steps that
 * several kinds share. Users include framing/framing.h.
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

/* What is done with a newline within a message that is to be a line. */
enum framing_newline {
	FRAMING_NEWLINE_PASS, /* the message is several lines then */
	FRAMING_NEWLINE_SPACE,
	FRAMING_NEWLINE_REJECT,
};

/* The rules of one direction; a value. */
struct framing {
	enum framing_kind kind;
	enum framing_newline newline; /* lines, to the program */
	bool text; /* length, from the program: records are text */
	bool null_process_id; /* lsp, to the program: the "initialize" request has none */
	uint64_t max_record; /* json, from the program: bytes of a line; 0: no limit */
	/* Lines and json, to a program that clients share: the ID of the one whose message it
	 * is (framing/address.h); 0: the program does not need to know. */
	uint64_t sender;
	bool events; /* with SENDER, lines: other records are events */
};

/* To the program */

enum {
	FRAMING_NO_TAIL = -1,
	FRAMING_HEAD_MAX = 48,
	/*
	 * Head and tail of a message together are at most this long, unless there is no place
	 * for them where it lies. It is the length of the shortest frame header of a client,
	 * which preceded the message.
	 */
	FRAMING_IN_PLACE_MAX = 6,
};

/* What surrounds a message. */
struct framing_envelope {
	size_t head_len;
	uint8_t head[FRAMING_HEAD_MAX];
	struct span tail; /* constant */
	const char *reason; /* of a rejection; constant */
	bool initialize; /* null_process_id concerned this message */
};

enum framing_wrap_result {
	FRAMING_AROUND, /* head, the message, tail */
	FRAMING_APPENDED, /* the record is another text, which was appended to RECORDS */
	FRAMING_REFUSED, /* the message would not be one record */
	FRAMING_NO_ROOM, /* no memory */
};

/* From the program */

enum {
	/* A partial record that is kept never grows beyond this; a longer record is emitted in
	 * parts. */
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
	FRAMING_CLOSE, /* item.code and, as item.message, the reason: the program ends the
			  session; item.shown are the first bytes of that record */
	FRAMING_BAD, /* item.why, and as item.message the first bytes of the malformed record */
	FRAMING_TOO_BIG, /* a record above max_record, which can't be emitted in parts */
	FRAMING_NOMEM, /* no memory to keep a begun record */
};

struct framing_item {
	struct message message;
	uint16_t code;
	const char *why; /* constant */
	size_t shown_len;
	uint8_t shown[FRAMING_SHOWN_MAX];
};

/* The functions of a kind; the contract of each is in framing/framing.h. */
struct framing_ops {
	bool takes_binary;
	bool splits; /* a record is a text up to SEPARATOR, less a '\r' before it where CR */
	bool cr;
	char separator;
	bool plain; /* a record is a message as it is, and TAIL */
	int tail;
	/* *OUT has no head and no tail yet. */
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

/* Skips LEN bytes of what was fed. */
static inline void
framing_skip(struct framing_reader *r, size_t len)
{
	r->bytes += len;
	r->len -= len;
}

/* Moves LEN bytes of what was fed to PARTIAL. False without memory. */
bool framing_hold(struct framing_reader *r, size_t len) __attribute__((warn_unused_result));

/* Emits bytes, or the first LEN bytes of PARTIAL, whose memory is freed by the next call. */
enum framing_event framing_emit(struct framing_reader *r, struct framing_item *item,
    enum message_type type, uint8_t *bytes, size_t len, bool last);
enum framing_event framing_emit_partial(struct framing_reader *r, struct framing_item *item,
    enum message_type type, size_t len, bool last);

/* How many bytes at the end of a text are the start of a character that may still become one:
 * at most 3. */
size_t framing_text_cut(const uint8_t *bytes, size_t len);

/* Adds bytes to those of ITEM that are shown, as far as there is room. */
void framing_show(struct framing_item *item, const uint8_t *bytes, size_t len);

/* The record that begins with these bytes is malformed, or with those that are shown. */
enum framing_event framing_bad_shown(struct framing_item *item, const char *why);
enum framing_event framing_bad(
    struct framing_item *item, const char *why, const uint8_t *bytes, size_t len);

/* Of the kinds that split: next, a long record being emitted in parts, and end. */
enum framing_event framing_next_until(struct framing_reader *r, struct framing_item *item);
enum framing_event framing_end_until(struct framing_reader *r, struct framing_item *item);

/*
 * Next, of the kinds that know the length of a record: R->left bytes of it are still to come. A
 * long one is emitted in parts, and needs no memory. Ends in_record with the record.
 */
enum framing_event framing_next_counted(
    struct framing_reader *r, struct framing_item *item, enum message_type type);

/*
 * Takes a whole line of at most MAX bytes, with its '\n', in place or into PARTIAL; the caller
 * clears it. FRAMING_MESSAGE: *LINE and *LEN are it; FRAMING_TOO_BIG: they are the start of a
 * longer one; FRAMING_MORE or FRAMING_NOMEM.
 */
enum framing_event framing_take_line(
    struct framing_reader *r, uint64_t max, uint8_t **line, size_t *len);

#endif
