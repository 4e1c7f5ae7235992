/* SPDX-License-Identifier: BSD-2-Clause */
/* The common part of backends that exchange messages over a byte stream: two framings, and the
 * records on their way to the stream. */
#ifndef BACKEND_FRAMED_H
#define BACKEND_FRAMED_H

#include "backend/backend.h"
#include "backend/records.h"
#include "framing/framing.h"
#include "framing/framing_json.h"

enum {
	/* Maximum bytes per read if records expand much; all of the result may have to be
	 * queued for a client that does not read. */
	FRAMED_READ_LITTLE = 8 * 1024,
};

struct framed_rules {
	struct framing to_program;
	struct framing from_program;
	bool events; /* send open and close events; only json and addressed lines */
	bool reads_little; /* records expand much: limit the size of reads */
	bool event_headers; /* json: include header fields in the open event */
	bool drops_wrong_type; /* ignore messages of a type that is not accepted */
	bool drops_all; /* ignore all messages: the client may only watch */
};

/* The client, for the open event. */
struct framed_client {
	uint64_t id;
	struct span target; /* path and query, as sent */
	struct span url_path; /* decoded */
	struct span query; /* not decoded */
	struct span remote;
	struct span user; /* empty: none, as for the next one */
	struct span subprotocol;
	const struct framing_field *headers; /* for --event-headers */
	size_t header_count;
};

/* Embedded as the first member of a backend. */
struct framed {
	struct backend backend; /* first: framed_of() casts to the container */
	const struct framed_rules *rules; /* borrowed */
	struct records records;
	struct framing_reader reader;
	bool initialized; /* the request for framing.null_process_id was seen */
	bool finished; /* framed_finish() was called */
	bool skips; /* skipping the rest of a message whose beginning was lost */
};

/* Returns what a backend with these rules accepts. */
struct batch_format framed_format(const struct framed_rules *rules);

/* Initializes FRAMED without connecting it to a stream. All arguments are borrowed. */
void framed_init(struct framed *framed, const struct framed_rules *rules,
    const struct records_sink *sink, void *sink_arg);

/* Prepares for another session over the same stream. Input that was read but not emitted is
 * kept. If a message was emitted in part, its rest is dropped. */
void framed_restart(struct framed *framed);

/* Frees what FRAMED owns. */
void framed_clear(struct framed *framed);

/* Implement backend_ops. */
enum backend_result framed_write(struct backend *backend, struct batch *batch);
void framed_flush(struct backend *backend);

/* For shared programs: appends to OUT what framed_write() would write, as records from client
 * SENDER, or without a sender if that is 0. Sets *WHY with BACKEND_REJECTED. */
enum backend_result framed_wrap(const struct framed_rules *rules, const struct batch *batch,
    uint64_t sender, struct buffer *out, const char **why);

/* Writes RECORDS, which are empty afterwards, to a backend that embeds struct framed. */
void framed_write_take(struct backend *backend, struct buffer *records);

/* Appends the open event, if RULES ask for events. Returns false if out of memory. */
bool framed_put_open(const struct framed_rules *rules, const struct framed_client *client,
    struct buffer *event) __attribute__((warn_unused_result));

/* Appends the close event for the client ID, or for the only client if that is 0, if RULES ask
 * for events. Returns false if out of memory. */
bool framed_put_close(const struct framed_rules *rules, uint64_t id, uint16_t code,
    struct span reason, struct buffer *event) __attribute__((warn_unused_result));

/* Writes pending records and the close event, if there is one. Returns false if it was called
 * before. */
bool framed_finish(struct framed *framed, uint16_t code, struct span reason)
    __attribute__((warn_unused_result));

/* Returns the maximum number of bytes to read at once. */
size_t framed_capacity(const struct framed *framed);

/* Emits the messages in LEN bytes of the stream, which must be in the loop's read buffer. */
void framed_emit(struct framed *framed, uint8_t *bytes, size_t len);

/* Handles the end of the stream: emits the last line even if it lacks a newline. */
void framed_emit_end(struct framed *framed);

/* Handles a lost stream: drops incomplete input. */
void framed_lose(struct framed *framed);

#endif
