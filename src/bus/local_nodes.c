/* SPDX-License-Identifier: BSD-2-Clause */
/* The workers that follow a topic, as seen by its leader. */
#include "bus/local_nodes.h"

#include "base/log.h"
#include "bus/local_socket.h"

#include <event2/event.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

struct local_door {
	struct local_door_spec spec;
	int listener; /* owned */
	uint64_t address; /* address of LISTENER */
	struct event *event; /* owned: event of LISTENER */
	struct list unnamed; /* struct local_node that have not named their topic */
	uint64_t last_id;
};

struct local_node {
	struct list node; /* in door->unnamed, nodes->waiting or nodes->admitted */
	struct local_door *door; /* borrowed */
	struct local_nodes *nodes; /* borrowed; NULL until it names its topic */
	struct link *link; /* owned */
	uint64_t id; /* 0 until admitted */
};

static struct local_node *
local_node_of(struct list *node)
{
	return LIST_ENTRY_OF(node, struct local_node, node);
}

static void
local_node_free(struct local_node *n)
{
	if (n->nodes && n->id == 0)
		n->nodes->waiting_count--;
	list_remove(&n->node);
	link_free(n->link);
	free(n);
}

/* Removes a worker that has disconnected or must be disconnected. */
static void
local_node_gone(struct local_node *n)
{
	struct local_nodes *nodes = n->nodes;
	uint64_t id = n->id;

	local_node_free(n);
	if (id != 0)
		nodes->handlers->on_gone(nodes->arg, id);
}

static void
local_node_send(
    const struct local_node *n, enum local_frame frame, const void *bytes, size_t len)
{
	link_send(n->link, (struct link_head){.kind = (uint8_t)frame}, bytes, len);
}

static void
local_node_hello(struct local_node *n, const uint8_t *bytes, size_t len)
{
	const struct local_door_spec *spec = &n->door->spec;
	uint64_t number = UINT64_MAX;

	if (len == sizeof(number))
		memcpy(&number, bytes, sizeof(number));
	n->nodes = spec->find(spec->arg, number);
	if (!n->nodes) {
		local_node_free(n);
		return;
	}
	list_remove(&n->node);
	list_append(&n->nodes->waiting, &n->node);
	n->nodes->waiting_count++;
	n->nodes->handlers->on_waiting(n->nodes->arg);
}

static void
local_node_on_frame(void *arg, const struct link_head *head, uint8_t *bytes, size_t len)
{
	struct local_node *n = arg;

	if (!n->nodes && head->kind == LOCAL_HELLO)
		local_node_hello(n, bytes, len);
	else if (n->id != 0 && head->kind == LOCAL_INPUT)
		n->nodes->handlers->on_input(
		    n->nodes->arg, n->id, (struct span){(char *)bytes, len});
}

static void
local_node_on_drained(void *arg)
{
	const struct local_node *n = arg;

	if (n->id != 0)
		n->nodes->handlers->on_drained(n->nodes->arg);
}

static void
local_node_on_gone(void *arg)
{
	local_node_gone(arg);
}

static const struct link_handlers local_node_handlers = {
    .on_frame = local_node_on_frame,
    .on_drained = local_node_on_drained,
    .on_gone = local_node_on_gone,
};

/* The nodes of a topic */

static struct local_node *
local_nodes_find(const struct local_nodes *nodes, uint64_t id)
{
	for (struct list *at = nodes->admitted.next; at != &nodes->admitted; at = at->next) {
		if (local_node_of(at)->id == id)
			return local_node_of(at);
	}
	return NULL;
}

uint64_t
local_nodes_admit(struct local_nodes *nodes, bool reads)
{
	struct local_node *n;

	if (list_empty(&nodes->waiting))
		return 0;
	n = local_node_of(nodes->waiting.next);
	n->id = ++n->door->last_id;
	nodes->waiting_count--;
	list_remove(&n->node);
	list_append(&nodes->admitted, &n->node);
	local_node_send(n, LOCAL_WELCOME, NULL, 0);
	if (!reads)
		link_set_reading(n->link, false);
	return n->id;
}

void
local_nodes_send(
    const struct local_nodes *nodes, struct link_head head, const void *bytes, size_t len)
{
	for (struct list *at = nodes->admitted.next; at != &nodes->admitted; at = at->next)
		link_send(local_node_of(at)->link, head, bytes, len);
}

void
local_nodes_send_to(const struct local_nodes *nodes, uint64_t id, enum local_frame frame,
    const void *bytes, size_t len)
{
	const struct local_node *n = local_nodes_find(nodes, id);

	if (n)
		local_node_send(n, frame, bytes, len);
}

size_t
local_nodes_queued(const struct local_nodes *nodes)
{
	size_t most = 0;

	for (struct list *at = nodes->admitted.next; at != &nodes->admitted; at = at->next) {
		size_t queued = link_queued(local_node_of(at)->link);

		most = queued > most ? queued : most;
	}
	return most;
}

void
local_nodes_set_reading(const struct local_nodes *nodes, bool on)
{
	for (struct list *at = nodes->admitted.next; at != &nodes->admitted; at = at->next)
		link_set_reading(local_node_of(at)->link, on);
}

void
local_nodes_check(struct local_nodes *nodes, int64_t now)
{
	for (struct list *at = nodes->admitted.next; at != &nodes->admitted; at = at->next) {
		struct local_node *n = local_node_of(at);

		if (link_queued(n->link) == 0 ||
		    now - link_progress_ms(n->link) < LOCAL_STALL_MS)
			continue;
		log_errorx("a worker does not read the output of a shared program: its "
			   "clients are disconnected");
		local_node_gone(n);
		/* The handler may have changed the list. */
		return;
	}
}

void
local_nodes_init(
    struct local_nodes *nodes, const struct local_nodes_handlers *handlers, void *arg)
{
	*nodes = (struct local_nodes){.handlers = handlers, .arg = arg};
	list_init(&nodes->waiting);
	list_init(&nodes->admitted);
}

void
local_nodes_clear(struct local_nodes *nodes)
{
	while (!list_empty(&nodes->admitted))
		local_node_free(local_node_of(nodes->admitted.next));
	while (!list_empty(&nodes->waiting))
		local_node_free(local_node_of(nodes->waiting.next));
}

/* Connections */

static void
local_door_on_connection(evutil_socket_t listener, short what, void *arg)
{
	struct local_door *d = arg;
	int fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
	struct local_node *n;

	(void)what;
	if (fd == -1)
		return;
	n = place_is_worker(d->spec.workers, local_socket_peer(fd)) ? calloc(1, sizeof(*n))
								    : NULL;
	if (!n) {
		close(fd);
		return;
	}
	n->door = d;
	n->link = link_new_take(d->spec.loop, fd, &local_node_handlers, n);
	if (!n->link) {
		free(n);
		return;
	}
	list_append(&d->unnamed, &n->node);
}

struct local_door *
local_door_new(const struct local_door_spec *spec)
{
	struct local_door *d = calloc(1, sizeof(*d));

	if (!d)
		return NULL;
	d->spec = *spec;
	list_init(&d->unnamed);
	d->listener = local_socket_listen(&d->address);
	if (d->listener != -1)
		d->event = event_new(spec->loop->base, d->listener, EV_READ | EV_PERSIST,
		    local_door_on_connection, d);
	if (d->event && event_add(d->event, NULL) == 0)
		return d;
	local_door_free(d);
	return NULL;
}

void
local_door_free(struct local_door *d)
{
	if (!d)
		return;
	while (!list_empty(&d->unnamed))
		local_node_free(local_node_of(d->unnamed.next));
	if (d->event)
		event_free(d->event);
	if (d->listener != -1)
		close(d->listener);
	free(d);
}

uint64_t
local_door_address(const struct local_door *d)
{
	return d->address;
}
