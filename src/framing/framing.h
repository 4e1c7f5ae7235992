/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Converts between messages and a program's byte stream. Pure: independent of pipes and of the
 * WebSocket.
 *
 *           to the program                        from the program
 *   lines   the message and '\n'                  a line, without "\n" or "\r\n": text
 *   stream  its bytes                             the data returned by one read: binary
 *   text    its bytes                             the data returned by one read, without a
 *                                                 partial character: text
 *   nul     the message and '\0'                  the bytes before a '\0': text
 *   length  4-byte big-endian length and the      the same: binary, or text
 *           message
 *   json    one object per line                   the same: text, binary, or close
 *   lsp     "Content-Length: N\r\n\r\n" and the   the same: text
 *           message
 *
 * Each framing has a table of functions in its own file (framing/framing_ops.h).
 */
#ifndef FRAMING_FRAMING_H
#define FRAMING_FRAMING_H

#include "framing/framing_ops.h"

/* To the program */

/* Reports whether messages of TYPE can be written. */
bool framing_takes(const struct framing *framing, enum message_type type);

/*
 * Returns true if a record is the unmodified message, whatever it contains, followed by *TAIL
 * (one byte, or FRAMING_NO_TAIL): many can be joined without framing_wrap().
 */
bool framing_is_plain(const struct framing *framing, int *tail);

/* Reports whether the program can detect the end of a message. If not, parts of messages may be
 * written as they arrive. */
static inline bool
framing_has_boundaries(const struct framing *framing)
{
	return framing->kind != FRAMING_STREAM && framing->kind != FRAMING_TEXT;
}

/* Converts a message accepted by framing_takes() to a record. The bytes of the message may be
 * modified, but not its length. */
enum framing_wrap_result framing_wrap(const struct framing *framing,
    const struct message *message, struct framing_envelope *out, struct buffer *records)
    __attribute__((warn_unused_result));

/* From the program */

/* Initializes R; FRAMING must outlive it. */
void framing_init(struct framing_reader *r, const struct framing *framing);

/* Frees the memory of R. May be called twice. */
void framing_clear(struct framing_reader *r);

/* Frees the memory of R; further input is ignored. */
void framing_stop(struct framing_reader *r);

/* Feeds the next LEN bytes, borrowed until framing_next() returns FRAMING_MORE. */
void framing_feed(struct framing_reader *r, uint8_t *bytes, size_t len);

/*
 * Optional before framing_next(): reports whether the fed bytes begin with a text record that
 * ends at *SEPARATOR, which is ASCII, without one preceding '\r' if *CR. A user that finds such
 * records itself skips them with framing_take().
 */
bool framing_splits(struct framing_reader *r, char *separator, bool *cr);

/* Skips whole records of LEN bytes, including separators. */
void framing_take(struct framing_reader *r, size_t len);

/* Returns the next event. What ITEM points to is valid until the next call. */
enum framing_event framing_next(struct framing_reader *r, struct framing_item *item);

/*
 * Must be called after the last byte, until it returns FRAMING_MORE: an unterminated last line
 * is a message; an incomplete record with a length is malformed.
 */
enum framing_event framing_end(struct framing_reader *r, struct framing_item *item);

#endif
