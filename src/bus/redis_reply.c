/* SPDX-License-Identifier: BSD-2-Clause */
/* Replies of a Redis server. */
#include "bus/redis_reply.h"

#include "base/util.h"

#include <hiredis/hiredis.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct redis_reader {
	redisReader *reader; /* owned */
	redisReplyObjectFunctions functions; /* hiredis' default functions, with limits */
	const redisReplyObjectFunctions *inner; /* the default functions */
	/* Totals of the reply that is being read: bytes of its strings, elements of its
	 * arrays. */
	size_t bytes;
	uint64_t elements;
};

/* The type in which hiredis passes the number of elements. */
#if HIREDIS_MAJOR >= 1
typedef size_t redis_reader_count;
#else
typedef int redis_reader_count;
#endif

/* Returning NULL means "out of memory" to hiredis, which then rejects the reply. A server can
 * announce more elements than fit into memory. */
static void *
redis_reader_array(const redisReadTask *task, redis_reader_count count)
{
	struct redis_reader *r = task->privdata;

	if ((uint64_t)count > REDIS_REPLY_ELEMENTS_MAX)
		return NULL;
	r->elements += (uint64_t)count;
	return r->elements <= REDIS_REPLY_ALL_ELEMENTS_MAX ? r->inner->createArray(task, count)
							   : NULL;
}

static void *
redis_reader_string(const redisReadTask *task, char *text, size_t len)
{
	struct redis_reader *r = task->privdata;

	r->bytes += len;
	return r->bytes <= REDIS_REPLY_MAX ? r->inner->createString(task, text, len) : NULL;
}

struct redis_reader *
redis_reader_new(void)
{
	struct redis_reader *r = calloc(1, sizeof(*r));

	if (!r)
		return NULL;
	r->reader = redisReaderCreate();
	if (!r->reader) {
		free(r);
		return NULL;
	}
	r->inner = r->reader->fn;
	r->functions = *r->inner;
	r->functions.createArray = redis_reader_array;
	r->functions.createString = redis_reader_string;
	r->reader->fn = &r->functions;
	r->reader->privdata = r;
	return r;
}

void
redis_reader_free(struct redis_reader *r)
{
	if (!r)
		return;
	redisReaderFree(r->reader);
	free(r);
}

static const char *
redis_reader_why(const struct redis_reader *r)
{
	return r->reader->err == REDIS_ERR_OOM ? "a reply is too large, or out of memory"
					       : r->reader->errstr;
}

const char *
redis_reader_feed(struct redis_reader *r, const uint8_t *bytes, size_t len)
{
	if (redisReaderFeed(r->reader, (const char *)bytes, len) != REDIS_OK)
		return redis_reader_why(r);
	/* An incomplete string. */
	return r->reader->len <= REDIS_REPLY_MAX ? NULL : "a reply is too large";
}

const char *
redis_reader_next(struct redis_reader *r, struct redisReply **reply)
{
	void *out = NULL;

	*reply = NULL;
	if (redisReaderGetReply(r->reader, &out) != REDIS_OK)
		return redis_reader_why(r);
	*reply = out;
	if (out)
		r->bytes = r->elements = 0;
	return NULL;
}

static bool
redis_reply_begins(const struct redisReply *reply, const char *text)
{
	size_t len = strlen(text);

	return reply->len >= len && memcmp(reply->str, text, len) == 0;
}

bool
redis_reply_is_wrong_type(const struct redisReply *reply)
{
	return reply->type == REDIS_REPLY_ERROR && redis_reply_begins(reply, "WRONGTYPE");
}

const char *
redis_reply_remedy(const struct redisReply *reply)
{
	static const struct {
		const char *text; /* start of the error text */
		const char *remedy;
	} rows[] = {
	    {"NOAUTH", "give a password: --bus=redis://USER:PASSWORD@HOST"},
	    {"WRONGPASS", "check the user and the password in --bus"},
	    {"ERR invalid password", "check the password in --bus"},
	    {"ERR AUTH <password> called without", "leave the password out of --bus"},
	    {"ERR Client sent AUTH", "leave the password out of --bus"},
	    {"NOPERM",
		"allow the user in --bus the commands, keys and channels of --bus-prefix (ACL "
		"SETUSER); doc/scale.md lists them"},
	    {"MOVED", "give a single server in --bus, not a node of a Redis Cluster"},
	    {"READONLY", "give the primary server in --bus, not a replica"},
	    {"LOADING", "wait until the server has loaded its data"},
	    {"OOM", "raise maxmemory of the Redis server"},
	    {"MISCONF", "the Redis server can't save its data: see its log"},
	    {"WRONGTYPE", "choose another --bus-prefix: another program uses these keys"},
	    {"ERR DB index", "choose a database below `databases` of the Redis server"},
	    {"ERR max number of clients", "raise maxclients of the Redis server"},
	    {"ERR unknown command", "use Redis 6.2, Valkey 7.2 or newer"},
	    {"DENIED", "set a password for the Redis server, or let it listen on a loopback "
		       "address"},
	};

	if (reply->type != REDIS_REPLY_ERROR)
		return "check that --bus is the address of a Redis server";
	for (size_t i = 0; i < UTIL_LEN(rows); i++) {
		if (redis_reply_begins(reply, rows[i].text))
			return rows[i].remedy;
	}
	return NULL;
}

void
redis_reply_describe(const struct redisReply *reply, const char *what, char *out, size_t size)
{
	/* A server that does not know a command repeats its arguments, including the password
	 * of AUTH. */
	if (reply->type == REDIS_REPLY_ERROR) {
		const char *args = strstr(reply->str, ", with args");
		int len = args ? (int)(args - reply->str) : (int)size;

		snprintf(out, size, "%s: %.*s", what, len, reply->str);
	} else {
		snprintf(out, size, "%s: unexpected reply", what);
	}
}
