/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Records of a program that several clients share: whom they are from, or for. The framing
 * lines has, with TABs between the fields,
 *
 *	to the program		from the program
 *	ID message		ID message, * message
 *
 *	and with events:
 *	ID open PATH?QUERY
 *	ID text message		ID text message, * text message
 *	ID close CODE REASON	ID close CODE REASON
 *
 * What follows the last of these TABs is the message, whatever it contains. The framing json
 * has members for the same: framing/framing_json.h.
 */
#ifndef FRAMING_ADDRESS_H
#define FRAMING_ADDRESS_H

#include "base/buffer.h"
#include "base/message.h"
#include "base/util.h"

#include <stdbool.h>
#include <stdint.h>

/* What a record of the program is. */
enum address_kind {
	ADDRESS_MESSAGE,
	ADDRESS_CLOSE, /* CODE and TEXT, the reason */
	ADDRESS_IGNORED, /* an event that the program only repeats */
	ADDRESS_BAD, /* WHY */
	ADDRESS_NO_MEMORY,
};

/* Zero bytes ({0}) are the first one; it may be used again. */
struct address {
	enum address_kind kind;
	enum message_type type;
	bool all; /* for all clients but those in IDS; else for those in IDS alone */
	struct buffer ids; /* owned: uint64_t each */
	struct span text; /* borrowed from the record, or from DATA */
	struct buffer data; /* owned: decoded */
	uint16_t code;
	const char *why; /* constant */
};

void address_clear(struct address *address);

size_t address_count(const struct address *address);
uint64_t address_id(const struct address *address, size_t i);

/* Reads a line of the framing lines, which is borrowed. */
void address_read_line(struct address *address, uint8_t *line, size_t len, bool events);

/* Append an event of the framing lines. REASON is escaped as in JSON, so that it is one field.
 * False without memory; OUT may hold a part of it then. */
bool address_put_open(struct buffer *out, uint64_t id, struct span target)
    __attribute__((warn_unused_result));
bool address_put_close(struct buffer *out, uint64_t id, uint16_t code, struct span reason)
    __attribute__((warn_unused_result));

/* Writes "ID\t", or with EVENTS "ID\ttext\t". Returns the length. */
enum { ADDRESS_HEAD_MAX = 32 };
size_t address_head(char out[ADDRESS_HEAD_MAX], uint64_t id, bool events);

#endif
