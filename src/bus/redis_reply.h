/* SPDX-License-Identifier: BSD-2-Clause */
/* Replies of a Redis server: hiredis' reader with limits, and explanations of errors. */
#ifndef BUS_REDIS_REPLY_H
#define BUS_REDIS_REPLY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	REDIS_REPLY_MAX = 256 * 1024 * 1024, /* limit of a reply in bytes */
	REDIS_REPLY_ELEMENTS_MAX = 64 * 1024, /* elements of an array */
	/* Elements of all arrays of a reply; an entry of a stream counts as five. */
	REDIS_REPLY_ALL_ELEMENTS_MAX = 8 * REDIS_REPLY_ELEMENTS_MAX,
};

/* The remedy if another program uses a key. */
#define REDIS_REPLY_DELETE                                                                     \
	"delete it (DEL); if it comes back, another program writes it: choose another "        \
	"--bus-prefix"

struct redisReply;
struct redis_reader;

/* Returns NULL if out of memory. */
struct redis_reader *redis_reader_new(void) __attribute__((warn_unused_result));

/* Frees the reader. Accepts NULL. */
void redis_reader_free(struct redis_reader *reader);

/* Adds bytes from the server. Returns NULL, or an error text that is valid until the
 * next call. */
const char *redis_reader_feed(struct redis_reader *reader, const uint8_t *bytes, size_t len)
    __attribute__((warn_unused_result));

/* Stores the next reply in *REPLY, to be freed with freeReplyObject(), or NULL if it is
 * incomplete. Returns NULL or an error text, as above. */
const char *redis_reader_next(struct redis_reader *reader, struct redisReply **reply)
    __attribute__((warn_unused_result));

/* Returns true for the error of a key whose type is wrong for the command. */
bool redis_reply_is_wrong_type(const struct redisReply *reply);

/* Returns an instruction for the operator on how to fix an error, or NULL. */
const char *redis_reply_remedy(const struct redisReply *reply);

/* Writes WHAT and the text of an error, or that a reply of another type was unexpected. */
void redis_reply_describe(
    const struct redisReply *reply, const char *what, char *out, size_t size);

#endif
