/* SPDX-License-Identifier: BSD-2-Clause */
/* Endpoints and their table: which one serves a path, what it finds there, how long it lives.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/util.h"
#include "serve/beneath.h"
#include "serve/endpoints.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static struct endpoints *
table_of(const char *const *paths, size_t count)
{
	struct endpoint *items[16];

	assert_true(count <= UTIL_LEN(items));
	for (size_t i = 0; i < count; i++) {
		items[i] = endpoint_new(paths[i]);
		assert_non_null(items[i]);
	}
	return endpoints_new_take(items, count);
}

static void
test_the_longest_path_that_covers_a_request_wins(void **state)
{
	static const char *const paths[] = {
	    "/chat/rooms/", "/", "/chat", "/chat-2", "/term", "/a/b/c", "/a"};
	static const struct {
		const char *path;
		const char *endpoint;
	} rows[] = {{"/", ""}, {"/x", ""}, {"/chat", "/chat"}, {"/chat/", "/chat"},
	    {"/chat/x", "/chat"}, {"/chat/rooms", "/chat/rooms"},
	    {"/chat/rooms/7", "/chat/rooms"}, {"/chat/roomsx", "/chat"}, {"/chatty", ""},
	    {"/chat-2/x", "/chat-2"}, {"/chat-", ""}, {"/chat.", ""}, {"/term", "/term"},
	    {"/terms", ""}, {"/a/b/c/d", "/a/b/c"}, {"/a/b", "/a"}, {"/a/b/cc", "/a"},
	    {"/a/bb/c", "/a"}, {"//chat", ""}, {"/Chat", ""}, {"/\xc3\xa9", ""}};
	struct endpoints *table = table_of(paths, UTIL_LEN(paths));

	(void)state;
	assert_non_null(table);
	for (size_t i = 0; i < UTIL_LEN(rows); i++) {
		const struct endpoint *found = endpoints_find(table, rows[i].path);

		assert_non_null(found);
		assert_string_equal(found->path, rows[i].endpoint);
	}
	endpoints_free(table);
}

static void
test_a_path_that_none_covers_has_no_endpoint(void **state)
{
	static const char *const paths[] = {"/chat", "/term"};
	struct endpoints *table = table_of(paths, UTIL_LEN(paths));
	struct endpoints *empty = table_of(NULL, 0);

	(void)state;
	assert_null(endpoints_find(table, "/"));
	assert_null(endpoints_find(table, "/a"));
	assert_null(endpoints_find(table, "/d"));
	assert_null(endpoints_find(table, "/z"));
	assert_null(endpoints_find(empty, "/"));
	endpoints_free(table);
	endpoints_free(empty);
}

static void
test_each_path_is_in_a_table_once(void **state)
{
	static const char *const paths[] = {"/a", "/b", "/a/"};

	(void)state;
	assert_null(table_of(paths, UTIL_LEN(paths)));
	assert_int_equal(errno, EEXIST);
}

/* The table against a search through all paths. */
static void
test_a_large_table_finds_what_a_search_finds(void **state)
{
	enum { COUNT = 1000 };
	static const char *const parts[] = {"", "/a", "/b", "/a-", "/aa", "/a.b", "/z"};
	struct endpoint *items[COUNT];
	struct endpoints *table;
	size_t count = 0;
	char path[64];

	(void)state;
	for (size_t i = 0; i < 7 * 7 * 7; i++) {
		bool repeated = false;

		snprintf(path, sizeof(path), "%s%s%s", parts[i / 49], parts[i / 7 % 7],
		    parts[i % 7]);
		for (size_t k = 0; k < count; k++)
			repeated = repeated || strcmp(items[k]->path, path) == 0;
		if (!repeated && i % 3 != 0)
			items[count++] = endpoint_new(path);
	}
	while (count < COUNT) {
		snprintf(path, sizeof(path), "/site-%zu", count);
		items[count++] = endpoint_new(path);
	}
	table = endpoints_new_take(items, count);
	assert_non_null(table);
	for (size_t i = 0; i < 7 * 7 * 7 * 7; i++) {
		const struct endpoint *best = NULL;

		snprintf(path, sizeof(path), "%s%s%s%s/", parts[i / 343], parts[i / 49 % 7],
		    parts[i / 7 % 7], parts[i % 7]);
		for (size_t k = 0; k < count; k++) {
			if (endpoint_covers(items[k], path) &&
			    (!best || strlen(items[k]->path) > strlen(best->path)))
				best = items[k];
		}
		assert_ptr_equal(endpoints_find(table, path), best);
	}
	assert_string_equal(endpoints_find(table, "/site-999/x")->path, "/site-999");
	endpoints_free(table);
}

static void
count_free(void *source)
{
	(*(unsigned int *)source)++;
}

static void
test_an_endpoint_lives_as_long_as_its_sessions(void **state)
{
	struct endpoint *endpoint = endpoint_new("/a");
	struct endpoints *table;
	unsigned int freed = 0;

	(void)state;
	endpoint_complete(endpoint);
	endpoint->source = &freed;
	endpoint->free_source = count_free;
	table = endpoints_new_take(&endpoint, 1);
	/* A session starts; then a new table takes the place of this one. */
	assert_ptr_equal(endpoint_ref(endpoints_find(table, "/a")), endpoint);
	endpoints_free(table);
	assert_int_equal(freed, 0);
	assert_string_equal(endpoint->path, "/a");
	endpoint->session.release(&endpoint->session);
	assert_int_equal(freed, 1);
	endpoint_unref(NULL);
}

static void
test_a_command_gets_the_rest_of_the_path(void **state)
{
	static const struct {
		const char *endpoint;
		const char *path;
		const char *script_name;
		const char *path_info;
	} rows[] = {{"/", "/", "/", "/"}, {"/", "/a/b", "/", "/a/b"}, {"/a", "/a", "/a", ""},
	    {"/a", "/a/", "/a", "/"}, {"/a/", "/a/b//c", "/a", "/b//c"}};

	(void)state;
	for (size_t i = 0; i < UTIL_LEN(rows); i++) {
		struct endpoint *endpoint = endpoint_new(rows[i].endpoint);
		struct endpoint_script script;

		endpoint->kind = ENDPOINT_COMMAND;
		endpoint->program = "/bin/cat";
		assert_int_equal(endpoint_find(endpoint, rows[i].path, &script), ENDPOINT_OK);
		assert_string_equal(script.program, "/bin/cat");
		assert_string_equal(script.script_name, rows[i].script_name);
		assert_string_equal(script.path_info, rows[i].path_info);
		assert_int_equal(script.fd, -1);
		endpoint_script_clear(&script);
		endpoint_unref(endpoint);
	}
}

static void
test_files_alone_have_no_program(void **state)
{
	struct endpoint *endpoint = endpoint_new("/");
	struct endpoint_script script;

	(void)state;
	assert_int_equal(endpoint->kind, ENDPOINT_FILES);
	assert_int_equal(endpoint_find(endpoint, "/a", &script), ENDPOINT_MISSING);
	endpoint_script_clear(&script);
	endpoint_unref(endpoint);
}

static void
put_file(const char *name, mode_t mode)
{
	int fd = open(name, O_WRONLY | O_CREAT | O_CLOEXEC, mode);

	assert_int_not_equal(fd, -1);
	close(fd);
}

static void
test_a_directory_has_the_first_part_that_is_a_file(void **state)
{
	static const struct {
		const char *endpoint;
		const char *path;
		enum endpoint_result result;
		const char *program; /* below the directory */
		const char *script_name;
		const char *path_info;
	} rows[] = {
	    {"/", "/run", ENDPOINT_OK, "/run", "/run", ""},
	    {"/", "/run/x/y", ENDPOINT_OK, "/run", "/run", "/x/y"},
	    {"/", "/sub/run/", ENDPOINT_OK, "/sub/run", "/sub/run", "/"},
	    {"/s/", "/s/run/x", ENDPOINT_OK, "/run", "/s/run", "/x"},
	    {"/s/t", "/s/t/sub/run", ENDPOINT_OK, "/sub/run", "/s/t/sub/run", ""},
	    {"/", "/plain", ENDPOINT_FORBIDDEN, NULL, NULL, NULL},
	    {"/", "/none", ENDPOINT_MISSING, NULL, NULL, NULL},
	    {"/", "/.hidden", ENDPOINT_MISSING, NULL, NULL, NULL},
	    {"/", "/sub", ENDPOINT_MISSING, NULL, NULL, NULL},
	    {"/", "/sub/", ENDPOINT_MISSING, NULL, NULL, NULL},
	    {"/", "/", ENDPOINT_MISSING, NULL, NULL, NULL},
	    {"/s", "/s", ENDPOINT_MISSING, NULL, NULL, NULL},
	    {"/s", "/s/s/run", ENDPOINT_MISSING, NULL, NULL, NULL},
	};
	char place[] = "/tmp/test_endpoint.XXXXXX";

	(void)state;
	assert_true(mkdtemp(place) && chdir(place) == 0 && mkdir("sub", 0755) == 0);
	put_file("run", 0755);
	put_file("sub/run", 0755);
	put_file("plain", 0644);
	put_file(".hidden", 0755);
	for (size_t i = 0; i < UTIL_LEN(rows); i++) {
		struct endpoint *endpoint = endpoint_new(rows[i].endpoint);
		struct endpoint_script script;

		endpoint->kind = ENDPOINT_DIR;
		endpoint->dir_path = place;
		endpoint->dir = beneath_root(place);
		assert_int_equal(
		    endpoint_find(endpoint, rows[i].path, &script), rows[i].result);
		if (rows[i].result == ENDPOINT_OK) {
			assert_memory_equal(script.program, place, sizeof(place) - 1);
			assert_string_equal(
			    script.program + sizeof(place) - 1, rows[i].program);
			assert_string_equal(script.script_name, rows[i].script_name);
			assert_string_equal(script.path_info, rows[i].path_info);
			assert_int_not_equal(script.fd, -1);
		}
		endpoint_script_clear(&script);
		endpoint_unref(endpoint);
	}
	assert_true(unlink("run") == 0 && unlink("sub/run") == 0 && unlink("plain") == 0 &&
		    unlink(".hidden") == 0 && rmdir("sub") == 0);
	assert_true(chdir("/") == 0 && rmdir(place) == 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_the_longest_path_that_covers_a_request_wins),
	    cmocka_unit_test(test_a_path_that_none_covers_has_no_endpoint),
	    cmocka_unit_test(test_each_path_is_in_a_table_once),
	    cmocka_unit_test(test_a_large_table_finds_what_a_search_finds),
	    cmocka_unit_test(test_an_endpoint_lives_as_long_as_its_sessions),
	    cmocka_unit_test(test_a_command_gets_the_rest_of_the_path),
	    cmocka_unit_test(test_files_alone_have_no_program),
	    cmocka_unit_test(test_a_directory_has_the_first_part_that_is_a_file),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
