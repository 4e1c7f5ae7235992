/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The lines of the framing json that are no messages:
 *
 *   {"type":"open","id":7,"path":"/a","query":"b=c","remote":"127.0.0.1:5","user":null,
 *    "subprotocol":null,"headers":{"User-Agent":"x"}}
 *   {"type":"close","code":1000,"reason":"done"}
 */
#ifndef FRAMING_FRAMING_JSON_H
#define FRAMING_FRAMING_JSON_H

#include "base/buffer.h"
#include "base/util.h"
#include "framing/address.h"

#include <stdbool.h>
#include <stdint.h>

/* A header field of a request. */
struct framing_field {
	struct span name;
	struct span value;
};

struct framing_json_open {
	uint64_t id;
	struct span path;
	struct span query;
	struct span remote;
	struct span user; /* empty: none, which is null; likewise the next one */
	struct span subprotocol;
	bool has_headers; /* else there is no such member */
	const struct framing_field *headers; /* their names differ */
	size_t header_count;
};

/* Append a line. False without memory; OUT may hold a part of it then. */
bool framing_json_put_open(struct buffer *out, const struct framing_json_open *open)
    __attribute__((warn_unused_result));
/* ID 0: the program has one client. */
bool framing_json_put_close(struct buffer *out, uint64_t id, uint16_t code, struct span reason)
    __attribute__((warn_unused_result));

/*
 * Reads a line of a program that clients share (framing/address.h): "id" is a number or an
 * array of them; "except" likewise, for all others; without either it is for all. A line that
 * is blank is IGNORED, as is the event "open".
 */
void framing_json_read_address(struct address *address, const uint8_t *line, size_t len);

#endif
