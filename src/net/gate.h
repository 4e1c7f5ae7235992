/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * How many connections may be there at the same time, and how many of them in
 * the handshake of TLS. While one of the two is at its limit the gate is shut: nobody is
 * accepted until somebody has gone on. Those who come wait in the system's queue meanwhile,
 * where they cost this process no descriptor and no memory.
 */
#ifndef NET_GATE_H
#define NET_GATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	/* A handshake takes a round trip or two; with 200 ms for one this lets some 5000 a
	 * second through, which is more than one processor can sign. */
	GATE_HANDSHAKES_MAX = 1024,
	GATE_PRESSED_MS = 1000, /* so long it counts that it was shut by handshakes */
	GATE_TELL_MS = 10 * 1000, /* the log says it at most this often */
};

struct gate {
	size_t open; /* connections, until their socket is closed */
	size_t open_max; /* 0: no limit */
	size_t handshakes; /* those of them that are not through it */
	size_t handshakes_max; /* 0: no limit */
	bool shut;
	bool pressed; /* by handshakes */
	int64_t pressed_ms; /* when that last changed; 0: never */
	void (*on_change)(void *arg); /* SHUT has changed */
	void *arg; /* borrowed */
	int64_t told_ms; /* when the log was told last */
};

/* Without limits. */
void gate_init(struct gate *gate, void (*on_change)(void *arg), void *arg);

/* At most so many connections from now on, 0 for any number. */
void gate_limit(struct gate *gate, size_t connections);

/* A connection comes; its socket was closed. Each accepts a GATE of NULL. */
void gate_enter(struct gate *gate);
void gate_leave(struct gate *gate);

/* Its handshake begins, ends: before gate_leave() also when it failed. Each accepts NULL. */
void gate_begin_handshake(struct gate *gate);
void gate_end_handshake(struct gate *gate);

/* Whether handshakes keep others out now, or did so a moment ago: those that take their time
 * are to give way. False for NULL. */
bool gate_is_pressed(const struct gate *gate);

#endif
