/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The lines of the framing json other than messages:
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
	struct span user; /* empty: none, written as null, as the next one */
	struct span subprotocol;
	bool has_headers; /* false: omit the member */
	const struct framing_field *headers; /* names are unique */
	size_t header_count;
};

/* Append a line. Return false if memory runs out; OUT may then contain a part. */
bool framing_json_put_open(struct buffer *out, const struct framing_json_open *open)
    __attribute__((warn_unused_result));
/* ID 0: the program has a single client. */
bool framing_json_put_close(struct buffer *out, uint64_t id, uint16_t code, struct span reason)
    __attribute__((warn_unused_result));

/*
 * Parses a line of a shared program (framing/address.h): "id" is a number or an array of
 * numbers; "except" likewise, for all other clients; without either, the line is for all
 * clients. A blank line is IGNORED, and so is the event "open".
 */
void framing_json_read_address(struct address *address, const uint8_t *line, size_t len);

#endif
