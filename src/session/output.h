/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Converts messages of a backend to messages that a peer may send. Text becomes valid UTF-8,
 * repaired if necessary. If log lines are sent to the peer, each text becomes a JSON object
 * that names its source.
 */
#ifndef SESSION_OUTPUT_H
#define SESSION_OUTPUT_H

#include "base/utf8.h"
#include "peer/peer.h"

/* How to handle text that is not valid UTF-8. */
enum output_invalid {
	OUTPUT_REPLACE, /* replace invalid bytes with U+FFFD */
	/* Send the message as binary; if only a later part is invalid, repair it. */
	OUTPUT_BINARY,
	OUTPUT_CLOSE, /* close the session */
};

struct output_rules {
	enum output_invalid invalid;
	bool sends_log; /* send log lines to the peer, marked */
	bool is_json; /* messages are JSON objects already and are not marked */
};

/* Initialize with zero bytes and RULES. */
struct output {
	const struct output_rules *rules; /* borrowed */
	struct utf8_repair repair; /* state of the partial text */
	/* Owned: pending log lines, each prefixed with its length (size_t). */
	struct buffer waiting;
	enum message_type type : 8; /* type of the partial message */
	bool in_message; /* a message is partial: its last part was not sent yet */
};

enum output_result {
	OUTPUT_SENT,
	OUTPUT_REPAIRED, /* sent, with invalid UTF-8 replaced */
	OUTPUT_MADE_BINARY, /* sent, as binary */
	OUTPUT_INVALID, /* not sent: invalid UTF-8; the session must be closed */
	OUTPUT_NO_MEMORY, /* not sent */
	OUTPUT_UNREAD, /* log line dropped: the peer reads too slowly */
	OUTPUT_UNFINISHED, /* log line dropped: the partial message does not end */
};

/* Sends a batch. Of several results, returns the last one other than OUTPUT_SENT. */
enum output_result output_send(struct output *o, struct peer *peer, struct batch *batch);

/* Sends a log line, or queues it until the partial message ends. */
enum output_result output_send_log(
    struct output *o, struct peer *peer, const char *line, size_t len);

/* Drops pending log lines; call it when nothing more is sent. May be called again. */
void output_clear(struct output *o);

#endif
