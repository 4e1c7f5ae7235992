/* SPDX-License-Identifier: BSD-2-Clause */
/* The rules of a program that clients share: the options, and what follows from them. */
#ifndef BACKEND_SHARED_RULES_H
#define BACKEND_SHARED_RULES_H

#include "backend/framed.h"
#include "backend/members.h"
#include "backend/shared_output.h"

enum { SHARED_FOREVER = -1 }; /* as LINGER_MS */

enum shared_mode {
	SHARED_OFF, /* each client has a program of its own */
	SHARED_BROADCAST, /* what it writes goes to all */
	SHARED_ADDRESSED, /* messages carry the ID of their sender or recipient */
};

enum shared_begin { SHARED_ON_DEMAND, SHARED_ALWAYS };
enum shared_on_exit { SHARED_CLOSE, SHARED_KEEP };

/* On a bus between servers. */
enum shared_programs {
	SHARED_EACH, /* each server runs a program */
	SHARED_ONE, /* one of them does, for all */
};

/* The options. */
struct shared_settings {
	enum shared_mode mode;
	enum shared_begin begin;
	enum shared_on_exit on_exit; /* what is done with its clients */
	int64_t linger_ms; /* from the last client to its end */
	int64_t max_clients; /* with those that wait; 0: no limit */
	enum shared_programs programs;
	struct member_rules members;
};

struct shared_rules {
	struct shared_settings settings;
	struct framed_rules framed; /* of what clients send, and of events */
	struct framed_rules program; /* of the program itself */
	struct shared_output_rules output;
};

#endif
