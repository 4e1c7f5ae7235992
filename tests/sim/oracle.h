/* SPDX-License-Identifier: BSD-2-Clause */
/* The invariants. */
#ifndef TESTS_SIM_ORACLE_H
#define TESTS_SIM_ORACLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

void oracle_reset(void);

/* A Close with this code is written. */
void oracle_on_close(uint16_t code);

/* The server shuts down. */
void oracle_on_shutdown(void);

uint64_t oracle_pings_sent(void);

/* After each step; SESSIONS: the session exists. */
void oracle_step(bool session);

/* Nothing can happen at this time: nobody may have been forgotten. */
void oracle_quiescent(bool session);

/* The session, its connection and its program are gone. */
void oracle_end(void);

#endif
