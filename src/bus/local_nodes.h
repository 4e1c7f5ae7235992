/* SPDX-License-Identifier: BSD-2-Clause */
/* The workers that follow a topic, as seen by its leader. Each one connects (bus/link), names
 * the topic, and waits until the leader admits it. From then on it is a node. */
#ifndef BUS_LOCAL_NODES_H
#define BUS_LOCAL_NODES_H

#include "base/list.h"
#include "bus/link.h"
#include "bus/place.h"

/* A worker that accepts nothing for this time is disconnected. */
enum { LOCAL_STALL_MS = 5000 };

/* The frames of a connection. */
enum local_frame {
	LOCAL_HELLO, /* to the leader: number of the topic */
	LOCAL_WELCOME, /* from the leader, as the next three: the worker is admitted */
	LOCAL_CATCH_UP,
	LOCAL_PROGRAM, /* struct bus_program */
	LOCAL_OUTPUT,
	LOCAL_INPUT, /* to the leader: entries */
};

/* No handler is called from inside a function of this header, except local_nodes_check().
 * Handlers may call all functions. */
struct local_nodes_handlers {
	/* A worker has connected and waits for local_nodes_admit(). */
	void (*on_waiting)(void *arg);
	void (*on_input)(void *arg, uint64_t id, struct span entries);
	void (*on_drained)(void *arg);
	void (*on_gone)(void *arg, uint64_t id);
};

/* The nodes of one topic. Embedded in its user. */
struct local_nodes {
	const struct local_nodes_handlers *handlers; /* borrowed, as the next one */
	void *arg;
	struct list waiting; /* owned, as the next one */
	struct list admitted;
	size_t waiting_count;
};

void local_nodes_init(
    struct local_nodes *nodes, const struct local_nodes_handlers *handlers, void *arg);

/* Disconnects all workers. */
void local_nodes_clear(struct local_nodes *nodes);

/* Admits the worker that has waited longest. Returns its ID, which is never reused, or 0 if no
 * worker waits. Its input is read if READS is set. */
uint64_t local_nodes_admit(struct local_nodes *nodes, bool reads);

/* local_nodes_send() sends a frame to all nodes, local_nodes_send_to() to the node with this
 * ID, if it still exists. */
void local_nodes_send(
    const struct local_nodes *nodes, struct link_head head, const void *bytes, size_t len);
void local_nodes_send_to(const struct local_nodes *nodes, uint64_t id, enum local_frame frame,
    const void *bytes, size_t len);

/* Returns the number of bytes queued for the slowest node. */
size_t local_nodes_queued(const struct local_nodes *nodes);

void local_nodes_set_reading(const struct local_nodes *nodes, bool on);

/* Disconnects a node that accepts nothing; at most one per call. */
void local_nodes_check(struct local_nodes *nodes, int64_t now);

/* The socket that other workers connect to. */
struct local_door_spec {
	struct loop *loop; /* all pointers are borrowed */
	const struct place_workers *workers; /* other processes are rejected */
	/* Returns the nodes of topic NUMBER, or NULL if this worker neither leads the topic nor
	 * is about to. */
	struct local_nodes *(*find)(void *arg, uint64_t number);
	void *arg;
};

struct local_door;

/* Returns NULL with errno. */
struct local_door *local_door_new(const struct local_door_spec *spec)
    __attribute__((warn_unused_result));

/* Closes the door; all struct local_nodes must have been cleared. Accepts NULL. */
void local_door_free(struct local_door *door);

/* Returns the address for local_socket_connect(). */
uint64_t local_door_address(const struct local_door *door);

#endif
