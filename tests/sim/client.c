/* SPDX-License-Identifier: BSD-2-Clause */
/* The other side of the connection. */
#include "client.h"

#include "check.h"
#include "frames.h"
#include "kernel.h"
#include "memory.h"
#include "model.h"
#include "monitor.h"
#include "random.h"
#include "script.h"
#include "world.h"

#include <stdlib.h>
#include <string.h>

struct client client;

static struct {
	struct bytes out; /* frames that are not sent yet */
	struct bytes in;
	size_t items; /* of the script, still to come */
	size_t used; /* bytes of messages so far */
	int64_t next_ms; /* it begins nothing but answers before this time */
	int64_t send_ms; /* it sends nothing, and reads nothing, before these times */
	int64_t read_ms;
	bool reads; /* at all */
	bool slow; /* it often waits before it reads on, but answers in time */
	bool answers; /* pings, and a Close */
	bool trails; /* it goes on after a violation */
	bool half_closes; /* after its end */
	enum client_end plan; /* the end that it has in mind */
} script;

void
client_start(void)
{
	static const enum client_end plans[] = {CLIENT_GOES_ON, CLIENT_GOES_ON, CLIENT_GOES_ON,
	    CLIENT_CLOSED, CLIENT_CLOSED, CLIENT_CLOSED, CLIENT_ERRED, CLIENT_ERRED, CLIENT_FIN,
	    CLIENT_RESET, CLIENT_VANISHED};

	script_start();
	script.items = random_one_in(4) ? random_below(60) : random_below(12);
	script.plan = RANDOM_OF(plans);
	if (world.prompt && script.plan == CLIENT_VANISHED)
		script.plan = CLIENT_CLOSED;
	script.reads = world.prompt || !random_one_in(4);
	script.answers = world.prompt || !random_one_in(4);
	script.slow = random_one_in(4);
	script.trails = random_one_in(2);
	script.half_closes = random_one_in(2);
	if (!script.reads || !script.answers)
		client.stalls = true;
}

void
client_clear(void)
{
	bytes_free(&script.out);
	bytes_free(&script.in);
	script_clear();
	memset(&script, 0, sizeof(script));
	memset(&client, 0, sizeof(client));
}

/* Of the next byte that is generated. */
static uint64_t
client_offset(void)
{
	return kernel.from_client.written + bytes_len(&script.out);
}

/* It has an end, and where that is. */
static void
client_end(enum client_end end, uint64_t from, uint16_t code)
{
	if (client.end != CLIENT_GOES_ON)
		return;
	client.end = end;
	client.end_from = from;
	client.end_to = client_offset();
	client.code = code;
	check_trace("the client ends: %s, code %u, bytes %llu to %llu",
	    (const char *[]){"", "closes", "violates", "FIN", "RST", "vanishes"}[end], code,
	    (unsigned long long)from, (unsigned long long)client.end_to);
}

/* A FIN, a reset or silence, maybe within a frame. */
static void
client_leave(void)
{
	size_t cut = random_one_in(2) ? random_below(bytes_len(&script.out) + 1)
				      : bytes_len(&script.out);

	if (cut < bytes_len(&script.out)) {
		bytes_cut(&script.out, cut);
		client.cut = true;
	}
	client_end(script.plan, client_offset(), 0);
	script_cut(client_offset());
}

/* It sends nothing for a long time, not even PONGs. */
static void
client_pause(void)
{
	script.send_ms = check.now_ms + (int64_t)random_below(70000);
	client.stalls = true;
}

static void
client_generate(void)
{
	uint64_t from = client_offset();
	uint16_t code;

	if (client.end == CLIENT_ERRED && script.trails && script.items > 0) {
		script.items--;
		script_garbage(&script.out);
	}
	if (client.end != CLIENT_GOES_ON || client.answered)
		return;
	if (script.items > 0 && script.used < world.budget) {
		script.items--;
		code = script_message(&script.out, &script.used, from);
		if (code != 0) {
			client_end(CLIENT_ERRED, from, code);
			client.by_content = true;
			script.items = 0;
			script.trails = false;
		}
		if (!world.prompt && random_one_in(8))
			client_pause();
		else if (random_one_in(4))
			script.next_ms = check.now_ms +
					 (int64_t)random_below(random_one_in(8) ? 100000 : 500);
		if (client.end == CLIENT_GOES_ON && script.items == 0 &&
		    script.plan >= CLIENT_FIN)
			client_leave();
		return;
	}
	switch (script.plan) {
	case CLIENT_GOES_ON:
		break;
	case CLIENT_CLOSED:
		code = script_close(&script.out);
		client_end(CLIENT_CLOSED, from, code);
		client.answered = true;
		break;
	case CLIENT_ERRED:
		code = script_violation(&script.out);
		client_end(CLIENT_ERRED, from, code);
		break;
	case CLIENT_FIN:
	case CLIENT_RESET:
	case CLIENT_VANISHED:
		client_leave();
		break;
	}
	script.items = client.end == CLIENT_ERRED ? random_below(3) : 0;
}

void
client_hurry(void)
{
	script.items = 0;
	script.send_ms = script.next_ms = check.now_ms;
}

static void
client_finish_sending(void)
{
	switch (client.end) {
	case CLIENT_GOES_ON:
	case CLIENT_CLOSED:
	case CLIENT_ERRED:
		if (!client.fin &&
		    (client.read_eof || (script.half_closes && client.end != CLIENT_GOES_ON))) {
			client.fin = true;
			client.fin_first = !client.read_eof;
			check_trace("the client sends a FIN");
			kernel_client_fin();
		}
		break;
	case CLIENT_FIN:
		client.fin = true;
		check_trace("the client sends a FIN");
		kernel_client_fin();
		break;
	case CLIENT_RESET:
		client.fin = true;
		check_trace("the client resets the connection");
		kernel_client_reset();
		break;
	case CLIENT_VANISHED:
		client.fin = true;
		check_trace("the client vanishes");
		kernel_client_vanish();
		break;
	}
}

static bool
client_send(void)
{
	size_t n;

	if (client.fin || check.now_ms < script.send_ms || kernel.reset || kernel.vanished)
		return false;
	if (bytes_len(&script.out) == 0 && check.now_ms < script.next_ms &&
	    client.end == CLIENT_GOES_ON && !client.read_eof)
		return false;
	if (bytes_len(&script.out) == 0)
		client_generate();
	if (bytes_len(&script.out) == 0) {
		client_finish_sending();
		return client.fin;
	}
	if (kernel.from_client.reader_closed) {
		bytes_reset(&script.out);
		return true;
	}
	n = random_one_in(3) ? random_between(1, 20) : bytes_len(&script.out);
	if (random_one_in(3))
		n = random_between(1, bytes_len(&script.out));
	if (n > bytes_len(&script.out))
		n = bytes_len(&script.out);
	n = kernel_client_send(bytes_data(&script.out), n);
	bytes_consume(&script.out, n);
	if (n > 0)
		check_trace("the client sends %zu bytes, %llu in all", n,
		    (unsigned long long)kernel.from_client.written);
	if (!world.prompt && random_one_in(300))
		client_pause();
	return n > 0;
}

static void
client_react(void)
{
	uint8_t payload[125];
	size_t len;
	int opcode;

	while ((opcode = monitor_next(kernel.to_client.read, payload, &len)) != 0) {
		if (opcode == OP_CLOSE)
			client.read_close = true;
		if (!script.answers || client.answered || client.fin || client.cut)
			continue;
		/* After an end of its own nothing else may be sent but trailing bytes. */
		if (client.end != CLIENT_GOES_ON)
			continue;
		check_trace(
		    "the client answers %s", opcode == OP_CLOSE ? "the Close" : "a PING");
		frames_put(&script.out, 0x80 | (opcode == OP_CLOSE ? OP_CLOSE : OP_PONG),
		    !world.client_role, payload, len, 0);
		client.answered = opcode == OP_CLOSE;
	}
}

static bool
client_receive(void)
{
	size_t n;

	if (!script.reads || check.now_ms < script.read_ms || kernel.reset || kernel.vanished)
		return false;
	n = kernel_client_receive(
	    &script.in, random_one_in(3) ? random_between(1, 100) : random_between(1, 100000));
	bytes_reset(&script.in);
	client_react();
	if (n > 0) {
		check_trace("the client reads %zu bytes", n);
		if (random_one_in(script.slow ? 3 : 20))
			script.read_ms =
			    check.now_ms +
			    (int64_t)random_below(
				script.slow && world.websocket.ping_ms != 1000 ? 1500 : 500);
		if (!world.prompt && random_one_in(200)) {
			script.read_ms = check.now_ms + (int64_t)random_below(90000);
			client.stalls = true;
		}
		return true;
	}
	if (kernel.to_client.writer_closed && !client.read_eof) {
		client.read_eof = true;
		check_trace("the client reads the end");
		return true;
	}
	return false;
}

bool
client_step(void)
{
	bool first = random_one_in(2);

	return first ? client_send() || client_receive() : client_receive() || client_send();
}

int64_t
client_next_due(void)
{
	int64_t due = INT64_MAX;

	if (kernel.reset || kernel.vanished)
		return due;
	if (!client.fin && script.send_ms > check.now_ms)
		due = script.send_ms;
	if (!client.fin && script.next_ms > check.now_ms && script.next_ms < due)
		due = script.next_ms;
	if (script.reads && script.read_ms > check.now_ms && script.read_ms < due)
		due = script.read_ms;
	return due;
}

size_t
client_delivered_at(uint64_t offset)
{
	return script_delivered_at(offset);
}

size_t
client_take_early(uint8_t *out, size_t max)
{
	size_t n;

	if (bytes_len(&script.out) == 0)
		client_generate();
	n = bytes_len(&script.out) < max ? bytes_len(&script.out) : max;
	n = random_below(n + 1);
	if (n > 0)
		memcpy(out, bytes_data(&script.out), n);
	bytes_consume(&script.out, n);
	kernel.from_client.written += n;
	kernel.from_client.read += n;
	return n;
}
