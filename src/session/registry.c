/* SPDX-License-Identifier: BSD-2-Clause */
/* The sessions of all workers. */
#include "session/registry.h"

#include "base/util.h"

#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

/* Written by one worker. Untouched pages use no memory. */
struct registry_part {
	_Atomic uint64_t handshakes[REGISTRY_STATUSES];
	_Atomic uint64_t sessions;
	_Atomic uint64_t in_messages; /* of ended sessions, like the following fields */
	_Atomic uint64_t in_bytes;
	_Atomic uint64_t out_messages;
	_Atomic uint64_t out_bytes;
	_Atomic uint64_t buckets[REGISTRY_BUCKETS];
	_Atomic uint64_t duration_ms;
	_Atomic uint64_t ends[REGISTRY_ENDPOINTS_MAX][SESSION_CAUSES];
	size_t free; /* first free entry, counted from 1; 0: none */
	atomic_size_t used; /* number of entries that were ever in use; they come first */
	struct registry_entry entries[REGISTRY_SESSIONS_MAX];
};

struct registry_shared {
	size_t workers;
	pid_t owner;
	_Atomic uint32_t endpoints;
	uint32_t paths[REGISTRY_ENDPOINTS_MAX]; /* offset of each in NAMES */
	size_t names_len;
	char names[REGISTRY_NAMES_MAX];
	/* The last reported counters; later reports are never lower. */
	_Atomic uint64_t in_messages;
	_Atomic uint64_t in_bytes;
	_Atomic uint64_t out_messages;
	_Atomic uint64_t out_bytes;
	struct registry_part parts[];
};

const char *const session_via_names[SESSION_VIAS] = {
    [SESSION_VIA_WEBSOCKET] = "websocket",
    [SESSION_VIA_EVENTS] = "events",
    [SESSION_VIA_POLLS] = "polls",
};

const char *const session_cause_names[SESSION_CAUSES] = {
    [SESSION_CAUSE_LOST] = "lost",
    [SESSION_CAUSE_CLIENT] = "client",
    [SESSION_CAUSE_EXIT] = "exit",
    [SESSION_CAUSE_FAILURE] = "failure",
    [SESSION_CAUSE_SIGNAL] = "signal",
    [SESSION_CAUSE_VIOLATION] = "violation",
    [SESSION_CAUSE_SERVER] = "server",
    [SESSION_CAUSE_ERROR] = "error",
    [SESSION_CAUSE_WORKER] = "worker",
};

const int64_t registry_bounds_ms[REGISTRY_BUCKETS - 1] = {100, 1000, 10 * 1000, 60 * 1000,
    600 * 1000, 3600 * 1000, 6 * 3600 * 1000, 24 * 3600 * 1000};

static size_t
registry_size(size_t workers)
{
	return sizeof(struct registry_shared) + workers * sizeof(struct registry_part);
}

bool
registry_open(struct registry *registry, size_t workers)
{
	struct registry_shared *shared = mmap(NULL, registry_size(workers),
	    PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (shared == MAP_FAILED)
		return false;
	shared->workers = workers;
	shared->owner = getpid();
	shared->endpoints = REGISTRY_OTHER + 1;
	registry->shared = shared;
	return true;
}

void
registry_close(struct registry *registry)
{
	if (registry->shared)
		munmap(registry->shared, registry_size(registry->shared->workers));
	registry->shared = NULL;
}

static struct registry_part *
registry_part(const struct registry *registry)
{
	return &registry->shared->parts[registry->worker];
}

/* Adds to a counter of this worker, which is its only writer. */
static void
registry_add(_Atomic uint64_t *count, uint64_t more)
{
	atomic_store_explicit(count, atomic_load_explicit(count, memory_order_relaxed) + more,
	    memory_order_relaxed);
}

_Atomic uint64_t *
registry_handshakes(const struct registry *registry)
{
	return registry->shared ? registry_part(registry)->handshakes : NULL;
}

/*
 * Endpoints.
 */

uint32_t
registry_endpoints(const struct registry *registry)
{
	return registry->shared ? atomic_load(&registry->shared->endpoints) : 0;
}

const char *
registry_path(const struct registry *registry, uint32_t endpoint)
{
	return endpoint == REGISTRY_OTHER
		   ? NULL
		   : registry->shared->names + registry->shared->paths[endpoint];
}

uint32_t
registry_endpoint(const struct registry *registry, const char *path)
{
	struct registry_shared *shared = registry->shared;
	size_t size = strlen(path) + 1;
	uint32_t count = registry_endpoints(registry);

	for (uint32_t i = REGISTRY_OTHER + 1; i < count; i++) {
		if (strcmp(registry_path(registry, i), path) == 0)
			return i;
	}
	if (!shared || shared->owner != getpid() || count == REGISTRY_ENDPOINTS_MAX ||
	    size > REGISTRY_NAMES_MAX - shared->names_len)
		return REGISTRY_OTHER;
	shared->paths[count] = (uint32_t)shared->names_len;
	memcpy(shared->names + shared->names_len, path, size);
	shared->names_len += size;
	atomic_store(&shared->endpoints, count + 1);
	return count;
}

/*
 * Sessions.
 */

struct registry_entry *
registry_reserve(const struct registry *registry)
{
	struct registry_part *part;
	struct registry_entry *entry;
	size_t number;

	if (!registry)
		return NULL;
	part = registry_part(registry);
	number = part->free;
	if (number == 0 && atomic_load(&part->used) == REGISTRY_SESSIONS_MAX)
		return NULL;
	if (number == 0)
		number = atomic_fetch_add(&part->used, 1) + 1;
	else
		part->free = part->entries[number - 1].next;
	entry = &part->entries[number - 1];
	entry->counts = (struct registry_counts){0};
	entry->remote[0] = entry->user[0] = '\0';
	return entry;
}

void
registry_cancel(const struct registry *registry, struct registry_entry *entry)
{
	struct registry_part *part;

	if (!entry)
		return;
	part = registry_part(registry);
	atomic_store(&entry->id, 0);
	entry->next = part->free;
	part->free = (size_t)(entry - part->entries) + 1;
}

void
registry_begin(const struct registry *registry, struct registry_entry *entry, uint64_t id)
{
	if (entry)
		atomic_store(&entry->id, id);
	if (registry)
		registry_add(&registry_part(registry)->sessions, 1);
}

static void
registry_count_end(struct registry_part *part, uint32_t endpoint, enum session_cause cause,
    int64_t duration_ms, const struct registry_counts *counts)
{
	size_t bucket = 0;

	while (bucket < REGISTRY_BUCKETS - 1 && duration_ms > registry_bounds_ms[bucket])
		bucket++;
	registry_add(&part->buckets[bucket], 1);
	registry_add(&part->duration_ms, (uint64_t)duration_ms);
	registry_add(&part->ends[endpoint][cause], 1);
	registry_add(&part->in_messages, counts->in.messages);
	registry_add(&part->in_bytes, counts->in.bytes);
	registry_add(&part->out_messages, counts->out.messages);
	registry_add(&part->out_bytes, counts->out.bytes);
}

void
registry_end(const struct registry *registry, struct registry_entry *entry, uint32_t endpoint,
    enum session_cause cause, int64_t duration_ms, const struct registry_counts *counts)
{
	struct registry_part *part;

	if (!registry)
		return;
	part = registry_part(registry);
	registry_count_end(part, endpoint, cause, duration_ms, counts);
	registry_add(&part->sessions, UINT64_MAX);
	registry_cancel(registry, entry);
}

void
registry_lost(struct registry *registry, size_t worker)
{
	struct registry_part *part;
	int64_t now = util_clock_ms();

	if (!registry->shared)
		return;
	part = &registry->shared->parts[worker];
	for (size_t i = 0; i < atomic_load(&part->used); i++) {
		struct registry_entry *entry = &part->entries[i];

		if (atomic_load(&entry->id) != 0)
			registry_count_end(part, entry->endpoint, SESSION_CAUSE_WORKER,
			    now - entry->opened_ms, &entry->counts);
		atomic_store(&entry->id, 0);
	}
	atomic_store(&part->sessions, 0);
	atomic_store(&part->used, 0);
	part->free = 0;
}

/* Reading. */

/* Returns COUNT, or the last reported value if that is higher: COUNT lacks sessions that ended
 * while it was computed. */
static uint64_t
registry_rising(_Atomic uint64_t *reported, uint64_t count)
{
	uint64_t last = atomic_load(reported);

	while (last < count) {
		if (atomic_compare_exchange_weak(reported, &last, count))
			return count;
	}
	return last;
}

static void
registry_sum_part(const struct registry_part *part, struct registry_sums *out)
{
	out->sessions += atomic_load(&part->sessions);
	out->duration_ms += atomic_load(&part->duration_ms);
	for (size_t i = 0; i < REGISTRY_BUCKETS; i++)
		out->buckets[i] += atomic_load(&part->buckets[i]);
	for (size_t i = 0; i < REGISTRY_STATUSES; i++)
		out->handshakes[i] += atomic_load(&part->handshakes[i]);
	out->counts.in.messages += atomic_load(&part->in_messages);
	out->counts.in.bytes += atomic_load(&part->in_bytes);
	out->counts.out.messages += atomic_load(&part->out_messages);
	out->counts.out.bytes += atomic_load(&part->out_bytes);
}

void
registry_sum(const struct registry *registry, struct registry_sums *out)
{
	struct registry_shared *shared = registry->shared;
	struct registry_cursor cursor = {0};
	struct registry_entry entry;

	*out = (struct registry_sums){0};
	if (!shared)
		return;
	/* Before the open sessions: a session that ends in between must not be counted
	 * twice. */
	for (size_t i = 0; i < shared->workers; i++)
		registry_sum_part(&shared->parts[i], out);
	while (registry_next(registry, &cursor, &entry)) {
		out->counts.in.messages += entry.counts.in.messages;
		out->counts.in.bytes += entry.counts.in.bytes;
		out->counts.out.messages += entry.counts.out.messages;
		out->counts.out.bytes += entry.counts.out.bytes;
	}
	out->counts.in.messages =
	    registry_rising(&shared->in_messages, out->counts.in.messages);
	out->counts.in.bytes = registry_rising(&shared->in_bytes, out->counts.in.bytes);
	out->counts.out.messages =
	    registry_rising(&shared->out_messages, out->counts.out.messages);
	out->counts.out.bytes = registry_rising(&shared->out_bytes, out->counts.out.bytes);
}

uint64_t
registry_ended(const struct registry *registry, uint32_t endpoint, enum session_cause cause)
{
	uint64_t sum = 0;

	for (size_t i = 0; registry->shared && i < registry->shared->workers; i++)
		sum += atomic_load(&registry->shared->parts[i].ends[endpoint][cause]);
	return sum;
}

bool
registry_next(
    const struct registry *registry, struct registry_cursor *cursor, struct registry_entry *out)
{
	const struct registry_shared *shared = registry->shared;

	for (; shared && cursor->worker < shared->workers; cursor->worker++) {
		const struct registry_part *part = &shared->parts[cursor->worker];

		while (cursor->index < atomic_load(&part->used)) {
			const struct registry_entry *entry = &part->entries[cursor->index++];
			uint64_t id = atomic_load(&entry->id);

			if (id == 0)
				continue;
			memcpy(out, entry, sizeof(*out));
			atomic_thread_fence(memory_order_acquire);
			/* The entry may have been reused in between. */
			if (atomic_load(&entry->id) == id)
				return true;
		}
		cursor->index = 0;
	}
	return false;
}

bool
registry_ask_close(const struct registry *registry, uint64_t id)
{
	struct registry_shared *shared = registry->shared;

	for (size_t i = 0; shared && i < shared->workers && id != 0; i++) {
		struct registry_part *part = &shared->parts[i];

		for (size_t k = 0; k < atomic_load(&part->used); k++) {
			if (atomic_load(&part->entries[k].id) == id) {
				atomic_store(&part->entries[k].close_id, id);
				return true;
			}
		}
	}
	return false;
}
