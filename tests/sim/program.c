/* SPDX-License-Identifier: BSD-2-Clause */
/* The program. */
#include "program.h"

#include "bytes.h"
#include "check.h"
#include "kernel.h"
#include "model.h"
#include "random.h"
#include "world.h"

#include <signal.h>
#include <string.h>

struct program_model program;

enum { PROGRAM_PENDING = 256 * 1024 }; /* bytes of an echo; then it writes before it reads on */

enum at_eof { EXITS, EXITS_LATER, RUNS_ON };

static struct {
	struct bytes in;
	struct bytes out; /* to be written */
	size_t records; /* of its own, still to come */
	bool echoes;
	enum at_eof at_eof;
	bool ignores_int;
	bool ignores_term;
	bool partner; /* another process holds its stdout */
	int64_t exit_ms; /* 0: when all is written, unless it waits for its input's end */
	bool waits; /* for the end of its input */
	bool torn; /* its last record has no end */
	bool bad; /* some records are not UTF-8 */
	bool floods; /* all its records at once */
	bool cr; /* some lines end with it */
	int status;
	int signal; /* by which it dies, in place of the status */
	int64_t read_ms; /* it does not read, or write, before these times */
	int64_t write_ms;
	int64_t die_ms; /* of one that is stuck */
	size_t used;
	bool closes_out;
	bool partner_writes;
} script;

static void program_on_signal(int number);

void
program_model_start(void)
{
	bool same = world.program.to_program.kind == world.program.from_program.kind;

	script.records = random_one_in(2) ? 0 : random_below(random_one_in(4) ? 400 : 20);
	/* Other bytes than FF that are no text are not foreseen in the model. */
	script.echoes = same && random_one_in(2) && !world.program.from_program.text &&
			world.program.from_program.kind != FRAMING_LSP &&
			world.program.from_program.kind != FRAMING_JSON;
	script.at_eof = (enum at_eof)random_below(3);
	script.ignores_int = random_one_in(3);
	script.ignores_term = random_one_in(3);
	script.partner = random_one_in(8);
	script.partner_writes = random_one_in(2);
	script.waits = !random_one_in(3);
	script.torn = random_one_in(3) && world.program.from_program.kind != FRAMING_TEXT;
	script.bad = random_one_in(6);
	script.cr = random_one_in(4);
	script.floods = random_one_in(4);
	if (script.floods)
		script.records = random_below(80);
	script.status = random_one_in(2) ? 0 : (int)random_below(256);
	script.signal = random_one_in(8) ? (random_one_in(2) ? SIGSEGV : SIGABRT) : 0;
	script.closes_out = random_one_in(16);
	if (random_one_in(6))
		script.exit_ms = check.now_ms + (int64_t)random_below(20000);
	program.reads = !random_one_in(10);
	program.stuck = random_one_in(60);
	kernel.on_signal = program_on_signal;
}

void
program_model_clear(void)
{
	bytes_free(&script.in);
	bytes_free(&script.out);
	memset(&script, 0, sizeof(script));
	memset(&program, 0, sizeof(program));
}

static void
program_exit(bool by_signal, int value)
{
	check_trace("the program ends: %s %d", by_signal ? "signal" : "status", value);
	kernel_program_exit(by_signal, value);
	if (script.partner)
		return;
	kernel_program_close(&kernel.out);
	model_program_ended();
}

void
program_hurry(void)
{
	script.exit_ms = check.now_ms;
}

static void
program_on_signal(int number)
{
	if (number == SIGKILL) {
		if (kernel.life == KERNEL_RUNS && program.stuck && script.die_ms == 0) {
			program.killed_ms = check.now_ms;
			script.die_ms = check.now_ms + 5000;
			return;
		}
		/* All of the group. */
		script.partner = false;
		if (!kernel.out.writer_closed && kernel.life == KERNEL_ZOMBIE) {
			kernel_program_close(&kernel.out);
			model_program_ended();
		}
	}
	if (kernel.life != KERNEL_RUNS || (number == SIGKILL && program.stuck) ||
	    (number == SIGINT && script.ignores_int) ||
	    (number == SIGTERM && script.ignores_term))
		return;
	program_exit(true, number);
}

static void
program_write_own(void)
{
	struct bytes record = {0};
	size_t size = random_one_in(3) ? random_below(2) : random_below(100);
	bool text = world.program.from_program.kind != FRAMING_STREAM;
	static const size_t edges[] = {125, 126, 65535, 65536};

	script.records--;
	if (random_one_in(script.floods ? 2 : 12))
		size = random_below(5000);
	if (random_one_in(24))
		size = RANDOM_OF(edges);
	if (random_one_in(60))
		size = random_below(200000);
	if (size > world.budget)
		size = world.budget;
	world_fill(&record, size, text);
	if (script.bad && size > 0 && size < 10000 && random_one_in(4) &&
	    world.program.from_program.kind != FRAMING_TEXT)
		bytes_data(&record)[random_below(size)] = 0xff;
	/* Not within a character. */
	for (size_t i = 0; i < size && (script.bad || script.cr); i++) {
		if (bytes_data(&record)[i] > 0x7f && bytes_data(&record)[i] != 0xff)
			bytes_data(&record)[i] = '?';
	}
	if (script.cr && size > 0 && random_one_in(2))
		bytes_data(&record)[size - 1] = '\r';
	model_record(&script.out, bytes_data(&record), size);
	script.used += size;
	if (script.records == 0 && script.torn && bytes_len(&script.out) > 0)
		bytes_cut(&script.out, bytes_len(&script.out) - 1);
	bytes_free(&record);
}

/* Of a text that breaks off within a character the rest is not foreseen either. */
static void
program_echo(uint8_t *bytes, size_t len)
{
	for (size_t i = 0; i < len && world.program.from_program.kind == FRAMING_TEXT; i++) {
		if (bytes[i] > 0x7f)
			bytes[i] = '?';
	}
	bytes_append(&script.out, bytes, len);
}

static bool
program_read(void)
{
	size_t n;

	if (program.closed_in || program.read_eof || !program.reads ||
	    check.now_ms < script.read_ms ||
	    (script.echoes && bytes_len(&script.out) > PROGRAM_PENDING &&
		!kernel.out.writer_closed))
		return false;
	n = kernel_program_read(
	    &script.in, random_one_in(4) ? random_between(1, 50) : random_between(1, 100000));
	if (n == 0) {
		program.read_eof = kernel.in.writer_closed;
		if (program.read_eof) {
			check_trace("the program reads the end of its input");
			if (script.at_eof == EXITS_LATER)
				script.exit_ms = check.now_ms + (int64_t)random_below(2000);
		}
		return program.read_eof;
	}
	check_trace("the program reads %zu bytes", n);
	model_program_read(bytes_data(&script.in), n);
	if (script.echoes && !kernel.out.writer_closed)
		program_echo(bytes_data(&script.in), n);
	bytes_reset(&script.in);
	if (random_one_in(20))
		script.read_ms =
		    check.now_ms + (int64_t)random_below(random_one_in(8) ? 100 * 1000 : 3000);
	if (random_one_in(200)) {
		check_trace("the program closes its stdin");
		program.closed_in = true;
		kernel_program_close(&kernel.in);
	}
	if (random_one_in(150))
		program.reads = false;
	return true;
}

/* How much of LEN bytes to write: no character is cut, as the program may exit after that.
 * Reads cut them all the same. */
static size_t
program_cut(const uint8_t *bytes, size_t len)
{
	size_t n = len;

	if (world.program.from_program.kind == FRAMING_STREAM)
		return len;
	while (n > 0 && len - n < 4 && (bytes[n - 1] & 0xc0) == 0x80)
		n--;
	if (n == 0 || bytes[n - 1] < 0xc0 || bytes[n - 1] == 0xff)
		return len; /* it ends with ASCII, or is no text */
	if (len - n == (size_t)(bytes[n - 1] < 0xe0 ? 1 : bytes[n - 1] < 0xf0 ? 2 : 3))
		return len;
	return n - 1;
}

static bool
program_write(void)
{
	size_t n;

	if (kernel.out.writer_closed || check.now_ms < script.write_ms)
		return false;
	if (bytes_len(&script.out) == 0 && script.records > 0) {
		size_t burst = script.floods || random_one_in(4) ? random_between(1, 100) : 1;

		while (burst-- > 0 && script.records > 0 && script.used < world.budget)
			program_write_own();
		if (script.used >= world.budget)
			script.records = 0;
		if (random_one_in(4))
			script.write_ms = check.now_ms + (int64_t)random_below(2000);
	}
	if (bytes_len(&script.out) == 0)
		return false;
	n = random_one_in(3) ? random_between(1, bytes_len(&script.out))
			     : bytes_len(&script.out);
	if (n > kernel_room(&kernel.out))
		n = kernel_room(&kernel.out);
	n = program_cut(bytes_data(&script.out), n);
	if (n == 0)
		return false;
	kernel_program_write(&kernel.out, bytes_data(&script.out), n);
	model_program_wrote(bytes_data(&script.out), n);
	bytes_consume(&script.out, n);
	check_trace("the program writes %zu bytes", n);
	if (random_one_in(6)) {
		static const char line[] = "a line for the log\n";

		kernel_program_write(
		    &kernel.err, (const uint8_t *)line, random_between(1, sizeof(line) - 1));
	}
	return true;
}

/* Whether it is time to exit. */
static bool
program_is_over(void)
{
	if (script.die_ms != 0)
		return check.now_ms >= script.die_ms;
	if (script.exit_ms != 0 && check.now_ms >= script.exit_ms)
		return true;
	if (bytes_len(&script.out) > 0 || script.records > 0)
		return false;
	return program.read_eof ? script.at_eof == EXITS : !script.waits;
}

bool
program_step(void)
{
	if (kernel.life == KERNEL_ZOMBIE && script.partner && script.partner_writes &&
	    !kernel.out.writer_closed)
		return random_one_in(4) && program_write();
	if (kernel.life != KERNEL_RUNS)
		return false;
	if (program_is_over()) {
		if (script.die_ms != 0)
			program_exit(true, SIGKILL);
		else
			program_exit(
			    script.signal != 0, script.signal ? script.signal : script.status);
		return true;
	}
	if (script.closes_out && bytes_len(&script.out) == 0 && script.records == 0 &&
	    !kernel.out.writer_closed) {
		check_trace("the program closes its stdout");
		kernel_program_close(&kernel.out);
		model_program_ended();
		return true;
	}
	return random_one_in(2) ? program_read() || program_write()
				: program_write() || program_read();
}

int64_t
program_next_due(void)
{
	const int64_t times[] = {script.die_ms, script.die_ms == 0 ? script.exit_ms : 0,
	    script.read_ms, script.write_ms};
	int64_t due = INT64_MAX;

	if (kernel.life != KERNEL_RUNS)
		return due;
	for (size_t i = 0; i < sizeof(times) / sizeof(times[0]); i++) {
		if (times[i] > check.now_ms && times[i] < due)
			due = times[i];
	}
	return due;
}
