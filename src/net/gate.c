/* SPDX-License-Identifier: BSD-2-Clause */
/* How many connections may be there. */
#include "net/gate.h"

#include "base/log.h"
#include "base/util.h"

static void
gate_tell(struct gate *gate, bool crowded)
{
	int64_t now = util_clock_ms();

	if (gate->told_ms != 0 && now - gate->told_ms < GATE_TELL_MS)
		return;
	gate->told_ms = now;
	if (crowded)
		log_errorx("%zu connections are open, as many as the limit of open files has "
			   "room for; others wait until one ends",
		    gate->open);
	else
		log_errorx("%zu clients are in the handshake of TLS; others wait until one is "
			   "through",
		    gate->handshakes);
}

/* The one place that shuts and opens it. */
static void
gate_update(struct gate *gate)
{
	bool crowded = gate->open_max != 0 && gate->open >= gate->open_max;
	bool pressed = gate->handshakes_max != 0 && gate->handshakes >= gate->handshakes_max;
	bool shut = crowded || pressed;

	if (pressed != gate->pressed)
		gate->pressed_ms = util_clock_ms();
	gate->pressed = pressed;
	if (shut == gate->shut)
		return;
	gate->shut = shut;
	if (shut)
		gate_tell(gate, crowded);
	gate->on_change(gate->arg);
}

void
gate_init(struct gate *gate, void (*on_change)(void *arg), void *arg)
{
	*gate = (struct gate){.on_change = on_change, .arg = arg};
}

void
gate_limit(struct gate *gate, size_t connections)
{
	gate->open_max = connections;
	gate_update(gate);
}

void
gate_enter(struct gate *gate)
{
	if (!gate)
		return;
	gate->open++;
	gate_update(gate);
}

void
gate_leave(struct gate *gate)
{
	if (!gate)
		return;
	gate->open--;
	gate_update(gate);
}

void
gate_begin_handshake(struct gate *gate)
{
	if (!gate)
		return;
	gate->handshakes++;
	gate_update(gate);
}

void
gate_end_handshake(struct gate *gate)
{
	if (!gate)
		return;
	gate->handshakes--;
	gate_update(gate);
}

bool
gate_is_pressed(const struct gate *gate)
{
	return gate &&
	       (gate->pressed || (gate->pressed_ms != 0 &&
				     util_clock_ms() - gate->pressed_ms < GATE_PRESSED_MS));
}
