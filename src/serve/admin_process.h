/* SPDX-License-Identifier: BSD-2-Clause */
/* How the server is, and what its processes use as the system knows it: the metrics that every
 * Prometheus client has. */
#ifndef SERVE_ADMIN_PROCESS_H
#define SERVE_ADMIN_PROCESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

enum { ADMIN_PROCESSES_MAX = 257 };

struct admin_process {
	pid_t pid;
	int worker; /* its number, from 1; 0: the parent, or the only one */
	int64_t started_ms; /* of the real time */
};

/* How the bus between servers is, over all workers; all 0 without one. */
struct admin_bus {
	bool used; /* there is one */
	bool up; /* connected, in all */
	uint64_t published;
	uint64_t received;
	uint64_t dropped;
	uint64_t missed;
	uint64_t fenced;
	uint64_t malformed;
	uint64_t reconnects;
	uint64_t queued;
};

/* How the server is now, over all workers. */
struct admin_facts {
	const char *unready; /* why no client should come; NULL: it is ready */
	size_t programs; /* that run */
	size_t programs_max; /* 0: no limit */
	size_t connections; /* without a session */
	struct admin_bus bus;
	struct admin_process processes[ADMIN_PROCESSES_MAX];
	size_t process_count;
};

enum admin_usage_kind {
	ADMIN_USAGE_CPU,
	ADMIN_USAGE_RESIDENT,
	ADMIN_USAGE_VIRTUAL,
	ADMIN_USAGE_OPEN_FDS,
	ADMIN_USAGE_MAX_FDS,
	ADMIN_USAGE_START,
	ADMIN_USAGE_KINDS,
};

struct admin_usage_row {
	const char *name;
	const char *type;
	const char *help;
	bool is_time; /* in seconds with fractions */
};
extern const struct admin_usage_row admin_usage_rows[ADMIN_USAGE_KINDS];

struct admin_usage {
	unsigned int known; /* one bit for each kind */
	double values[ADMIN_USAGE_KINDS];
};

/* What the system does not report is not known. */
void admin_usage_read(const struct admin_process *process, struct admin_usage *out);

#endif
