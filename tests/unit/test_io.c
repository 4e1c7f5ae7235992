/* SPDX-License-Identifier: BSD-2-Clause */
/* A stream over a scripted transport that gives one byte, nothing, or an error at each step;
 * and over real ones. */
#include "base/util.h"
#include "net/io.h"
#include "net/io_socket.h"
#include "net/limit.h"
#include "net/linger.h"

#include <arpa/inet.h>
#include <errno.h>
#include <event2/event.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

/*
 * What the transport does at each call: takes at most N bytes, or, for a negative N, has AGAIN
 * (-1), EOF (-2), ERROR
 * (-3), or AGAIN until the descriptor is ready for the opposite (-4). A shutdown uses up a step
 * as well.
 */
enum { AGAIN = -1, END = -2, BROKEN = -3, OPPOSITE = -4 };

/* How long what the system does is waited for: ten seconds, of 100 us each turn. */
enum { TURNS_MAX = 100000 };

static struct {
	const int *steps;
	size_t count;
	size_t at;
	char written[4 << 20];
	size_t written_len;
	unsigned int shutdowns;
	unsigned int lasts; /* writes of the last bytes */
	bool pending; /* there is something to read that no event announces */
} scripted;

static int
scripted_step(void)
{
	return scripted.at < scripted.count ? scripted.steps[scripted.at++] : 1 << 20;
}

static enum stream_result
scripted_result(int step)
{
	switch (step) {
	case AGAIN:
	case OPPOSITE:
		return STREAM_AGAIN;
	case END:
		return STREAM_EOF;
	case BROKEN:
		errno = ECONNRESET;
		return STREAM_FAILED;
	default:
		return STREAM_OK;
	}
}

static enum stream_result
scripted_read(struct transport *t, void *bytes, size_t capacity, size_t *n)
{
	int step = scripted_step();

	t->read_wants_write = step == OPPOSITE;
	if (step < 0)
		return scripted_result(step);
	*n = (size_t)step < capacity ? (size_t)step : capacity;
	memset(bytes, 'r', *n);
	return STREAM_OK;
}

static enum stream_result
scripted_writev(struct transport *t, const struct iovec *parts, int count, size_t *n)
{
	int step = scripted_step();
	size_t room = (size_t)step;

	scripted.lasts += t->last;
	t->write_wants_read = step == OPPOSITE;
	if (step < 0)
		return scripted_result(step);
	for (int i = 0; i < count && room > 0; i++) {
		size_t len = parts[i].iov_len < room ? parts[i].iov_len : room;

		memcpy(scripted.written + scripted.written_len, parts[i].iov_base, len);
		scripted.written_len += len;
		*n += len;
		room -= len;
	}
	return STREAM_OK;
}

static bool
scripted_shutdown(struct transport *t)
{
	(void)t;
	scripted.shutdowns++;
	return scripted_step() != AGAIN;
}

static void
scripted_close(struct transport *t)
{
	close(t->fd);
	t->fd = -1;
}

static bool
scripted_pending(const struct transport *t)
{
	(void)t;
	return scripted.pending;
}

static const struct transport_ops scripted_ops = {
    .read = scripted_read,
    .writev = scripted_writev,
    .shutdown = scripted_shutdown,
    .close = scripted_close,
    .pending = scripted_pending,
};

/* What the stream's owner saw. */
struct owner {
	struct loop *loop;
	struct stream *io;
	int other; /* the other end, for the events of a real descriptor */
	unsigned int readable;
	unsigned int written;
	unsigned int gone;
	bool failed;
	bool frees; /* it frees the stream in whatever handler comes first */
};

static void
owner_free(struct owner *o)
{
	stream_free(o->io);
	o->io = NULL;
}

static void
on_readable(void *arg)
{
	struct owner *o = arg;

	o->readable++;
	if (o->frees)
		owner_free(o);
}

static void
on_written(void *arg)
{
	struct owner *o = arg;

	o->written++;
	if (o->frees)
		owner_free(o);
}

static void
on_gone(void *arg, enum stream_gone reason)
{
	struct owner *o = arg;

	o->gone++;
	o->failed = reason == STREAM_LOST;
	if (o->frees)
		owner_free(o);
}

static const struct stream_handlers handlers = {on_readable, on_written, on_gone};

static void
start_on(struct owner *o, const struct transport_ops *ops, int fd, int other)
{
	memset(o, 0, sizeof(*o));
	o->loop = loop_new();
	assert_non_null(o->loop);
	o->other = other;
	assert_int_equal(fcntl(fd, F_SETFL, O_NONBLOCK), 0);
	o->io = io_socket_new_take(
	    o->loop, (struct transport){.ops = ops, .fd = fd}, NULL, NULL, &handlers, o);
	assert_non_null(o->io);
}

static void
start_scripted(struct owner *o, const int *steps, size_t count)
{
	int ends[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
	memset(&scripted, 0, sizeof(scripted));
	scripted.steps = steps;
	scripted.count = count;
	start_on(o, &scripted_ops, ends[0], ends[1]);
	/* While nothing is read events are edge-triggered, and a real socket would not say
	 * AGAIN with room left. */
	stream_set_reading(o->io, true);
}

static void
stop(struct owner *o)
{
	stream_free(o->io);
	if (o->other != -1)
		close(o->other);
	loop_free(o->loop);
}

static void
turn(struct owner *o)
{
	event_base_loop(o->loop->base, EVLOOP_ONCE | EVLOOP_NONBLOCK);
}

static void
test_bytes_leave_one_by_one_in_order(void **state)
{
	int steps[64];
	struct owner o;
	struct iovec parts[2] = {{"hello ", 6}, {"world", 5}};

	(void)state;
	for (size_t i = 0; i < 64; i++)
		steps[i] = i % 2 ? AGAIN : 1;
	start_scripted(&o, steps, 64);
	assert_true(stream_writev(o.io, parts, 2));
	assert_int_equal(scripted.written_len, 1);
	assert_int_equal(stream_queued(o.io), 10);
	assert_true(stream_write(o.io, "!", 1));
	assert_int_equal(stream_queued(o.io), 11);
	for (int i = 0; i < 40; i++)
		turn(&o);
	assert_int_equal(stream_queued(o.io), 0);
	assert_memory_equal(scripted.written, "hello world!", 12);
	assert_int_equal(scripted.written_len, 12);
	assert_true(o.written > 0);
	stop(&o);
}

static void
test_a_write_may_stop_at_every_byte(void **state)
{
	(void)state;
	for (int taken = 0; taken <= 11; taken++) {
		int steps[] = {taken ? taken : AGAIN};
		struct iovec parts[3] = {{"ab", 2}, {"cdefg", 5}, {"hijk", 4}};
		struct owner o;

		start_scripted(&o, steps, 1);
		assert_true(stream_writev(o.io, parts, 3));
		assert_int_equal(stream_queued(o.io), 11 - taken);
		for (int i = 0; i < 3; i++)
			turn(&o);
		assert_int_equal(stream_queued(o.io), 0);
		assert_int_equal(scripted.written_len, 11);
		assert_memory_equal(scripted.written, "abcdefghijk", 11);
		stop(&o);
	}
}

static void
test_a_write_error_at_each_step_is_told_once(void **state)
{
	(void)state;
	for (size_t step = 0; step < 6; step++) {
		int steps[6] = {1, 1, 1, 1, 1, 1};
		struct owner o;
		bool ok;

		steps[step] = BROKEN;
		start_scripted(&o, steps, 6);
		ok = stream_write(o.io, "abcdefgh", 8);
		assert_int_equal(ok, step != 0);
		for (int i = 0; i < 10; i++)
			turn(&o);
		assert_int_equal(o.gone, step != 0);
		assert_int_equal(o.failed, step != 0);
		stop(&o);
	}
}

static void
test_reads_report_what_the_transport_says(void **state)
{
	static const int steps[] = {5, AGAIN, 1, END, BROKEN};
	struct owner o;
	uint8_t bytes[16];
	size_t n;

	(void)state;
	start_scripted(&o, steps, 5);
	assert_int_equal(stream_read(o.io, bytes, sizeof(bytes), &n), STREAM_OK);
	assert_int_equal(n, 5);
	assert_int_equal(stream_read(o.io, bytes, sizeof(bytes), &n), STREAM_AGAIN);
	assert_int_equal(n, 0);
	assert_int_equal(stream_read(o.io, bytes, sizeof(bytes), &n), STREAM_OK);
	assert_int_equal(n, 1);
	assert_int_equal(stream_read(o.io, bytes, sizeof(bytes), &n), STREAM_EOF);
	assert_int_equal(stream_read(o.io, bytes, sizeof(bytes), &n), STREAM_FAILED);
	stop(&o);
}

static void
test_taking_a_buffer_moves_what_is_left_of_it(void **state)
{
	static const int steps[] = {3};
	struct buffer buffer = {0};
	struct owner o;

	(void)state;
	start_scripted(&o, steps, 1);
	assert_true(buffer_append(&buffer, "abcdefgh", 8));
	assert_true(stream_write_take(o.io, &buffer));
	assert_null(buffer_data(&buffer));
	assert_int_equal(stream_queued(o.io), 5);
	assert_true(buffer_append(&buffer, "ij", 2));
	assert_true(stream_write_take(o.io, &buffer));
	assert_null(buffer_data(&buffer));
	for (int i = 0; i < 3; i++)
		turn(&o);
	assert_memory_equal(scripted.written, "abcdefghij", 10);
	stop(&o);
}

static void
test_shutdown_waits_for_the_queue(void **state)
{
	static const int steps[] = {AGAIN, 2, AGAIN, 2, AGAIN, AGAIN, 1};
	struct owner o;

	(void)state;
	start_scripted(&o, steps, 7);
	assert_true(stream_write(o.io, "abcd", 4));
	stream_shutdown(o.io);
	assert_int_equal(scripted.shutdowns, 0);
	assert_true(stream_write(o.io, "dropped", 7));
	for (int i = 0; i < 8; i++) {
		/* An owner that closes it once nothing is queued does not cut off the end. */
		assert_int_equal(stream_queued(o.io) == 0, scripted.shutdowns == 3);
		turn(&o);
	}
	/* Twice the end could not be sent yet. */
	assert_int_equal(scripted.shutdowns, 3);
	assert_int_equal(stream_queued(o.io), 0);
	assert_int_equal(o.written, 3);
	assert_int_equal(scripted.written_len, 4);
	stream_shutdown(o.io);
	assert_int_equal(scripted.shutdowns, 3);
	stop(&o);
}

static void
test_the_last_bytes_are_followed_by_the_end(void **state)
{
	static const int in_parts[] = {2, AGAIN, AGAIN, 2};
	static const int behind_others[] = {1, 2};
	static const int broken[] = {BROKEN};
	struct owner o;

	(void)state;
	start_scripted(&o, NULL, 0);
	assert_true(stream_write_last(o.io, "abcd", 4));
	assert_int_equal(scripted.lasts, 1);
	assert_int_equal(scripted.written_len, 4);
	assert_int_equal(scripted.shutdowns, 1);
	assert_true(stream_write(o.io, "dropped", 7));
	assert_true(stream_write_last(o.io, "dropped", 7));
	assert_int_equal(scripted.written_len, 4);
	assert_int_equal(scripted.shutdowns, 1);
	stop(&o);

	start_scripted(&o, in_parts, 4);
	assert_true(stream_write_last(o.io, "abcd", 4));
	assert_int_equal(scripted.written_len, 2);
	assert_int_equal(scripted.shutdowns, 0);
	for (int i = 0; i < 4; i++)
		turn(&o);
	assert_memory_equal(scripted.written, "abcd", 4);
	assert_int_equal(scripted.written_len, 4);
	assert_int_equal(scripted.shutdowns, 1);
	stop(&o);

	start_scripted(&o, behind_others, 2);
	assert_true(stream_write(o.io, "ab", 2));
	assert_true(stream_write_last(o.io, "cd", 2));
	assert_int_equal(scripted.shutdowns, 0);
	for (int i = 0; i < 4; i++)
		turn(&o);
	assert_memory_equal(scripted.written, "abcd", 4);
	assert_int_equal(scripted.shutdowns, 1);
	stop(&o);

	start_scripted(&o, broken, 1);
	assert_false(stream_write_last(o.io, "abcd", 4));
	assert_int_equal(scripted.shutdowns, 0);
	stop(&o);
}

static void
test_reading_is_off_until_it_is_wanted(void **state)
{
	struct owner o;

	(void)state;
	start_scripted(&o, NULL, 0);
	stream_set_reading(o.io, false);
	assert_int_equal(write(o.other, "x", 1), 1);
	turn(&o);
	assert_int_equal(o.readable, 0);
	stream_set_reading(o.io, true);
	turn(&o);
	assert_int_equal(o.readable, 1);
	stream_set_reading(o.io, false);
	turn(&o);
	assert_int_equal(o.readable, 1);
	stop(&o);
}

static void
read_once(void *arg)
{
	struct owner *o = arg;
	uint8_t byte;
	size_t n;

	o->readable++;
	(void)stream_read(o->io, &byte, 1, &n);
}

static void
test_a_read_may_wait_for_writing_and_a_write_for_reading(void **state)
{
	static const struct stream_handlers reading = {read_once, on_written, on_gone};
	static const int reads[] = {OPPOSITE, OPPOSITE, AGAIN};
	static const int writes[] = {OPPOSITE, OPPOSITE, 1};
	struct owner o;

	(void)state;
	start_scripted(&o, reads, 3);
	stream_set_handlers(o.io, &reading, &o);
	assert_int_equal(write(o.other, "x", 1), 1);
	/* The third says that it waits for bytes again, which are there and stay there. */
	for (unsigned int i = 1; i <= 4; i++) {
		turn(&o);
		assert_int_equal(o.readable, i);
	}
	stop(&o);

	start_scripted(&o, writes, 3);
	assert_true(stream_write(o.io, "ab", 2));
	for (int i = 0; i < 3; i++)
		turn(&o);
	assert_int_equal(
	    scripted.at, 1); /* it can be written to all the time, and is not tried */
	assert_int_equal(write(o.other, "x", 1), 1);
	for (int i = 0; i < 3; i++)
		turn(&o);
	assert_int_equal(scripted.written_len, 2);
	assert_int_equal(stream_queued(o.io), 0);
	stop(&o);
}

static void
test_it_may_be_freed_in_each_handler(void **state)
{
	static const int again[] = {AGAIN};
	static const int broken[] = {AGAIN, BROKEN};
	struct owner o;

	(void)state;
	start_scripted(&o, again, 1);
	o.frees = true;
	assert_true(stream_write(o.io, "a", 1));
	stream_set_reading(o.io, true);
	assert_int_equal(write(o.other, "x", 1), 1);
	for (int i = 0; i < 3; i++)
		turn(&o);
	assert_null(o.io);
	assert_int_equal(o.written + o.readable, 1);
	stop(&o);

	start_scripted(&o, broken, 2);
	o.frees = true;
	assert_true(stream_write(o.io, "a", 1));
	for (int i = 0; i < 3; i++)
		turn(&o);
	assert_null(o.io);
	assert_int_equal(o.gone, 1);
	stop(&o);
}

/* A connected pair of TCP sockets. */
static void
tcp_pair(int ends[2])
{
	struct sockaddr_in address = {
	    .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t len = sizeof(address);
	int listener = socket(AF_INET, SOCK_STREAM, 0);

	assert_int_equal(bind(listener, (struct sockaddr *)&address, len), 0);
	assert_int_equal(listen(listener, 1), 0);
	assert_int_equal(getsockname(listener, (struct sockaddr *)&address, &len), 0);
	ends[0] = socket(AF_INET, SOCK_STREAM, 0);
	assert_int_equal(connect(ends[0], (struct sockaddr *)&address, len), 0);
	ends[1] = accept(listener, NULL, NULL);
	assert_true(ends[1] >= 0);
	close(listener);
}

/* Turns until the death was told, then more, to see that it is told once and that nothing
 * spins. */
static void
expect_death(struct owner *o, bool failed)
{
	for (int i = 0; i < TURNS_MAX && o->gone == 0; i++) {
		turn(o);
		usleep(100);
	}
	assert_int_equal(o->gone, 1);
	assert_int_equal(o->failed, failed);
	for (int i = 0; i < 5; i++)
		turn(o);
	assert_int_equal(o->gone, 1);
}

static void
test_death_is_seen_while_nothing_is_read(void **state)
{
	struct linger reset = {.l_onoff = 1};
	struct owner o;
	int ends[2];

	(void)state;
	for (int with_queue = 0; with_queue <= 1; with_queue++) {
		for (int kind = 0; kind < 2; kind++) {
			tcp_pair(ends);
			start_on(&o, &transport_socket, ends[0], ends[1]);
			stream_set_reading(o.io, true);
			stream_set_reading(o.io, false);
			assert_int_equal(write(o.other, "unread", 6), 6);
			if (with_queue) {
				char block[65536] = {0};

				while (stream_queued(o.io) == 0)
					assert_true(stream_write(o.io, block, sizeof(block)));
			}
			turn(&o);
			assert_int_equal(o.gone, 0);
			if (kind == 0) {
				shutdown(o.other, SHUT_WR);
			} else {
				setsockopt(
				    o.other, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset));
				close(o.other);
				o.other = -1;
			}
			expect_death(&o, kind == 1);
			assert_int_equal(o.readable, 0);
			stop(&o);
		}
	}
}

static void
test_a_pipe_is_closed_by_its_shutdown(void **state)
{
	struct owner o;
	int ends[2];
	char byte;

	(void)state;
	assert_int_equal(pipe(ends), 0);
	start_on(&o, &transport_pipe, ends[1], ends[0]);
	assert_true(stream_write(o.io, "x", 1));
	stream_shutdown(o.io);
	assert_int_equal(io_fd((struct io *)o.io), -1);
	assert_int_equal(read(o.other, &byte, 1), 1);
	assert_int_equal(read(o.other, &byte, 1), 0);
	assert_true(stream_write(o.io, "dropped", 7));
	stop(&o);
}

static void
test_lingering_delivers_the_last_bytes(void **state)
{
	struct owner o;
	int ends[2];
	char bytes[64];

	(void)state;
	tcp_pair(ends);
	start_on(&o, &transport_socket, ends[0], ends[1]);
	assert_int_equal(write(o.other, "never read", 10), 10);
	assert_true(stream_write(o.io, "goodbye", 7));
	linger_take(o.io, o.loop, LINGER_CREDIT_MS);
	o.io = NULL;
	assert_false(list_empty(&o.loop->lingering));
	turn(&o);
	assert_int_equal(recv(o.other, bytes, sizeof(bytes), MSG_WAITALL), 7);
	assert_memory_equal(bytes, "goodbye", 7);
	shutdown(o.other, SHUT_WR);
	for (int i = 0; i < TURNS_MAX && !list_empty(&o.loop->lingering); i++) {
		turn(&o);
		usleep(100);
	}
	assert_true(list_empty(&o.loop->lingering));
	stop(&o);
}

/* Reads on for ever: the transport has more whenever it was read. */
static void
on_readable_pending(void *arg)
{
	struct owner *o = arg;
	uint8_t byte;
	size_t n;

	o->readable++;
	assert_int_equal(stream_read(o->io, &byte, 1, &n), STREAM_OK);
	if (o->frees)
		owner_free(o);
}

static const struct stream_handlers pending_handlers = {
    on_readable_pending, on_written, on_gone};

static void
start_pending(struct owner *o)
{
	static const int steps[64] = {[0 ... 63] = 1};

	start_scripted(o, steps, 64);
	scripted.pending = true;
	stream_set_handlers(o->io, &pending_handlers, o);
	stream_set_reading(o->io, true);
}

static void
test_bytes_that_no_event_announces_are_read_once_a_round(void **state)
{
	struct owner o;

	(void)state;
	start_pending(&o);
	assert_int_equal(o.readable, 0);
	for (unsigned int i = 1; i <= 5; i++) {
		turn(&o);
		assert_int_equal(o.readable, i);
	}
	/* While nothing is read they wait, and then come by themselves. */
	stream_set_reading(o.io, false);
	turn(&o);
	assert_int_equal(o.readable, 5);
	stream_set_reading(o.io, true);
	turn(&o);
	assert_int_equal(o.readable, 6);
	o.frees = true;
	turn(&o);
	assert_null(o.io);
	turn(&o);
	assert_int_equal(o.readable, 7);
	stop(&o);

	start_pending(&o);
	stop(&o);
}

static void
count_call(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	++*(unsigned int *)arg;
}

/* Whatever such a stream does, others are looked at in each round. */
static void
test_a_stream_that_always_has_more_keeps_nobody_waiting(void **state)
{
	struct owner o;
	struct event *other;
	unsigned int calls = 0;

	(void)state;
	start_pending(&o);
	other = event_new(o.loop->base, o.other, EV_WRITE | EV_PERSIST, count_call, &calls);
	assert_int_equal(event_add(other, NULL), 0);
	for (unsigned int i = 1; i <= 5; i++) {
		turn(&o);
		assert_int_equal(calls, i);
	}
	event_free(other);
	stop(&o);
}

/* A large queue to a side that takes whatever it gets leaves in several rounds, whether an
 * event announces the next of them or not. */
static void
test_a_flush_is_bounded(void **state)
{
	static const int again[] = {AGAIN};
	static char block[1 << 20];

	(void)state;
	for (int reading = 0; reading <= 1; reading++) {
		struct event *other;
		unsigned int calls = 0;
		struct owner o;
		unsigned int rounds = 0;

		start_scripted(&o, again, 1);
		other =
		    event_new(o.loop->base, o.other, EV_WRITE | EV_PERSIST, count_call, &calls);
		assert_int_equal(event_add(other, NULL), 0);
		stream_set_reading(o.io, reading);
		assert_true(stream_write(o.io, block, sizeof(block)));
		for (; stream_queued(o.io) > 0 && rounds < 100; rounds++) {
			size_t before = stream_queued(o.io);

			turn(&o);
			assert_true(before - stream_queued(o.io) <= 256 * 1024);
		}
		assert_in_range(rounds, 4, 8);
		assert_int_equal(calls, rounds);
		assert_int_equal(scripted.written_len, sizeof(block));
		event_free(other);
		stop(&o);
	}
}

/* The slot is another client's as soon as the descriptor is. */
static void
test_a_stream_leaves_its_slot_when_it_is_freed(void **state)
{
	static const struct limit_settings settings = {.connections = 2, .programs = 1};
	struct limit *limit = limit_new(&settings);
	struct sockaddr_storage peer = {.ss_family = AF_INET};
	struct sockaddr_storage found;
	struct loop *loop = loop_new();
	struct transport transport = {.ops = &transport_socket};
	struct stream *stream;

	(void)state;
	transport.fd = socket(AF_UNIX, SOCK_STREAM, 0);
	stream =
	    io_socket_new_take(loop, transport, limit_enter(limit, &peer), &peer, NULL, NULL);
	stream_peer_address(stream, &found);
	assert_int_equal(found.ss_family, AF_INET);
	assert_false(stream_is_secure(stream) || stream_is_downgraded(stream));
	assert_int_equal(limit_count(limit, LIMIT_PENDING), 1);
	stream_free(stream);
	assert_int_equal(limit_count(limit, LIMIT_PENDING), 0);
	loop_free(loop);
	limit_free(limit);
	limit_free(NULL);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_bytes_leave_one_by_one_in_order),
	    cmocka_unit_test(test_a_write_may_stop_at_every_byte),
	    cmocka_unit_test(test_a_write_error_at_each_step_is_told_once),
	    cmocka_unit_test(test_reads_report_what_the_transport_says),
	    cmocka_unit_test(test_taking_a_buffer_moves_what_is_left_of_it),
	    cmocka_unit_test(test_shutdown_waits_for_the_queue),
	    cmocka_unit_test(test_the_last_bytes_are_followed_by_the_end),
	    cmocka_unit_test(test_reading_is_off_until_it_is_wanted),
	    cmocka_unit_test(test_a_read_may_wait_for_writing_and_a_write_for_reading),
	    cmocka_unit_test(test_it_may_be_freed_in_each_handler),
	    cmocka_unit_test(test_death_is_seen_while_nothing_is_read),
	    cmocka_unit_test(test_a_pipe_is_closed_by_its_shutdown),
	    cmocka_unit_test(test_lingering_delivers_the_last_bytes),
	    cmocka_unit_test(test_bytes_that_no_event_announces_are_read_once_a_round),
	    cmocka_unit_test(test_a_stream_that_always_has_more_keeps_nobody_waiting),
	    cmocka_unit_test(test_a_flush_is_bounded),
	    cmocka_unit_test(test_a_stream_leaves_its_slot_when_it_is_freed),
	};

	signal(SIGPIPE, SIG_IGN);
	return cmocka_run_group_tests_name("io", tests, NULL, NULL);
}
