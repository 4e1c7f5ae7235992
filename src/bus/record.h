/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What nodes send to each other over a bus between machines: a header of RECORD_HEADER bytes,
 * numbers big-endian, and a body. Bytes from a bus may be anything: what record_parse() accepts
 * is consistent, whatever it contains.
 *
 *	0  "wsb1"		12  number of messages in the body
 *	4  kind			16  node: the sender
 *	5  zero			24  connection of a node to the leader; 0: none
 *	8  length of the body	32  epoch of the lease
 *				40  sequence number
 */
#ifndef BUS_RECORD_H
#define BUS_RECORD_H

#include "base/batch.h"
#include "base/util.h"

#include <stdbool.h>
#include <stdint.h>

enum {
	RECORD_HEADER = 48,
	RECORD_PART_HEAD = 7,
	RECORD_MAX = 128 * 1024 * 1024, /* bytes of a body */
};

enum record_kind {
	RECORD_OUTPUT = 1, /* messages of a program */
	RECORD_PROGRAM, /* of the leader, at intervals: its program, after the output SEQ */
	RECORD_CONSUMED, /* of the leader: SEQ of a connection, and all before */
	RECORD_RESET, /* of the leader: it does not know a connection */
	RECORD_INPUT, /* of a connection: entries; SEQ counts from 1 */
	RECORD_ALIVE, /* of a connection, at intervals: its clients, after the input SEQ */
	RECORD_LEAVE, /* of a connection: it ends */
	RECORD_KINDS,
};

struct record {
	enum record_kind kind;
	uint32_t messages;
	uint64_t node;
	uint64_t connection;
	uint64_t epoch;
	uint64_t seq;
	struct span body; /* borrowed */
};

/* False: the bytes are not a record. */
bool record_parse(struct span bytes, struct record *out) __attribute__((warn_unused_result));

/* Cuts the first record off *RECORDS. False: there is none, or it is malformed. */
bool record_next(struct span *records, struct record *out) __attribute__((warn_unused_result));

/* Writes the header of a record with its body's length. */
void record_put_header(const struct record *record, uint8_t out[RECORD_HEADER]);

/*
 * The body of RECORD_OUTPUT is a sequence of parts, each a batch of whole messages: its type,
 * separator (255: none, and one message), whether a '\r' before it counts, a byte each, and in
 * 4 bytes its length.
 */

/* Appends a batch of whole messages, to the last part, which begins at *LAST, if that has the
 * same separator; *LAST is SIZE_MAX at first. Returns the number of messages; 0 without memory,
 * and nothing changed then. */
uint32_t record_put_batch(struct buffer *body, size_t *last, const struct batch *batch)
    __attribute__((warn_unused_result));

/* Cuts the first part off *BODY. False: there is none. */
bool record_next_batch(struct span *body, struct batch *batch)
    __attribute__((warn_unused_result));

/* Big-endian numbers of LEN bytes, at most 8. */
uint64_t record_get_number(const uint8_t *bytes, size_t len);
void record_put_number(uint8_t *bytes, size_t len, uint64_t number);

#endif
