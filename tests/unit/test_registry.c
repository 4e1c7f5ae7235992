/* SPDX-License-Identifier: BSD-2-Clause */
/* The sessions of all workers. */
#include "session/registry.h"

#include "base/util.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

enum { WORKERS = 3 };

static int
open_registry(void **state)
{
	static struct registry registry;

	registry = (struct registry){.worker = 0};
	*state = &registry;
	return registry_open(&registry, WORKERS) ? 0 : -1;
}

static int
close_registry(void **state)
{
	registry_close(*state);
	registry_close(*state);
	return 0;
}

static struct registry_entry *
begin(struct registry *registry, uint64_t id, uint64_t bytes)
{
	struct registry_entry *entry = registry_reserve(registry);

	assert_non_null(entry);
	entry->counts.in.bytes += bytes;
	entry->counts.in.messages++;
	registry_begin(registry, entry, id);
	return entry;
}

static struct registry_sums
sum(const struct registry *registry)
{
	struct registry_sums sums;

	registry_sum(registry, &sums);
	return sums;
}

static void
test_open_and_ended_sessions_are_added_up(void **state)
{
	struct registry *registry = *state;
	static const int64_t durations[] = {0, 100, 101, 60 * 1000, INT64_C(100) * 3600 * 1000};
	static const uint64_t buckets[REGISTRY_BUCKETS] = {2, 1, 0, 1, 0, 0, 0, 0, 1};
	uint32_t endpoint = registry_endpoint(registry, "/a");
	struct registry_entry *entries[UTIL_LEN(durations)];
	struct registry_sums sums;

	for (size_t i = 0; i < UTIL_LEN(durations); i++) {
		registry->worker = i % WORKERS;
		entries[i] = begin(registry, i + 1, 10);
		assert_int_equal(sum(registry).sessions, i + 1);
		assert_int_equal(sum(registry).counts.in.bytes, 10 * (i + 1));
	}
	for (size_t i = 0; i < UTIL_LEN(durations); i++) {
		registry->worker = i % WORKERS;
		registry_end(registry, entries[i], endpoint, SESSION_CAUSE_EXIT, durations[i],
		    &entries[i]->counts);
	}
	sums = sum(registry);
	assert_int_equal(sums.sessions, 0);
	assert_int_equal(sums.counts.in.bytes, 50);
	assert_int_equal(sums.counts.in.messages, 5);
	assert_memory_equal(sums.buckets, buckets, sizeof(buckets));
	assert_int_equal(sums.duration_ms, 60201 + INT64_C(100) * 3600 * 1000);
	assert_int_equal(registry_ended(registry, endpoint, SESSION_CAUSE_EXIT), 5);
	assert_int_equal(registry_ended(registry, endpoint, SESSION_CAUSE_LOST), 0);
	assert_int_equal(registry_ended(registry, REGISTRY_OTHER, SESSION_CAUSE_EXIT), 0);
}

static void
test_a_session_without_an_entry_is_counted_when_it_ends(void **state)
{
	static const struct registry_counts counts = {.out = {.messages = 2, .bytes = 7}};
	struct registry *registry = *state;

	registry_begin(registry, NULL, 1);
	assert_int_equal(sum(registry).sessions, 1);
	registry_end(registry, NULL, REGISTRY_OTHER, SESSION_CAUSE_CLIENT, 1, &counts);
	assert_int_equal(sum(registry).sessions, 0);
	assert_int_equal(sum(registry).counts.out.bytes, 7);
	/* Without a registry, nothing happens. */
	assert_null(registry_reserve(NULL));
	registry_begin(NULL, NULL, 1);
	registry_cancel(NULL, NULL);
	registry_end(NULL, NULL, REGISTRY_OTHER, SESSION_CAUSE_CLIENT, 1, &counts);
}

static void
test_there_is_a_limited_number_of_entries(void **state)
{
	struct registry *registry = *state;
	struct registry_entry *last = NULL;

	for (size_t i = 0; i < REGISTRY_SESSIONS_MAX; i++) {
		last = registry_reserve(registry);
		assert_non_null(last);
	}
	assert_null(registry_reserve(registry));
	registry_cancel(registry, last);
	assert_ptr_equal(registry_reserve(registry), last);
	registry->worker = 1;
	assert_non_null(registry_reserve(registry));
}

static void
test_only_sessions_that_have_begun_are_listed_and_closed(void **state)
{
	struct registry *registry = *state;
	struct registry_cursor cursor = {0};
	struct registry_entry *reserved = registry_reserve(registry), copy;
	struct registry_entry *two, *three;

	two = begin(registry, 2, 20);
	registry->worker = 2;
	three = begin(registry, 3, 30);
	assert_true(registry_next(registry, &cursor, &copy));
	assert_int_equal(copy.id, 2);
	assert_int_equal(cursor.worker, 0);
	assert_true(registry_next(registry, &cursor, &copy));
	assert_int_equal(copy.id, 3);
	assert_int_equal(copy.counts.in.bytes, 30);
	assert_int_equal(cursor.worker, 2);
	assert_false(registry_next(registry, &cursor, &copy));
	assert_false(registry_ask_close(registry, 0));
	assert_false(registry_ask_close(registry, 1));
	assert_true(registry_ask_close(registry, 3));
	assert_int_equal(three->close_id, 3);
	assert_int_equal(two->close_id, 0);
	assert_int_equal(reserved->close_id, 0);
}

static void
test_what_a_dead_worker_has_left_is_added_up_once(void **state)
{
	struct registry *registry = *state;
	uint32_t endpoint = registry_endpoint(registry, "/a");

	registry->worker = 1;
	begin(registry, 1, 10)->endpoint = endpoint;
	begin(registry, 2, 20)->endpoint = endpoint;
	assert_non_null(registry_reserve(registry));
	registry->worker = 0;
	begin(registry, 3, 30);
	for (int i = 0; i < 2; i++) {
		registry_lost(registry, 1);
		assert_int_equal(sum(registry).sessions, 1);
		assert_int_equal(sum(registry).counts.in.bytes, 60);
		assert_int_equal(registry_ended(registry, endpoint, SESSION_CAUSE_WORKER), 2);
	}
}

static void
test_a_count_never_falls(void **state)
{
	struct registry *registry = *state;
	struct registry_entry *entry = begin(registry, 1, 10);

	assert_int_equal(sum(registry).counts.in.bytes, 10);
	/* As it is seen by a reader that was between the two parts of registry_end(). */
	registry_cancel(registry, entry);
	assert_int_equal(sum(registry).counts.in.bytes, 10);
}

static void
test_endpoints_are_numbered_once_and_by_the_first_process(void **state)
{
	struct registry *registry = *state;
	uint32_t a = registry_endpoint(registry, "/a"), b = registry_endpoint(registry, "/b");
	char path[32];
	int status;
	pid_t pid;

	assert_int_not_equal(a, b);
	assert_int_equal(registry_endpoint(registry, "/a"), a);
	assert_string_equal(registry_path(registry, b), "/b");
	assert_null(registry_path(registry, REGISTRY_OTHER));
	pid = fork();
	if (pid == 0)
		_exit(registry_endpoint(registry, "/b") != b ||
		      registry_endpoint(registry, "/c") != REGISTRY_OTHER);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	for (int i = 0; i < REGISTRY_ENDPOINTS_MAX; i++) {
		snprintf(path, sizeof(path), "/%d", i);
		(void)registry_endpoint(registry, path);
	}
	assert_int_equal(registry_endpoints(registry), REGISTRY_ENDPOINTS_MAX);
	assert_int_equal(registry_endpoint(registry, "/one/more"), REGISTRY_OTHER);
	assert_int_equal(registry_endpoint(registry, "/a"), a);
}

static void
test_paths_share_a_limited_number_of_bytes(void **state)
{
	static char path[REGISTRY_NAMES_MAX / 2 + 1];
	struct registry *registry = *state;

	memset(path, '/', sizeof(path) - 1);
	assert_int_not_equal(registry_endpoint(registry, path), REGISTRY_OTHER);
	path[0] = 'x';
	assert_int_equal(registry_endpoint(registry, path), REGISTRY_OTHER);
	assert_int_not_equal(registry_endpoint(registry, "/short"), REGISTRY_OTHER);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, open_registry, close_registry)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(test_open_and_ended_sessions_are_added_up),
	    TEST(test_a_session_without_an_entry_is_counted_when_it_ends),
	    TEST(test_there_is_a_limited_number_of_entries),
	    TEST(test_only_sessions_that_have_begun_are_listed_and_closed),
	    TEST(test_what_a_dead_worker_has_left_is_added_up_once),
	    TEST(test_a_count_never_falls),
	    TEST(test_endpoints_are_numbered_once_and_by_the_first_process),
	    TEST(test_paths_share_a_limited_number_of_bytes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
