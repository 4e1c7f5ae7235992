/* SPDX-License-Identifier: BSD-2-Clause */
/* A connection between two workers. */
#include "bus/link.h"

#include "base/batch.h"
#include "net/io_socket.h"

#include <stdlib.h>
#include <string.h>

struct link {
	struct stream *stream; /* owned; NULL once closed */
	struct loop *loop; /* borrowed */
	const struct link_handlers *handlers; /* borrowed, as ARG; NULL after link_finish() */
	void *arg;
	struct buffer begun; /* owned: input that is not a complete frame */
	bool lost;
	struct loop_task turn; /* reports that the link is lost */
	struct loop_deferred deferred;
};

static void
link_release(struct loop_deferred *deferred)
{
	free(LIST_ENTRY_OF(deferred, struct link, deferred));
}

void
link_free(struct link *l)
{
	if (!l || !l->stream)
		return;
	stream_free(l->stream);
	l->stream = NULL;
	buffer_clear(&l->begun);
	loop_cancel(&l->turn);
	loop_defer_free(l->loop, &l->deferred, link_release);
}

static void
link_lose(struct link *l)
{
	l->lost = true;
	stream_set_reading(l->stream, false);
	loop_defer(l->loop, &l->turn);
}

static void
link_report_gone(struct link *l)
{
	if (l->handlers)
		l->handlers->on_gone(l->arg);
	else
		link_free(l);
}

/* Emits all complete frames. Handlers may free L. Returns false if a frame is malformed. */
static bool
link_emit(struct link *l)
{
	size_t done = 0;

	while (l->stream && buffer_len(&l->begun) - done >= sizeof(struct link_head)) {
		uint8_t *frame = buffer_data(&l->begun) + done;
		struct link_head head;

		memcpy(&head, frame, sizeof(head));
		if (head.len > LINK_FRAME_MAX)
			return false;
		if (buffer_len(&l->begun) - done - sizeof(head) < head.len)
			break;
		if (l->handlers)
			l->handlers->on_frame(l->arg, &head, frame + sizeof(head), head.len);
		done += sizeof(head) + head.len;
	}
	if (l->stream)
		buffer_consume(&l->begun, done);
	return true;
}

/* Reads once, into its own memory, because a handler may use the loop's. Returns false if
 * nothing more will come. */
static bool
link_read(struct link *l)
{
	uint8_t *room = buffer_reserve(&l->begun, LOOP_BATCH + BATCH_SLACK);
	enum stream_result result = STREAM_FAILED;
	size_t n = 0;

	if (room)
		result = stream_read(l->stream, room, LOOP_BATCH, &n);
	buffer_commit(&l->begun, n);
	if (buffer_len(&l->begun) == 0)
		buffer_clear(&l->begun);
	if (result == STREAM_OK)
		return link_emit(l);
	return result == STREAM_AGAIN && !l->lost;
}

/* Delivers what the other end sent before it disconnected. */
static void
link_on_turn(struct loop_task *task)
{
	struct link *l = LIST_ENTRY_OF(task, struct link, turn);

	while (l->stream && link_read(l))
		continue;
	if (l->stream)
		link_report_gone(l);
}

static void
link_on_readable(void *arg)
{
	if (!link_read(arg))
		link_report_gone(arg);
}

static void
link_on_drained(void *arg)
{
	struct link *l = arg;

	if (l->handlers)
		l->handlers->on_drained(l->arg);
	else if (stream_queued(l->stream) == 0)
		link_free(l);
}

static void
link_on_gone(void *arg, enum stream_gone reason)
{
	(void)reason;
	link_lose(arg);
}

static const struct stream_handlers link_stream_handlers = {
    .on_readable = link_on_readable,
    .on_drained = link_on_drained,
    .on_gone = link_on_gone,
};

struct link *
link_new_take(struct loop *loop, int fd, const struct link_handlers *handlers, void *arg)
{
	struct transport transport = {.ops = &transport_socket, .fd = fd};
	struct link *l = calloc(1, sizeof(*l));
	struct stream *stream =
	    io_socket_new_take(loop, transport, NULL, NULL, &link_stream_handlers, l);

	if (!l || !stream) {
		stream_free(stream);
		free(l);
		return NULL;
	}
	l->stream = stream;
	l->loop = loop;
	l->handlers = handlers;
	l->arg = arg;
	loop_task_init(&l->turn, link_on_turn);
	stream_set_reading(stream, true);
	return l;
}

void
link_set_handlers(struct link *l, const struct link_handlers *handlers, void *arg)
{
	l->handlers = handlers;
	l->arg = arg;
}

void
link_send(struct link *l, struct link_head head, const void *bytes, size_t len)
{
	struct iovec parts[] = {{&head, sizeof(head)}, {(void *)(uintptr_t)bytes, len}};

	head.len = (uint32_t)len;
	if (l->lost)
		return;
	if (len > LINK_FRAME_MAX || !stream_writev(l->stream, parts, len > 0 ? 2 : 1))
		link_lose(l);
}

size_t
link_queued(const struct link *l)
{
	return l->lost ? 0 : stream_queued(l->stream);
}

int64_t
link_progress_ms(const struct link *l)
{
	return stream_progress_ms(l->stream);
}

void
link_set_reading(struct link *l, bool on)
{
	if (!l->lost)
		stream_set_reading(l->stream, on);
}

void
link_finish(struct link *l)
{
	if (!l)
		return;
	if (link_queued(l) == 0) {
		link_free(l);
		return;
	}
	link_set_handlers(l, NULL, NULL);
	link_set_reading(l, true);
}
