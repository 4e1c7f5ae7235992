/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The program: echoes, writes on its own, in bursts or not, stops reading, closes its ends
 * early, exits when it likes or does not exit, and heeds signals or not.
 */
#ifndef TESTS_SIM_PROGRAM_H
#define TESTS_SIM_PROGRAM_H

#include <stdbool.h>
#include <stdint.h>

struct program_model {
	bool read_eof; /* it has seen the end of its input */
	bool stuck; /* SIGKILL does nothing, for a long time */
	bool reads; /* at all */
	bool closed_in;
	int64_t killed_ms; /* when SIGKILL came */
};
extern struct program_model program;

void program_model_start(void);
void program_model_clear(void);
bool program_step(void);
int64_t program_next_due(void);
/* It exits soon. */
void program_hurry(void);

#endif
