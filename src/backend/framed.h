/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What backends have in common that exchange messages with a byte stream: two framings, and the
 * records on their way to the stream.
 */
#ifndef BACKEND_FRAMED_H
#define BACKEND_FRAMED_H

#include "backend/backend.h"
#include "backend/records.h"
#include "framing/framing.h"
#include "framing/framing_json.h"

enum {
	/* Bytes of a read whose records become much longer; all of it may have to be queued for
	 * a client that does not read. */
	FRAMED_READ_LITTLE = 8 * 1024,
};

struct framed_rules {
	struct framing to_program;
	struct framing from_program;
	bool events; /* records name a client that comes, and how it left: json, addressed lines
		      */
	bool reads_little; /* its records become much longer: little is read at once */
	bool event_headers; /* json: the first record has header fields */
	bool drops_wrong_type; /* messages of a type that it does not accept are ignored */
	bool drops_all; /* all messages are ignored: the client may only watch */
};

/* The client, for the event that opens a session. */
struct framed_client {
	uint64_t id;
	struct span target; /* path and query as they were sent */
	struct span url_path; /* decoded */
	struct span query; /* raw */
	struct span remote;
	struct span user; /* empty: none, as the next one */
	struct span subprotocol;
	const struct framing_field *headers; /* for --event-headers */
	size_t header_count;
};

/* Embedded in a backend, first. */
struct framed {
	struct backend backend; /* first: framed_of() casts it back */
	const struct framed_rules *rules; /* borrowed */
	struct records records;
	struct framing_reader reader;
	bool initialized; /* the request of framing.null_process_id was seen */
	bool finished; /* framed_finish() was called */
	bool skips; /* the rest of a message whose beginning was lost */
};

/* What a backend with these rules accepts. */
struct batch_format framed_format(const struct framed_rules *rules);

/* Without a connection to its stream yet. All are borrowed. */
void framed_init(struct framed *framed, const struct framed_rules *rules,
    const struct records_sink *sink, void *sink_arg);

/*
 * For another session over the same stream: what was read and not emitted stays. A message of
 * which a part was emitted is lost with the session before; its rest is dropped.
 */
void framed_restart(struct framed *framed);

/* Frees what it holds. */
void framed_clear(struct framed *framed);

/* These two implement backend_ops. */
enum backend_result framed_write(struct backend *backend, struct batch *batch);
void framed_flush(struct backend *backend);

/*
 * For a program that clients share: appends what framed_write() would write to OUT, as records
 * of the client SENDER, or of none of them (0). WHY is that of BACKEND_REJECTED.
 */
enum backend_result framed_wrap(const struct framed_rules *rules, const struct batch *batch,
    uint64_t sender, struct buffer *out, const char **why);

/* Writes records, which are empty afterwards, to a backend that is framed. */
void framed_write_take(struct backend *backend, struct buffer *records);

/* Appends the event that opens a session, if there is one. False without memory. */
bool framed_put_open(const struct framed_rules *rules, const struct framed_client *client,
    struct buffer *event) __attribute__((warn_unused_result));

/* The same of the one that ends the session of a client with this ID; 0: of the only one. */
bool framed_put_close(const struct framed_rules *rules, uint64_t id, uint16_t code,
    struct span reason, struct buffer *event) __attribute__((warn_unused_result));

/* Writes what is held, and the event that closes a session, if there is one. False: it was
 * called before. */
bool framed_finish(struct framed *framed, uint16_t code, struct span reason)
    __attribute__((warn_unused_result));

/* How much is to be read at once. */
size_t framed_capacity(const struct framed *framed);

/* Emits the messages in LEN bytes of the stream, which lie in the loop's read buffer. */
void framed_emit(struct framed *framed, uint8_t *bytes, size_t len);

/* The stream has ended: emits the last line, which counts also without its end. */
void framed_emit_end(struct framed *framed);

/* The stream was lost: what is incomplete is dropped. */
void framed_lose(struct framed *framed);

#endif
