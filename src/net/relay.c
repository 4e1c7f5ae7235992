/* SPDX-License-Identifier: BSD-2-Clause */
/* Relays between two streams. */
#include "net/relay.h"

#include "net/linger.h"
#include "net/rate.h"

#include <stdlib.h>

struct relay {
	struct loop_deferred deferred; /* first: relay_release() casts it back */
	struct list node;
	struct loop *loop; /* borrowed */
	struct span apology; /* borrowed; empty: none, or the server has already sent data */
	bool ending; /* the server has ended its side: read what is left at once */
	struct relay_side {
		struct relay *relay;
		struct relay_side *other;
		struct stream *stream; /* owned; NULL: the relay has ended */
	} client, server;
};

static void
relay_release(struct loop_deferred *deferred)
{
	free(deferred);
}

/* Ends the relay; FLUSH: queued output is still sent to the client. */
static void
relay_end(struct relay *relay, bool flush)
{
	if (flush && relay->apology.len > 0 &&
	    !stream_write(relay->client.stream, relay->apology.data, relay->apology.len))
		flush = false;
	if (flush)
		linger_take(relay->client.stream, relay->loop, RATE_CREDIT_MS);
	else
		stream_free(relay->client.stream);
	stream_free(relay->server.stream);
	relay->client.stream = relay->server.stream = NULL;
	list_remove(&relay->node);
	loop_defer_free(relay->loop, &relay->deferred, relay_release);
}

static void
relay_on_readable(void *arg)
{
	struct relay_side *side = arg;
	struct relay *relay = side->relay;
	struct stream *to = side->other->stream;
	size_t n;

	switch (stream_read(side->stream, relay->loop->in, LOOP_BATCH, &n)) {
	case STREAM_OK:
		if (side == &relay->server)
			relay->apology.len = 0;
		if (!stream_write(to, relay->loop->in, n))
			relay_end(relay, false);
		else if (stream_queued(to) > BUFFER_HIGH && !relay->ending)
			stream_set_reading(side->stream, false);
		break;
	case STREAM_AGAIN:
		break;
	case STREAM_EOF:
		if (side == &relay->server) {
			relay_end(relay, true);
		} else {
			stream_set_reading(side->stream, false);
			stream_shutdown(to);
		}
		break;
	case STREAM_FAILED:
		relay_end(relay, side == &relay->server);
		break;
	}
}

static void
relay_on_drained(void *arg)
{
	struct relay_side *side = arg;

	if (stream_queued(side->stream) <= BUFFER_LOW && !side->stream->last)
		stream_set_reading(side->other->stream, true);
}

static void
relay_on_gone(void *arg, enum stream_gone reason)
{
	struct relay_side *side = arg;

	/* The client's end is read after the data before it. When the server has ended, only
	 * what is in the kernel is left: read it now, because a client that does not read would
	 * keep the relay forever. */
	if (reason == STREAM_LOST) {
		relay_end(side->relay, side == &side->relay->server);
	} else if (side == &side->relay->server) {
		side->relay->ending = true;
		stream_set_reading(side->stream, true);
	}
}

static const struct stream_handlers relay_handlers = {
    .on_readable = relay_on_readable,
    .on_drained = relay_on_drained,
    .on_gone = relay_on_gone,
};

bool
relay_start_take(struct loop *loop, struct list *list, struct stream *client,
    struct stream *server, struct span apology)
{
	struct relay *relay = calloc(1, sizeof(*relay));

	if (!relay) {
		stream_free(client);
		stream_free(server);
		return false;
	}
	relay->loop = loop;
	relay->apology = apology;
	relay->client = (struct relay_side){relay, &relay->server, client};
	relay->server = (struct relay_side){relay, &relay->client, server};
	list_append(list, &relay->node);
	stream_set_handlers(client, &relay_handlers, &relay->client);
	stream_set_handlers(server, &relay_handlers, &relay->server);
	stream_set_reading(client, true);
	stream_set_reading(server, true);
	return true;
}

void
relay_abort_all(struct list *list)
{
	while (!list_empty(list))
		relay_end(LIST_ENTRY_OF(list->next, struct relay, node), false);
}
