/* SPDX-License-Identifier: BSD-2-Clause */
/* The replies of a Redis server: hiredis' reader with limits, and what errors mean. */
#ifndef BUS_REDIS_REPLY_H
#define BUS_REDIS_REPLY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	REDIS_REPLY_MAX = 256 * 1024 * 1024, /* bytes; a larger one is an error */
	REDIS_REPLY_ELEMENTS_MAX = 64 * 1024, /* of an array in it */
	/* Of all arrays in it: an entry of a stream counts as five. */
	REDIS_REPLY_ALL_ELEMENTS_MAX = 8 * REDIS_REPLY_ELEMENTS_MAX,
};

/* The remedy for a key of another program. */
#define REDIS_REPLY_DELETE                                                                     \
	"delete it (DEL); if it comes back, another program writes it: choose another "        \
	"--bus-prefix"

struct redisReply;
struct redis_reader;

/* NULL without memory. */
struct redis_reader *redis_reader_new(void) __attribute__((warn_unused_result));

/* Accepts NULL. */
void redis_reader_free(struct redis_reader *reader);

/* Copies bytes of the server. NULL, or why it can't go on: a text that lives until the next
 * call. */
const char *redis_reader_feed(struct redis_reader *reader, const uint8_t *bytes, size_t len)
    __attribute__((warn_unused_result));

/* The next reply into *REPLY, for freeReplyObject(); NULL: it is incomplete. Returns as above.
 */
const char *redis_reader_next(struct redis_reader *reader, struct redisReply **reply)
    __attribute__((warn_unused_result));

/* Whether it is the error of a key that has another type than the command needs. */
bool redis_reply_is_wrong_type(const struct redisReply *reply);

/* What an error means to an operator, as an instruction; NULL: nothing special. */
const char *redis_reply_remedy(const struct redisReply *reply);

/* WHAT with the text of an error, or for another reply that it is not what was expected. */
void redis_reply_describe(
    const struct redisReply *reply, const char *what, char *out, size_t size);

#endif
