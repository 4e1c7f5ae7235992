/* SPDX-License-Identifier: BSD-2-Clause */
/* The child that is measured with: writes back each block as it comes, so that it is not what
 * is measured. */
#include <unistd.h>

int
main(void)
{
	static char block[65536];
	ssize_t n;

	while ((n = read(STDIN_FILENO, block, sizeof(block))) > 0) {
		for (ssize_t at = 0; at < n;) {
			ssize_t put = write(STDOUT_FILENO, block + at, (size_t)(n - at));

			if (put == -1)
				return 1;
			at += put;
		}
	}
	return 0;
}
