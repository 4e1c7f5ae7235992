/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the shapes of framing.h are made of: the table of functions of each, and
 * the steps that they share. Only framing*.c include this.
 */
#ifndef FRAMING_FRAMING_SHAPE_H
#define FRAMING_FRAMING_SHAPE_H

#include "framing/framing.h"

struct framing_shape {
	bool takes_text;
	bool takes_binary;
	/* framing_is_plain(); NULL: it is not. */
	bool (*plain)(const struct framing *framing, int *tail);
	bool splits; /* a record is a text up to SEPARATOR, less a '\r' before it where CR */
	bool cr;
	char separator;
	/* framing_wrap(); *OUT has no head and no tail yet. */
	enum framing_wrap_result (*wrap)(const struct framing *framing,
	    const struct message *message, struct framing_wrapped *out, struct buffer *records);
	/* framing_next() and framing_end(), but for what is the same in all shapes. */
	enum framing_event (*next)(struct framing_reader *r, struct framing_item *item);
	enum framing_event (*end)(struct framing_reader *r, struct framing_item *item);
};

extern const struct framing_shape framing_lines;
extern const struct framing_shape framing_stream;
extern const struct framing_shape framing_text;
extern const struct framing_shape framing_nul;
extern const struct framing_shape framing_length;
extern const struct framing_shape framing_json;
extern const struct framing_shape framing_lsp;

/* Steps over LEN bytes of what was fed. */
static inline void
framing_skip(struct framing_reader *r, size_t len)
{
	r->bytes += len;
	r->len -= len;
}

/* Moves LEN bytes of what was fed to PARTIAL. False without memory. */
bool framing_hold(struct framing_reader *r, size_t len) __attribute__((warn_unused_result));

/* Hands out bytes, or the first LEN bytes of PARTIAL, whose memory goes with the next call. */
enum framing_event framing_emit(struct framing_reader *r, struct framing_item *item,
    enum message_type type, uint8_t *bytes, size_t len, bool last);
enum framing_event framing_emit_partial(struct framing_reader *r, struct framing_item *item,
    enum message_type type, size_t len, bool last);

/* How many bytes at the end of a text are the begin of a character that may still become one:
 * at most 3. */
size_t framing_text_cut(const uint8_t *bytes, size_t len);

/* Puts the bytes behind those of ITEM that are shown, as far as there is room. */
void framing_show(struct framing_item *item, const uint8_t *bytes, size_t len);

/* The record that begins with these bytes is malformed, or with those that are shown. */
enum framing_event framing_bad_shown(struct framing_item *item, const char *why);
enum framing_event framing_bad(
    struct framing_item *item, const char *why, const uint8_t *bytes, size_t len);

/* The next of the shapes that split: a record of any length, a long one emitted in parts. */
enum framing_event framing_next_until(struct framing_reader *r, struct framing_item *item);
/* Their end: what was begun is a message. */
enum framing_event framing_end_until(struct framing_reader *r, struct framing_item *item);

/*
 * The next of the shapes that know the length of a record: R->left bytes of it are still to
 * come. A long one is emitted in parts, and needs no memory. Ends in_record with the record.
 */
enum framing_event framing_next_counted(
    struct framing_reader *r, struct framing_item *item, enum message_type type);

/*
 * Takes a whole line of at most MAX bytes, with its '\n', in place or into PARTIAL; the
 * caller clears it. FRAMING_MESSAGE: *LINE and *LEN
 * are it; FRAMING_TOO_BIG: they are the begin of a longer one; FRAMING_MORE or FRAMING_NOMEM.
 */
enum framing_event framing_take_line(
    struct framing_reader *r, uint64_t max, uint8_t **line, size_t *len);

#endif
