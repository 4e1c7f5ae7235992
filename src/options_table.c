/* SPDX-License-Identifier: BSD-2-Clause */
/* The table of the options. */
#include "config.h"

#include "options_set.h"
#include "options_table.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

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
	{ROW("port", port, option_set_number), .argument = "N", .min = 0, .max = 65535,
	    .initial = "8080", .initial_compat = "80", .initial_ssl = "8443", .initial_compat_ssl = "443",
	    .section = OPTION_LISTENING,
	    .help = "the TCP port to listen on; 0 takes any free one"},
	{ROW("address", address, option_set_address), .argument = "ADDRESS", .repeatable = true,
	    .initial_compat = "*", .initial_words = "127.0.0.1 and ::1", .section = OPTION_LISTENING,
	    .help = "the address to listen on, '*' for all interfaces; repeatable"},
	{ROW("workers", workers, option_set_workers), .argument = "N", .min = 1, .max = OPTIONS_WORKERS_MAX,
	    .initial = "1", .initial_compat = "1", .section = OPTION_LISTENING,
	    .help = "processes that share the connections; 'auto' is one for each CPU that may be used"},

	{ROW("ssl", ssl, option_set_bool), .early = true, .section = OPTION_TLS,
	    .help = "serve https:// and wss://, and nothing else; needs --sslcert and --sslkey"},
	{ROW("sslcert", sslcert, option_set_files), .argument = "FILE", .repeatable = true, .section = OPTION_TLS,
	    .help = "the certificate, and behind it those that lead to its root, in PEM; repeatable, for a "
		    "server of several names: the first is for clients that ask for another"},
	{ROW("sslkey", sslkey, option_set_files), .argument = "FILE", .repeatable = true, .section = OPTION_TLS,
	    .help = "its private key, in PEM; repeatable, in the order of --sslcert"},
	{ROW("sslca", sslca, option_set_path), .argument = "FILE", .section = OPTION_TLS,
	    .help = "let only clients connect that have a certificate which one of FILE's has signed"},
	{ROW("sslcrl", sslcrl, option_set_path), .argument = "FILE", .section = OPTION_TLS,
	    .help = "with --sslca, refuse clients whose certificate is in the revocation lists of FILE"},
	{ROW("strict-sni", strict_sni, option_set_bool), .section = OPTION_TLS,
	    .help = "refuse clients that ask for a name which no certificate has, or for none"},
	{ROW("no-core-dumps", no_core_dumps, option_set_bool), .section = OPTION_TLS,
	    .help = "keep the memory of wspipe, and the keys in it, out of core dumps and from other "
		    "processes of its user"},

	{ROW("origin", origin, option_set_origin), .argument = "LIST", .section = OPTION_PERMISSION,
	    .help = "the web pages that may connect: origins as https://example.com or host names, "
		    "separated by commas; 'any' or '*' lets every page connect. Without it a page must "
		    "come from this server"},
	{ROW("sameorigin", sameorigin, option_set_bool), .section = OPTION_PERMISSION,
	    .help = "let only pages that come from this server connect, and no client without "
		    "an Origin"},
	{ROW("require-origin", require_origin, option_set_bool), .section = OPTION_PERMISSION,
	    .help = "refuse clients that send no Origin, as programs other than browsers do"},
	{ROW("host", host, option_set_host), .argument = "NAME", .repeatable = true,
	    .section = OPTION_PERMISSION,
	    .help = "a further name that requests may ask for when only loopback is listened on; "
		    "repeatable"},

	{ROW("dir", dir, option_set_path), .argument = "DIR", .section = OPTION_PROGRAM,
	    .help = "in place of COMMAND: the path of the request says which program of DIR to start"},
	{ROW("binary", binary, option_set_bool), .section = OPTION_PROGRAM,
	    .help = "binary messages and plain bytes instead of text messages and lines: --framing=stream"},
	{ROW("framing", framing, option_set_framing), .argument = "KIND", .choices = framings,
	    .initial_words = "lines", .section = OPTION_PROGRAM,
	    .help = "how a message stands in what the program reads and writes"},
	{ROW("framing-in", framing_in, option_set_framing), .argument = "KIND", .choices = framings,
	    .section = OPTION_PROGRAM, .help = "the same for what the program reads only"},
	{ROW("framing-out", framing_out, option_set_framing), .argument = "KIND", .choices = framings,
	    .section = OPTION_PROGRAM, .help = "the same for what the program writes only"},
	{ROW("newline", newline, option_set_newline), .argument = "WHAT", .choices = newlines,
	    .initial = "pass", .initial_compat = "pass", .section = OPTION_PROGRAM,
	    .help = "what becomes of a newline in a message that is to be a line"},
	{ROW("text", text, option_set_bool), .section = OPTION_PROGRAM,
	    .help = "the records that a program writes with --framing=length are text"},
	{ROW("events", events, option_set_bool), .section = OPTION_PROGRAM,
	    .help = "with --framing=json, tell the program too who came and how the client left"},
	{ROW("invalid-utf8", invalid_utf8, option_set_not_utf8), .argument = "WHAT", .choices = repairs,
	    .initial = "replace", .initial_compat = "replace", .section = OPTION_PROGRAM,
	    .help = "what becomes of text of the program that is not UTF-8"},
	{ROW("passstderr", passstderr, option_set_bool), .section = OPTION_PROGRAM,
	    .help = "send the program's stderr to the client too, each line marked by JSON"},
	{ROW("passenv", passenv, option_set_names), .argument = "LIST",
	    .initial = "PATH,TZ,LANG", .initial_compat = "PATH,LD_LIBRARY_PATH",
	    .section = OPTION_PROGRAM,
	    .help = "the variables of wspipe's environment that programs see, separated by commas"},
	{ROW("pass-auth", pass_auth, option_set_bool), .initial_compat = "true", .section = OPTION_PROGRAM,
	    .help = "let programs see the Authorization and Proxy-Authorization of a request"},
	{ROW("closems", closems, option_set_number), .argument = "MS", .min = 0, .max = 3600000,
	    .initial = "0", .initial_compat = "0", .section = OPTION_PROGRAM,
	    .help = "milliseconds that a program gets more before each of SIGINT, SIGTERM and SIGKILL "
		    "when its session is over"},

	{ROW("subprotocol", subprotocol, option_set_tokens), .argument = "LIST",
	    .section = OPTION_WEBSOCKET,
	    .help = "the subprotocols that the program speaks, separated by commas; the first one that a "
		    "client names and that is here is agreed on"},
	{ROW("require-subprotocol", require_subprotocol, option_set_bool), .section = OPTION_WEBSOCKET,
	    .help = "refuse clients that name none of them"},
	{ROW("deflate", deflate, option_set_deflate), .argument = "LIST", .optional = true,
	    .section = OPTION_WEBSOCKET,
	    .help = "compress messages when the client can (permessage-deflate); LIST changes "
		    "window=11,level=4,takeover=yes,min=64. Not for secrets: see the man page"},

	{ROW("maxforks", maxforks, option_set_number), .argument = "N", .min = 0, .max = INT32_MAX,
	    .compat_negative = true, .initial = "1024", .initial_compat = "1024",
	    .section = OPTION_LIMITS,
	    .help = "programs that run at the same time; 0 is no limit"},
	{ROW("maxframesize", maxframesize, option_set_number), .argument = "BYTES",
	    .min = 0, .max = INT64_C(1) << 31, .initial = "1048576", .initial_compat = "1048576",
	    .section = OPTION_LIMITS,
	    .help = "the size of the largest message that a client may send; 0 is no limit"},
	{ROW("pingms", pingms, option_set_number), .argument = "MS", .min = 0, .max = 86400000,
	    .initial = "30000", .initial_compat = "0", .section = OPTION_LIMITS,
	    .help = "milliseconds of silence after which a client is asked whether it is still there; "
		    "0 never asks"},

	{ROW("staticdir", staticdir, option_set_path), .argument = "DIR", .section = OPTION_ANSWERS,
	    .help = "answer plain HTTP requests with the files of DIR"},
	{ROW("header", header, option_set_header), .argument = "HEADER", .repeatable = true,
	    .section = OPTION_ANSWERS,
	    .help = "a \"Name: value\" to add to every answer but refusals; repeatable"},
	{ROW("header-ws", header_ws, option_set_header), .argument = "HEADER", .repeatable = true,
	    .section = OPTION_ANSWERS, .help = "the same for the answer that opens a WebSocket only"},
	{ROW("header-http", header_http, option_set_header), .argument = "HEADER", .repeatable = true,
	    .section = OPTION_ANSWERS, .help = "the same for answers about static files only"},

	{ROW("loglevel", loglevel, option_set_level), .argument = "LEVEL", .choices = levels,
	    .initial = "access", .initial_compat = "access", .section = OPTION_LOG,
	    .help = "what to log, itself and all behind it in this row"},
	{ROW("log-format", log_format, option_set_format), .argument = "FORMAT", .choices = formats,
	    .initial = "text", .section = OPTION_LOG, .help = "how a line of the log looks"},

	{ROW("compat", compat, option_set_compat), .argument = "MODEL", .choices = models,
	    .early = true, .section = OPTION_OTHER,
	    .help = "stand in for another program, with its defaults, log and texts, as when started "
		    "under its name"},
	{ROW("help", help, option_set_bool), .section = OPTION_OTHER, .help = "show this text"},
	{ROW("version", version, option_set_bool), .section = OPTION_OTHER, .help = "show the version"},
	{ROW("license", license, option_set_bool), .section = OPTION_OTHER, .help = "show the license"},
};
/* clang-format on */
const size_t option_row_count = UTIL_LEN(option_rows);

void *
option_target(const struct option_row *row, struct options *options)
{
	return (char *)options + row->offset;
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
