/* SPDX-License-Identifier: BSD-2-Clause */
/* The programs of workers that die, one worker shortly after another. */
#include "process/proc.h"
#include "server/sweep.h"

#include <dirent.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

struct shared {
	struct pid_set programs;
	_Atomic pid_t program;
};

static struct shared *shared;
static pid_t worker_to_kill; /* at the end of a scan of /proc */

static void
pause_briefly(void)
{
	nanosleep(&(struct timespec){.tv_nsec = 1000 * 1000}, NULL);
}

static void
kill_worker(pid_t worker)
{
	struct proc process;

	kill(worker, SIGKILL);
	while (proc_look(shared->program, &process) && process.parent != getpid())
		pause_briefly();
}

int __real_closedir(DIR *dir);
int __wrap_closedir(DIR *dir);

int
__wrap_closedir(DIR *dir)
{
	pid_t worker = worker_to_kill;

	worker_to_kill = 0;
	if (worker != 0)
		kill_worker(worker);
	return __real_closedir(dir);
}

/* A worker with one program. */
static pid_t
start_worker(void)
{
	pid_t worker;

	shared->program = 0;
	worker = fork();
	if (worker == 0) {
		pid_t program = fork();

		if (program == 0) {
			setsid();
			pid_set_add(&shared->programs, getpid());
			shared->program = getpid();
		}
		for (;;)
			pause();
	}
	assert_true(worker > 0);
	while (shared->program == 0)
		pause_briefly();
	return worker;
}

static void
sweep(struct sweep *sweep)
{
	sweep_begin(sweep);
	while (!sweep_run(sweep)) {
		while (waitpid(-1, NULL, WNOHANG) > 0)
			continue;
		pause_briefly();
	}
}

static void
expect_no_program(struct sweep *sweep)
{
	assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
	assert_false(sweep->left_behind);
	assert_int_equal(pid_set_next(&shared->programs, 0), 0);
}

static void
test_programs_of_a_worker_are_killed(void **state)
{
	struct sweep s = {.programs = &shared->programs};

	(void)state;
	kill_worker(start_worker());
	sweep(&s);
	expect_no_program(&s);
}

static void
test_another_worker_dies_after_the_scan(void **state)
{
	struct sweep s = {.programs = &shared->programs};
	pid_t worker = start_worker();

	(void)state;
	worker_to_kill = worker;
	sweep(&s);
	assert_int_equal(waitpid(worker, NULL, 0), worker);
	sweep(&s);
	expect_no_program(&s);
}

static int
set_up(void **state)
{
	(void)state;
	shared = mmap(
	    NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	return shared == MAP_FAILED ? -1 : prctl(PR_SET_CHILD_SUBREAPER, 1);
}

static int
kill_program(void **state)
{
	(void)state;
	kill(shared->program, SIGKILL);
	pid_set_remove(&shared->programs, shared->program);
	return 0;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_teardown(test_programs_of_a_worker_are_killed, kill_program),
	    cmocka_unit_test_teardown(test_another_worker_dies_after_the_scan, kill_program),
	};

	return cmocka_run_group_tests(tests, set_up, NULL);
}
