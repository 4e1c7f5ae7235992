/* SPDX-License-Identifier: BSD-2-Clause */
/* The connection of a follower to the leader of its topic: its state, the leader's program, and
 * input that was not confirmed. bus/redis_lead is the leader's side. */
#ifndef BUS_REDIS_FOLLOW_H
#define BUS_REDIS_FOLLOW_H

#include "bus/bus.h"
#include "bus/outbox.h"
#include "bus/record.h"

enum {
	REDIS_FOLLOW_GONE_MS = 2500, /* silence after which a leader is considered dead */
	REDIS_FOLLOW_ALIVE_MS = 500, /* interval of keep-alives, in both directions */
	REDIS_FOLLOW_AGAIN_MS = 1000, /* time after which unconfirmed input is sent again */
};

struct redis_follow_handlers {
	void (*send)(void *arg, const struct record *record);
};

/* Embedded in its user. */
struct redis_follow {
	const struct redis_follow_handlers *handlers; /* borrowed */
	void *arg;
	uint64_t leader; /* node of the leader; 0: none known */
	uint64_t epoch; /* epoch of the leader's lease */
	uint64_t connection;
	bool connected; /* the leader has acknowledged the connection */
	int64_t heard_ms; /* when the leader was last heard */
	int64_t alive_ms; /* when a keep-alive was last sent */
	struct bus_program program;
	bool program_changed;
	uint64_t program_seq; /* last output that precedes the report of PROGRAM */
	int64_t program_ms; /* when PROGRAM was reported */
	size_t total; /* number of clients of all nodes */
	uint32_t clients; /* number of clients of this node */
	struct outbox input;
	struct outbox_budget budget;
	uint64_t seq;
	int64_t progress_ms; /* when input was last sent or confirmed */
	bool drained;
};

void redis_follow_init(
    struct redis_follow *follow, const struct redis_follow_handlers *handlers, void *arg);

/* Ends the connection and drops pending input. */
void redis_follow_clear(struct redis_follow *follow);

/* Handles a record of a leader whose epoch is not outdated. */
void redis_follow_on_record(
    struct redis_follow *follow, const struct record *record, int64_t now);

/* Sends what is due. Drops a leader that is dead. */
void redis_follow_step(struct redis_follow *follow, int64_t now);

/* Ignores silence of the leader before NOW, because the bus was unavailable. Sends unconfirmed
 * input again. */
void redis_follow_excuse(struct redis_follow *follow, int64_t now);

/* Queues entries for the leader. If out of memory, begins a new connection. */
void redis_follow_send(struct redis_follow *follow, struct span entries, int64_t now);

/* Encodes the body of RECORD_PROGRAM. */
enum { REDIS_FOLLOW_PROGRAM = 1 + 1 + 1 + 8 + 4 + 4 + 4 };
void redis_follow_put_program(
    const struct bus_program *program, size_t total, uint8_t out[REDIS_FOLLOW_PROGRAM]);

#endif
