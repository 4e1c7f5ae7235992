/* SPDX-License-Identifier: BSD-2-Clause */
/* How the descriptors are shared out. */
#include "server/budget.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <unistd.h>

#include <cmocka.h>

/* What is given out is there, also while one more program is being started. */
static void
test_the_budget_is_kept(void **state)
{
	(void)state;
	for (uint64_t limit = 0; limit < 5000; limit++) {
		for (size_t used = 3; used < 40; used += 9) {
			for (int files = 0; files < 2; files++) {
				struct server_budget b =
				    server_budget_of(limit, used, files != 0);
				size_t others = b.others;
				size_t most =
				    used + 5 * b.programs + others * (files ? 2 : 1) + 3;

				assert_true(b.programs >= 1 && others >= 1);
				if (limit >= used + 11)
					assert_true(most <= limit);
				if (limit >= used + 16 + 5 + 4)
					assert_true(others >= 8);
				/* No more than an eighth, or what the least needs, is left. */
				if (limit >= used + 25)
					assert_true(most + 6 + (files ? 1 : 0) > limit);
			}
		}
	}
	assert_false(server_budget_suffices(0, 9));
	assert_false(server_budget_suffices(14, 9));
	assert_true(server_budget_suffices(15, 9));
	assert_int_equal(server_budget_of(64, 9, false).programs, 8);
	assert_int_equal(server_budget_of(64, 9, false).others, 8);
	assert_int_equal(server_budget_of(1024, 9, false).programs, 177);
	/* Many others would only cost memory. */
	assert_int_equal(server_budget_of(UINT64_C(1) << 20, 9, false).others, 4096);
	assert_int_equal(server_budget_of(UINT64_C(1) << 20, 9, false).programs, 208893);
	assert_true(server_budget_of(UINT64_MAX, 9, true).programs > 1 << 30);
}

static void
test_what_is_open_is_counted(void **state)
{
	size_t before = server_budget_used(1 << 20);
	size_t low = server_budget_used(100);
	int fd = dup(STDERR_FILENO);
	int far = fcntl(STDERR_FILENO, F_DUPFD, 100);

	(void)state;
	assert_true(before >= 3);
	assert_int_equal(server_budget_used(1 << 20), before + 2);
	assert_int_equal(server_budget_used(100), low + 1);
	close(fd);
	close(far);
	assert_int_equal(server_budget_used(1 << 20), before);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_the_budget_is_kept),
	    cmocka_unit_test(test_what_is_open_is_counted),
	};

	return cmocka_run_group_tests_name("budget", tests, NULL, NULL);
}
