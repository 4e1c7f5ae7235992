/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The sender or recipients of records of a shared program. With the framing lines, records
 * consist of these fields, separated by TABs:
 *
 *	to the program		from the program
 *	ID message		ID message, * message
 *
 *	and with events:
 *	ID open PATH?QUERY
 *	ID text message		ID text message, * text message
 *	ID close CODE REASON	ID close CODE REASON
 *
 * Everything after the last of these TABs is the message, whatever it contains. The framing
 * json has equivalent members: framing/framing_json.h.
 */
#ifndef FRAMING_ADDRESS_H
#define FRAMING_ADDRESS_H

#include "base/buffer.h"
#include "base/message.h"
#include "base/util.h"

#include <stdbool.h>
#include <stdint.h>

/* The kind of a record of the program. */
enum address_kind {
	ADDRESS_MESSAGE,
	ADDRESS_CLOSE, /* CODE and TEXT, the reason */
	ADDRESS_IGNORED, /* an event that the program merely repeats */
	ADDRESS_BAD, /* WHY */
	ADDRESS_NO_MEMORY,
};

/* A parsed record. Zeroed ({0}) for the first use; reusable. */
struct address {
	enum address_kind kind;
	enum message_type type;
	bool all; /* for all clients except those in IDS; false: only for those in IDS */
	struct buffer ids; /* owned: uint64_t each */
	struct span text; /* borrowed from the record, or from DATA */
	struct buffer data; /* owned: decoded */
	uint16_t code;
	const char *why; /* constant */
};

void address_clear(struct address *address);

size_t address_count(const struct address *address);
uint64_t address_id(const struct address *address, size_t i);

/* Parses a line of the framing lines, which is borrowed. */
void address_read_line(struct address *address, uint8_t *line, size_t len, bool events);

/* Append an event of the framing lines. REASON is escaped as in JSON, so that it is one field.
 * Return false if memory runs out; OUT may then contain a part. */
bool address_put_open(struct buffer *out, uint64_t id, struct span target)
    __attribute__((warn_unused_result));
bool address_put_close(struct buffer *out, uint64_t id, uint16_t code, struct span reason)
    __attribute__((warn_unused_result));

/* Writes "ID\t", or with EVENTS "ID\ttext\t", and returns its length. */
enum { ADDRESS_HEAD_MAX = 32 };
size_t address_head(char out[ADDRESS_HEAD_MAX], uint64_t id, bool events);

#endif
