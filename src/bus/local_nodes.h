/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The workers that follow a topic, as its leader sees them: each has a connection (bus/link),
 * which names the topic. Then it waits until the leader admits it, and is a node from there on.
 */
#ifndef BUS_LOCAL_NODES_H
#define BUS_LOCAL_NODES_H

#include "base/list.h"
#include "bus/link.h"
#include "bus/place.h"

enum { LOCAL_STALL_MS = 5000 }; /* a worker that accepts nothing for so long is cut off */

/* The frames of a connection. */
enum local_frame {
	LOCAL_HELLO, /* to the leader: the number of the topic */
	LOCAL_WELCOME, /* it is admitted: from here on these come from the leader */
	LOCAL_CATCH_UP,
	LOCAL_PROGRAM, /* struct bus_program */
	LOCAL_OUTPUT,
	LOCAL_INPUT, /* to the leader: entries */
};

/* None is called from inside a function of this header but local_nodes_check(). A handler may
 * call any of them. */
struct local_nodes_handlers {
	/* One has come, for local_nodes_admit(). */
	void (*on_waiting)(void *arg);
	void (*on_input)(void *arg, uint64_t id, struct span entries);
	void (*on_drained)(void *arg);
	void (*on_gone)(void *arg, uint64_t id);
};

/* Those of one topic. Embedded in its user. */
struct local_nodes {
	const struct local_nodes_handlers *handlers; /* borrowed, as the next one */
	void *arg;
	struct list waiting; /* owned, as the next one */
	struct list admitted;
	size_t waiting_count;
};

void local_nodes_init(
    struct local_nodes *nodes, const struct local_nodes_handlers *handlers, void *arg);

/* Disconnects all. */
void local_nodes_clear(struct local_nodes *nodes);

/* Admits the one that has waited for longest, and returns its ID, which is never used again; 0:
 * none waits. Its input is read only if READS. */
uint64_t local_nodes_admit(struct local_nodes *nodes, bool reads);

/* Sends to all that are admitted, or to the one with this ID if it still exists. */
void local_nodes_send(
    const struct local_nodes *nodes, struct link_head head, const void *bytes, size_t len);
void local_nodes_send_to(const struct local_nodes *nodes, uint64_t id, enum local_frame frame,
    const void *bytes, size_t len);

/* Bytes that wait for the slowest one. */
size_t local_nodes_queued(const struct local_nodes *nodes);

void local_nodes_set_reading(const struct local_nodes *nodes, bool on);

/* Cuts off one that accepts nothing. */
void local_nodes_check(struct local_nodes *nodes, int64_t now);

/* Where the other workers connect. */
struct local_door_spec {
	struct loop *loop; /* borrowed, as all of these */
	const struct place_workers *workers; /* others are rejected */
	/* Those of the topic NUMBER; NULL: this worker does not lead it, nor is about to. */
	struct local_nodes *(*find)(void *arg, uint64_t number);
	void *arg;
};

struct local_door;

/* NULL with errno. */
struct local_door *local_door_new(const struct local_door_spec *spec)
    __attribute__((warn_unused_result));

/* All nodes are cleared. Accepts NULL. */
void local_door_free(struct local_door *door);

/* For local_socket_connect(). */
uint64_t local_door_address(const struct local_door *door);

#endif
