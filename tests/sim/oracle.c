/* SPDX-License-Identifier: BSD-2-Clause */
/* The invariants. */
#include "oracle.h"

#include "check.h"
#include "client.h"
#include "kernel.h"
#include "memory.h"
#include "model.h"
#include "monitor.h"
#include "peer/deadlines.h"
#include "program.h"
#include "world.h"

#include <string.h>

enum {
	/* Timers may be late by what passes while other events run. */
	ORACLE_LATE_MS = 300,
	ORACLE_TERMINATION_MS = 100 + 250 + 500,
	ORACLE_DRAIN_MS = 2000, /* a lingering connection */
	ORACLE_CREDIT_MS = 64 * 1000,
	ORACLE_CODES = 8,
};

static struct {
	uint16_t codes[ORACLE_CODES]; /* that the Close may have */
	size_t count;
	bool decided; /* no further code is possible */
	bool shutdown;
	int64_t erred_ms; /* when the violation was read, or 0; the others likewise */
	int64_t ended_ms; /* the session has an end */
	int64_t fin_ms; /* our FIN was sent, or the client last read something after it */
	uint64_t fin_read;
	bool input_over; /* the end of the program's input was sent, */
	bool input_by_client; /* for no other reason than the client's end */
	int64_t gone_ms; /* neither the connection nor the program exists */
} oracle;

void
oracle_reset(void)
{
	memset(&oracle, 0, sizeof(oracle));
}

uint64_t
oracle_pings_sent(void)
{
	return client.pings_sent;
}

static void
oracle_allow(uint16_t code)
{
	for (size_t i = 0; i < oracle.count; i++) {
		if (oracle.codes[i] == code)
			return;
	}
	check_that(oracle.count < ORACLE_CODES, "there are few causes");
	oracle.codes[oracle.count++] = code;
}

static bool
oracle_program_gone(void)
{
	return kernel.life == KERNEL_REAPED && !kernel_is_open(KERNEL_STDOUT);
}

static uint16_t
oracle_exit_code(void)
{
	if (kernel.by_signal)
		return (uint16_t)(4256 + kernel.value);
	return kernel.value == 0 ? 1000 : (uint16_t)(4000 + kernel.value);
}

/* True if the end of the client is in what was read. */
static bool
oracle_client_ended(void)
{
	return !(client.by_content &&
		   (kernel.life != KERNEL_RUNS || !kernel_is_open(KERNEL_STDOUT))) &&
	       (client.end == CLIENT_CLOSED || client.end == CLIENT_ERRED) &&
	       kernel.from_client.read >= client.end_to;
}

/* Adds the causes of an end that exist by now. */
static void
oracle_add_causes(void)
{
	if (memory_has_failed())
		oracle_allow(1011);
	if (oracle.decided)
		return;
	if (client.end == CLIENT_CLOSED && kernel.from_client.read >= client.end_to)
		oracle_allow(client.code);
	if (client.end == CLIENT_ERRED && kernel.from_client.read > client.end_from)
		oracle_allow(client.code);
	if (oracle.shutdown)
		oracle_allow(1001);
	if (model.output_bad && kernel.out.read >= model.bad_from)
		oracle_allow(1011);
	else if (oracle_program_gone())
		oracle_allow(oracle_exit_code());
	if (program.killed_ms != 0)
		oracle_allow(1011);
	if (client.stalls || kernel.vanished)
		oracle_allow(1008); /* a message took too long */
}

/* Once a cause is processed, no later one counts. */
static void
oracle_decide(void)
{
	oracle.decided = oracle.decided || oracle.shutdown || monitor.closed ||
			 (oracle_program_gone() && !model.output_bad) ||
			 (world.exact && oracle_client_ended());
}

void
oracle_on_shutdown(void)
{
	oracle.shutdown = true;
	oracle_add_causes();
}

void
oracle_on_close(uint16_t code)
{
	bool allowed = false;

	oracle_add_causes();
	for (size_t i = 0; i < oracle.count; i++)
		allowed = allowed || oracle.codes[i] == code;
	check_that(allowed, "the code of the Close has a cause: %u has none (of %zu: %u, %u)",
	    code, oracle.count, oracle.codes[0], oracle.codes[1]);
	/* Everything that the program wrote comes before the Close that reports its exit. */
	if (oracle_program_gone() && oracle.count == 1 &&
	    oracle.codes[0] == oracle_exit_code() && client.code != oracle_exit_code() &&
	    !memory_has_failed())
		check_that(model_client_has_all(),
		    "all that the program wrote precedes the Close: %zu of %zu messages, %zu "
		    "of "
		    "%zu bytes do",
		    model.received, model.messages, model.received_bytes,
		    bytes_len(&model.to_client));
}

/* doc/design.md, section 3. Buffers double as they grow. */
static size_t
oracle_memory_max(void)
{
	const size_t high = BUFFER_HIGH;
	const size_t batch = LOOP_BATCH;
	size_t message = (size_t)world.websocket.max_message;
	size_t output = batch + 2 * (high + 5 * batch); /* and 4 times what was written */
	bool json = world.program.to_program.kind == FRAMING_JSON;
	size_t max = 8 * 1024; /* fixed: design.md says 2.3 KiB; and ends of blocks */

	if (message == 0)
		message = world.format.parts ? 0 : 2 * world.budget + 200000;
	if (world.format.parts)
		max += 2 * (high + 2 * batch);
	else if (world.compresses) /* one message above the mark; what is read is little */
		max += 2 * message + 2 * (high + message) + 2 * WEBSOCKET_DEFLATE_READ;
	else
		max += 2 * message + 2 * (high + batch + message) + batch;
	max += 8 * 1024 + (4 * kernel.out.written < output ? 4 * kernel.out.written : output);
	if (json) /* each byte may become 6 */
		max += 2 * (batch + 6 * message);
	if (world.program.from_program.kind == FRAMING_JSON) /* a line is kept as a whole */
		max += 4 * kernel.out.written;
	if (world.compresses && kernel.out.written > 0)
		max += (size_t)4 * (1U << world.deflate.server_bits) + 14 * 1024;
	if (world.compresses)
		max += ((size_t)1
			   << (world.deflate.client_bits < 9 ? 9 : world.deflate.client_bits)) +
		       10 * 1024;
	return max;
}

static void
oracle_check_memory(void)
{
	/* The shared blocks of the loop, itself, and the children. */
	const size_t shared = LOOP_HEAD + LOOP_BATCH + LOOP_SLACK + LOOP_OUT + 4096;
	size_t live = memory_live_bytes();

	check_that(live <= shared + oracle_memory_max(),
	    "memory is within the formula: %zu bytes are in use, not %zu", live - shared,
	    oracle_memory_max());
}

static int64_t
oracle_since(int64_t *when, bool is)
{
	if (!is)
		*when = 0;
	else if (*when == 0)
		*when = check.now_ms;
	return is ? check.now_ms - *when : 0;
}

static size_t
oracle_unconfirmed(void)
{
	size_t len = bytes_len(&kernel.to_client.bytes);
	size_t window = kernel.vanished ? 0 : kernel.to_client.capacity / 2;

	return len > window ? len - window : 0;
}

static void
oracle_check_deadlines(bool session)
{
	bool open = kernel_is_open(KERNEL_SOCKET);
	bool has_room = kernel_room(&kernel.to_client) > kernel.to_client.capacity / 3;
	bool shut = kernel.to_client.writer_closed;
	int64_t passed;

	passed = oracle_since(&oracle.erred_ms,
	    world.exact && client.end == CLIENT_ERRED && oracle_client_ended() && has_room);
	check_that(passed <= DEADLINES_GRACE_MS + ORACLE_LATE_MS || monitor.closed || shut ||
		       memory_has_failed(),
	    "a violation is followed by a Close within %d ms", DEADLINES_GRACE_MS);
	check_that(!monitor.closed || shut || memory_has_failed() ||
		       check.now_ms - monitor.closed_ms <= DEADLINES_CLOSE_MS + ORACLE_LATE_MS,
	    "their Close is awaited for %d ms", DEADLINES_CLOSE_MS);
	if (shut && open) {
		if (oracle.fin_ms == 0 || oracle.fin_read != kernel.to_client.read)
			oracle.fin_ms = check.now_ms;
		oracle.fin_read = kernel.to_client.read;
		passed = check.now_ms - oracle.fin_ms;
		check_that(passed <= (oracle_unconfirmed() > 0 ? ORACLE_CREDIT_MS
							       : 2 * ORACLE_DRAIN_MS + 1000) +
					 ORACLE_LATE_MS,
		    "a connection that was shut is closed");
	}
	passed = oracle_since(&oracle.ended_ms,
	    monitor.closed || shut || !open || !kernel_is_open(KERNEL_STDOUT));
	check_that(kernel.life == KERNEL_REAPED || program.stuck ||
		       passed <= ORACLE_TERMINATION_MS + 3 * world.extra_wait_ms + 250 +
				     ORACLE_LATE_MS,
	    "a program that is to end is dead and reaped in time");
	passed = oracle_since(&oracle.gone_ms, session && !open && oracle_program_gone());
	check_that(passed <= ORACLE_LATE_MS, "a session ends with its program and its peer");
}

static void
oracle_note_input(void)
{
	/* A FIN ends the input at once where the rest of it, decompressed, is not bounded. */
	bool by_client = client.fin ? !world.compresses && client.end != CLIENT_GOES_ON
				    : oracle_client_ended();

	if (oracle.input_over || !kernel.in.writer_closed)
		return;
	oracle.input_over = true;
	oracle.input_by_client = by_client && !oracle.shutdown && !kernel.reset &&
				 !kernel.vanished && kernel_is_open(KERNEL_STDOUT) &&
				 kernel.life == KERNEL_RUNS && !model.output_bad;
}

void
oracle_step(bool session)
{
	oracle_note_input();
	oracle_add_causes();
	oracle_decide();
	oracle_check_memory();
	oracle_check_deadlines(session);
}

/* What the client's messages are to have led to. */
static void
oracle_check_input(bool has_room)
{
	size_t queued = bytes_len(&kernel.in.bytes);
	size_t done;

	check_that(bytes_len(&kernel.from_client.bytes) == 0 || !has_room ||
		       kernel_room(&kernel.in) <= kernel.in.capacity / 3,
	    "the client is read while the program reads: %zu bytes wait",
	    bytes_len(&kernel.from_client.bytes));
	if (kernel.life != KERNEL_RUNS || program.closed_in || !kernel_is_open(KERNEL_STDIN) ||
	    kernel_room(&kernel.in) <= kernel.in.capacity / 3 || !has_room)
		return;
	done = client_delivered_at(kernel.from_client.read);
	check_that(model.read + queued >= done,
	    "what the client sent is passed on: %zu of %zu bytes are", model.read + queued,
	    done);
}

void
oracle_quiescent(bool session)
{
	bool has_room = kernel_room(&kernel.to_client) > kernel.to_client.capacity / 3;
	bool going = client.end == CLIENT_GOES_ON || client.end == CLIENT_VANISHED ||
		     client.end == CLIENT_FIN || kernel.from_client.read <= client.end_from;

	if (!session || memory_has_failed() || monitor.closed || oracle.shutdown ||
	    !kernel_is_open(KERNEL_SOCKET) || kernel.to_client.writer_closed || kernel.reset)
		return;
	/* After a stall a message may have timed out: then all waits for the end of the grace.
	 */
	if (kernel_is_open(KERNEL_STDOUT) && !model.output_bad)
		check_that(bytes_len(&kernel.out.bytes) == 0 || !has_room,
		    "the program is read while the client reads: %zu bytes wait",
		    bytes_len(&kernel.out.bytes));
	check_that(
	    bytes_len(&kernel.err.bytes) == 0 || !kernel_is_open(KERNEL_STDERR) || !has_room,
	    "stderr is read");
	if (going && !client.stalls && !kernel.from_client.writer_closed)
		oracle_check_input(has_room);
	if (going && !client.stalls && has_room && bytes_len(&kernel.out.bytes) == 0 &&
	    !model.output_bad && kernel_is_open(KERNEL_STDOUT))
		check_that(model_client_has_all(),
		    "what the program wrote is passed on: %zu of %zu messages, %zu of %zu "
		    "bytes are",
		    model.received, model.messages, model.received_bytes,
		    bytes_len(&model.to_client));
}

/* A program that has seen the end of its input has seen all messages before it. */
static void
oracle_check_delivery(void)
{
	if (program.read_eof && oracle.input_by_client && !memory_has_failed() &&
	    !client.stalls)
		check_that(model.read >= model.required,
		    "what the client sent before its end is delivered: %zu of %zu bytes are",
		    model.read, model.required);
}

void
oracle_end(void)
{
	bool client_left = client.end == CLIENT_FIN || client.end == CLIENT_RESET ||
			   client.end == CLIENT_VANISHED || client.stalls || client.fin_first;

	check_that(memory_has_failed() || monitor.closed || client_left,
	    "a client that is alive gets a Close");
	for (int fd = KERNEL_SOCKET; fd <= KERNEL_PIDFD; fd++)
		check_that(!kernel_is_open(fd), "descriptor %d is closed at the end", fd);
	oracle_check_delivery();
}
