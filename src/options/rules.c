/* SPDX-License-Identifier: BSD-2-Clause */
/* Derives rules from the options of an endpoint. */
#include "options/rules.h"

#include <inttypes.h>
#include <stdio.h>

struct websocket_rules
options_websocket_rules(const struct options_endpoint *options)
{
	struct websocket_rules rules = {
	    .max_message = options->max_message,
	    .max_empty_fragments = (uint32_t)options->max_empty_fragments,
	    .max_pings = (uint16_t)options->max_pings,
	    .ping_ms = options->pingms,
	    .stall_ms = options->write_ms,
	    .idle_ms = options->idle_ms,
	    .lifetime_ms = options->lifetime_ms,
	    .deflate = options->deflate,
	};

	snprintf(rules.reason_message, sizeof(rules.reason_message),
	    "message larger than %" PRIu64 " bytes (--maxframesize)", rules.max_message);
	snprintf(rules.reason_empty_fragments, sizeof(rules.reason_empty_fragments),
	    "more than %" PRIu32 " empty fragments (--max-empty-fragments)",
	    rules.max_empty_fragments);
	snprintf(rules.reason_pings, sizeof(rules.reason_pings),
	    "more than %u PINGs in a second (--max-pings)", rules.max_pings);
	return rules;
}

struct websocket_rules
options_whole_websocket_rules(const struct options_endpoint *options)
{
	struct options_endpoint whole = *options;

	if (whole.maxframesize == 0)
		whole.max_message = OPTIONS_MAX_MESSAGE;
	return options_websocket_rules(&whole);
}

struct framed_rules
options_framed_rules(const struct options_endpoint *options, bool compat)
{
	return (struct framed_rules){
	    .to_program = options->to_program,
	    .from_program = options->from_program,
	    .events = options->events,
	    .reads_little = options->passstderr && options->from_program.kind != FRAMING_JSON,
	    .event_headers = options->event_headers.count > 0,
	    .drops_wrong_type = compat,
	    .drops_all = options->readonly,
	};
}

struct session_rules
options_session_rules(const struct options_endpoint *options)
{
	struct session_rules rules = {
	    .output =
		{
		    .invalid = options->invalid_utf8,
		    .sends_log = options->passstderr,
		    .is_json = options->from_program.kind == FRAMING_JSON,
		},
	};

	snprintf(rules.reason_output, sizeof(rules.reason_output),
	    "the program wrote a line larger than %" PRIu64 " bytes (--max-output-message)",
	    options->from_program.max_record);
	return rules;
}
