/* SPDX-License-Identifier: BSD-2-Clause */
/* The table of the options, and for each type of value the function that reads, checks and
 * stores it. */
#include "config.h"

#include "options_table.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

static option_setter set_bool, set_number, set_path, set_files, set_address, set_host,
    set_origin, set_header, set_names, set_tokens, set_deflate, set_level, set_format, set_framing, set_newline, set_not_utf8,
    set_compat;

static const char *const levels[] = {
    [LOG_DEBUG] = "debug",
    [LOG_TRACE] = "trace",
    [LOG_ACCESS] = "access",
    [LOG_INFO] = "info",
    [LOG_ERROR] = "error",
    [LOG_FATAL] = "fatal",
    [LOG_NONE] = "none",
    NULL,
};
static const char *const formats[] = {[LOG_TEXT] = "text", [LOG_JSON] = "json", NULL};
static const char *const framings[] = {
    [FRAMING_LINES] = "lines",
    [FRAMING_STREAM] = "stream",
    [FRAMING_TEXT] = "text",
    [FRAMING_NUL] = "nul",
    [FRAMING_LENGTH] = "length",
    [FRAMING_JSON] = "json",
    [FRAMING_LSP] = "lsp",
    [FRAMING_KINDS] = NULL,
};
static const char *const newlines[] = {
    [FRAMING_NEWLINE_PASS] = "pass",
    [FRAMING_NEWLINE_SPACE] = "space",
    [FRAMING_NEWLINE_REJECT] = "reject",
    NULL,
};
static const char *const repairs[] = {
    [OPTIONS_REPLACE] = "replace",
    [OPTIONS_BINARY] = "binary",
    [OPTIONS_CLOSE] = "close",
    NULL,
};
static const char *const models[] = {"websocketd", NULL};

/* The name, its target and its type stand in one macro so that a row can't aim at another
 * member. */
#define ROW(words, member, setter)                                                             \
	.name = (words), .offset = offsetof(struct options, member), .set = (setter)

/* clang-format off */
const struct option_row option_rows[] = {
	{ROW("port", port, set_number), .argument = "N", .min = 0, .max = 65535,
	    .initial = "8080", .initial_compat = "80", .initial_ssl = "8443", .initial_compat_ssl = "443",
	    .section = OPTION_LISTENING,
	    .help = "the TCP port to listen on; 0 takes any free one"},
	{ROW("address", address, set_address), .argument = "ADDRESS", .repeatable = true,
	    .initial_compat = "*", .initial_words = "127.0.0.1 and ::1", .section = OPTION_LISTENING,
	    .help = "the address to listen on, '*' for all interfaces; repeatable"},

	{ROW("ssl", ssl, set_bool), .early = true, .section = OPTION_TLS,
	    .help = "serve https:// and wss://, and nothing else; needs --sslcert and --sslkey"},
	{ROW("sslcert", sslcert, set_files), .argument = "FILE", .repeatable = true, .section = OPTION_TLS,
	    .help = "the certificate, and behind it those that lead to its root, in PEM; repeatable, for a "
		    "server of several names: the first is for clients that ask for another"},
	{ROW("sslkey", sslkey, set_files), .argument = "FILE", .repeatable = true, .section = OPTION_TLS,
	    .help = "its private key, in PEM; repeatable, in the order of --sslcert"},
	{ROW("sslca", sslca, set_path), .argument = "FILE", .section = OPTION_TLS,
	    .help = "let only clients connect that have a certificate which one of FILE's has signed"},

	{ROW("origin", origin, set_origin), .argument = "LIST", .section = OPTION_PERMISSION,
	    .help = "the web pages that may connect: origins as https://example.com or host names, "
		    "separated by commas; 'any' or '*' lets every page connect. Without it a page must "
		    "come from this server"},
	{ROW("sameorigin", sameorigin, set_bool), .section = OPTION_PERMISSION,
	    .help = "let only pages that come from this server connect, and no client without "
		    "an Origin"},
	{ROW("require-origin", require_origin, set_bool), .section = OPTION_PERMISSION,
	    .help = "refuse clients that send no Origin, as programs other than browsers do"},
	{ROW("host", host, set_host), .argument = "NAME", .repeatable = true,
	    .section = OPTION_PERMISSION,
	    .help = "a further name that requests may ask for when only loopback is listened on; "
		    "repeatable"},

	{ROW("dir", dir, set_path), .argument = "DIR", .section = OPTION_PROGRAM,
	    .help = "in place of COMMAND: the path of the request says which program of DIR to start"},
	{ROW("binary", binary, set_bool), .section = OPTION_PROGRAM,
	    .help = "binary messages and plain bytes instead of text messages and lines: --framing=stream"},
	{ROW("framing", framing, set_framing), .argument = "KIND", .choices = framings,
	    .initial_words = "lines", .section = OPTION_PROGRAM,
	    .help = "how a message stands in what the program reads and writes"},
	{ROW("framing-in", framing_in, set_framing), .argument = "KIND", .choices = framings,
	    .section = OPTION_PROGRAM, .help = "the same for what the program reads only"},
	{ROW("framing-out", framing_out, set_framing), .argument = "KIND", .choices = framings,
	    .section = OPTION_PROGRAM, .help = "the same for what the program writes only"},
	{ROW("newline", newline, set_newline), .argument = "WHAT", .choices = newlines,
	    .initial = "pass", .initial_compat = "pass", .section = OPTION_PROGRAM,
	    .help = "what becomes of a newline in a message that is to be a line"},
	{ROW("text", text, set_bool), .section = OPTION_PROGRAM,
	    .help = "the records that a program writes with --framing=length are text"},
	{ROW("events", events, set_bool), .section = OPTION_PROGRAM,
	    .help = "with --framing=json, tell the program too who came and how the client left"},
	{ROW("invalid-utf8", invalid_utf8, set_not_utf8), .argument = "WHAT", .choices = repairs,
	    .initial = "replace", .initial_compat = "replace", .section = OPTION_PROGRAM,
	    .help = "what becomes of text of the program that is not UTF-8"},
	{ROW("passstderr", passstderr, set_bool), .section = OPTION_PROGRAM,
	    .help = "send the program's stderr to the client too, each line marked by JSON"},
	{ROW("passenv", passenv, set_names), .argument = "LIST",
	    .initial = "PATH,TZ,LANG", .initial_compat = "PATH,LD_LIBRARY_PATH",
	    .section = OPTION_PROGRAM,
	    .help = "the variables of wspipe's environment that programs see, separated by commas"},
	{ROW("pass-auth", pass_auth, set_bool), .initial_compat = "true", .section = OPTION_PROGRAM,
	    .help = "let programs see the Authorization and Proxy-Authorization of a request"},
	{ROW("closems", closems, set_number), .argument = "MS", .min = 0, .max = 3600000,
	    .initial = "0", .initial_compat = "0", .section = OPTION_PROGRAM,
	    .help = "milliseconds that a program gets more before each of SIGINT, SIGTERM and SIGKILL "
		    "when its session is over"},

	{ROW("subprotocol", subprotocol, set_tokens), .argument = "LIST",
	    .section = OPTION_WEBSOCKET,
	    .help = "the subprotocols that the program speaks, separated by commas; the first one that a "
		    "client names and that is here is agreed on"},
	{ROW("require-subprotocol", require_subprotocol, set_bool), .section = OPTION_WEBSOCKET,
	    .help = "refuse clients that name none of them"},
	{ROW("deflate", deflate, set_deflate), .argument = "LIST", .optional = true,
	    .section = OPTION_WEBSOCKET,
	    .help = "compress messages when the client can (permessage-deflate); LIST changes "
		    "window=11,level=4,takeover=yes,min=64. Not for secrets: see the man page"},

	{ROW("maxforks", maxforks, set_number), .argument = "N", .min = 0, .max = INT32_MAX,
	    .compat_negative = true, .initial = "1024", .initial_compat = "1024",
	    .section = OPTION_LIMITS,
	    .help = "programs that run at the same time; 0 is no limit"},
	{ROW("maxframesize", maxframesize, set_number), .argument = "BYTES",
	    .min = 0, .max = INT64_C(1) << 31, .initial = "1048576", .initial_compat = "1048576",
	    .section = OPTION_LIMITS,
	    .help = "the size of the largest message that a client may send; 0 is no limit"},
	{ROW("pingms", pingms, set_number), .argument = "MS", .min = 0, .max = 86400000,
	    .initial = "30000", .initial_compat = "0", .section = OPTION_LIMITS,
	    .help = "milliseconds of silence after which a client is asked whether it is still there; "
		    "0 never asks"},

	{ROW("staticdir", staticdir, set_path), .argument = "DIR", .section = OPTION_ANSWERS,
	    .help = "answer plain HTTP requests with the files of DIR"},
	{ROW("header", header, set_header), .argument = "HEADER", .repeatable = true,
	    .section = OPTION_ANSWERS,
	    .help = "a \"Name: value\" to add to every answer but refusals; repeatable"},
	{ROW("header-ws", header_ws, set_header), .argument = "HEADER", .repeatable = true,
	    .section = OPTION_ANSWERS, .help = "the same for the answer that opens a WebSocket only"},
	{ROW("header-http", header_http, set_header), .argument = "HEADER", .repeatable = true,
	    .section = OPTION_ANSWERS, .help = "the same for answers about static files only"},

	{ROW("loglevel", loglevel, set_level), .argument = "LEVEL", .choices = levels,
	    .initial = "access", .initial_compat = "access", .section = OPTION_LOG,
	    .help = "what to log, itself and all behind it in this row"},
	{ROW("log-format", log_format, set_format), .argument = "FORMAT", .choices = formats,
	    .initial = "text", .section = OPTION_LOG, .help = "how a line of the log looks"},

	{ROW("compat", compat, set_compat), .argument = "MODEL", .choices = models,
	    .early = true, .section = OPTION_OTHER,
	    .help = "stand in for another program, with its defaults, log and texts, as when started "
		    "under its name"},
	{ROW("help", help, set_bool), .section = OPTION_OTHER, .help = "show this text"},
	{ROW("version", version, set_bool), .section = OPTION_OTHER, .help = "show the version"},
	{ROW("license", license, set_bool), .section = OPTION_OTHER, .help = "show the license"},
};
/* clang-format on */
const size_t option_row_count = UTIL_LEN(option_rows);

/* What wspipe itself writes into an answer; a second one would contradict it. */
static const char *const own_headers[] = {
    "Connection",
    "Content-Length",
    "Sec-WebSocket-Accept",
    "Sec-WebSocket-Extensions",
    "Transfer-Encoding",
    "Upgrade",
};

void *
option_target(const struct option_row *row, struct options *options)
{
	return (char *)options + row->offset;
}

static _Noreturn void
no_memory(void)
{
	fputs("wspipe: out of memory\n", stderr);
	exit(EX_OSERR);
}

static char *
copy(struct span text)
{
	char *result = span_dup(text);

	if (!result)
		no_memory();
	return result;
}

/* Adds TEXT, which the list owns from now on. */
static void
list_add_take(struct options_list *list, char *text)
{
	char **items = realloc(list->items, (list->count + 1) * sizeof(*items));

	if (!items)
		no_memory();
	items[list->count++] = text;
	list->items = items;
}

void
options_list_clear(struct options_list *list)
{
	for (size_t i = 0; i < list->count; i++)
		free(list->items[i]);
	free(list->items);
	*list = (struct options_list){0};
}

/* Takes the next of the comma-separated parts off the front of REST, trimmed. False: there is
 * none. */
static bool
next_part(struct span *rest, struct span *part)
{
	const char *comma;

	if (!rest->data)
		return false;
	comma = memchr(rest->data, ',', rest->len);
	*part = *rest;
	*rest = (struct span){0};
	if (comma) {
		size_t len = (size_t)(comma - part->data);

		*rest = (struct span){comma + 1, part->len - len - 1};
		part->len = len;
	}
	*part = span_trim(*part);
	return true;
}

static bool
has_control(struct span text)
{
	for (size_t i = 0; i < text.len; i++) {
		if ((unsigned char)text.data[i] < 0x20 || text.data[i] == 0x7f)
			return true;
	}
	return false;
}

/* False when VALUE is none of the words for true and false. */
static bool
parse_bool(struct span value, bool *flag)
{
	static const char *const words[2][6] = {
	    {"0", "f", "F", "false", "FALSE", "False"},
	    {"1", "t", "T", "true", "TRUE", "True"},
	};

	for (size_t i = 0; i < 2 * UTIL_LEN(words[0]); i++) {
		if (span_equal(value, span_of(words[i % 2][i / 2]))) {
			*flag = i % 2 == 1;
			return true;
		}
	}
	return false;
}

static const char *
set_bool(const struct option_row *row, struct options *options, struct span value)
{
	return parse_bool(value, option_target(row, options)) ? NULL : "must be true or false";
}

static const char *
set_number(const struct option_row *row, struct options *options, struct span value)
{
	int64_t *number = option_target(row, options);
	int64_t ignored;

	if (options->compat && row->compat_negative &&
	    !util_parse_number(value, INT64_MIN, -1, &ignored)) {
		*number = 0;
		return NULL;
	}
	return util_parse_number(value, row->min, row->max, number);
}

static const char *
set_path(const struct option_row *row, struct options *options, struct span value)
{
	char **path = option_target(row, options);

	if (value.len == 0 && !options->compat)
		return strcmp(row->argument, "DIR") == 0 ? "must be the name of a directory" :
							    "must be the name of a file";
	free(*path);
	*path = value.len == 0 ? NULL : copy(value);
	return NULL;
}

/* websocketd takes one file: there the last one wins, and one without a name is none. */
static const char *
set_files(const struct option_row *row, struct options *options, struct span value)
{
	struct options_list *list = option_target(row, options);

	if (value.len == 0 && !options->compat)
		return "must be the name of a file";
	if (options->compat)
		options_list_clear(list);
	if (value.len > 0)
		list_add_take(list, copy(value));
	return NULL;
}

static const char *
set_address(const struct option_row *row, struct options *options, struct span value)
{
	struct options_list *list = option_target(row, options);
	const char *colon = memchr(value.data, ':', value.len);

	/* To websocketd an address without text is that of all interfaces. */
	if (value.len == 0 && options->compat)
		value = SPAN("*");
	if (value.len == 0)
		return "must be an address, or '*' for all interfaces";
	if (value.data[0] == '[') {
		if (value.data[value.len - 1] != ']')
			return "must be an address without a port, as [::1]; the port is "
			       "--port";
		value.data++;
		value.len -= 2;
	} else if (colon &&
		   !memchr(colon + 1, ':', value.len - (size_t)(colon - value.data) - 1)) {
		return "must be an address without a port; the port is --port";
	}
	list_add_take(list, copy(value));
	return NULL;
}

static const char *
set_host(const struct option_row *row, struct options *options, struct span value)
{
	size_t i = 0;

	while (i < value.len &&
	       (util_is_alpha((unsigned char)value.data[i]) ||
		   util_is_digit((unsigned char)value.data[i]) || strchr("-._", value.data[i])))
		i++;
	if (i < value.len || i == 0 || value.data[0] == '.' || value.data[i - 1] == '.')
		return "must be a host name, without a port";
	list_add_take(option_target(row, options), copy(value));
	return NULL;
}

static const char *
set_origin(const struct option_row *row, struct options *options, struct span value)
{
	struct options_list *list = option_target(row, options);
	struct span rest = value, part;
	bool some = false;

	options_list_clear(list);
	options->origin_any = false;
	while (next_part(&rest, &part)) {
		some = some || part.len > 0;
		if (span_equal(part, SPAN("any")) || span_equal(part, SPAN("*")))
			options->origin_any = true;
		else if (part.len > 0)
			list_add_take(list, copy(part));
	}
	return some || options->compat ? NULL : "must be a list of origins, or 'any'";
}

/* Keeps "Name: value" with exactly one blank, so that it can be sent as it is. */
static const char *
set_header(const struct option_row *row, struct options *options, struct span value)
{
	static char error[80];
	const char *colon = memchr(value.data, ':', value.len);
	struct span name, text;
	char *line;

	if (!colon)
		return "must be a \"Name: value\"";
	name = (struct span){value.data, (size_t)(colon - value.data)};
	text = span_trim((struct span){colon + 1, value.len - name.len - 1});
	if (!util_is_token(name))
		return "must be a \"Name: value\" whose name has only letters, digits and "
		       "!#$%&'*+-.^_`|~";
	if (has_control(text))
		return "must be a \"Name: value\" without line breaks and other control "
		       "characters";
	for (size_t i = 0; i < UTIL_LEN(own_headers); i++) {
		if (span_equal_nocase(name, span_of(own_headers[i]))) {
			snprintf(
			    error, sizeof(error), "must leave %s to wspipe", own_headers[i]);
			return error;
		}
	}
	if (asprintf(&line, "%.*s: %.*s", (int)name.len, name.data, (int)text.len, text.data) ==
	    -1)
		no_memory();
	list_add_take(option_target(row, options), line);
	return NULL;
}

/* Names of variables; an empty list is one: none. */
static const char *
set_names(const struct option_row *row, struct options *options, struct span value)
{
	struct options_list *list = option_target(row, options);
	struct span rest = value, part;

	options_list_clear(list);
	while (next_part(&rest, &part)) {
		if (memchr(part.data, '=', part.len) || has_control(part))
			return "must be names of variables, separated by commas";
		if (part.len > 0)
			list_add_take(list, copy(part));
	}
	return NULL;
}

/* Tokens of HTTP, each once; an empty list is one: none. */
static const char *
set_tokens(const struct option_row *row, struct options *options, struct span value)
{
	struct options_list *list = option_target(row, options);
	struct span rest = value, part;

	options_list_clear(list);
	while (next_part(&rest, &part)) {
		if (part.len == 0)
			continue;
		if (!util_is_token(part))
			return "must be names of letters, digits and !#$%&'*+-.^_`|~, separated "
			       "by commas";
		for (size_t i = 0; i < list->count; i++) {
			if (span_equal(part, span_of(list->items[i])))
				return "must have each name once";
		}
		list_add_take(list, copy(part));
	}
	return NULL;
}

/* One of the settings in the list of --deflate. NULL, or what is wrong. */
static const char *
set_deflate_part(struct deflate_settings *settings, struct span part)
{
	static char error[96];
	const struct {
		const char *name;
		int64_t *number; /* NULL: yes or no */
		int64_t min;
		int64_t max;
	} rows[] = {
	    {"window", &settings->window, DEFLATE_WINDOW_MIN, DEFLATE_WINDOW_MAX},
	    {"level", &settings->level, 1, 9},
	    {"min", &settings->min, 0, DEFLATE_MIN_MAX},
	    {"takeover", NULL, 0, 0},
	};
	const char *equals = memchr(part.data, '=', part.len);
	struct span name = {part.data, equals ? (size_t)(equals - part.data) : part.len};
	struct span value = {equals ? equals + 1 : "", equals ? part.len - name.len - 1 : 0};
	size_t i = 0;
	const char *wrong;

	while (i < UTIL_LEN(rows) && !span_equal(name, span_of(rows[i].name)))
		i++;
	if (i == UTIL_LEN(rows))
		return "must be true, false, or some of window=BITS, level=N, takeover=yes|no and "
		       "min=BYTES, separated by commas";
	if (rows[i].number) {
		wrong = util_parse_number(value, rows[i].min, rows[i].max, rows[i].number);
	} else {
		settings->takeover = span_equal(value, SPAN("yes"));
		wrong = settings->takeover || span_equal(value, SPAN("no")) ? NULL : "must be yes or no";
	}
	if (!wrong)
		return NULL;
	snprintf(error, sizeof(error), "has a %s that %s", rows[i].name, wrong);
	return error;
}

/* A boolean, or a list that changes the settings: it begins anew each time. */
static const char *
set_deflate(const struct option_row *row, struct options *options, struct span value)
{
	struct deflate_settings *settings = option_target(row, options);
	struct span rest = value, part;

	*settings = (struct deflate_settings){
	    .takeover = true,
	    .window = DEFLATE_WINDOW_INITIAL,
	    .level = DEFLATE_LEVEL_INITIAL,
	    .min = DEFLATE_MIN_INITIAL,
	};
	if (parse_bool(value, &settings->on))
		return NULL;
	while (next_part(&rest, &part)) {
		const char *wrong = set_deflate_part(settings, part);

		if (wrong)
			return wrong;
	}
	settings->on = true;
	return NULL;
}

/* The place of VALUE among the choices of ROW. NULL, or what is wrong. */
static const char *
choose(const struct option_row *row, struct span value, size_t *choice)
{
	static char error[96];

	for (size_t i = 0; row->choices[i]; i++) {
		if (span_equal(value, span_of(row->choices[i]))) {
			*choice = i;
			return NULL;
		}
	}
	snprintf(error, sizeof(error), "must be %s", option_choice_words(row));
	return error;
}

static const char *
set_level(const struct option_row *row, struct options *options, struct span value)
{
	enum log_level *level = option_target(row, options);
	size_t choice;
	const char *error = choose(row, value, &choice);

	if (!error)
		*level = (enum log_level)choice;
	return error;
}

static const char *
set_format(const struct option_row *row, struct options *options, struct span value)
{
	enum log_format *format = option_target(row, options);
	size_t choice;
	const char *error = choose(row, value, &choice);

	if (!error)
		*format = (enum log_format)choice;
	return error;
}

static const char *
set_framing(const struct option_row *row, struct options *options, struct span value)
{
	int *framing = option_target(row, options);
	size_t choice;
	const char *error = choose(row, value, &choice);

	if (!error)
		*framing = 1 + (int)choice;
	return error;
}

static const char *
set_newline(const struct option_row *row, struct options *options, struct span value)
{
	enum framing_newline *newline = option_target(row, options);
	size_t choice;
	const char *error = choose(row, value, &choice);

	if (!error)
		*newline = (enum framing_newline)choice;
	return error;
}

static const char *
set_not_utf8(const struct option_row *row, struct options *options, struct span value)
{
	enum options_not_utf8 *not_utf8 = option_target(row, options);
	size_t choice;
	const char *error = choose(row, value, &choice);

	if (!error)
		*not_utf8 = (enum options_not_utf8)choice;
	return error;
}

static const char *
set_compat(const struct option_row *row, struct options *options, struct span value)
{
	bool *compat = option_target(row, options);
	size_t choice;
	const char *error = choose(row, value, &choice);

	if (!error)
		*compat = true;
	return error;
}

const char *
option_choice_words(const struct option_row *row)
{
	static char words[80];
	size_t len = 0;

	words[0] = '\0';
	for (size_t i = 0; row->choices[i] && len < sizeof(words); i++) {
		const char *gap = i == 0 ? "" : row->choices[i + 1] ? ", " : " or ";

		len += (size_t)snprintf(
		    words + len, sizeof(words) - len, "%s%s", gap, row->choices[i]);
	}
	return words;
}

const struct option_row *
option_find(struct span name)
{
	for (size_t i = 0; i < option_row_count; i++) {
		if (span_equal(name, span_of(option_rows[i].name)))
			return &option_rows[i];
	}
	return NULL;
}

const char *
option_initial(const struct option_row *row, bool compat, bool ssl)
{
	const char *initial = compat ? row->initial_compat : row->initial;
	const char *initial_ssl = compat ? row->initial_compat_ssl : row->initial_ssl;

	return ssl && initial_ssl ? initial_ssl : initial;
}

static size_t
least(size_t a, size_t b)
{
	return a < b ? a : b;
}

/* How many letters must be added, dropped or changed to make B of A (Levenshtein). */
static size_t
distance(struct span a, const char *b)
{
	enum { MAX = 32 };
	size_t row[MAX + 1];
	size_t b_len = strlen(b);

	if (a.len > MAX || b_len > MAX)
		return SIZE_MAX;
	for (size_t j = 0; j <= b_len; j++)
		row[j] = j;
	for (size_t i = 1; i <= a.len; i++) {
		size_t diagonal = row[0];

		row[0] = i;
		for (size_t j = 1; j <= b_len; j++) {
			size_t above = row[j];

			row[j] = least(least(above, row[j - 1]) + 1,
			    diagonal + (a.data[i - 1] != b[j - 1]));
			diagonal = above;
		}
	}
	return row[b_len];
}

const char *
option_nearest(struct span name)
{
	size_t limit = least(name.len / 2, 2); /* beyond it a likeness is chance */
	const char *nearest = NULL;

	for (size_t i = 0; i < option_row_count && name.len > 1; i++) {
		size_t far = distance(name, option_rows[i].name);

		if (far < limit || (far == limit && !nearest)) {
			limit = far;
			nearest = option_rows[i].name;
		}
	}
	/* "log" is far from "loglevel", but it is its beginning. */
	for (size_t i = 0; i < option_row_count && name.len > 1 && !nearest; i++) {
		if (strncmp(name.data, option_rows[i].name, name.len) == 0)
			nearest = option_rows[i].name;
	}
	return nearest;
}
