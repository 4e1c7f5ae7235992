/* SPDX-License-Identifier: BSD-2-Clause */
/* The list of sessions, which may be long, so it is sent in several turns of the event loop. */
#include "serve/admin_sessions.h"

#include "base/json.h"
#include "base/util.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	SESSIONS_TURN = 128, /* sessions per piece */
	SESSIONS_NUMBERS_MAX = 256, /* bytes of the numbers of one session */
};

struct admin_sessions {
	struct loop_deferred deferred; /* first: sessions_release() casts it back */
	const struct registry *registry; /* borrowed, as the next one */
	struct exchange *exchange;
	struct loop *loop; /* borrowed */
	struct loop_task turn;
	struct registry_cursor cursor;
	size_t written;
};

static void
sessions_release(struct loop_deferred *deferred)
{
	free(deferred);
}

static void
sessions_over(struct admin_sessions *list)
{
	loop_cancel(&list->turn);
	loop_defer_free(list->loop, &list->deferred, sessions_release);
}

static bool
sessions_put(struct buffer *out, const char *text)
{
	return buffer_append(out, text, strlen(text));
}

/* Appends a member with a string, or with null if TEXT is NULL. */
static bool
sessions_put_text(struct buffer *out, const char *name, const char *text)
{
	if (!sessions_put(out, ",\"") || !sessions_put(out, name))
		return false;
	if (!text)
		return sessions_put(out, "\":null");
	return sessions_put(out, "\":\"") &&
	       json_escape(out, (const uint8_t *)text, strlen(text), JSON_ESCAPE_HTML) &&
	       sessions_put(out, "\"");
}

static bool
sessions_put_session(struct buffer *out, const struct admin_sessions *list,
    const struct registry_entry *entry, size_t worker)
{
	const char *path = registry_path(list->registry, entry->endpoint);
	const struct registry_counts *counts = &entry->counts;
	int64_t age_ms = util_clock_ms() - entry->opened_ms;
	char pid[24] = "null", numbers[SESSIONS_NUMBERS_MAX];

	if (entry->pid != 0)
		snprintf(pid, sizeof(pid), "%d", (int)entry->pid);
	snprintf(numbers, sizeof(numbers),
	    ",\"pid\":%s,\"worker\":%zu,\"age_seconds\":%.3f,\"in_messages\":%" PRIu64
	    ",\"in_bytes\":%" PRIu64 ",\"out_messages\":%" PRIu64 ",\"out_bytes\":%" PRIu64 "}",
	    pid, worker + 1, (double)age_ms / 1000, counts->in.messages, counts->in.bytes,
	    counts->out.messages, counts->out.bytes);
	if (!sessions_put_text(out, "endpoint", path ? path : "other") ||
	    !sessions_put_text(out, "via", session_via_names[entry->via]) ||
	    !sessions_put_text(out, "remote", entry->remote) ||
	    !sessions_put_text(out, "user", entry->user[0] ? entry->user : NULL))
		return false;
	return sessions_put(out, numbers);
}

/* Appends the next piece of the array. Returns false if memory runs out. */
static bool
sessions_put_piece(struct admin_sessions *list, struct buffer *out, bool *more)
{
	struct registry_entry entry;

	*more = true;
	for (size_t i = 0; i < SESSIONS_TURN; i++) {
		char id[48];

		*more = registry_next(list->registry, &list->cursor, &entry);
		if (!*more)
			return sessions_put(out, list->written == 0 ? "[]\n" : "\n]\n");
		snprintf(id, sizeof(id), "%s{\"id\":%" PRIu64,
		    list->written++ == 0 ? "[\n" : ",\n", entry.id);
		if (!sessions_put(out, id) ||
		    !sessions_put_session(out, list, &entry, list->cursor.worker))
			return false;
	}
	return true;
}

static void
sessions_step(struct admin_sessions *list)
{
	struct exchange *exchange = list->exchange;
	struct buffer piece = {0};
	bool more;

	if (!sessions_put_piece(list, &piece, &more)) {
		sessions_over(list);
		exchange_abort(exchange, "out of memory");
	} else {
		exchange_write(exchange, buffer_data(&piece), buffer_len(&piece));
		if (!more) {
			sessions_over(list);
			exchange_end(exchange);
		} else if (exchange_queued(exchange) <= BUFFER_LOW) {
			loop_defer(list->loop, &list->turn);
		}
	}
	buffer_clear(&piece);
}

static void
sessions_on_turn(struct loop_task *task)
{
	sessions_step(LIST_ENTRY_OF(task, struct admin_sessions, turn));
}

static void
sessions_on_drained(void *arg)
{
	struct admin_sessions *list = arg;

	if (exchange_queued(list->exchange) <= BUFFER_LOW)
		loop_defer(list->loop, &list->turn);
}

static void
sessions_on_gone(void *arg)
{
	sessions_over(arg);
}

void
admin_sessions_serve(const struct registry *registry, struct exchange *exchange)
{
	static const struct exchange_handlers handlers = {
	    .on_drained = sessions_on_drained,
	    .on_gone = sessions_on_gone,
	};
	struct reply reply = {
	    .status = 200,
	    .type = "application/json",
	    .length = REPLY_LENGTH_UNKNOWN,
	    .fields = "Cache-Control: no-store\r\n",
	};
	struct admin_sessions *list = calloc(1, sizeof(*list));

	if (!list) {
		exchange_reply_status(exchange, 503, NULL, "out of memory");
		return;
	}
	list->registry = registry;
	list->exchange = exchange;
	list->loop = exchange_loop(exchange);
	loop_task_init(&list->turn, sessions_on_turn);
	exchange_set_handlers(exchange, &handlers, list);
	exchange_begin(exchange, &reply, (struct span){0});
	sessions_step(list);
}
