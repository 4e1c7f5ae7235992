/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The lines of the framing json that are no messages:
 *
 *   {"type":"open","id":7,"path":"/a","query":"b=c","remote":"127.0.0.1:5","subprotocol":null}
 *   {"type":"close","code":1000,"reason":"done"}
 */
#ifndef FRAMING_FRAMING_JSON_H
#define FRAMING_FRAMING_JSON_H

#include "base/buffer.h"
#include "base/util.h"

#include <stdbool.h>
#include <stdint.h>

struct framing_json_open {
	uint64_t id;
	struct span path;
	struct span query;
	struct span remote;
	struct span subprotocol; /* empty: none, which is null */
};

/* Append a line. False without memory; OUT may hold a part of it then. */
bool framing_json_put_open(struct buffer *out, const struct framing_json_open *open)
    __attribute__((warn_unused_result));
bool framing_json_put_close(struct buffer *out, uint16_t code, struct span reason)
    __attribute__((warn_unused_result));

#endif
