/* SPDX-License-Identifier: BSD-2-Clause */
/* wspipe: any command line program on a WebSocket. */
#include "base/log.h"
#include "client/run.h"
#include "options/parse.h"
#include "server/describe.h"
#include "server/run.h"
#include "server/signals.h"
#include "simd/simd.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

/* Reads the options. For journald the errors are kept until their end, since each line is
 * prefixed there. */
static enum options_result
parse(struct options *options, int argc, char **argv, int *status)
{
	enum options_result result;
	char *text = NULL;
	size_t len;
	FILE *errors = getenv("JOURNAL_STREAM") ? open_memstream(&text, &len) : NULL;

	result = options_parse(options, argc, argv, stdout, errors ? errors : stderr, status);
	if (errors && fclose(errors) == 0)
		log_errors(text);
	free(text);
	return result;
}

int
main(int argc, char **argv)
{
	struct options options;
	enum options_result result;
	int status = 0;

	server_hold_signals();
	simd_init();
	result = parse(&options, argc, argv, &status);
	if (result == OPTIONS_RUN && options.server.describe) {
		status = describe(&options, stdout, stderr);
		result = OPTIONS_EXIT;
	}
	if (result == OPTIONS_RUN) {
		status = options.client.connect ? client_run(&options) : server_run(&options);
	} else if (fflush(stdout) == EOF || ferror(stdout)) {
		fprintf(
		    stderr, "wspipe: can't write to standard output: %s\n", strerror(errno));
		status = EX_IOERR;
	}
	options_clear(&options);
	return status;
}
