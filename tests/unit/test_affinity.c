/* SPDX-License-Identifier: BSD-2-Clause */
/* Which worker serves a request. */
#include "options/options.h"
#include "serve/affinity.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void
an_id_names_the_worker_that_made_it(void **state)
{
	char id[ENV_UNIQUE_ID_LEN + 1], last[sizeof(id)] = "";

	(void)state;
	for (size_t workers = 1; workers <= OPTIONS_WORKERS_MAX; workers++) {
		for (size_t worker = 0; worker < workers; worker++) {
			struct affinity own = {.worker = worker, .workers = workers};
			struct affinity other = {.worker = 0, .workers = workers};

			assert_true(affinity_make_id(&own, id));
			assert_int_equal(strlen(id), ENV_UNIQUE_ID_LEN);
			assert_int_equal(strspn(id, "0123456789abcdef"), ENV_UNIQUE_ID_LEN);
			assert_int_equal(affinity_of_id(&other, span_of(id)), worker);
			assert_string_not_equal(id, last);
			memcpy(last, id, sizeof(id));
		}
	}
}

static void
any_bytes_name_a_worker(void **state)
{
	static const char *const ids[] = {"\xff\x01\x7f zzzzzzzzzzzzzzzzzzzzzzzzzzzz",
	    "ffffffffffffffffffffffffffffffff", "-1-1-1-1-1-1-1-1-1-1-1-1-1-1-1-1"};
	struct affinity affinity = {.worker = 0, .workers = 3};

	(void)state;
	for (size_t i = 0; i < UTIL_LEN(ids); i++) {
		assert_int_equal(strlen(ids[i]), ENV_UNIQUE_ID_LEN);
		assert_in_range(affinity_of_id(&affinity, span_of(ids[i])), 0, 2);
	}
	assert_in_range(affinity_of_path(&affinity, "/\xff\xfe"), 0, 2);
	assert_int_equal(affinity_of_path(&affinity, ""), 0);
}

/* Which worker a request was given to. */
static size_t given;

static bool
relay(void *arg, size_t worker, struct exchange *exchange)
{
	(void)exchange;
	given = worker;
	return arg != NULL;
}

static void
a_request_goes_to_its_worker(void **state)
{
	struct affinity affinity = {
	    .worker = 1, .workers = 3, .relay = relay, .arg = &affinity};

	(void)state;
	given = 9;
	assert_int_equal(affinity_relay(&affinity, 1, NULL), AFFINITY_OWN);
	assert_int_equal(given, 9);
	assert_int_equal(affinity_relay(&affinity, 2, NULL), AFFINITY_RELAYED);
	assert_int_equal(given, 2);
	affinity.arg = NULL;
	assert_int_equal(affinity_relay(&affinity, 0, NULL), AFFINITY_UNREACHABLE);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(an_id_names_the_worker_that_made_it),
	    cmocka_unit_test(any_bytes_name_a_worker),
	    cmocka_unit_test(a_request_goes_to_its_worker),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
