/* SPDX-License-Identifier: BSD-2-Clause */
/* How the simulator fails, and its trace. */
#include "check.h"

#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

struct check_state check;

/* Called by AddressSanitizer before it reports an error. */
void __asan_on_error(void);

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

/* Not async-signal-safe, which does not matter at the end of a test. */
static void
check_report_crash(void)
{
	printf("sim: seed %llu failed at step %llu (virtual time %lld ms): INVARIANT nothing "
	       "crashes; replay with ./dev sim --seed=%llu --trace\n",
	    (unsigned long long)check.seed, (unsigned long long)check.step,
	    (long long)(check.now_ms - check.start_ms), (unsigned long long)check.seed);
	fflush(stdout);
}

void
__asan_on_error(void)
{
	check_report_crash();
}

static void
check_on_crash(int number)
{
	check_report_crash();
	signal(number, SIG_DFL);
	raise(number);
}

void
check_catch_crashes(void)
{
	signal(SIGABRT, check_on_crash);
	signal(SIGSEGV, check_on_crash);
	signal(SIGBUS, check_on_crash);
	signal(SIGFPE, check_on_crash);
}
