/* SPDX-License-Identifier: BSD-2-Clause */
/* What a seed draws, and its run: at each step one of all things that could happen does. */
#include "world.h"

#include "check.h"
#include "client.h"
#include "events.h"
#include "kernel.h"
#include "memory.h"
#include "model.h"
#include "monitor.h"
#include "net/io_socket.h"
#include "oracle.h"
#include "process/children.h"
#include "process/quota.h"
#include "program.h"
#include "random.h"

#include <event2/event.h>
#include <stdlib.h>
#include <string.h>

enum {
	WORLD_STEPS = 400 * 1000,
	WORLD_LIFE_MS = 3600 * 1000, /* then everybody is to end */
};

struct world world;
uint64_t random_state;

static struct {
	struct loop *loop;
	struct children *children;
	struct quota quota;
	struct list sessions;
} server;

void
world_fill(struct bytes *out, size_t len, bool text)
{
	static const char *const characters[] = {"\xc3\xa9", "\xe2\x82\xac", "\xf0\x9f\x98\x80",
	    "\xed\x9f\xbf", "\xf4\x8f\xbf\xbf", "\xc2\x80"};
	uint8_t *to = bytes_add(out, len);
	size_t done = 0;
	size_t unit = len < 512 ? len : random_between(200, 512);

	while (done < unit) {
		const char *c = RANDOM_OF(characters);
		size_t n = strlen(c);

		if (!text) {
			to[done++] = (uint8_t)random_next();
		} else if (random_one_in(6) && n <= unit - done) {
			memcpy(to + done, c, n);
			done += n;
		} else {
			to[done++] = (uint8_t)random_between(' ', '~');
		}
	}
	for (; done < len; done += unit) {
		size_t n = len - done < unit ? len - done : unit;

		memcpy(to + done, to, n);
		/* No character is cut at the end. */
		for (size_t i = n;
		     text && n < unit && i > 0 && (i == n || to[done + i - 1] > 0x7f); i--)
			to[done + i - 1] = 'e';
	}
	/* Pieces can be told apart. */
	for (size_t i = 0; i + 1024 < len; i += 1000) {
		size_t at = i + random_below(900);

		if (!text || to[at] < 0x80)
			to[at] = (uint8_t)random_between(' ', '~');
	}
	if (len > 0 && random_one_in(12) && to[len / 2] < 0x80)
		to[len / 2] = (uint8_t)(random_one_in(8)   ? '\0'
					: random_one_in(4) ? '\r'
							   : '\n');
}

static void
world_draw_websocket(void)
{
	static const uint64_t limits[] = {
	    1, 3, 125, 126, 1000, 4096, 65535, 65536, 65537, 200000, 1024 * 1024, 1024 * 1024};
	static const int64_t pings[] = {0, 0, 1000, 5000, 30000};
	struct websocket_rules *rules = &world.websocket;

	rules->max_message = RANDOM_OF(limits);
	rules->max_empty_fragments = RANDOM_OF(((uint32_t[]){1, 3, 4096}));
	rules->max_pings = RANDOM_OF(((uint16_t[]){0, 10, 1000}));
	rules->ping_ms = RANDOM_OF(pings);
	rules->stall_ms = 60 * 1000;
	strcpy(rules->reason_message, "message too big");
	strcpy(rules->reason_empty_fragments, "too many empty fragments");
	strcpy(rules->reason_pings, "too many pings");
	world.client_role = random_one_in(8);
	world.compresses = random_one_in(3);
	if (!world.compresses)
		return;
	rules->deflate = (struct deflate_settings){.on = true,
	    .level = (int64_t)random_between(1, 9),
	    .min = (int64_t)random_below(200)};
	world.deflate = (struct deflate_agreed){
	    .server_bits = (uint8_t)random_between(9, 15),
	    .client_bits = (uint8_t)random_between(8, 15),
	    .server_takeover = random_one_in(2),
	    .client_takeover = random_one_in(2),
	};
}

static void
world_draw_program(void)
{
	static const enum framing_kind kinds[] = {FRAMING_LINES, FRAMING_LINES, FRAMING_LINES,
	    FRAMING_STREAM, FRAMING_TEXT, FRAMING_NUL, FRAMING_LENGTH, FRAMING_LSP,
	    FRAMING_JSON};
	struct framed_rules *rules = &world.program;

	rules->to_program.kind = RANDOM_OF(kinds);
	rules->from_program.kind = random_one_in(4) ? RANDOM_OF(kinds) : rules->to_program.kind;
	rules->to_program.newline =
	    random_one_in(2) ? FRAMING_NEWLINE_PASS : (enum framing_newline)random_below(3);
	rules->from_program.text =
	    rules->from_program.kind == FRAMING_LENGTH && random_one_in(2);
	rules->drops_wrong_type = random_one_in(8);
	rules->reads_little = rules->from_program.kind == FRAMING_JSON;
	world.session.output.invalid = (enum output_invalid)random_below(3);
	world.format = framed_format(rules);
	if (world.format.parts && random_one_in(2))
		world.websocket.max_message = 0;
	world.exact = world.format.joins && !world.compresses;
}

static void
world_draw(void)
{
	static const size_t capacities[] = {1000, 4096, 65536, 65536, 200000};
	static const size_t pipes[] = {1000, 4096, 65536, 65536};
	static const size_t budgets[] = {300, 3000, 30000, 200000};

	memset(&world, 0, sizeof(world));
	world_draw_websocket();
	world_draw_program();
	strcpy(world.session.reason_output, "message of the program too big");
	world.session.log = (struct session_log_rules){.command = "program"};
	world.prompt = !random_one_in(3);
	world.faults_memory = random_one_in(5);
	world.budget = RANDOM_OF(budgets);
	if (random_one_in(60))
		world.budget = 2 * 1024 * 1024;
	world.extra_wait_ms = random_one_in(4) ? 1000 : 0;
	if (random_one_in(10))
		world.shutdown_ms = check.now_ms + (int64_t)random_below(5000);
	kernel.from_client.capacity = RANDOM_OF(capacities);
	kernel.to_client.capacity = RANDOM_OF(capacities);
	kernel.in.capacity = RANDOM_OF(pipes);
	kernel.out.capacity = RANDOM_OF(pipes);
	kernel.quiet = random_one_in(4);
	kernel.on_sent = monitor_take;
	check_trace("framing %d/%d, limit %llu, role %s, deflate %d (%d/%d), ping %lld ms, "
		    "prompt %d, budget %zu, exact %d",
	    world.program.to_program.kind, world.program.from_program.kind,
	    (unsigned long long)world.websocket.max_message,
	    world.client_role ? "client" : "server", world.compresses,
	    world.deflate.server_bits, world.deflate.client_bits,
	    (long long)world.websocket.ping_ms, world.prompt, world.budget, world.exact);
}

/* As serve/upgrade does it. False without memory. */
static bool
world_start(void)
{
	static char *const none[] = {NULL};
	static char head[300];
	struct session_log_spec log = {.rules = &world.session.log,
	    .id = 1,
	    .remote = "192.0.2.1",
	    .program = "program",
	    .target = SPAN("/"),
	    .host = SPAN("example.org"),
	    .origin = SPAN("https://example.org")};
	struct session *session =
	    session_new(server.loop, &server.sessions, &world.session, &log);
	struct program_spec program_spec = {.loop = server.loop,
	    .children = server.children,
	    .rules = &world.program,
	    .command = {.path = "program", .fd = -1, .argv = none, .envp = none}};
	struct websocket_spec websocket = {.loop = server.loop,
	    .rules = &world.websocket,
	    .format = &world.format,
	    .deflate = world.compresses ? &world.deflate : NULL,
	    .client = world.client_role};
	size_t head_len = random_one_in(2) ? 0 : random_below(sizeof(head));
	uint8_t early[4096];
	size_t early_len;
	struct backend *backend = NULL;
	struct transport transport = {.ops = &transport_socket, .fd = KERNEL_SOCKET};
	struct peer *peer = NULL;
	struct stream *stream;
	int error;

	if (session)
		websocket.sent = session_sent(session);
	if (session)
		peer = websocket_new(&websocket, &session_peer_handlers, session);
	if (peer)
		backend =
		    program_start(&program_spec, &session_backend_handlers, session, &error);
	stream = io_socket_new_take(server.loop, transport, NULL, NULL, NULL, NULL);
	if (backend && !stream) {
		/* In the server it exists by now. */
		memory_set_failure(MEMORY_NEVER_FAILS, 0);
		kernel.open[0] = true;
		kernel.to_client.writer_closed = false;
		kernel.from_client.reader_closed = false;
		stream = io_socket_new_take(server.loop, transport, NULL, NULL, NULL, NULL);
	}
	if (!backend) {
		peer_free(peer);
		session_cancel(session);
		stream_free(stream);
		return false;
	}
	memset(head, 'h', sizeof(head));
	monitor_start(head_len);
	client_start();
	program_model_start();
	session_start_take(session, peer, backend, &log);
	early_len = random_one_in(2) ? client_take_early(early, sizeof(early)) : 0;
	websocket_start_take(peer, stream, (struct span){head, head_len},
	    (struct span){(char *)early, early_len});
	return true;
}

static bool
world_is_over(void)
{
	return list_empty(&server.sessions) && !kernel_is_open(KERNEL_SOCKET) &&
	       children_count(server.children) == 0 && events_ready() == 0;
}

/* Nobody may count on what the blocks that all sessions share had in them. */
static void
world_scribble(void)
{
	if (random_one_in(4)) {
		memset(server.loop->in, 0xa5, 300);
		memset(server.loop->out, 0xa5, 300);
	}
}

static void
world_pass(int64_t ms)
{
	check.now_ms += ms;
	kernel_tick();
}

/* Goes to the next time at which something happens. */
static void
world_jump(int64_t end_ms)
{
	int64_t due[] = {events_next_due(), client_next_due(), program_next_due(),
	    kernel_next_due(),
	    world.shutdown_ms > check.now_ms ? world.shutdown_ms : INT64_MAX};
	int64_t next = INT64_MAX;

	for (size_t i = 0; i < sizeof(due) / sizeof(due[0]); i++) {
		if (due[i] < next)
			next = due[i];
	}
	if (next > end_ms) {
		/* All wait for each other, or have waited long enough. */
		check_that(check.now_ms < end_ms + 1000 * 1000 && next != INT64_MAX - 1,
		    "a session ends");
		client_hurry();
		program_hurry();
		next = next == INT64_MAX ? check.now_ms + 1000 : next;
	}
	check_that(next < INT64_MAX, "somebody is waited for");
	world_pass(next > check.now_ms ? next - check.now_ms : 1);
}

static void
world_step(int64_t end_ms)
{
	bool acted = false;

	if (random_one_in(16))
		world_pass((int64_t)random_below(3));
	if (world.shutdown_ms != 0 && check.now_ms >= world.shutdown_ms) {
		world.shutdown_ms = 0;
		check_trace("the server shuts down");
		if (!list_empty(&server.sessions))
			oracle_on_shutdown();
		session_drain_all(&server.sessions, "the server is shutting down");
	}
	if (events_ready() > 0 && !random_one_in(3)) {
		events_run();
		world_scribble();
		acted = true;
	} else if (random_one_in(2)) {
		acted = client_step() || program_step();
	} else {
		acted = program_step() || client_step();
	}
	if (!acted && events_ready() == 0) {
		oracle_quiescent(!list_empty(&server.sessions));
		world_jump(end_ms);
	}
	oracle_step(!list_empty(&server.sessions));
}

static void
world_set_memory(void)
{
	static const enum memory_failure kinds[] = {
	    MEMORY_FAILS_ONCE, MEMORY_FAILS_ONCE, MEMORY_FAILS_FROM, MEMORY_FAILS_OFTEN};

	if (world.faults_memory)
		memory_set_failure(
		    RANDOM_OF(kinds), 1 + random_below(random_one_in(2) ? 12 : 100));
}

void
world_run(uint64_t seed)
{
	struct children_settings settings = {.quota = &server.quota};
	int64_t end_ms;

	random_seed(seed);
	check.seed = seed;
	check.step = 0;
	/* The low bits of the clock overflow within some sessions. */
	check.start_ms =
	    random_one_in(4) ? INT64_C(0x1ffffffff) - (int64_t)random_below(5000) : 1000000;
	check.now_ms = check.start_ms;
	end_ms = check.start_ms + WORLD_LIFE_MS;
	memory_reset();
	events_reset();
	kernel_reset();
	oracle_reset();
	model_reset();
	world_draw();
	list_init(&server.sessions);
	memset(&server.quota, 0, sizeof(server.quota));
	quota_init(&server.quota, 0, 1);
	server.loop = loop_new();
	settings.extra_wait_ms = world.extra_wait_ms;
	server.children = children_new(server.loop, &settings);
	world_set_memory();
	if (world_start()) {
		while (!world_is_over()) {
			check.step++;
			check_that(check.step < WORLD_STEPS, "a session ends");
			world_step(end_ms);
		}
		oracle_end();
	}
	children_free(server.children);
	loop_free(server.loop);
	check_that(memory_live_blocks() == 0,
	    "all memory is freed: %zu blocks, %zu bytes are not", memory_live_blocks(),
	    memory_live_bytes());
	check_that(events_count() == 0, "no event is left");
	client_clear();
	program_model_clear();
	monitor_clear();
	model_reset();
	kernel_reset();
}
