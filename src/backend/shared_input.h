/* SPDX-License-Identifier: BSD-2-Clause */
/* Input of the clients of a shared program: records and the events between them, in order.
 * Stored as bytes for stdin or, if another node may run the program, as entries (bus/entry). */
#ifndef BACKEND_SHARED_INPUT_H
#define BACKEND_SHARED_INPUT_H

#include "backend/framed.h"
#include "bus/entry.h"

/* Initialize with zero bytes ({0}) and RULES. */
struct shared_input {
	const struct framed_rules *rules; /* borrowed */
	struct buffer bytes; /* owned */
	uint64_t unread; /* messages that no program has read */
	size_t records; /* offset of the last entry, if it is open */
	bool has_entries;
	bool is_open; /* records may be appended to the last entry */
};

static inline size_t
shared_input_len(const struct shared_input *in)
{
	return buffer_len(&in->bytes);
}

/* Change the representation: to entries, which requires that it is empty, or to bytes. Like all
 * functions here, they count records and events that are lost for lack of memory. */
void shared_input_use_entries(struct shared_input *in);
void shared_input_use_bytes(struct shared_input *in);

/* Appends the messages of a batch, without a sender if SENDER is 0. */
enum backend_result shared_input_write(
    struct shared_input *in, const struct batch *batch, uint64_t sender, const char **why);

/* Appends the open event RECORD of a client. Returns false if out of memory. */
bool shared_input_open(struct shared_input *in, uint64_t id, struct span record)
    __attribute__((warn_unused_result));
void shared_input_close(
    struct shared_input *in, uint64_t id, uint16_t code, struct span reason);

/* Appends an entry of another node: OPEN, RECORDS or CLOSE. */
void shared_input_entry(struct shared_input *in, const struct entry *entry);

/* Returns the contents. The caller must take all of them. */
struct buffer *shared_input_bytes(struct shared_input *in);

/* Drop everything after the first LEN bytes, or everything. */
void shared_input_cut(struct shared_input *in, size_t len);
void shared_input_clear(struct shared_input *in);

#endif
