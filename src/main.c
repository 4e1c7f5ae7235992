/* SPDX-License-Identifier: BSD-2-Clause */
/* wspipe: any command line program on a WebSocket. */
#include "options.h"
#include "server.h"

#include <stdio.h>

int
main(int argc, char **argv)
{
	struct options options;
	int status = 0;

	if (options_parse(&options, argc, argv, stdout, stderr, &status) == OPTIONS_RUN)
		status = server_run(&options);
	options_clear(&options);
	return status;
}
