/* SPDX-License-Identifier: BSD-2-Clause */
/* How the simulator fails, and its trace. */
#include "check.h"

#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum {
	CHECK_POLL_MS = 10,
	CHECK_HANG_MS = 60 * 1000,
};

struct check_state *check_shared;

void
check_fail(const char *invariant, ...)
{
	va_list arguments;

	printf("sim: seed %llu failed at step %llu (virtual time %lld ms): INVARIANT ",
	    (unsigned long long)check.seed, (unsigned long long)check.step,
	    (long long)(check.now_ms - check.start_ms));
	va_start(arguments, invariant);
	vprintf(invariant, arguments);
	va_end(arguments);
	printf("; replay with ./dev sim --seed=%llu --trace\nnot ok 1 - seed %llu\n",
	    (unsigned long long)check.seed, (unsigned long long)check.seed);
	fflush(stdout);
	check.reported = true;
	_exit(1);
}

void
check_print(const char *format, ...)
{
	va_list arguments;

	printf("# %6llu %8lld ms  ", (unsigned long long)check.step,
	    (long long)(check.now_ms - check.start_ms));
	va_start(arguments, format);
	vprintf(format, arguments);
	va_end(arguments);
	putchar('\n');
}

void
check_alone(void)
{
	static struct check_state own;

	check_shared = &own;
}

/* What its sanitizers or a signal ended did not report its seed. */
static void
check_report(const char *invariant)
{
	check.reported = true;
	printf("sim: seed %llu failed at step %llu (virtual time %lld ms): INVARIANT %s; "
	       "replay with ./dev sim --seed=%llu --trace\nnot ok 1 - seed %llu\n",
	    (unsigned long long)check.seed, (unsigned long long)check.step,
	    (long long)(check.now_ms - check.start_ms), invariant,
	    (unsigned long long)check.seed, (unsigned long long)check.seed);
}

int
check_watch(void (*fn)(void))
{
	uint64_t seed = 0;
	uint64_t step = 0;
	int status = 0;
	int waits = 0;
	pid_t pid;

	check_shared = mmap(NULL, sizeof(*check_shared), PROT_READ | PROT_WRITE,
	    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (check_shared == MAP_FAILED)
		return 1;
	fflush(stdout);
	pid = fork();
	if (pid == 0) {
		fn();
		exit(0);
	}
	while (waitpid(pid, &status, WNOHANG) == 0) {
		const struct timespec wait = {.tv_nsec = CHECK_POLL_MS * 1000000};

		nanosleep(&wait, NULL);
		waits = seed == check.seed && step == check.step ? waits + 1 : 0;
		seed = check.seed;
		step = check.step;
		if (waits * CHECK_POLL_MS > CHECK_HANG_MS) {
			check_report("a step ends");
			kill(pid, SIGKILL);
			waitpid(pid, &status, 0);
			break;
		}
	}
	if (status != 0 && !check.reported)
		check_report("nothing crashes");
	return status != 0;
}
