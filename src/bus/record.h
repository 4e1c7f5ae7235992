/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The messages between nodes on a bus between machines: a header of RECORD_HEADER bytes, with
 * big-endian numbers, and a body. Input from a bus is untrusted; records that record_parse()
 * accepts are consistent.
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
	RECORD_MAX = 128 * 1024 * 1024, /* limit of a body in bytes */
};

enum record_kind {
	RECORD_OUTPUT = 1, /* output of a program */
	RECORD_PROGRAM, /* from the leader, periodically: its program, as of output SEQ */
	RECORD_CONSUMED, /* from the leader: input of a connection was consumed up to SEQ */
	RECORD_RESET, /* from the leader: unknown connection */
	RECORD_INPUT, /* from a connection: entries; SEQ counts from 1 */
	RECORD_ALIVE, /* from a connection, periodically: number of clients, as of input SEQ */
	RECORD_LEAVE, /* from a connection: it ends */
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

/* Returns false if the bytes are not a valid record. */
bool record_parse(struct span bytes, struct record *out) __attribute__((warn_unused_result));

/* Removes the first record from *RECORDS. Returns false if there is none or it is malformed. */
bool record_next(struct span *records, struct record *out) __attribute__((warn_unused_result));

/* Writes the header of a record, including the length of its body. */
void record_put_header(const struct record *record, uint8_t out[RECORD_HEADER]);

/*
 * The body of RECORD_OUTPUT is a sequence of parts, each a batch of whole messages. A part
 * begins with one byte each for the type, the separator (255: none, a single message) and
 * whether a CR before the separator belongs to it, followed by its length in 4 bytes.
 */

/*
 * Appends a batch of whole messages: to the part at *LAST if that has the same type and
 * separator, else as a new part. *LAST is SIZE_MAX at first. Returns the number of messages; 0
 * means out of memory, with BODY unchanged.
 */
uint32_t record_put_batch(struct buffer *body, size_t *last, const struct batch *batch)
    __attribute__((warn_unused_result));

/* Removes the first part from *BODY. Returns false if there is none or it is malformed. */
bool record_next_batch(struct span *body, struct batch *batch)
    __attribute__((warn_unused_result));

/* Read and write big-endian numbers of LEN bytes, at most 8. */
uint64_t record_get_number(const uint8_t *bytes, size_t len);
void record_put_number(uint8_t *bytes, size_t len, uint64_t number);

#endif
