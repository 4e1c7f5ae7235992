/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Metrics. Labels come from the configuration or from a list in the source, never from a
 * client, so the number of time series is bounded.
 */
#include "serve/admin_metrics.h"

#include "config.h"
#include "serve/admin_process.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum { METRICS_LINE_MAX = 512 };

/* The output so far. */
struct metrics {
	struct buffer *out;
	bool failed;
};

static void __attribute__((format(printf, 2, 3)))
metrics_put(struct metrics *m, const char *format, ...)
{
	char line[METRICS_LINE_MAX];
	va_list args;
	int len;

	va_start(args, format);
	len = vsnprintf(line, sizeof(line), format, args);
	va_end(args);
	if (!buffer_append(m->out, line, (size_t)len))
		m->failed = true;
}

/* Writes the HELP and TYPE lines of the metric NAME. */
static void
metrics_begin(struct metrics *m, const char *name, const char *type, const char *help)
{
	metrics_put(m, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

static void
metrics_one(
    struct metrics *m, const char *name, const char *type, const char *help, uint64_t value)
{
	metrics_begin(m, name, type, help);
	metrics_put(m, "%s %" PRIu64 "\n", name, value);
}

/* Writes a label value. */
static void
metrics_put_escaped(struct metrics *m, const char *text)
{
	for (; *text; text++) {
		char c = *text == '\n' ? 'n' : *text;
		bool escape = *text == '\n' || *text == '\\' || *text == '"';

		if (!buffer_append(m->out, (char[]){'\\', c} + !escape, 1 + (size_t)escape))
			m->failed = true;
	}
}

static void
metrics_ends(struct metrics *m, const struct registry *registry)
{
	uint32_t count = registry_endpoints(registry);

	metrics_begin(m, "wspipe_sessions_total", "counter",
	    "Sessions that have ended, by endpoint and by what ended them.");
	for (uint32_t i = 0; i < count; i++) {
		const char *path = registry_path(registry, i);

		for (enum session_cause cause = 0; cause < SESSION_CAUSES; cause++) {
			uint64_t ended = registry_ended(registry, i, cause);

			if (ended == 0)
				continue;
			metrics_put(m, "wspipe_sessions_total{endpoint=\"");
			metrics_put_escaped(m, path ? path : "other");
			metrics_put(m, "\",end=\"%s\"} %" PRIu64 "\n",
			    session_cause_names[cause], ended);
		}
	}
}

static void
metrics_handshakes(struct metrics *m, const struct registry_sums *sums)
{
	metrics_begin(m, "wspipe_handshakes_total", "counter",
	    "Responses to WebSocket handshakes, by status; 101 began a session.");
	for (int i = 0; i < REGISTRY_STATUSES; i++) {
		if (sums->handshakes[i] > 0 || i == 101)
			metrics_put(m, "wspipe_handshakes_total{status=\"%d\"} %" PRIu64 "\n",
			    i, sums->handshakes[i]);
	}
}

static void
metrics_durations(struct metrics *m, const struct registry_sums *sums)
{
	uint64_t sum = 0;

	metrics_begin(m, "wspipe_session_seconds", "histogram",
	    "Duration of the sessions that have ended.");
	for (size_t i = 0; i < REGISTRY_BUCKETS - 1; i++) {
		sum += sums->buckets[i];
		metrics_put(m, "wspipe_session_seconds_bucket{le=\"%g\"} %" PRIu64 "\n",
		    (double)registry_bounds_ms[i] / 1000, sum);
	}
	sum += sums->buckets[REGISTRY_BUCKETS - 1];
	metrics_put(m, "wspipe_session_seconds_bucket{le=\"+Inf\"} %" PRIu64 "\n", sum);
	metrics_put(m,
	    "wspipe_session_seconds_sum %.3f\nwspipe_session_seconds_count %" PRIu64 "\n",
	    (double)sums->duration_ms / 1000, sum);
}

static void
metrics_sessions(struct metrics *m, const struct registry *registry)
{
	struct registry_sums sums;

	registry_sum(registry, &sums);
	metrics_one(m, "wspipe_sessions", "gauge", "Sessions that are open.", sums.sessions);
	metrics_ends(m, registry);
	metrics_handshakes(m, &sums);
	metrics_one(m, "wspipe_received_messages_total", "counter",
	    "Messages of clients that were passed to programs.", sums.counts.in.messages);
	metrics_one(m, "wspipe_received_bytes_total", "counter",
	    "Bytes in the messages of clients that were passed to programs.",
	    sums.counts.in.bytes);
	metrics_one(m, "wspipe_sent_messages_total", "counter",
	    "Messages that were sent to clients.", sums.counts.out.messages);
	metrics_one(m, "wspipe_sent_bytes_total", "counter",
	    "Bytes in the messages that were sent to clients.", sums.counts.out.bytes);
	metrics_durations(m, &sums);
}

/* Writes the process metrics, with one line per process. */
static void
metrics_processes(struct metrics *m, const struct admin_facts *facts)
{
	struct admin_usage usages[ADMIN_PROCESSES_MAX];

	for (size_t i = 0; i < facts->process_count; i++)
		admin_usage_read(&facts->processes[i], &usages[i]);
	for (enum admin_usage_kind kind = 0; kind < ADMIN_USAGE_KINDS; kind++) {
		const struct admin_usage_row *row = &admin_usage_rows[kind];

		metrics_begin(m, row->name, row->type, row->help);
		for (size_t i = 0; i < facts->process_count; i++) {
			if (!(usages[i].known & 1u << kind))
				continue;
			metrics_put(m, "%s", row->name);
			if (facts->process_count > 1 && facts->processes[i].worker == 0)
				metrics_put(m, "{worker=\"parent\"}");
			else if (facts->process_count > 1)
				metrics_put(m, "{worker=\"%d\"}", facts->processes[i].worker);
			metrics_put(
			    m, row->is_time ? " %.2f\n" : " %.0f\n", usages[i].values[kind]);
		}
	}
}

/* Writes the bus metrics, if there is a bus. */
static void
metrics_bus(struct metrics *m, const struct admin_bus *bus)
{
	const struct {
		const char *name;
		const char *type;
		const char *help;
		uint64_t value;
	} rows[] = {
	    {"wspipe_bus_connected", "gauge", "Whether the bus (--bus) is available.", bus->up},
	    {"wspipe_bus_published_messages_total", "counter",
		"Messages of shared programs for clients of other servers.", bus->published},
	    {"wspipe_bus_received_messages_total", "counter",
		"Messages of the shared programs of other servers.", bus->received},
	    {"wspipe_bus_dropped_messages_total", "counter",
		"Messages for other servers that did not fit into --bus-queue.", bus->dropped},
	    {"wspipe_bus_missed_records_total", "counter",
		"Records of other servers that did not arrive, each of one or more messages.",
		bus->missed},
	    {"wspipe_bus_fenced_messages_total", "counter",
		"Messages of a shared program that were not delivered, because its server had "
		"lost the lease.",
		bus->fenced},
	    {"wspipe_bus_malformed_records_total", "counter", "Malformed records from the bus.",
		bus->malformed},
	    {"wspipe_bus_reconnects_total", "counter",
		"How often the connection to the bus was lost.", bus->reconnects},
	    {"wspipe_bus_queue_bytes", "gauge",
		"Bytes queued for the bus or not yet acknowledged.", bus->queued},
	};

	for (size_t i = 0; i < UTIL_LEN(rows) && bus->used; i++)
		metrics_one(m, rows[i].name, rows[i].type, rows[i].help, rows[i].value);
}

bool
admin_metrics(
    struct buffer *out, const struct registry *registry, const struct admin_facts *facts)
{
	struct metrics m = {.out = out};

	metrics_begin(&m, "wspipe_build_info", "gauge", "The version, as a label.");
	metrics_put(&m, "wspipe_build_info{version=\"%s\"} 1\n", PACKAGE_VERSION);
	metrics_one(&m, "wspipe_ready", "gauge", "Whether /-/ready responds with 200.",
	    facts->unready == NULL);
	metrics_sessions(&m, registry);
	metrics_one(
	    &m, "wspipe_programs", "gauge", "Programs that are running.", facts->programs);
	metrics_one(&m, "wspipe_programs_max", "gauge",
	    "Programs that may run at a time (--maxforks); 0: no limit.", facts->programs_max);
	metrics_one(&m, "wspipe_connections", "gauge",
	    "Connections of clients without a session.", facts->connections);
	metrics_bus(&m, &facts->bus);
	metrics_processes(&m, facts);
	return !m.failed;
}
