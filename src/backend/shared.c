/* SPDX-License-Identifier: BSD-2-Clause */
/* One program for many clients. */
#include "backend/shared.h"

#include "websocket/frame.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct shared {
	struct list node; /* in the list of all */
	struct loop *loop; /* borrowed, as the next four */
	const struct shared_rules *rules;
	const char *name;
	const struct shared_handlers *handlers;
	void *arg;
	void *old_arg; /* the user that started PROGRAM, which is held as well; NULL: ARG */
	struct members members;
	struct shared_output output;
	struct list waiting; /* struct shared_wait */
	size_t waiting_count;
	struct backend *program; /* owned; NULL: none runs */
	struct buffer input; /* owned: records for the program, or for the next one */
	struct timer timer;
	int64_t due_ms; /* when a start or the end is due; 0: neither is */
	int64_t started_ms;
	int64_t next_start_ms; /* none before; 0: at any time */
	int64_t backoff_ms;
	struct log_limit stderr_limit;
	uint64_t unread; /* messages of clients that no program read */
	bool ending; /* we have ended it */
	bool retired;
	bool blocked; /* by a client that reads too slowly */
	bool had_client; /* in the life of this program */
	bool held;
	bool is_down; /* counted in DOWN */
	atomic_size_t *down; /* borrowed */
};

/* The log */

static bool
shared_log(const struct shared *s, enum log_level level, const char *text)
{
	if (!log_begin(level, "shared", 0, span_of(text)))
		return false;
	log_text("endpoint", span_of(s->name));
	return true;
}

static void
shared_log_count(const struct shared *s, const char *text, uint64_t count)
{
	if (count == 0 || !shared_log(s, LOG_WARN, text))
		return;
	log_number("messages", (int64_t)count);
	log_end();
}

/* How it ended, as text: "exit 3". */
static void
shared_describe_end(const struct backend *program, char *text, size_t size)
{
	if (program->end == BACKEND_SIGNAL)
		snprintf(text, size, "signal %s", util_signal_name(program->value));
	else
		snprintf(text, size, "exit %d", program->value);
}

static void
shared_on_log_line(void *arg, const char *line, size_t len)
{
	struct shared *s = arg;
	unsigned int suppressed = s->stderr_limit.suppressed;

	if (!log_shows(LOG_ERROR) || !log_limit_allows(&s->stderr_limit, util_clock_ms()))
		return;
	if (suppressed > 0 && shared_log(s, LOG_WARN, "lines of stderr suppressed")) {
		log_number("lines", suppressed);
		log_end();
	}
	s->stderr_limit.suppressed = 0;
	if (log_begin(LOG_ERROR, "stderr", 0, (struct span){line, len})) {
		log_text("endpoint", span_of(s->name));
		log_end();
	}
}

/* What it needs */

static bool
shared_is_always(const struct shared *s)
{
	return s->rules->settings.begin == SHARED_ALWAYS && !s->retired;
}

/* Whether there is somebody to run for. */
static bool
shared_is_needed(const struct shared *s)
{
	return shared_is_always(s) || s->members.count > 0 || !list_empty(&s->waiting);
}

static void
shared_set_due(struct shared *s, int64_t due_ms)
{
	s->due_ms = due_ms;
	if (due_ms != 0)
		timer_at(&s->timer, due_ms);
	else
		timer_stop(&s->timer);
}

/* Counts it if it should run and does not. */
static void
shared_count_down(struct shared *s)
{
	bool is_down = !s->program && shared_is_needed(s);

	if (is_down == s->is_down || !s->down)
		return;
	s->is_down = is_down;
	if (is_down)
		atomic_fetch_add(s->down, 1);
	else
		atomic_fetch_sub(s->down, 1);
}

/* Ends each call from the loop: S may be freed by it. */
static void
shared_settle(struct shared *s)
{
	bool holds = s->program || s->due_ms != 0 || s->members.count > 0;

	shared_count_down(s);
	if (holds == s->held)
		return;
	s->held = holds;
	if (holds)
		s->handlers->hold(s->arg);
	else
		s->handlers->release(s->arg);
}

/* After a change within any other call: holds at once; only a release has to be last. */
static void
shared_hold(struct shared *s)
{
	shared_count_down(s);
	if (s->program || s->due_ms != 0 || s->members.count > 0)
		shared_settle(s);
	else if (s->held)
		shared_set_due(s, util_clock_ms());
}

/* Reading */

static void
shared_set_reading(struct shared *s)
{
	if (!s->program)
		return;
	backend_set_reading(s->program, s->ending ? BACKEND_DROPS
					: s->blocked || (!s->had_client && !shared_is_always(s))
					    ? BACKEND_PAUSES
					    : BACKEND_READS);
}

/* To the program */

static size_t
shared_queued(void *arg)
{
	const struct shared *s = arg;

	return s->program ? buffer_len(&s->input) + backend_queued(s->program) : 0;
}

static void
shared_flush(void *arg)
{
	struct shared *s = arg;

	if (s->program && !s->ending && buffer_len(&s->input) > 0)
		framed_write_take(s->program, &s->input);
}

/* Whether the program, or the next one, knows a member: one that was ended for an earlier
 * program may still be there. */
static bool
shared_knows(const struct shared *s, struct member *member)
{
	return s->rules->settings.on_exit == SHARED_KEEP ||
	       (s->program && s->program->pid == member_backend(member)->pid);
}

static enum backend_result
shared_on_write(void *arg, struct member *member, struct batch *batch)
{
	struct shared *s = arg;
	size_t before = buffer_len(&s->input);
	enum backend_result result;

	if (!shared_knows(s, member))
		return BACKEND_DROPPED;
	result = framed_wrap(&s->rules->framed, batch,
	    s->rules->settings.mode == SHARED_ADDRESSED ? member_id(member) : 0, &s->input,
	    &member_backend(member)->why);

	if (result != BACKEND_OK)
		return result;
	if (!s->program &&
	    buffer_len(&s->input) > (size_t)s->rules->settings.members.queue_max) {
		buffer_cut(&s->input, before);
		s->unread += batch->messages;
		return BACKEND_DROPPED;
	}
	if (s->program && buffer_len(&s->input) >= LOOP_BATCH)
		shared_flush(s);
	if (shared_queued(s) > BUFFER_HIGH)
		members_throttle(&s->members, member);
	return BACKEND_OK;
}

/* A program that ran is ended, once; it may have ended by itself. */
static void
shared_end(struct shared *s)
{
	if (!s->program || s->ending)
		return;
	shared_flush(s);
	s->ending = true;
	shared_set_reading(s);
	backend_finish(s->program, 0, (struct span){0});
}

/* There must be no members left. */
static void
shared_look_for_clients(struct shared *s)
{
	int64_t linger = s->retired ? 0 : s->rules->settings.linger_ms;

	if (!s->program || s->ending)
		return;
	if (shared_is_needed(s) || linger == SHARED_FOREVER)
		shared_set_due(s, 0);
	else if (linger == 0)
		shared_end(s);
	else
		shared_set_due(s, util_clock_ms() + linger);
}

static void
shared_on_left(void *arg, struct member *member, uint16_t code, struct span reason)
{
	struct shared *s = arg;

	if (shared_knows(s, member) &&
	    !framed_put_close(&s->rules->framed, member_id(member), code, reason, &s->input))
		s->unread++;
	shared_flush(s);
	shared_look_for_clients(s);
	shared_hold(s);
}

static void
shared_on_block(void *arg, bool blocked)
{
	struct shared *s = arg;

	s->blocked = blocked;
	shared_set_reading(s);
}

static void
shared_on_dropped(void *arg, struct member *member, uint64_t messages)
{
	if (!shared_log(arg, LOG_WARN, "messages dropped for a client that reads too slowly"))
		return;
	log_number("client", (int64_t)member_id(member));
	log_number("messages", (int64_t)messages);
	log_end();
}

static const struct members_handlers shared_members_handlers = {
    .on_write = shared_on_write,
    .on_flush = shared_flush,
    .queued = shared_queued,
    .on_left = shared_on_left,
    .on_block = shared_on_block,
    .on_dropped = shared_on_dropped,
};

/* From the program */

static void
shared_on_messages(void *arg, struct batch *batch)
{
	struct shared *s = arg;

	shared_output_send(&s->output, batch);
}

static void
shared_on_event(void *arg, const struct backend_event *event)
{
	static const char *const texts[] = {
	    [BACKEND_CLOSE] = "",
	    [BACKEND_MALFORMED] = "the shared program's output is malformed",
	    [BACKEND_TOO_BIG] = "a message of the shared program is too large",
	    [BACKEND_NO_MEMORY] = "out of memory: output of the shared program is lost",
	    [BACKEND_STUCK] = "the shared program can't be terminated",
	};

	if (!shared_log(arg, LOG_ERROR, texts[event->kind]))
		return;
	if (event->why)
		log_text("reason", span_of(event->why));
	log_end();
}

static void shared_run(struct shared *s);

/* What is done with the clients of a program that has ended by itself. */
static void
shared_close_or_keep(struct shared *s, const struct backend *program, const char *end)
{
	bool restarts = program->end != BACKEND_EXIT || program->value != 0;
	struct member *m;

	for (m = members_first(&s->members); m; m = members_next(&s->members, m)) {
		/* What it did not read is lost; from here on it is kept for the next one, which
		 * does not know them. */
		if (s->rules->settings.on_exit == SHARED_KEEP) {
			struct span open = member_open(m);

			if (!buffer_append(&s->input, open.data, open.len))
				s->unread++;
			continue;
		}
		members_close(&s->members, m, restarts ? CLOSE_SERVICE_RESTART : CLOSE_NORMAL,
		    span_of(end));
	}
}

/* Nothing is left of it. */
static void
shared_on_gone(struct shared *s)
{
	struct backend *program = s->program;
	int64_t now = util_clock_ms();
	bool ended = s->ending;
	char end[32];

	shared_describe_end(program, end, sizeof(end));
	if (shared_log(s, ended ? LOG_INFO : LOG_WARN, "shared program exited")) {
		log_number("pid", program->pid);
		log_text("end", span_of(end));
		if (s->output.dropped > 0)
			log_number("dropped", (int64_t)s->output.dropped);
		log_end();
	}
	shared_output_end(&s->output);
	buffer_clear(&s->input);
	s->program = NULL;
	if (s->old_arg)
		s->handlers->release(s->old_arg);
	s->old_arg = NULL;
	s->ending = false;
	s->next_start_ms = now;
	if (ended) {
		s->backoff_ms = 0;
	} else {
		if (s->backoff_ms == 0 || now - s->started_ms >= SHARED_STEADY_MS)
			s->backoff_ms = SHARED_BACKOFF_MS;
		else if (s->backoff_ms < SHARED_BACKOFF_MAX_MS / 2)
			s->backoff_ms *= 2;
		else
			s->backoff_ms = SHARED_BACKOFF_MAX_MS;
		s->next_start_ms += s->backoff_ms;
		shared_close_or_keep(s, program, end);
	}
	backend_free(program);
	members_resume(&s->members);
	shared_run(s);
}

static void
shared_on_changed(void *arg)
{
	struct shared *s = arg;

	members_flush(&s->members);
	if (s->program->state == BACKEND_GONE) {
		shared_on_gone(s);
		shared_settle(s);
		return;
	}
	/* Nothing more comes from it, as from a program of one client. */
	if (s->program->state == BACKEND_OUTPUT_ENDED)
		backend_finish(s->program, 0, (struct span){0});
	if (shared_queued(s) == BUFFER_LOW)
		members_resume(&s->members);
}

static const struct backend_handlers shared_program_handlers = {
    .on_messages = shared_on_messages,
    .on_log_line = shared_on_log_line,
    .on_event = shared_on_event,
    .on_changed = shared_on_changed,
};

/* Its start */

/* 0, or an errno. */
static int
shared_start_program(struct shared *s)
{
	int error;

	s->program = s->handlers->start(s->arg, &shared_program_handlers, s, &error);
	s->started_ms = util_clock_ms();
	if (!s->program) {
		s->backoff_ms = s->backoff_ms == 0 ? SHARED_BACKOFF_MS : 2 * s->backoff_ms;
		if (s->backoff_ms > SHARED_BACKOFF_MAX_MS)
			s->backoff_ms = SHARED_BACKOFF_MAX_MS;
		s->next_start_ms = s->started_ms + s->backoff_ms;
		return error;
	}
	s->had_client = s->members.count > 0;
	s->ending = false;
	shared_set_due(s, 0);
	shared_hold(s);
	if (shared_log(s, LOG_INFO, "shared program started")) {
		log_number("pid", s->program->pid);
		log_end();
	}
	shared_log_count(s,
	    "messages of clients were lost while the shared program was not running",
	    s->unread);
	s->unread = 0;
	shared_flush(s);
	shared_set_reading(s);
	return 0;
}

static void
shared_forget(struct shared *s, struct shared_wait *wait)
{
	list_remove(&wait->node);
	wait->shared = NULL;
	s->waiting_count--;
	shared_count_down(s);
}

/* Those that wait join, or not. */
static void
shared_wake(struct shared *s, int error)
{
	while (!list_empty(&s->waiting)) {
		struct shared_wait *wait =
		    LIST_ENTRY_OF(s->waiting.next, struct shared_wait, node);

		shared_forget(s, wait);
		wait->done(wait->arg, error);
	}
}

/* No program runs: starts one if somebody needs it, as soon as that may be. */
static void
shared_run(struct shared *s)
{
	/* Those that are about to be closed need none. */
	bool needed = shared_is_always(s) || !list_empty(&s->waiting) ||
		      (s->rules->settings.on_exit == SHARED_KEEP && s->members.count > 0);
	int error;

	if (s->program)
		return;
	if (!needed) {
		shared_set_due(s, 0);
		return;
	}
	if (util_clock_ms() < s->next_start_ms) {
		shared_set_due(s, s->next_start_ms);
		return;
	}
	error = shared_start_program(s);
	/* An idle one is kept until those that waited have joined, or not. */
	shared_wake(s, error);
	if (error == 0)
		shared_look_for_clients(s);
	else
		shared_run(s);
}

static void
shared_on_timer(void *arg)
{
	struct shared *s = arg;

	if (s->due_ms == 0)
		return;
	if (util_clock_ms() < s->due_ms) {
		timer_at(&s->timer, s->due_ms);
		return;
	}
	s->due_ms = 0;
	if (!s->program)
		shared_run(s);
	else if (!shared_is_needed(s))
		shared_end(s);
	shared_settle(s);
}

/* For its user */

bool
shared_has_room(const struct shared *s)
{
	int64_t max = s->rules->settings.max_clients;

	return max == 0 || s->members.count + s->waiting_count < (size_t)max;
}

bool
shared_must_wait(const struct shared *s)
{
	return s->program ? s->ending || s->program->state != BACKEND_RUNNING
			  : util_clock_ms() < s->next_start_ms;
}

void
shared_wait(struct shared *s, struct shared_wait *wait)
{
	wait->shared = s;
	list_append(&s->waiting, &wait->node);
	s->waiting_count++;
	/* Even if it could be by now: the caller is not called before it returns. */
	if (!s->program) {
		int64_t now = util_clock_ms();

		shared_set_due(s, s->next_start_ms > now ? s->next_start_ms : now);
	}
	shared_hold(s);
}

void
shared_cancel(struct shared_wait *wait)
{
	if (wait->shared)
		shared_forget(wait->shared, wait);
}

struct backend *
shared_join(struct shared *s, uint64_t id, struct buffer *open,
    const struct backend_handlers *handlers, void *arg, int *error)
{
	struct backend *backend;
	size_t before = buffer_len(&s->input);

	*error = s->program ? 0 : shared_start_program(s);
	if (*error != 0)
		return NULL;
	*error = ENOMEM;
	if (!buffer_append(&s->input, buffer_data(open), buffer_len(open)))
		return NULL;
	if (s->rules->settings.on_exit != SHARED_KEEP)
		buffer_clear(open);
	backend = members_add(&s->members, id, s->program->pid, open, handlers, arg);
	if (!backend) {
		buffer_cut(&s->input, before);
		shared_look_for_clients(s);
		shared_hold(s);
		return NULL;
	}
	s->had_client = true;
	shared_flush(s);
	shared_set_due(s, 0);
	shared_hold(s);
	shared_set_reading(s);
	return backend;
}

void
shared_start(struct shared *s)
{
	shared_run(s);
	shared_hold(s);
}

void
shared_retire(struct shared *s)
{
	s->retired = true;
	if (s->program)
		shared_look_for_clients(s);
	else
		shared_run(s);
	shared_settle(s);
}

void
shared_retire_all(struct list *list)
{
	struct list *next;

	for (struct list *node = list->next; node != list; node = next) {
		next = node->next;
		shared_retire(LIST_ENTRY_OF(node, struct shared, node));
	}
}

void
shared_stop_all(struct list *list)
{
	struct list *next;

	for (struct list *node = list->next; node != list; node = next) {
		struct shared *s = LIST_ENTRY_OF(node, struct shared, node);

		next = node->next;
		s->retired = true;
		shared_set_due(s, 0);
		shared_end(s);
		shared_settle(s);
	}
}

bool
shared_in_use(const struct list *list)
{
	for (const struct list *node = list->next; node != list; node = node->next) {
		if (LIST_ENTRY_OF((uintptr_t)node, struct shared, node)->held)
			return true;
	}
	return false;
}

struct shared *
shared_new(const struct shared_spec *spec)
{
	struct shared *s = calloc(1, sizeof(*s));

	if (!s)
		return NULL;
	s->loop = spec->loop;
	s->rules = spec->rules;
	s->name = spec->name;
	s->handlers = spec->handlers;
	s->arg = spec->arg;
	s->down = spec->down;
	list_init(&s->node);
	list_append(spec->list, &s->node);
	list_init(&s->waiting);
	timer_init(&s->timer, &spec->loop->timers, shared_on_timer, s);
	members_init(&s->members, spec->loop, &spec->rules->settings.members,
	    &shared_members_handlers, s);
	s->output.rules = &spec->rules->output;
	s->output.name = spec->name;
	s->output.members = &s->members;
	s->output.scratch = spec->loop->out;
	return s;
}

void
shared_adopt(struct shared *s, const struct shared_spec *spec)
{
	void *old = s->arg;

	s->rules = spec->rules;
	s->name = spec->name;
	s->arg = spec->arg;
	s->members.rules = &spec->rules->settings.members;
	s->output.rules = &spec->rules->output;
	s->output.name = spec->name;
	if (!s->held)
		return;
	s->handlers->hold(s->arg);
	if (s->program && !s->old_arg)
		s->old_arg = old;
	else
		s->handlers->release(old);
}

void
shared_free(struct shared *s)
{
	if (!s)
		return;
	assert(!s->program && !s->held && list_empty(&s->waiting));
	list_remove(&s->node);
	members_clear(&s->members);
	shared_output_end(&s->output);
	buffer_clear(&s->input);
	free(s);
}
