/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The format of client input for a program on another node: a sequence of entries, in the order
 * in which the program must read them. Pure.
 *
 *	kind		1 byte
 *	length		4 bytes, big-endian, of what follows
 *	OPEN		ID, 8 bytes, and the open event
 *	RECORDS		records of clients
 *	CLOSE		ID, 8 bytes, code, 2 bytes, and the reason
 *	STATE		ID of the program, 8 bytes, and the bits of enum entry_state, 1 byte
 *
 * Entries after a STATE are for the program with that ID (struct bus_program), even if its next
 * process is still to be started; ID 0 means the next program. If the ID differs from that of
 * the previous STATE, all clients of the node are still to be opened.
 */
#ifndef BUS_ENTRY_H
#define BUS_ENTRY_H

#include "base/buffer.h"
#include "base/util.h"

#include <stdbool.h>
#include <stdint.h>

enum entry_kind {
	ENTRY_OPEN = 1, /* a client has connected */
	ENTRY_RECORDS,
	ENTRY_CLOSE, /* a client has disconnected */
	ENTRY_STATE, /* state of the node */
};

enum entry_state {
	ENTRY_NEEDS = 1, /* it has clients that wait for a program, or for the next one */
	ENTRY_BLOCKED = 2, /* a client reads too slowly: pause the program */
};

enum { ENTRY_HEAD = 5 };

struct entry {
	enum entry_kind kind;
	uint8_t state; /* STATE */
	uint16_t code; /* CLOSE */
	uint64_t id; /* OPEN, CLOSE: of the client; STATE: of the program */
	struct span bytes; /* borrowed: the event, the records or the reason */
};

/* Appends an entry. Returns false and changes nothing if out of memory. */
bool entry_put(struct buffer *out, const struct entry *entry)
    __attribute__((warn_unused_result));

/*
 * entry_begin() appends an empty entry of kind RECORDS; the caller appends the records. Returns
 * its offset, or SIZE_MAX if out of memory. entry_end() sets its length, or removes it if it is
 * empty.
 */
size_t entry_begin(struct buffer *out) __attribute__((warn_unused_result));
void entry_end(struct buffer *out, size_t at);

enum entry_result {
	ENTRY_OK,
	ENTRY_MORE, /* BYTES is empty or ends within an entry */
	ENTRY_BAD, /* malformed */
};

/* Removes the first entry from BYTES. */
enum entry_result entry_next(struct span *bytes, struct entry *entry)
    __attribute__((warn_unused_result));

#endif
