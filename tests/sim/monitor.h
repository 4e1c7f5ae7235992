/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Looks at the bytes for the client as they are written: each frame must be valid, each message
 * expected, and nothing may follow a Close. What the client has to react to is kept until it
 * has read that far.
 */
#ifndef TESTS_SIM_MONITOR_H
#define TESTS_SIM_MONITOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct monitor {
	bool closed; /* a Close was written */
	uint16_t code; /* 1005: without one */
	int64_t closed_ms;
	uint64_t close_end; /* its end, as an offset in the stream */
	size_t pings;
	size_t pongs;
	uint64_t pong_last; /* the number of the last ping that was answered */
};
extern struct monitor monitor;

/* HEAD bytes of a handshake come first. */
void monitor_start(size_t head);
void monitor_clear(void);
void monitor_take(const uint8_t *bytes, size_t len);

/* A control frame that ends at or before OFFSET: its opcode, and its payload; 0: none is left.
 */
int monitor_next(uint64_t offset, uint8_t payload[125], size_t *len);

#endif
