/* SPDX-License-Identifier: BSD-2-Clause */
/* The program of tests/image: an echo that leaves a process behind, whose parent PID 1 becomes.
 */
#include <stdio.h>
#include <unistd.h>

int
main(void)
{
	char line[256];

	if (fork() == 0) {
		if (setsid() != -1 && fork() == 0)
			usleep(1000);
		return 0;
	}
	while (fgets(line, sizeof(line), stdin)) {
		fputs(line, stdout);
		fflush(stdout);
	}
	return 0;
}
