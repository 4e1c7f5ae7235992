/* SPDX-License-Identifier: BSD-2-Clause */
/* Checks the options for communicating with and starting a program. */
#include "options/check_program.h"

#include "options/check_shared.h"

/* Returns the framing of a direction: its own, that of both, or the default. */
static enum framing_kind
framing_of(unsigned own, unsigned both, enum framing_kind initial)
{
	if (own == 0)
		own = both;
	return own == 0 ? initial : (enum framing_kind)(own - 1);
}

/* Returns what is wrong with the options of a terminal, or NULL. */
static const char *
check_terminal(
    const struct options_endpoint *endpoint, enum framing_kind in, enum framing_kind out)
{
	if (endpoint->unbuffer)
		return "--pty and --unbuffer can't be combined: a terminal is not buffered; "
		       "leave out --unbuffer";
	if (endpoint->passstderr)
		return "--pty and --passstderr can't be combined: a terminal shows stderr too; "
		       "leave out --passstderr";
	if ((in != FRAMING_STREAM && in != FRAMING_TEXT) ||
	    (out != FRAMING_STREAM && out != FRAMING_TEXT))
		return "--pty only allows --framing=stream and --framing=text: use one of them";
	return NULL;
}

/* Returns what is wrong with the options of an MCP server, or NULL. */
static const char *
check_mcp(const struct options_server *server, const struct options_endpoint *endpoint,
    enum framing_kind in, enum framing_kind out)
{
	if (!endpoint->mcp.on)
		return NULL;
	if (server->compat)
		return "--mcp and --compat can't be combined";
	if (!endpoint->command || endpoint->target.kind != CONNECT_NOTHING)
		return "--mcp needs a program as COMMAND, not --dir or a socket; several MCP "
		       "servers need a section of --config each";
	if (endpoint->shared.mode != SHARED_OFF)
		return "--mcp and --shared can't be combined: with --mcp, clients of version "
		       "2026-07-28 share one program, others have one for each session";
	if (endpoint->pty || in != FRAMING_LINES || out != FRAMING_LINES)
		return "--mcp needs --framing=lines: an MCP server over stdio reads and writes "
		       "a message per line";
	if (endpoint->passstderr)
		return "--mcp and --passstderr can't be combined: clients expect messages of "
		       "MCP only";
	return endpoint->invalid_utf8 == OUTPUT_REPLACE
		   ? NULL
		   : "--mcp and --invalid-utf8 can't be combined: MCP is always UTF-8";
}

const char *
options_check_framing(const struct options_server *server, struct options_endpoint *endpoint)
{
	unsigned both = endpoint->framing;
	bool is_socket = endpoint->target.kind != CONNECT_NOTHING;
	enum framing_kind initial = is_socket || endpoint->pty ? FRAMING_STREAM : FRAMING_LINES;
	enum framing_kind in, out;
	enum framing_newline newline;
	const char *wrong = NULL;

	if (endpoint->binary && both == 0)
		both = 1 + FRAMING_STREAM;
	if (endpoint->raw && both == 0)
		both = 1 + FRAMING_TEXT;
	in = framing_of(endpoint->framing_in, both, initial);
	out = framing_of(endpoint->framing_out, both, initial);
	/* A client that forges a line would forge a sender. */
	newline = endpoint->newline != 0 ? (enum framing_newline)(endpoint->newline - 1)
		  : endpoint->shared.mode != SHARED_OFF ? FRAMING_NEWLINE_SPACE
							: FRAMING_NEWLINE_PASS;

	if (endpoint->pty) {
		wrong = check_terminal(endpoint, in, out);
		in = FRAMING_STREAM;
	}
	if (wrong)
		return wrong;
	if (is_socket && (endpoint->pty || endpoint->unbuffer))
		wrong = endpoint->pty
			    ? "--pty needs a program, not a socket: leave out --pty"
			    : "--unbuffer needs a program, not a socket: leave out --unbuffer";
	else if (is_socket && endpoint->passstderr)
		wrong = "--passstderr needs a program, not a socket: leave out --passstderr";
	else if (endpoint->binary && endpoint->passstderr)
		wrong = "--binary and --passstderr can't be combined: leave out one of them";
	else if (endpoint->binary && (in != FRAMING_STREAM || out != FRAMING_STREAM))
		wrong = "--binary means --framing=stream; it can't be combined with another "
			"framing: leave out one of them";
	else if (endpoint->raw &&
		 ((in != FRAMING_TEXT && !endpoint->pty) || out != FRAMING_TEXT))
		wrong = "--raw means --framing=text; it can't be combined with another "
			"framing: leave out one of them";
	else if (endpoint->newline > 1 + FRAMING_NEWLINE_PASS && in != FRAMING_LINES)
		wrong = "--newline only applies to --framing-in=lines: use it, or leave out "
			"--newline";
	else if (endpoint->text && out != FRAMING_LENGTH)
		wrong =
		    "--text only applies to --framing-out=length: use it, or leave out --text";
	else if (endpoint->events && in != FRAMING_JSON && endpoint->shared.mode == SHARED_OFF)
		wrong = "--events only applies to --framing-in=json and --shared=addressed: "
			"use one of them, or leave out --events";
	else if (endpoint->event_headers.count > 0 && (!endpoint->events || in != FRAMING_JSON))
		wrong = "--event-headers needs --events and --framing-in=json: add them, or "
			"leave out --event-headers";
	else if (endpoint->lsp_processid && in != FRAMING_LSP)
		wrong = "--lsp-processid only applies to --framing-in=lsp: use it, or leave "
			"out --lsp-processid";
	else if (endpoint->passstderr && out != FRAMING_LINES && out != FRAMING_JSON)
		wrong = "--passstderr only applies to --framing-out=lines and "
			"--framing-out=json: use one of them, or leave out --passstderr";
	else if (endpoint->invalid_utf8 != OUTPUT_REPLACE &&
		 (out == FRAMING_STREAM || out == FRAMING_JSON ||
		     (out == FRAMING_LENGTH && !endpoint->text)))
		wrong =
		    "--invalid-utf8 only applies to output that is sent as text, so not to "
		    "--framing-out=stream, json, or length without --text: leave it out there";
	else if (endpoint->invalid_utf8 == OUTPUT_BINARY && endpoint->passstderr)
		wrong = "--invalid-utf8=binary and --passstderr can't be combined: leave out "
			"one of them";
	if (!wrong)
		wrong = check_mcp(server, endpoint, in, out);
	if (!wrong)
		wrong = options_check_shared(endpoint, in, out);
	if (wrong)
		return wrong;
	endpoint->to_program = (struct framing){
	    .kind = in, .newline = newline, .null_process_id = endpoint->lsp_processid};
	/* Messages passed on in parts have no limit by default, because their size costs no
	 * memory. */
	if (endpoint->maxframesize != 0)
		endpoint->max_message = endpoint->maxframesize - 1;
	else if (framing_has_boundaries(&endpoint->to_program) ||
		 endpoint->shared.mode != SHARED_OFF)
		endpoint->max_message = OPTIONS_MAX_MESSAGE;
	endpoint->from_program = (struct framing){.kind = out,
	    .text = endpoint->text,
	    .max_record = (uint64_t)endpoint->max_output_message};
	return NULL;
}

const char *
options_check_prespawn(const struct options_endpoint *endpoint)
{
	if (endpoint->prespawn == 0)
		return NULL;
	if (!endpoint->command || endpoint->target.kind != CONNECT_NOTHING)
		return "--prespawn needs a program as COMMAND, not --dir or a socket: give "
		       "one, or leave out --prespawn";
	if (endpoint->pty)
		return "--prespawn and --pty can't be combined: the client sets the size of "
		       "its "
		       "terminal; leave out one of them";
	if (endpoint->shared.mode != SHARED_OFF)
		return "--prespawn and --shared can't be combined: all clients have one "
		       "program, "
		       "which --shared-start=always starts ahead";
	if (!endpoint->events && !endpoint->prespawn_blind)
		return "--prespawn starts programs before their clients are known: add "
		       "--framing=json and --events, whose open event describes the client, or "
		       "--prespawn-blind if the program does not need this";
	return NULL;
}
