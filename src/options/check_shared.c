/* SPDX-License-Identifier: BSD-2-Clause */
/* Checks the options of a shared program. */
#include "options/check_shared.h"

/* Checks the framings against the mode, or the lack of one. */
static const char *
check_shared_framing(
    const struct options_endpoint *endpoint, enum framing_kind in, enum framing_kind out)
{
	if (in == FRAMING_LSP || out == FRAMING_LSP)
		return "--shared and --framing=lsp can't be combined: an editor needs a server "
		       "of its own; leave out --shared";
	if ((in == FRAMING_JSON) != (out == FRAMING_JSON))
		return "--shared needs --framing=json in both directions or in neither: use "
		       "--framing for both";
	if (endpoint->shared.mode == SHARED_ADDRESSED && in != FRAMING_JSON &&
	    (in != FRAMING_LINES || out != FRAMING_LINES))
		return "--shared=addressed needs --framing=lines or --framing=json: use one of "
		       "them";
	if (endpoint->events && endpoint->shared.mode == SHARED_BROADCAST && in != FRAMING_JSON)
		return "--events needs --shared=addressed or --framing=json: a broadcast does "
		       "not name clients; use one of them, or leave out --events";
	return NULL;
}

const char *
options_check_shared(
    struct options_endpoint *endpoint, enum framing_kind in, enum framing_kind out)
{
	const char *wrong;

	if (endpoint->shared.mode == SHARED_OFF)
		return NULL;
	if (endpoint->pty)
		return "--shared and --pty can't be combined: a terminal has one client; leave "
		       "out one of them";
	if (!endpoint->command || endpoint->target.kind != CONNECT_NOTHING)
		return "--shared needs a COMMAND, the one program for all clients; give one, "
		       "or leave out --shared";
	if (endpoint->passstderr)
		return "--shared and --passstderr can't be combined: the stderr of a shared "
		       "program goes to the log; leave out --passstderr";
	if (endpoint->invalid_utf8 == OUTPUT_CLOSE)
		return "--shared and --invalid-utf8=close can't be combined: one line would "
		       "close all sessions; use replace or binary";
	wrong = check_shared_framing(endpoint, in, out);
	if (wrong)
		return wrong;
	if (in == FRAMING_JSON)
		endpoint->shared.mode = SHARED_ADDRESSED;
	if (endpoint->shared.begin == SHARED_ALWAYS && endpoint->shared.linger_ms != 0)
		return "--linger and --shared-start=always can't be combined: such a program "
		       "runs as long as the server; leave out one of them";
	if (endpoint->shared.begin == SHARED_ALWAYS)
		endpoint->shared.linger_ms = SHARED_FOREVER;
	return NULL;
}
