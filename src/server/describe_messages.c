/* SPDX-License-Identifier: BSD-2-Clause */
/* Describes messages and records, by framing. */
#include "server/describe_messages.h"

#include "options/table.h"
#include "server/describe_json.h"

#include <inttypes.h>

static json_t *
message(const char *title, const char *type, json_t *payload)
{
	return describe_pack(
	    "{s:s, s:s, s:o}", "title", title, "contentType", type, "payload", payload);
}

static json_t *
text_message(void)
{
	return message("Text message", "text/plain", describe_pack("{s:s}", "type", "string"));
}

static json_t *
binary_message(void)
{
	return message("Binary message", "application/octet-stream",
	    describe_pack("{s:s, s:s}", "type", "string", "format", "binary"));
}

/* The base protocol of LSP carries JSON-RPC alone. */
static json_t *
rpc_message(void)
{
	return message("JSON-RPC message", "application/json",
	    describe_pack("{s:s, s:[s], s:{s:{s:s}}}", "type", "object", "required", "jsonrpc",
		"properties", "jsonrpc", "const", "2.0"));
}

/* Returns a line with the name of its stream in the member KEY. */
static json_t *
stream_message(const char *key, json_t *names)
{
	return message("Line of a stream", "application/json",
	    describe_pack("{s:s, s:[s,s], s:{s:{s:o}, s:{s:s}}}", "type", "object", "required",
		key, "data", "properties", key, "enum", names, "data", "type", "string"));
}

json_t *
describe_messages_in(const struct options_endpoint *endpoint)
{
	enum framing_kind kind = endpoint->to_program.kind;
	json_t *messages = describe_pack("{}");
	json_t *text = kind == FRAMING_LSP ? rpc_message() : text_message();
	json_t *payload = json_object_get(text, "payload");
	char limit[64];

	if (kind == FRAMING_LINES && endpoint->to_program.newline == FRAMING_NEWLINE_REJECT)
		describe_set(payload, "pattern", json_string("^[^\\n]*$"));
	if (kind == FRAMING_NUL)
		describe_set(payload, "pattern", json_string("^[^\\u0000]*$"));
	describe_set(messages, "inText", text);
	if (framing_takes(&endpoint->to_program, MESSAGE_BINARY))
		describe_set(messages, "inBinary",
		    kind == FRAMING_LSP ? rpc_message() : binary_message());
	if (endpoint->max_message != 0) {
		const char *key;
		json_t *value;

		snprintf(
		    limit, sizeof(limit), "At most %" PRIu64 " bytes.", endpoint->max_message);
		json_object_foreach(messages, key, value)
		    describe_set(value, "description", json_string(limit));
	}
	return messages;
}

json_t *
describe_messages_out(const struct options_endpoint *endpoint)
{
	enum framing_kind kind = endpoint->from_program.kind;
	json_t *messages = describe_pack("{}");
	bool binary = kind == FRAMING_STREAM || (kind == FRAMING_LENGTH && !endpoint->text);

	if (endpoint->passstderr && kind != FRAMING_JSON) {
		describe_set(messages, "outLine",
		    stream_message("stream", describe_pack("[s,s]", "stdout", "stderr")));
		return messages;
	}
	if (!binary)
		describe_set(
		    messages, "outText", kind == FRAMING_LSP ? rpc_message() : text_message());
	if (binary || kind == FRAMING_JSON || endpoint->invalid_utf8 == OUTPUT_BINARY)
		describe_set(messages, "outBinary", binary_message());
	if (endpoint->passstderr)
		describe_set(messages, "outStderr",
		    stream_message("type", describe_pack("[s]", "stderr")));
	if (kind == FRAMING_JSON && endpoint->shared.mode != SHARED_OFF &&
	    endpoint->shared.members.slow == MEMBER_DROP)
		describe_set(messages, "outDropped",
		    message("Number of messages that were dropped", "application/json",
			describe_pack("{s:s, s:[s,s], s:{s:{s:s}, s:{s:s}}}", "type", "object",
			    "required", "type", "count", "properties", "type", "const",
			    "dropped", "count", "type", "integer")));
	return messages;
}

/* Returns the record of type TYPE, with the additional members PROPERTIES, which it takes.
 * COUNT of NAMES are required. */
static json_t *
record(const char *type, json_t *properties, const char *const *names, size_t count)
{
	json_t *result = describe_pack("{s:s, s:[s], s:{s:{s:s}}}", "type", "object",
	    "required", "type", "properties", "type", "const", type);

	for (size_t i = 0; i < count; i++)
		describe_append(json_object_get(result, "required"), json_string(names[i]));
	if (json_object_update(json_object_get(result, "properties"), properties) != 0)
		describe_set(result, "", NULL);
	json_decref(properties);
	return result;
}

static json_t *
typed(const char *type)
{
	return describe_pack("{s:s}", "type", type);
}

static json_t *
data_record(const char *type)
{
	static const char *const names[] = {"data"};
	json_t *data = typed("string");

	if (*type == 'b')
		describe_set(data, "contentEncoding", json_string("base64"));
	return record(type, describe_pack("{s:o}", "data", data), names, 1);
}

static json_t *
close_record(bool required)
{
	static const char *const names[] = {"code", "reason"};

	return record("close",
	    describe_pack("{s:o, s:o}", "code", typed("integer"), "reason", typed("string")),
	    names, required ? 2 : 0);
}

static json_t *
open_record(const struct options_endpoint *endpoint)
{
	static const char *const names[] = {
	    "id", "path", "query", "remote", "user", "subprotocol"};
	json_t *properties = describe_pack("{s:o, s:o, s:o, s:o, s:{s:[s,s]}, s:{s:[s,s]}}",
	    "id", typed("integer"), "path", typed("string"), "query", typed("string"), "remote",
	    typed("string"), "user", "type", "string", "null", "subprotocol", "type", "string",
	    "null");

	if (endpoint->event_headers.count > 0)
		describe_set(properties, "headers",
		    describe_pack("{s:s, s:{s:s}}", "type", "object", "additionalProperties",
			"type", "string"));
	return record("open", properties, names, UTIL_LEN(names));
}

/* Adds the client's ID to each record of RECORDS; records of the program name clients. */
static void
add_ids(json_t *records, bool to_program)
{
	json_t *value;
	size_t i;

	json_array_foreach(records, i, value)
	{
		json_t *properties = json_object_get(value, "properties");

		if (to_program) {
			json_t *required = json_object_get(value, "required");

			if (!json_object_get(properties, "id"))
				describe_append(required, json_string("id"));
			describe_set(properties, "id", typed("integer"));
			continue;
		}
		for (int k = 0; k < 2; k++)
			describe_set(properties, k == 0 ? "id" : "except",
			    describe_pack("{s:[o, {s:s, s:o}]}", "oneOf", typed("integer"),
				"type", "array", "items", typed("integer")));
	}
}

static json_t *
json_records(const struct options_endpoint *endpoint, bool to_program)
{
	json_t *records = describe_pack("[o,o]", data_record("text"), data_record("binary"));

	if (!to_program)
		describe_append(records, close_record(false));
	else if (endpoint->events) {
		describe_append(records, open_record(endpoint));
		describe_append(records, close_record(true));
	}
	if (endpoint->shared.mode != SHARED_OFF)
		add_ids(records, to_program);
	return records;
}

/* Returns lines that name clients: ID, tab, with EVENTS a verb and a tab, and the message. */
static json_t *
addressed_records(const struct options_endpoint *endpoint, bool to_program)
{
	const char *pattern;

	if (to_program)
		pattern = endpoint->events ? "^[1-9][0-9]*\\t(open|text|close)\\t"
					   : "^[1-9][0-9]*\\t";
	else
		pattern = endpoint->events ? "^([1-9][0-9]*|\\*)\\t(text|close)\\t"
					   : "^([1-9][0-9]*|\\*)\\t";
	return describe_pack("[{s:s, s:s}]", "type", "string", "pattern", pattern);
}

static json_t *
stream(const struct options_endpoint *endpoint, const struct framing *framing, bool to_program)
{
	const struct option_row *row = option_find(SPAN("framing"));
	json_t *result = describe_pack("{s:s}", "framing", row->choices[framing->kind]);

	if (framing->kind == FRAMING_JSON)
		describe_set(result, "records", json_records(endpoint, to_program));
	else if (endpoint->shared.mode == SHARED_ADDRESSED)
		describe_set(result, "records", addressed_records(endpoint, to_program));
	return result;
}

json_t *
describe_program(const struct options_endpoint *endpoint)
{
	return describe_pack("{s:o, s:o}", "stdin",
	    stream(endpoint, &endpoint->to_program, true), "stdout",
	    stream(endpoint, &endpoint->from_program, false));
}
