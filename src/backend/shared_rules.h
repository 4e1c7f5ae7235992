/* SPDX-License-Identifier: BSD-2-Clause */
/* The rules of a shared program: the options, and what follows from them. */
#ifndef BACKEND_SHARED_RULES_H
#define BACKEND_SHARED_RULES_H

#include "backend/framed.h"
#include "backend/members.h"
#include "backend/shared_output.h"

enum { SHARED_FOREVER = -1 }; /* for LINGER_MS */

enum shared_mode {
	SHARED_OFF, /* each client has its own program */
	SHARED_BROADCAST, /* output goes to all clients */
	SHARED_ADDRESSED, /* messages carry the ID of their sender or recipient */
};

enum shared_begin { SHARED_ON_DEMAND, SHARED_ALWAYS };
enum shared_on_exit { SHARED_CLOSE, SHARED_KEEP };

/* On a bus between servers. */
enum shared_programs {
	SHARED_EACH, /* each server runs a program */
	SHARED_ONE, /* one server runs it for all */
};

/* The options. */
struct shared_settings {
	enum shared_mode mode;
	enum shared_begin begin;
	enum shared_on_exit on_exit; /* what to do with the clients */
	int64_t linger_ms; /* delay between the last client and the end of the program */
	int64_t max_clients; /* including those that wait; 0: no limit */
	enum shared_programs programs;
	struct member_rules members;
};

struct shared_rules {
	struct shared_settings settings;
	struct framed_rules framed; /* for input of clients and events */
	struct framed_rules program; /* for the program itself */
	struct shared_output_rules output;
};

#endif
