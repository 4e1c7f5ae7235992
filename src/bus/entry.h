/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the clients of a node send to a program that another node runs: a sequence of entries,
 * in the order in which the program is to read them. Pure.
 *
 *	kind		1 byte
 *	length		4 bytes, big-endian, of what follows
 *	OPEN		ID, 8 bytes, and the record that announces it
 *	RECORDS		records of the clients
 *	CLOSE		ID, 8 bytes, code, 2 bytes, and the reason
 *	STATE		ID of the program, 8 bytes, and the bits of enum entry_state, 1 byte
 *
 * What follows a STATE is for the program with that ID (struct bus_program), also while its
 * next process is still to be started; or with 0 for whichever is next. If it differs from the
 * one before, all clients of the node are still to be opened.
 */
#ifndef BUS_ENTRY_H
#define BUS_ENTRY_H

#include "base/buffer.h"
#include "base/util.h"

#include <stdbool.h>
#include <stdint.h>

enum entry_kind {
	ENTRY_OPEN = 1, /* a client has come */
	ENTRY_RECORDS,
	ENTRY_CLOSE, /* it has left */
	ENTRY_STATE, /* of the node */
};

enum entry_state {
	ENTRY_NEEDS = 1, /* it has clients that wait for a program, or for the next one */
	ENTRY_BLOCKED = 2, /* a client reads too slowly: the program is to wait */
};

enum { ENTRY_HEAD = 5 };

struct entry {
	enum entry_kind kind;
	uint8_t state; /* STATE */
	uint16_t code; /* CLOSE */
	uint64_t id; /* OPEN, CLOSE; STATE: of the program */
	struct span bytes; /* borrowed: the record, the records, the reason */
};

/* Appends it. False without memory: nothing changed then. */
bool entry_put(struct buffer *out, const struct entry *entry)
    __attribute__((warn_unused_result));

/* Appends an entry of RECORDS whose records follow. Returns where it is; SIZE_MAX without
 * memory. entry_end() sets its length, or removes it if nothing followed. */
size_t entry_begin(struct buffer *out) __attribute__((warn_unused_result));
void entry_end(struct buffer *out, size_t at);

enum entry_result {
	ENTRY_OK,
	ENTRY_MORE, /* BYTES is empty, or ends within an entry */
	ENTRY_BAD, /* it is none */
};

/* Takes the first one off BYTES. */
enum entry_result entry_next(struct span *bytes, struct entry *entry)
    __attribute__((warn_unused_result));

#endif
