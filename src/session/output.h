/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * From a backend's messages to what a peer may send: text is UTF-8, repaired if need be, and
 * where lines of the log go to the peer as well, each text is an object that names its source.
 */
#ifndef SESSION_OUTPUT_H
#define SESSION_OUTPUT_H

#include "base/utf8.h"
#include "peer/peer.h"

/* What is done with text that is not UTF-8. */
enum output_invalid {
	OUTPUT_REPLACE, /* U+FFFD replaces what is not */
	OUTPUT_BINARY, /* the message becomes binary; later parts of one that began well are
			  repaired */
	OUTPUT_CLOSE, /* the session is closed */
};

struct output_rules {
	enum output_invalid invalid;
	bool sends_log; /* lines of the log are sent, marked */
	bool is_json; /* messages are objects already, and are not marked */
};

/* Zero bytes are its beginning, with RULES. */
struct output {
	const struct output_rules *rules; /* borrowed */
	struct utf8_repair repair; /* of the begun text */
	struct buffer waiting; /* lines of the log, each after its length (size_t); owned */
	enum message_type type : 8; /* of the begun message */
	bool in_message; /* a part was sent, and the last one was not */
};

enum output_result {
	OUTPUT_SENT,
	OUTPUT_REPAIRED, /* sent as well; some of it was not UTF-8 */
	OUTPUT_MADE_BINARY, /* likewise */
	OUTPUT_INVALID, /* not UTF-8: not sent, the session must be closed */
	OUTPUT_NO_MEMORY, /* not sent */
	OUTPUT_UNREAD, /* a line of the log is dropped: the peer reads too slowly */
	OUTPUT_UNFINISHED, /* likewise: a message does not end */
};

/* Sends a batch; if there are several results, the last one that is not SENT. */
enum output_result output_send(struct output *o, struct peer *peer, struct batch *batch);

/* Sends a line of the log, maybe after the message that has begun. */
enum output_result output_send_log(
    struct output *o, struct peer *peer, const char *line, size_t len);

/* Nothing more is sent: frees what it holds. It may be called again. */
void output_clear(struct output *o);

#endif
