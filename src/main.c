/* SPDX-License-Identifier: BSD-2-Clause */
/* wspipe: any command line program on a WebSocket. */
#include "client/run.h"
#include "options/parse.h"
#include "server/run.h"
#include "server/signals.h"
#include "simd/simd.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>

int
main(int argc, char **argv)
{
	struct options options;
	int status = 0;

	server_hold_signals();
	simd_init();
	if (options_parse(&options, argc, argv, stdout, stderr, &status) == OPTIONS_RUN) {
		status = options.client.connect ? client_run(&options) : server_run(&options);
	} else if (fflush(stdout) == EOF || ferror(stdout)) {
		fprintf(
		    stderr, "wspipe: can't write to standard output: %s\n", strerror(errno));
		status = EX_IOERR;
	}
	options_clear(&options);
	return status;
}
