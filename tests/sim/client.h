/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The other side of the connection: sends messages, pings, mistakes and an end; reads, slowly
 * or not at all, and checks every frame that comes.
 */
#ifndef TESTS_SIM_CLIENT_H
#define TESTS_SIM_CLIENT_H

#include "bytes.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum client_end {
	CLIENT_GOES_ON,
	CLIENT_CLOSED, /* a Close was sent */
	CLIENT_ERRED, /* a violation was sent */
	CLIENT_FIN,
	CLIENT_RESET,
	CLIENT_VANISHED,
};

struct client {
	enum client_end end; /* the first of these */
	uint64_t end_from; /* offset in the stream where what ends it begins, and where it ends
			    */
	uint64_t end_to;
	uint16_t code; /* of the Close or for the violation; 1005: a Close without one */
	/* The violation is of a rule of the program's framing: once that has exited it is none.
	 */
	bool by_content;
	bool answered; /* it has sent its Close */
	bool fin; /* nothing more is sent */
	bool fin_first; /* before it has read the end of ours */
	bool read_close; /* the Close of ours came, */
	uint16_t close_code; /* with this code */
	bool read_eof;
	bool stalls; /* it may have been too slow */
	bool cut; /* its end came within a frame */
	uint64_t pings_sent;
};
extern struct client client;

void client_start(void);
void client_clear(void);

/* Does something; false if there is nothing to do at this time. */
bool client_step(void);

/* When it will have something to do; INT64_MAX: it only reacts. */
int64_t client_next_due(void);

/* The rest of its script is dropped: it ends now. */
void client_hurry(void);

/* Of what was sent up to this offset of the stream: bytes of MODEL's TO_PROGRAM. */
size_t client_delivered_at(uint64_t offset);

/* Takes bytes that were handed over before the session began. */
size_t client_take_early(uint8_t *out, size_t max);

#endif
