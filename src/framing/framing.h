/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Messages <-> a program's byte stream. Pure: it knows neither pipes nor the WebSocket.
 *
 *           to the program                        from the program
 *   lines   the message and '\n'                  a line, without "\n" or "\r\n": text
 *   stream  its bytes                             what is read at once: binary
 *   text    its bytes                             what is read at once, never cut inside a
 *                                                 character: text
 *   nul     the message and '\0'                  what precedes a '\0': text
 *   length  its length in 4 bytes, big-endian,    the same: binary, or text
 *           and the message
 *   json    an object in a line                   the same: text, binary, or the end
 *   lsp     "Content-Length: N\r\n\r\n" and the   the same: text
 *           message
 *
 * Each has a table of functions in a file of its own (framing/framing_ops.h).
 */
#ifndef FRAMING_FRAMING_H
#define FRAMING_FRAMING_H

#include "framing/framing_ops.h"

/* To the program */

/* Whether messages of TYPE can be written. */
bool framing_takes(const struct framing *framing, enum message_type type);

/*
 * True when a record is a message as it is, whatever it contains, followed by *TAIL (one byte,
 * or FRAMING_NO_TAIL): many can be joined without framing_wrap().
 */
bool framing_is_plain(const struct framing *framing, int *tail);

/* Whether the program can tell where a message ends. If not, parts of messages may be written
 * as they come. */
static inline bool
framing_has_boundaries(const struct framing *framing)
{
	return framing->kind != FRAMING_STREAM && framing->kind != FRAMING_TEXT;
}

/* Makes a record of a message that framing_takes(). Its bytes may be changed, its length stays.
 */
enum framing_wrap_result framing_wrap(const struct framing *framing,
    const struct message *message, struct framing_envelope *out, struct buffer *records)
    __attribute__((warn_unused_result));

/* From the program */

/* FRAMING outlives R. */
void framing_init(struct framing_reader *r, const struct framing *framing);

/* Frees what it holds. It may be called twice. */
void framing_clear(struct framing_reader *r);

/* Frees it as well; what comes from now on is dropped. */
void framing_stop(struct framing_reader *r);

/* Gives it the next LEN bytes, which it borrows until framing_next() returns FRAMING_MORE. */
void framing_feed(struct framing_reader *r, uint8_t *bytes, size_t len);

/*
 * Before framing_next(), and optional: whether what was fed begins with a record that is all
 * text up to *SEPARATOR, which is ASCII, and with *CR less one '\r' before it. A user that
 * finds such records there itself skips them by framing_take().
 */
bool framing_splits(struct framing_reader *r, char *separator, bool *cr);

/* Skips whole records, with their separators, of LEN bytes. */
void framing_take(struct framing_reader *r, size_t len);

/* The next event. What ITEM points to is valid until the next call. */
enum framing_event framing_next(struct framing_reader *r, struct framing_item *item);

/*
 * After the last byte, until it returns FRAMING_MORE: a last line without an end is a message;
 * a record with a length that is incomplete is malformed.
 */
enum framing_event framing_end(struct framing_reader *r, struct framing_item *item);

#endif
