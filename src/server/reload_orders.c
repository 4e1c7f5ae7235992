/* SPDX-License-Identifier: BSD-2-Clause */
/* Reloads of workers: the orders of the parent, and how the workers execute them. */
#include "server/reload_orders.h"

#include "options/config_store.h"
#include "options/served.h"
#include "server/reload.h"

#include <errno.h>
#include <event2/event.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
	/* Delay before a worker retries a failed reload; doubled each time, up to a maximum. */
	RELOAD_AGAIN_MS = 1000,
	RELOAD_AGAIN_MAX_MS = 60 * 1000,
};

/* Returns a memory file with the store, or -1 with errno. */
static int
reload_write_store(const struct config_store *store)
{
	int fd = memfd_create("configuration", MFD_CLOEXEC);
	size_t len = buffer_len(&store->bytes), done = 0;
	ssize_t wrote;

	while (fd != -1 && done < len) {
		wrote = pwrite(fd, buffer_data(&store->bytes) + done, len - done, (off_t)done);
		if (wrote == -1) {
			close(fd);
			return -1;
		}
		done += (size_t)wrote;
	}
	return fd;
}

/* Reads the store from FD. Returns false with errno. */
static bool
reload_read_store(struct config_store *store, int fd)
{
	struct stat st;
	uint8_t *room;
	off_t done = 0;

	store->sealed = true;
	if (fstat(fd, &st) == -1)
		return false;
	room = buffer_reserve(&store->bytes, (size_t)st.st_size);
	while (room && done < st.st_size) {
		ssize_t got = pread(fd, room + done, (size_t)(st.st_size - done), done);

		if (got <= 0)
			return false;
		done += got;
	}
	if (room)
		buffer_commit(&store->bytes, (size_t)st.st_size);
	return room;
}

void
server_reload_workers(struct server *server, const int *channels, size_t count)
{
	struct config_store store = {.sealed = false};
	const struct listeners *lists[] = {&server->listeners, &server->redirect_listeners};
	struct reload_order order = {
	    .message.endpoint_number = server->endpoint_number, .count = 1};
	size_t served;

	if (!server_reload_run(server, &store, NULL))
		goto done;
	served = options_served_count(server->options);
	log_info("SIGHUP: configuration reloaded, %zu endpoint%s", served, util_plural(served));
	order.message.listeners = server->listeners.count;
	order.message.redirect_listeners = server->redirect_listeners.count;
	for (size_t i = 0; i < UTIL_LEN(lists); i++) {
		for (size_t k = 0; k < lists[i]->count; k++)
			order.fds[order.count++] = listener_fd(lists[i]->items[k]);
	}
	order.fds[0] = reload_write_store(&store);
	for (size_t i = 0; i < count; i++) {
		if (channels[i] != -1 &&
		    !(order.fds[0] != -1 && descriptors_send(channels[i], &order.message,
						sizeof(order.message), order.fds, order.count)))
			log_error("SIGHUP: worker %zu keeps the old configuration", i + 1);
	}
	if (order.fds[0] != -1)
		close(order.fds[0]);
done:
	buffer_clear(&store.bytes);
}

/* The state of a worker that follows its parent's orders. */
struct reload_follower {
	struct server *server;
	struct event *event; /* owned */
	/* The last order while it is pending; no fds: none pending. */
	struct reload_order order;
	struct timer again; /* for the retry */
	int64_t wait_ms;
};

static void
reload_close(struct reload_order *order)
{
	while (order->count > 0)
		close(order->fds[--order->count]);
}

/* Copies ORDER with duplicated descriptors. Returns false with errno, possibly with some of
 * them duplicated. */
static bool
reload_copy(struct reload_order *copy, const struct reload_order *order)
{
	*copy = (struct reload_order){.message = order->message};
	for (; copy->count < order->count; copy->count++) {
		copy->fds[copy->count] = fcntl(order->fds[copy->count], F_DUPFD_CLOEXEC, 0);
		if (copy->fds[copy->count] == -1)
			return false;
	}
	return true;
}

/* Executes the order, and retries it later on failure: otherwise this worker would serve a
 * different configuration than the others. */
static void
reload_obey(void *arg)
{
	struct reload_follower *follower = arg;
	struct server *server = follower->server;
	struct config_store store = {.sealed = true};
	struct reload_order copy;
	bool ok;

	if (server->stage != SERVER_SERVING)
		return;
	ok = reload_copy(&copy, &follower->order) && reload_read_store(&store, copy.fds[0]) &&
	     server_reload_run(server, &store, &copy);
	reload_close(&copy);
	buffer_clear(&store.bytes);
	if (ok) {
		reload_close(&follower->order);
		return;
	}
	log_errorx("SIGHUP: this worker retries in %d s", (int)(follower->wait_ms / 1000));
	timer_at(&follower->again, util_clock_ms() + follower->wait_ms);
	if (follower->wait_ms < RELOAD_AGAIN_MAX_MS)
		follower->wait_ms *= 2;
}

/* The parent has sent an order or has exited; in the latter case a signal arrives, too. */
static void
reload_on_order(evutil_socket_t fd, short what, void *arg)
{
	struct reload_follower *follower = arg;
	struct reload_order order = {0};

	(void)what;
	if (!descriptors_receive(
		fd, &order.message, sizeof(order.message), order.fds, &order.count)) {
		if (errno == 0)
			event_del(follower->event);
		return;
	}
	timer_stop(&follower->again);
	reload_close(&follower->order);
	if (order.count != 1 + order.message.listeners + order.message.redirect_listeners) {
		reload_close(&order);
		return;
	}
	follower->order = order;
	follower->wait_ms = RELOAD_AGAIN_MS;
	reload_obey(follower);
}

bool
server_reload_follow(struct server *server)
{
	struct reload_follower *follower = calloc(1, sizeof(*follower));

	server->reload_follower = follower;
	if (!follower)
		return false;
	follower->server = server;
	timer_init(&follower->again, &server->loop->timers, reload_obey, follower);
	follower->event = event_new(server->loop->base, server->reload_socket,
	    EV_READ | EV_PERSIST, reload_on_order, follower);
	return follower->event && event_add(follower->event, NULL) == 0;
}

void
server_reload_unfollow(struct server *server)
{
	struct reload_follower *follower = server->reload_follower;

	if (follower) {
		if (follower->event)
			event_free(follower->event);
		timer_stop(&follower->again);
		reload_close(&follower->order);
		free(follower);
	}
	if (server->parent != 0)
		close(server->reload_socket);
}
