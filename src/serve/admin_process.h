/* SPDX-License-Identifier: BSD-2-Clause */
/* The state of the server, and the resource usage of its processes as the kernel reports it
 * (the standard process metrics of Prometheus clients). */
#ifndef SERVE_ADMIN_PROCESS_H
#define SERVE_ADMIN_PROCESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

enum { ADMIN_PROCESSES_MAX = 257 };

struct admin_process {
	pid_t pid;
	int worker; /* worker number, from 1; 0: the parent, or the only process */
	int64_t started_ms; /* wall clock */
};

/* The state of the bus between servers, summed over all workers; all 0 without a bus. */
struct admin_bus {
	bool used; /* a bus is configured */
	bool up; /* connected, in every worker */
	uint64_t published;
	uint64_t received;
	uint64_t dropped;
	uint64_t missed;
	uint64_t fenced;
	uint64_t malformed;
	uint64_t reconnects;
	uint64_t queued;
};

/* The current state of the server, over all workers. */
struct admin_facts {
	const char *unready; /* why the server is not ready; NULL: ready */
	size_t programs; /* running */
	size_t programs_max; /* 0: no limit */
	size_t connections; /* connections that have no session */
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
	bool is_time; /* in fractional seconds */
};
extern const struct admin_usage_row admin_usage_rows[ADMIN_USAGE_KINDS];

struct admin_usage {
	unsigned int known; /* bit mask of the kinds whose values are set */
	double values[ADMIN_USAGE_KINDS];
};

/* Reads the usage of PROCESS. Kinds that the kernel does not report stay out of OUT->known. */
void admin_usage_read(const struct admin_process *process, struct admin_usage *out);

#endif
