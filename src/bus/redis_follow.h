/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The connection of a node to the leader of its topic: whether there is one, how its program
 * is, and what it is still to be sent (bus/redis_lead is the other side).
 */
#ifndef BUS_REDIS_FOLLOW_H
#define BUS_REDIS_FOLLOW_H

#include "bus/bus.h"
#include "bus/outbox.h"
#include "bus/record.h"

enum {
	REDIS_FOLLOW_GONE_MS = 2500, /* a leader from which nothing comes is gone */
	REDIS_FOLLOW_ALIVE_MS = 500, /* between signs of life, of both sides */
	REDIS_FOLLOW_AGAIN_MS = 1000, /* what is not confirmed by then is sent again */
};

struct redis_follow_handlers {
	void (*send)(void *arg, const struct record *record);
};

/* Embedded in its user. */
struct redis_follow {
	const struct redis_follow_handlers *handlers; /* borrowed */
	void *arg;
	uint64_t leader; /* its node; 0: none is known */
	uint64_t epoch; /* its */
	uint64_t connection;
	bool connected; /* the leader has responded on it */
	int64_t heard_ms; /* when it was last heard of */
	int64_t alive_ms; /* when a sign of life was last sent */
	struct bus_program program;
	bool program_changed;
	uint64_t program_seq; /* the output that comes before that */
	int64_t program_ms; /* when it was reported */
	size_t total; /* clients of all nodes */
	uint32_t clients; /* of this node */
	struct outbox input;
	struct outbox_budget budget;
	uint64_t seq;
	int64_t progress_ms; /* when input was last sent or confirmed */
	bool drained;
};

void redis_follow_init(
    struct redis_follow *follow, const struct redis_follow_handlers *handlers, void *arg);

/* Ends the connection; what was to be sent is dropped. */
void redis_follow_clear(struct redis_follow *follow);

/* A record of a leader with an epoch that is not older than others. */
void redis_follow_on_record(
    struct redis_follow *follow, const struct record *record, int64_t now);

/* Sends what is due, and drops a leader that is gone. */
void redis_follow_step(struct redis_follow *follow, int64_t now);

/* The bus was unavailable until NOW: earlier silence of the leader does not count. Sends
 * unconfirmed input again. */
void redis_follow_excuse(struct redis_follow *follow, int64_t now);

/* Entries for the leader. Without memory another connection begins. */
void redis_follow_send(struct redis_follow *follow, struct span entries, int64_t now);

/* The body of RECORD_PROGRAM. */
enum { REDIS_FOLLOW_PROGRAM = 1 + 1 + 1 + 8 + 4 + 4 + 4 };
void redis_follow_put_program(
    const struct bus_program *program, size_t total, uint8_t out[REDIS_FOLLOW_PROGRAM]);

#endif
