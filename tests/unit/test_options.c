/* SPDX-License-Identifier: BSD-2-Clause */
/* The command line: what it stores, and each error with its exact text, stream and status. */
#include "config.h"

#include "base/util.h"
#include "options/parse.h"
#include "options/table.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { ARGS_MAX = 12 };

/* What one command line led to. */
struct run {
	struct options options;
	enum options_result result;
	int status;
	char *out; /* owned */
	char *err; /* owned */
	char *argv[ARGS_MAX + 1];
};

/*
 * The directory that the tests run in:
 *   bin/hello (executable; bin is PATH)  bin/plain (not executable)
 *   here (executable)  d/  d/sub/  s/  s/inside (executable)  to-d -> d
 */
static char *place;

static void
make_file(const char *name, mode_t mode)
{
	FILE *file = fopen(name, "w");

	assert_non_null(file);
	fputs("#!/bin/sh\n", file);
	fclose(file);
	assert_int_equal(chmod(name, mode), 0);
}

static int
set_up(void **state)
{
	char template[] = "/tmp/test_options.XXXXXX";
	char path[PATH_MAX];

	(void)state;
	if (!mkdtemp(template) || !(place = realpath(template, NULL)) || chdir(place) == -1)
		return -1;
	mkdir("bin", 0755);
	mkdir("d", 0755);
	mkdir("d/sub", 0755);
	mkdir("s", 0755);
	make_file("bin/hello", 0755);
	make_file("bin/plain", 0644);
	make_file("here", 0755);
	make_file("s/inside", 0755);
	assert_int_equal(symlink("d", "to-d"), 0);
	snprintf(path, sizeof(path), "relative:%s/bin", place);
	setenv("PATH", path, 1);
	return 0;
}

static int
tear_down(void **state)
{
	static const char *const names[] = {
	    "bin/hello", "bin/plain", "here", "s/inside", "to-d", "bin", "d/sub", "d", "s"};

	(void)state;
	for (size_t i = 0; i < UTIL_LEN(names); i++)
		remove(names[i]);
	if (chdir("/") == -1 || rmdir(place) == -1)
		return -1;
	free(place);
	return 0;
}

/* Parses ARGS, which begin with the program's name and end with NULL. */
static void
run_args(struct run *run, char *const args[])
{
	size_t out_len, err_len;
	FILE *out = open_memstream(&run->out, &out_len);
	FILE *err = open_memstream(&run->err, &err_len);
	int argc = 0;

	for (; args[argc]; argc++) {
		assert_true(argc < ARGS_MAX);
		run->argv[argc] = args[argc];
	}
	run->argv[argc] = NULL;
	run->status = -1;
	run->result = options_parse(&run->options, argc, run->argv, out, err, &run->status);
	fclose(out);
	fclose(err);
}

#define RUN(run, ...) run_args((run), (char *[]){__VA_ARGS__, NULL})

static void
run_clear(struct run *run)
{
	options_clear(&run->options);
	free(run->out);
	free(run->err);
}

static void
assert_run(const struct run *run)
{
	assert_string_equal(run->err, "");
	assert_string_equal(run->out, "");
	assert_int_equal(run->result, OPTIONS_RUN);
}

/* LIST has exactly the items up to NULL. */
static void
assert_list(const struct options_list *list, const char *const items[])
{
	size_t i = 0;

	for (; items[i]; i++) {
		assert_true(i < list->count);
		assert_string_equal(list->items[i], items[i]);
	}
	assert_int_equal(list->count, i);
}

#define ASSERT_LIST(list, ...) assert_list((list), (const char *const[]){__VA_ARGS__, NULL})
#define ASSERT_EMPTY(list) assert_int_equal((list)->count, 0)

static void
assert_place(const char *path, const char *name)
{
	char expected[PATH_MAX];

	snprintf(expected, sizeof(expected), "%s/%s", place, name);
	assert_non_null(path);
	assert_string_equal(path, expected);
}

static void
defaults_are_wspipes(void **state)
{
	struct run run;
	struct options *o = &run.options;

	(void)state;
	RUN(&run, "/usr/bin/wspipe", "hello");
	assert_run(&run);
	assert_false(o->server.compat);
	assert_int_equal(o->listener.port, 8080);
	ASSERT_EMPTY(&o->listener.address);
	ASSERT_EMPTY(&o->endpoint.host);
	assert_false(o->listener.ssl);
	ASSERT_EMPTY(&o->listener.sslcert);
	ASSERT_EMPTY(&o->listener.sslkey);
	assert_null(o->listener.sslca);
	assert_null(o->listener.sslcrl);
	assert_false(o->listener.strict_sni);
	assert_false(o->server.no_core_dumps);
	ASSERT_EMPTY(&o->endpoint.origin);
	assert_false(o->endpoint.sameorigin);
	assert_false(o->endpoint.require_origin);
	ASSERT_EMPTY(&o->endpoint.header);
	ASSERT_EMPTY(&o->endpoint.header_ws);
	ASSERT_EMPTY(&o->endpoint.header_http);
	ASSERT_LIST(&o->endpoint.passenv, "HOME", "LOGNAME", "USER", "SHELL", "PATH", "TERM",
	    "TMPDIR", "TZ", "LANG", "LC_*");
	assert_int_equal(o->endpoint.passenv.initial, 10);
	assert_false(o->endpoint.pass_auth);
	assert_int_equal(o->server.maxforks, 1024);
	assert_int_equal(o->endpoint.max_message, 1048576);
	assert_int_equal(o->server.closems, 0);
	assert_int_equal(o->endpoint.pingms, 30000);
	assert_false(o->endpoint.binary);
	assert_null(o->endpoint.dir);
	assert_null(o->endpoint.staticdir);
	assert_int_equal(o->server.loglevel, LOG_ACCESS);
	assert_int_equal(o->server.log_format, LOG_TEXT);
	assert_null(o->server.log_file);
	assert_int_equal(o->server.shutdown_ms, 25000);
	assert_string_equal(o->endpoint.command[0], "hello");
	assert_null(o->endpoint.command[1]);
	assert_place(o->endpoint.program, "bin/hello");
	run_clear(&run);
}

static void
assert_compat_defaults(const struct options *o)
{
	assert_true(o->server.compat);
	assert_int_equal(o->listener.port, 80);
	ASSERT_LIST(&o->listener.address, "*");
	ASSERT_LIST(&o->endpoint.origin, "any");
	ASSERT_LIST(&o->endpoint.passenv, "PATH", "LD_LIBRARY_PATH");
	assert_true(o->endpoint.pass_auth);
	assert_int_equal(o->server.maxforks, 1024);
	assert_int_equal(o->endpoint.max_message, 1048576);
	assert_int_equal(o->server.closems, 0);
	assert_int_equal(o->endpoint.pingms, 0);
	assert_int_equal(o->server.loglevel, LOG_ACCESS);
	assert_int_equal(o->server.log_format, LOG_COMPAT);
}

static void
defaults_of_compat_are_websocketds(void **state)
{
	struct run run;

	(void)state;
	RUN(&run, "/opt/websocketd", "hello");
	assert_run(&run);
	assert_compat_defaults(&run.options);
	run_clear(&run);

	RUN(&run, "websocketd", "hello");
	assert_run(&run);
	assert_compat_defaults(&run.options);
	run_clear(&run);

	RUN(&run, "wspipe", "--compat=websocketd", "hello");
	assert_run(&run);
	assert_compat_defaults(&run.options);
	run_clear(&run);
}

static void
compat_that_comes_late_counts_from_the_start(void **state)
{
	struct run run;

	(void)state;
	RUN(&run, "wspipe", "--maxforks=-1", "--log-format", "json", "--address=::1",
	    "--compat", "websocketd", "hello");
	assert_run(&run);
	assert_true(run.options.server.compat);
	assert_int_equal(run.options.listener.port, 80);
	assert_int_equal(run.options.server.maxforks, 0);
	assert_int_equal(run.options.server.log_format, LOG_JSON);
	ASSERT_LIST(&run.options.listener.address, "::1");
	run_clear(&run);

	/* After the command it is the command's own. */
	RUN(&run, "wspipe", "hello", "--compat=websocketd");
	assert_run(&run);
	assert_false(run.options.server.compat);
	run_clear(&run);

	/* And as the value of another option it is a value. */
	RUN(&run, "wspipe", "--header", "--compat=websocketd", "hello");
	assert_false(run.options.server.compat);
	assert_int_equal(run.status, 64);
	run_clear(&run);
}

static void
compat_opens_the_origin_only_without_a_policy(void **state)
{
	struct run run;

	(void)state;
	RUN(&run, "websocketd", "--origin=example.com", "hello");
	assert_run(&run);
	ASSERT_LIST(&run.options.endpoint.origin, "example.com");
	run_clear(&run);

	RUN(&run, "websocketd", "--sameorigin", "hello");
	assert_run(&run);
	ASSERT_EMPTY(&run.options.endpoint.origin);
	run_clear(&run);

	RUN(&run, "websocketd", "--origin=", "hello");
	assert_run(&run);
	ASSERT_LIST(&run.options.endpoint.origin, "any");
	run_clear(&run);
}

static void
options_are_written_in_four_ways(void **state)
{
	static char *const ways[][5] = {
	    {"wspipe", "-port", "81", "hello"},
	    {"wspipe", "--port", "81", "hello"},
	    {"wspipe", "-port=81", "hello"},
	    {"wspipe", "--port=81", "hello"},
	    {"wspipe", "--port=80", "--port=81", "hello"},
	};
	struct run run;

	(void)state;
	for (size_t i = 0; i < UTIL_LEN(ways); i++) {
		char *args[UTIL_LEN(ways[0]) + 1] = {0};

		memcpy(args, ways[i], sizeof(ways[i]));
		run_args(&run, args);
		assert_run(&run);
		assert_int_equal(run.options.listener.port, 81);
		assert_string_equal(run.options.endpoint.command[0], "hello");
		run_clear(&run);
	}
}

static void
booleans_take_a_value_only_after_equals(void **state)
{
	static const struct {
		char *word;
		bool value;
	} rows[] = {
	    {"--binary", true},
	    {"-binary", true},
	    {"--binary=true", true},
	    {"--binary=1", true},
	    {"--binary=t", true},
	    {"--binary=T", true},
	    {"--binary=TRUE", true},
	    {"--binary=True", true},
	    {"--binary=false", false},
	    {"--binary=0", false},
	    {"--binary=f", false},
	    {"--binary=F", false},
	    {"--binary=FALSE", false},
	    {"--binary=False", false},
	};
	struct run run;

	(void)state;
	for (size_t i = 0; i < UTIL_LEN(rows); i++) {
		RUN(&run, "wspipe", rows[i].word, "hello");
		assert_run(&run);
		assert_int_equal(run.options.endpoint.binary, rows[i].value);
		run_clear(&run);
	}
	RUN(&run, "wspipe", "--binary", "--binary=false", "hello", "true");
	assert_run(&run);
	assert_false(run.options.endpoint.binary);
	assert_string_equal(run.options.endpoint.command[1], "true");
	run_clear(&run);

	RUN(&run, "websocketd", "--pass-auth=false", "--help=false", "hello");
	assert_run(&run);
	assert_false(run.options.endpoint.pass_auth);
	run_clear(&run);
}

static void
parsing_stops_at_the_command(void **state)
{
	struct run run;

	(void)state;
	RUN(&run, "wspipe", "--port=1", "hello", "--port=2", "--nosuch", "--", "-x");
	assert_run(&run);
	assert_int_equal(run.options.listener.port, 1);
	assert_string_equal(run.options.endpoint.command[0], "hello");
	assert_string_equal(run.options.endpoint.command[1], "--port=2");
	assert_string_equal(run.options.endpoint.command[2], "--nosuch");
	assert_string_equal(run.options.endpoint.command[3], "--");
	assert_string_equal(run.options.endpoint.command[4], "-x");
	assert_null(run.options.endpoint.command[5]);
	run_clear(&run);

	RUN(&run, "wspipe", "--port=1", "--", "hello", "--port=2");
	assert_run(&run);
	assert_int_equal(run.options.listener.port, 1);
	assert_string_equal(run.options.endpoint.command[0], "hello");
	assert_string_equal(run.options.endpoint.command[1], "--port=2");
	run_clear(&run);
}

static void
repeatable_options_add_up(void **state)
{
	struct run run;

	(void)state;
	RUN(&run, "wspipe", "--address=*", "--address", "[::1]", "--address=10.0.0.1",
	    "--host=a.example", "--host=B_2", "hello");
	assert_run(&run);
	ASSERT_LIST(&run.options.listener.address, "*", "::1", "10.0.0.1");
	ASSERT_LIST(&run.options.endpoint.host, "a.example", "B_2");
	run_clear(&run);

	RUN(&run, "websocketd", "--address=", "--address=::1", "hello");
	assert_run(&run);
	ASSERT_LIST(&run.options.listener.address, "*", "::1");
	run_clear(&run);
}

static void
headers_are_kept_with_one_blank(void **state)
{
	struct run run;

	(void)state;
	RUN(&run, "wspipe", "--header=A:b", "--header", "X-Y:   c d ", "--header-ws=W: 1:2",
	    "--header-http=Empty:", "--header=U: \xc3\xa4", "hello");
	assert_run(&run);
	ASSERT_LIST(&run.options.endpoint.header, "A: b", "X-Y: c d", "U: \xc3\xa4");
	ASSERT_LIST(&run.options.endpoint.header_ws, "W: 1:2");
	ASSERT_LIST(&run.options.endpoint.header_http, "Empty: ");
	run_clear(&run);
}

static void
lists_are_split_at_commas_and_the_last_one_wins(void **state)
{
	struct run run;

	(void)state;
	RUN(&run, "wspipe", "--passenv=HOME", "--passenv=A, B,,C ", "--origin=x",
	    "--origin=https://a.example:8443, b.example", "--sameorigin", "--require-origin",
	    "hello");
	assert_run(&run);
	ASSERT_LIST(&run.options.endpoint.passenv, "A", "B", "C");
	ASSERT_LIST(&run.options.endpoint.origin, "https://a.example:8443", "b.example");
	assert_true(run.options.endpoint.sameorigin);
	assert_true(run.options.endpoint.require_origin);
	run_clear(&run);

	RUN(&run, "wspipe", "--passenv=+A, B", "--passenv=+C", "hello");
	assert_run(&run);
	ASSERT_LIST(&run.options.endpoint.passenv, "HOME", "LOGNAME", "USER", "SHELL", "PATH",
	    "TERM", "TMPDIR", "TZ", "LANG", "LC_*", "A", "B", "C");
	assert_int_equal(run.options.endpoint.passenv.initial, 10);
	run_clear(&run);

	RUN(&run, "wspipe", "--passenv=A", "--passenv=+B", "hello");
	assert_run(&run);
	ASSERT_LIST(&run.options.endpoint.passenv, "A", "B");
	assert_int_equal(run.options.endpoint.passenv.initial, 0);
	run_clear(&run);

	RUN(&run, "websocketd", "--passenv=+A", "hello");
	assert_run(&run);
	ASSERT_LIST(&run.options.endpoint.passenv, "PATH", "LD_LIBRARY_PATH", "A");
	run_clear(&run);

	RUN(&run, "wspipe", "--passenv=", "--origin=any", "hello");
	assert_run(&run);
	ASSERT_EMPTY(&run.options.endpoint.passenv);
	ASSERT_LIST(&run.options.endpoint.origin, "any");
	run_clear(&run);

	RUN(&run, "wspipe", "--origin=a.example,*", "hello");
	assert_run(&run);
	ASSERT_LIST(&run.options.endpoint.origin, "a.example", "any");
	run_clear(&run);

	RUN(&run, "wspipe", "--origin=any", "--origin=a.example", "hello");
	assert_run(&run);
	ASSERT_LIST(&run.options.endpoint.origin, "a.example");
	run_clear(&run);
}

static void
numbers_reach_to_their_limits(void **state)
{
	struct run run;

	(void)state;
	RUN(&run, "wspipe", "--port=0", "--maxforks=0", "--maxframesize=9223372036854775807",
	    "--closems=3600000", "--pingms=86400000", "hello");
	assert_run(&run);
	assert_int_equal(run.options.listener.port, 0);
	assert_int_equal(run.options.server.maxforks, 0);
	assert_true(run.options.endpoint.max_message == INT64_MAX);
	assert_int_equal(run.options.server.closems, 3600000);
	assert_int_equal(run.options.endpoint.pingms, 86400000);
	run_clear(&run);

	RUN(&run, "wspipe", "--port=65535", "--maxframesize=0", "--pingms=0", "hello");
	assert_run(&run);
	assert_int_equal(run.options.listener.port, 65535);
	assert_int_equal(run.options.endpoint.max_message, 0);
	assert_int_equal(run.options.endpoint.pingms, 0);
	run_clear(&run);
}

static void
numbers_that_have_always_been_in_one_unit_accept_others(void **state)
{
	static const struct {
		char *arg;
		bool ok;
	} rows[] = {
	    {"--pingms=1441m", false},
	    {"--closems=61m", false},
	    {"--connect-timeout=0s", false},
	    {"--connect-timeout=1k", false},
	    {"--max-output-message=3g", false},
	    {"--maxframesize=9223372036854775807k", false},
	    {"--maxframesize=1ms", false},
	    {"--maxframesize=k", false},
	    {"--deflate=min=2m", false},
	    {"--pingms=24h", true},
	    {"--max-output-message=2g", true},
	};
	struct run run;

	(void)state;
	RUN(&run, "wspipe", "--connect-timeout=250ms", "tcp:localhost:1");
	assert_run(&run);
	assert_int_equal(run.options.endpoint.connect_timeout, 250);
	run_clear(&run);
	RUN(&run, "wspipe", "--maxframesize=2m", "--max-output-message=512K", "--pingms=30s",
	    "--closems=5m", "--deflate=min=1k", "--rlimit=cpu=1500ms", "hello");
	assert_run(&run);
	assert_true(run.options.endpoint.max_message == 2 << 20);
	assert_int_equal(run.options.endpoint.max_output_message, 512 << 10);
	assert_int_equal(run.options.endpoint.pingms, 30000);
	assert_int_equal(run.options.server.closems, 300000);
	assert_int_equal(run.options.endpoint.deflate.min, 1024);
	assert_int_equal(run.options.endpoint.confine.limits[CONFINE_CPU].value, 2);
	run_clear(&run);
	for (size_t i = 0; i < UTIL_LEN(rows); i++) {
		RUN(&run, "wspipe", rows[i].arg, "hello");
		assert_int_equal(run.result, rows[i].ok ? OPTIONS_RUN : OPTIONS_EXIT);
		run_clear(&run);
	}
}

static void
assert_deflate(
    const struct run *run, bool on, int64_t window, int64_t level, bool takeover, int64_t min)
{
	const struct deflate_settings *d = &run->options.endpoint.deflate;

	assert_run(run);
	assert_string_equal(run->options.endpoint.command[0], "hello");
	assert_int_equal(d->on, on);
	assert_int_equal(d->window, window);
	assert_int_equal(d->level, level);
	assert_int_equal(d->takeover, takeover);
	assert_int_equal(d->min, min);
}

static void
unix_socket_replaces_tcp_when_alone(void **state)
{
	static const struct {
		char *argv[4];
		bool tcp;
	} rows[] = {
	    {{"--unixsocket=s"}, false},
	    {{"--unixsocket", "s", "--workers=2"}, false},
	    {{"--unixsocket=s", "--port=8080"}, true},
	    {{"--address=::1", "--unixsocket=s"}, true},
	    {{"--unixsocket=s", "--redirport=81"}, true},
	    {{"--unixsocket=s", "--redirport=0"}, false},
	    {{"--ssl=false"}, true},
	};
	struct run run;

	(void)state;
	for (size_t i = 0; i < UTIL_LEN(rows); i++) {
		char *const *a = rows[i].argv;

		RUN(&run, "wspipe", a[0], a[1] ? a[1] : "--binary=false",
		    a[2] ? a[2] : "--binary=false", "hello");
		assert_run(&run);
		assert_int_equal(run.options.listener.tcp, rows[i].tcp);
		assert_int_equal(run.options.listener.unixsocket_mode,
		    run.options.listener.unixsocket ? 0660 : 0);
		run_clear(&run);
	}
	RUN(&run, "wspipe", "--unixsocket=s", "--unixsocket-mode=7", "--unixsocket-owner=a:b",
	    "hello");
	assert_run(&run);
	assert_string_equal(run.options.listener.unixsocket, "s");
	assert_int_equal(run.options.listener.unixsocket_mode, 7);
	assert_string_equal(run.options.listener.unixsocket_owner, "a:b");
	run_clear(&run);

	RUN(&run, "websocketd", "--unixsocket=s", "hello");
	assert_run(&run);
	assert_false(run.options.listener.tcp);
	assert_int_equal(run.options.listener.unixsocket_mode, 0);
	run_clear(&run);

	RUN(&run, "websocketd", "--unixsocket=", "hello");
	assert_run(&run);
	assert_true(run.options.listener.tcp);
	assert_null(run.options.listener.unixsocket);
	run_clear(&run);
}

static void
deflate_takes_a_value_or_none(void **state)
{
	static const struct {
		const char *word;
		bool on;
		int64_t window;
		int64_t level;
		bool takeover;
		int64_t min;
	} rows[] = {
	    {"--deflate", true, 11, 4, true, 64},
	    {"-deflate", true, 11, 4, true, 64},
	    {"--deflate=true", true, 11, 4, true, 64},
	    {"--deflate=F", false, 11, 4, true, 64},
	    {"--deflate=window=15", true, 15, 4, true, 64},
	    {"--deflate=min=0, takeover=no ,level=9", true, 11, 9, false, 0},
	    {"--deflate=window=9,window=10,takeover=no,takeover=yes", true, 10, 4, true, 64},
	    {"--deflate=min=1048576,level=1", true, 11, 1, true, 1048576},
	};
	struct run run;

	(void)state;
	for (size_t i = 0; i < UTIL_LEN(rows); i++) {
		/* The word behind it is the command, not its value, and an earlier one leaves
		 * nothing. */
		RUN(&run, "wspipe", "--deflate=window=12,level=2,takeover=no,min=1",
		    (char *)rows[i].word, "hello");
		assert_deflate(&run, rows[i].on, rows[i].window, rows[i].level,
		    rows[i].takeover, rows[i].min);
		run_clear(&run);
	}
	RUN(&run, "wspipe", "hello", "--deflate");
	assert_deflate(&run, false, 0, 0, false, 0);
	run_clear(&run);
}

static void
subprotocols_are_a_list_of_tokens(void **state)
{
	struct run run;

	(void)state;
	RUN(&run, "wspipe", "--subprotocol=x", "--subprotocol=chat.v2, a!b ,,c",
	    "--require-subprotocol", "hello");
	assert_run(&run);
	ASSERT_LIST(&run.options.endpoint.subprotocol, "chat.v2", "a!b", "c");
	assert_true(run.options.endpoint.require_subprotocol);
	run_clear(&run);
	RUN(&run, "wspipe", "--subprotocol=x",
	    "--subprotocol=", "--header-ws=Sec-WebSocket-Protocol: y", "hello");
	assert_run(&run);
	ASSERT_EMPTY(&run.options.endpoint.subprotocol);
	run_clear(&run);
}

static void
words_are_chosen_from_their_list(void **state)
{
	static const struct {
		char *word;
		enum log_level level;
	} rows[] = {
	    {"debug", LOG_DEBUG},
	    {"trace", LOG_TRACE},
	    {"access", LOG_ACCESS},
	    {"info", LOG_INFO},
	    {"warn", LOG_WARN},
	    {"error", LOG_ERROR},
	    {"fatal", LOG_FATAL},
	    {"none", LOG_NONE},
	};
	struct run run;

	(void)state;
	for (size_t i = 0; i < UTIL_LEN(rows); i++) {
		RUN(&run, "wspipe", "--loglevel", rows[i].word, "--log-format=json", "hello");
		assert_run(&run);
		assert_int_equal(run.options.server.loglevel, rows[i].level);
		assert_int_equal(run.options.server.log_format, LOG_JSON);
		run_clear(&run);
	}
	RUN(&run, "websocketd", "--log-format=text", "hello");
	assert_run(&run);
	assert_int_equal(run.options.server.log_format, LOG_TEXT);
	run_clear(&run);
}

static void
framings_are_worked_out(void **state)
{
	struct run run;
	struct options *o = &run.options;

	(void)state;
	RUN(&run, "wspipe", "hello");
	assert_run(&run);
	assert_int_equal(o->endpoint.to_program.kind, FRAMING_LINES);
	assert_int_equal(o->endpoint.from_program.kind, FRAMING_LINES);
	assert_int_equal(o->endpoint.to_program.newline, FRAMING_NEWLINE_PASS);
	assert_int_equal(o->endpoint.from_program.max_record, 16777216);
	assert_int_equal(o->endpoint.invalid_utf8, OUTPUT_REPLACE);
	assert_false(o->endpoint.text || o->endpoint.events || o->endpoint.passstderr);
	run_clear(&run);

	RUN(&run, "websocketd", "--binary", "hello");
	assert_run(&run);
	assert_int_equal(o->endpoint.to_program.kind, FRAMING_STREAM);
	assert_int_equal(o->endpoint.from_program.kind, FRAMING_STREAM);
	run_clear(&run);

	RUN(&run, "websocketd", "--raw", "--maxframesize=-1", "hello");
	assert_run(&run);
	assert_int_equal(o->endpoint.to_program.kind, FRAMING_TEXT);
	assert_int_equal(o->endpoint.from_program.kind, FRAMING_TEXT);
	assert_int_equal(o->endpoint.max_message, 0);
	run_clear(&run);

	RUN(&run, "wspipe", "--framing-out=length", "--text", "--framing=json", "--events",
	    "--invalid-utf8=close", "hello");
	assert_run(&run);
	assert_int_equal(o->endpoint.to_program.kind, FRAMING_JSON);
	assert_int_equal(o->endpoint.from_program.kind, FRAMING_LENGTH);
	assert_true(o->endpoint.from_program.text && o->endpoint.events);
	assert_int_equal(o->endpoint.invalid_utf8, OUTPUT_CLOSE);
	run_clear(&run);

	RUN(&run, "wspipe", "--framing-out=lsp", "--newline=reject", "--maxframesize=7",
	    "--max-output-message=8", "hello");
	assert_run(&run);
	assert_int_equal(o->endpoint.to_program.kind, FRAMING_LINES);
	assert_int_equal(o->endpoint.to_program.newline, FRAMING_NEWLINE_REJECT);
	assert_int_equal(o->endpoint.from_program.kind, FRAMING_LSP);
	assert_int_equal(o->endpoint.from_program.max_record, 8);
	run_clear(&run);

	RUN(&run, "wspipe", "--binary", "--framing=stream", "--framing-in=stream", "hello");
	assert_run(&run);
	run_clear(&run);

	RUN(&run, "websocketd", "--passstderr", "hello");
	assert_run(&run);
	assert_true(o->endpoint.passstderr);
	run_clear(&run);
}

static void
directories_become_absolute(void **state)
{
	struct run run;

	(void)state;
	RUN(&run, "wspipe", "--dir=d/../to-d", "--staticdir=s/");
	assert_run(&run);
	assert_place(run.options.endpoint.dir, "d");
	assert_place(run.options.endpoint.staticdir, "s");
	assert_null(run.options.endpoint.command);
	assert_null(run.options.endpoint.program);
	run_clear(&run);

	RUN(&run, "wspipe", "--staticdir=s", "--");
	assert_run(&run);
	assert_null(run.options.endpoint.command);
	run_clear(&run);

	RUN(&run, "wspipe", "--dir=/", "--dir=d", "hello");
	assert_int_equal(run.status, 64);
	run_clear(&run);

	/* In compat mode an empty name is none, as in websocketd. */
	RUN(&run, "websocketd", "--dir=d", "--dir=", "hello");
	assert_run(&run);
	assert_null(run.options.endpoint.dir);
	run_clear(&run);
}

static void
command_is_found_as_a_shell_would(void **state)
{
	struct run run;
	char path[PATH_MAX];

	(void)state;
	RUN(&run, "wspipe", "./here");
	assert_run(&run);
	assert_place(run.options.endpoint.program, "here");
	assert_string_equal(run.options.endpoint.command[0], "./here");
	run_clear(&run);

	RUN(&run, "wspipe", "bin/hello");
	assert_run(&run);
	assert_place(run.options.endpoint.program, "bin/hello");
	run_clear(&run);

	snprintf(path, sizeof(path), "%s/here", place);
	RUN(&run, "wspipe", path);
	assert_run(&run);
	assert_string_equal(run.options.endpoint.program, path);
	run_clear(&run);
}

/* Command lines that end: exact stream, text and status. */
struct failure {
	char *args[8]; /* ends with NULL */
	int status;
	const char *err;
	const char *out;
};

static void
assert_failures(const struct failure *rows, size_t count)
{
	struct run run;

	for (size_t i = 0; i < count; i++) {
		run_args(&run, rows[i].args);
		assert_string_equal(run.err, rows[i].err);
		assert_string_equal(run.out, rows[i].out ? rows[i].out : "");
		assert_int_equal(run.result, OPTIONS_EXIT);
		assert_int_equal(run.status, rows[i].status);
		run_clear(&run);
	}
}

static void
words_that_are_no_options_are_refused(void **state)
{
	static const struct failure rows[] = {
	    {{"wspipe", "--prot=1", "hello"}, 64,
		"wspipe: unknown option --prot; did you mean --port?\n", NULL},
	    {{"wspipe", "-log-formt", "json", "hello"}, 64,
		"wspipe: unknown option -log-formt; did you mean --log-format?\n", NULL},
	    {{"wspipe", "--static", "hello"}, 64,
		"wspipe: unknown option --static; did you mean --staticdir?\n", NULL},
	    {{"wspipe", "--nosuch", "hello"}, 64,
		"wspipe: unknown option --nosuch; see 'wspipe --help=all'\n", NULL},
	    {{"wspipe", "-p", "1", "hello"}, 64,
		"wspipe: unknown option -p; did you mean --port?\n", NULL},
	    {{"wspipe", "-p8080", "hello"}, 64,
		"wspipe: unknown option -p8080; did you mean --port?\n", NULL},
	    {{"wspipe", "--port8080", "hello"}, 64,
		"wspipe: unknown option --port8080; did you mean --port?\n", NULL},
	    {{"wspipe", "-v", "hello"}, 64,
		"wspipe: unknown option -v; did you mean --version?\n", NULL},
	    {{"wspipe", "-x", "hello"}, 64,
		"wspipe: unknown option -x; see 'wspipe --help=all'\n", NULL},
	    {{"wspipe", "--Port=1", "hello"}, 64,
		"wspipe: unknown option --Port; did you mean --port?\n", NULL},
	    {{"wspipe", "---port=1", "hello"}, 64,
		"wspipe: invalid option '---port=1'; see 'wspipe --help=all'\n", NULL},
	    {{"wspipe", "--=1", "hello"}, 64,
		"wspipe: invalid option '--=1'; see 'wspipe --help=all'\n", NULL},
	    {{"wspipe", "--port"}, 64, "wspipe: --port needs a value: write --port=N\n", NULL},
	    {{"wspipe", "--version", "--loglevel"}, 64,
		"wspipe: --loglevel needs a value: write --loglevel=LEVEL\n", NULL},
	};

	(void)state;
	assert_failures(rows, UTIL_LEN(rows));
}

static void
devconsole_takes_a_value_or_none(void **state)
{
	static const struct {
		char *option;
		enum options_devconsole wanted;
	} rows[] = {
	    {"--binary=false", OPTIONS_CONSOLE_AUTO},
	    {"--devconsole", OPTIONS_CONSOLE_ON},
	    {"-devconsole=T", OPTIONS_CONSOLE_ON},
	    {"--devconsole=auto", OPTIONS_CONSOLE_AUTO},
	    {"--devconsole=0", OPTIONS_CONSOLE_OFF},
	};
	static const struct failure failures[] = {
	    {{"wspipe", "--devconsole=yes", "hello"}, 64,
		"wspipe: --devconsole must be true, false or auto, not 'yes'\n", NULL},
	};
	struct run run;

	(void)state;
	assert_failures(failures, UTIL_LEN(failures));
	for (size_t i = 0; i < UTIL_LEN(rows); i++) {
		RUN(&run, "wspipe", rows[i].option, "hello");
		assert_run(&run);
		assert_int_equal(run.options.endpoint.devconsole, rows[i].wanted);
		run_clear(&run);
	}
	RUN(&run, "websocketd", "hello");
	assert_run(&run);
	assert_int_equal(run.options.endpoint.devconsole, OPTIONS_CONSOLE_OFF);
	run_clear(&run);
}

static void
times_and_sizes_have_units(void **state)
{
	static const struct {
		char *arg;
		int64_t timeout_ms; /* -1: it is rejected */
		int64_t body;
	} rows[] = {
	    {"--cgi-timeout=0", 0, 10485760},
	    {"--cgi-timeout=7", 7000, 10485760},
	    {"--cgi-timeout=250ms", 250, 10485760},
	    {"--cgi-timeout=2s", 2000, 10485760},
	    {"--cgi-timeout=5M", 300000, 10485760},
	    {"--cgi-timeout=24h", 86400000, 10485760},
	    {"--cgi-timeout=25h", -1, 0},
	    {"--cgi-timeout=-1", -1, 0},
	    {"--cgi-timeout=", -1, 0},
	    {"--cgi-timeout=s", -1, 0},
	    {"--cgi-timeout=1d", -1, 0},
	    {"--cgi-timeout=1 s", -1, 0},
	    {"--max-body=0", 60000, 0},
	    {"--max-body=1023", 60000, 1023},
	    {"--max-body=1k", 60000, 1024},
	    {"--max-body=2M", 60000, 2097152},
	    {"--max-body=3g", 60000, INT64_C(3221225472)},
	    {"--max-body=9223372036854775807", 60000, INT64_MAX},
	    {"--max-body=9007199254740992k", -1, 0},
	    {"--max-body=1kb", -1, 0},
	    {"--max-body=1.5m", -1, 0},
	};
	struct run run;

	(void)state;
	for (size_t i = 0; i < UTIL_LEN(rows); i++) {
		RUN(&run, "wspipe", "--cgidir=/", rows[i].arg, "hello");
		if (rows[i].timeout_ms == -1) {
			assert_int_equal(run.status, 64);
			assert_non_null(strstr(run.err, " must be a "));
		} else {
			assert_run(&run);
			assert_int_equal(
			    run.options.endpoint.cgi_timeout_ms, rows[i].timeout_ms);
			assert_int_equal(run.options.endpoint.max_body, rows[i].body);
		}
		run_clear(&run);
	}
}

static void
options_that_do_nothing_alone_are_refused(void **state)
{
	static const struct {
		char *alone; /* is rejected */
		char *with; /* but not with this one */
	} rows[] = {
	    {"--unixsocket-mode=600", "--unixsocket=s"},
	    {"--unixsocket-owner=a", "--unixsocket=s"},
	    {"--group=a", "--user=a"},
	    {"--trusted-header=forwarded", "--trusted-proxy=192.0.2.1"},
	    {"--proxy-protocol", "--trusted-proxy=192.0.2.1"},
	    {"--auth-timeout=5", "--auth-hook=/bin/true"},
	    {"--term=vt100", "--pty"},
	    {"--readonly", "--pty"},
	    {"--prespawn-blind", "--prespawn=1"},
	    {"--shared-start=always", "--shared"},
	    {"--linger=1", "--shared"},
	    {"--on-exit=keep", "--shared"},
	    {"--max-clients=10000", "--shared"},
	    {"--client-queue=1m", "--shared"},
	    {"--slow=drop", "--shared"},
	    {"--history=1", "--shared"},
	    {"--cgi-timeout=1", "--cgidir=/"},
	    {"--mcp-idle=1", "--mcp"},
	    {"--spa=/a", "--staticdir=/etc"},
	    {"--admin-token=t", "--admin=127.0.0.1:1"},
	};
	struct run run;

	(void)state;
	for (size_t i = 0; i < UTIL_LEN(rows); i++) {
		const char *equals = strchr(rows[i].with, '=');
		char wanted[160], *name = rows[i].alone;

		RUN(&run, "wspipe", rows[i].alone, "hello");
		assert_int_equal(run.status, 64);
		snprintf(wanted, sizeof(wanted), "wspipe: %.*s needs %.*s",
		    (int)strcspn(name, "="), name, equals ? (int)(equals - rows[i].with) : 40,
		    rows[i].with);
		assert_memory_equal(run.err, wanted, strlen(wanted));
		assert_non_null(strstr(run.err, ": add it, or leave out --"));
		run_clear(&run);
		RUN(&run, "wspipe", rows[i].alone, rows[i].with, "hello");
		assert_run(&run);
		run_clear(&run);
	}
}

static void
each_need_is_an_option_or_a_program(void **state)
{
	static const char *const others[] = {
	    NEEDS_PROGRAM, NEEDS_CHILD, NEEDS_SOCKET, NEEDS_BODY};
	struct run run;

	(void)state;
	for (size_t i = 0; i < option_row_count; i++) {
		const char *needs = option_rows[i].needs;
		bool found = !needs || option_find(span_of(needs));

		for (size_t k = 0; k < UTIL_LEN(others); k++)
			found = found || strcmp(needs, others[k]) == 0;
		assert_true(found);
	}
	RUN(&run, "wspipe", "--framing=json", "--staticdir=/etc");
	assert_string_equal(run.err, "wspipe: --framing needs a program: give a COMMAND or "
				     "--dir=DIR, or leave out --framing\n");
	run_clear(&run);
	RUN(&run, "wspipe", "--nice=1", "tcp:localhost:1");
	assert_string_equal(run.err, "wspipe: --nice needs a program: give one as COMMAND, "
				     "--dir=DIR or --cgidir=DIR, or leave out --nice\n");
	run_clear(&run);
	RUN(&run, "wspipe", "--max-body=1", "hello");
	assert_string_equal(run.err, "wspipe: --max-body needs requests with a body: give "
				     "--cgidir=DIR or --mcp, or leave out --max-body\n");
	run_clear(&run);
	RUN(&run, "wspipe", "--connect-timeout=1", "hello");
	assert_string_equal(run.err, "wspipe: --connect-timeout needs a socket: give "
				     "tcp:HOST:PORT or unix:PATH as COMMAND, or leave out "
				     "--connect-timeout\n");
	run_clear(&run);
	RUN(&run, "wspipe", "--sse=false", "--resume-wait=5", "hello");
	assert_string_equal(
	    run.err, "wspipe: --resume-wait needs --sse: add it, or leave out --resume-wait\n");
	run_clear(&run);
	/* What is off needs nothing; websocketd's options need nothing there. */
	RUN(&run, "wspipe", "--readonly=false", "--linger=0", "--framing=json", "hello");
	assert_run(&run);
	run_clear(&run);
	RUN(&run, "websocketd", "--binary", "--maxframesize=1", "--staticdir=/etc");
	assert_run(&run);
	run_clear(&run);
	RUN(&run, "wspipe", "--connect=ws://h/", "--framing=json", "--connect-timeout=1");
	assert_run(&run);
	run_clear(&run);
}

static void
rates_have_a_time_and_a_burst(void **state)
{
	static const struct {
		char *arg;
		struct bucket_rate expected; /* a burst of 0: it is rejected */
	} rows[] = {
	    {"--rate=5/s", {200000, 10}},
	    {"--rate=5/s:1", {200000, 1}},
	    {"--rate=30/m", {2000000, 60}},
	    {"--rate=1/h:7", {INT64_C(3600000000), 7}},
	    {"--rate=1000000/s", {1, 2000000}},
	    {"--rate=0/s", {0, 0}},
	    {"--rate=1000001/s", {0, 0}},
	    {"--rate=5", {0, 0}},
	    {"--rate=/s", {0, 0}},
	    {"--rate=", {0, 0}},
	    {"--rate=5/d", {0, 0}},
	    {"--rate=5/s:", {0, 0}},
	    {"--rate=5/s:0", {0, 0}},
	    {"--rate=5/s:x", {0, 0}},
	    {"--rate=:5", {0, 0}},
	    {"--rate=-5/s", {0, 0}},
	};
	struct run run;

	(void)state;
	for (size_t i = 0; i < UTIL_LEN(rows); i++) {
		RUN(&run, "wspipe", rows[i].arg, "hello");
		if (rows[i].expected.burst == 0) {
			assert_int_equal(run.status, 64);
			assert_non_null(strstr(run.err, "--rate must be a number of sessions"));
		} else {
			assert_run(&run);
			assert_int_equal(
			    run.options.server.rate.interval_us, rows[i].expected.interval_us);
			assert_int_equal(run.options.server.rate.burst, rows[i].expected.burst);
		}
		run_clear(&run);
	}
	RUN(&run, "wspipe", "--rate=5/s", "--rate=0", "hello");
	assert_run(&run);
	assert_int_equal(run.options.server.rate.interval_us, 0);
	run_clear(&run);
	RUN(&run, "wspipe", "--max-connections=2", "--workers=3", "hello");
	assert_int_equal(run.status, 64);
	assert_non_null(strstr(run.err, "--max-connections must be at least --workers, 3"));
	run_clear(&run);
}

static void
assert_confined(const struct confine_settings *have, const struct confine_settings *expected)
{
	const struct confine_number *a = &have->umask, *b = &expected->umask;

	_Static_assert(offsetof(struct confine_settings, no_new_privs) ==
			   (3 + CONFINE_LIMITS) * sizeof(*a),
	    "there are only numbers before it");
	for (size_t i = 0; i < 3 + CONFINE_LIMITS; i++) {
		assert_int_equal(a[i].given, b[i].given);
		assert_int_equal(a[i].value, b[i].value);
	}
	assert_int_equal(have->no_new_privs, expected->no_new_privs);
}

static void
confinement_has_numbers_that_may_be_missing(void **state)
{
	static const struct {
		char *arg;
		struct confine_settings expected;
		const char *error; /* NULL: it is accepted */
	} rows[] = {
	    {"--binary", {.no_new_privs = false}, NULL},
	    {"--no-new-privs", {.no_new_privs = true}, NULL},
	    {"--umask=0", {.umask = {true, 0}}, NULL},
	    {"--umask=077", {.umask = {true, 077}}, NULL},
	    {"--umask=1000", {}, "--umask must be an octal number from 0 to 777, not '1000'"},
	    {"--umask=8", {}, "--umask must be an octal number from 0 to 777, not '8'"},
	    {"--umask=", {}, "--umask must be an octal number from 0 to 777, not ''"},
	    {"--nice=0", {.nice = {true, 0}}, NULL},
	    {"--nice=-20", {.nice = {true, -20}}, NULL},
	    {"--nice=20", {}, "--nice must be a number from -20 to 19, not '20'"},
	    {"--child-oom-score=-1000", {.oom_score = {true, -1000}}, NULL},
	    {"--child-oom-score=1001", {},
		"--child-oom-score must be a number from -1000 to 1000, not '1001'"},
	    {"--rlimit=cpu=10,as=512M,nofile=64,nproc=16,core=0",
		{.limits = {[CONFINE_CPU] = {true, 10},
		     [CONFINE_AS] = {true, 512 << 20},
		     [CONFINE_NOFILE] = {true, 64},
		     [CONFINE_NPROC] = {true, 16},
		     [CONFINE_CORE] = {true, 0}}},
		NULL},
	    {"--rlimit=stack=unlimited, fsize=1k",
		{.limits = {[CONFINE_STACK] = {true, -1}, [CONFINE_FSIZE] = {true, 1024}}},
		NULL},
	    {"--rlimit=cpu=1k", {},
		"--rlimit: cpu must be a time up to 596523h, such as 500ms, 2s, 5m or 1h, or "
		"'unlimited'"},
	    {"--rlimit=nofile=3", {},
		"--rlimit: nofile must be a number from 4 to 2147483647, or 'unlimited'"},
	    {"--rlimit=as=much", {},
		"--rlimit: as must be a number of bytes, such as 65536, 512k, 10m or 1g, or "
		"'unlimited'"},
	    {"--rlimit=memory=1", {},
		"--rlimit must be a list of NAME=VALUE separated by commas, not 'memory=1'; "
		"the "
		"names are as, core, cpu, data, fsize, memlock, msgqueue, nofile, nproc, "
		"stack"},
	    {"--rlimit=cpu", {}, "--rlimit must be a list of NAME=VALUE"},
	};
	struct run run;

	(void)state;
	for (size_t i = 0; i < UTIL_LEN(rows); i++) {
		RUN(&run, "wspipe", rows[i].arg, "hello");
		if (rows[i].error) {
			assert_int_equal(run.status, 64);
			assert_memory_equal(
			    run.err + strlen("wspipe: "), rows[i].error, strlen(rows[i].error));
		} else {
			assert_run(&run);
			assert_confined(&run.options.endpoint.confine, &rows[i].expected);
		}
		run_clear(&run);
	}
	/* Each value replaces the one before. */
	RUN(&run, "wspipe", "--rlimit=cpu=1,as=1", "--rlimit=core=0", "hello");
	assert_run(&run);
	assert_false(run.options.endpoint.confine.limits[CONFINE_CPU].given);
	assert_true(run.options.endpoint.confine.limits[CONFINE_CORE].given);
	run_clear(&run);
}

static void
options_after_the_command_are_noticed(void **state)
{
	static const struct {
		char *args[5];
		const char *misplaced;
	} rows[] = {
	    {{"wspipe", "hello", "--port=1"}, "--port=1"},
	    {{"wspipe", "hello", "x", "-port", "1"}, "-port"},
	    {{"wspipe", "hello", "-v", "--sameorigin"}, "--sameorigin"},
	    {{"wspipe", "hello", "--port=x"}, NULL},
	    {{"wspipe", "hello", "--port"}, NULL},
	    {{"wspipe", "hello", "--nosuch=1"}, NULL},
	    {{"wspipe", "hello", "--help"}, NULL},
	    {{"wspipe", "hello", "--version"}, NULL},
	    {{"wspipe", "hello", "--cgidir="}, NULL},
	    {{"wspipe", "hello", "--cgi-timeout=2s"}, "--cgi-timeout=2s"},
	    {{"wspipe", "hello", "--", "--port=1"}, NULL},
	    {{"wspipe", "hello", "port=1", "p"}, NULL},
	    {{"websocketd", "hello", "--port=1"}, NULL},
	};
	struct run run;

	(void)state;
	for (size_t i = 0; i < UTIL_LEN(rows); i++) {
		char *args[UTIL_LEN(rows[0].args) + 1] = {0};

		memcpy(args, rows[i].args, sizeof(rows[i].args));
		run_args(&run, args);
		assert_run(&run);
		if (rows[i].misplaced)
			assert_string_equal(run.options.misplaced, rows[i].misplaced);
		else
			assert_null(run.options.misplaced);
		run_clear(&run);
	}
}

static void
command_in_one_word_is_explained(void **state)
{
#define BLANKS                                                                                 \
	" contains blanks: give the program and its arguments as separate words, without "     \
	"quotes around all of it\n"
	static const struct failure rows[] = {
	    {{"wspipe", "hello -u bot.py"}, 78, "wspipe: COMMAND 'hello -u bot.py'" BLANKS,
		NULL},
	    {{"wspipe", "./here x"}, 78, "wspipe: COMMAND './here x'" BLANKS, NULL},
	    {{"wspipe", "./here x/y"}, 78, "wspipe: COMMAND './here x/y'" BLANKS, NULL},
	};

	(void)state;
	assert_failures(rows, UTIL_LEN(rows));
}

/* The file itself, or a directory that leads to it, denies it to us. */
static void
denied_command_is_explained(void **state)
{
	bool is_root = geteuid() == 0;
	/* The owner is denied what all others may. */
	mode_t mode = is_root ? 0700 : 0077;
	struct run run;
	char expected[2 * PATH_MAX];

	(void)state;
	make_file("secret", mode);
	make_file("d/sub/secret", 0755);
	assert_int_equal(chmod("d", mode & 0777), 0);
	assert_int_equal(chmod(".", 0755), 0);
	if (is_root)
		assert_int_equal(seteuid(65534), 0);
	snprintf(expected, sizeof(expected),
	    "wspipe: COMMAND './secret' can't be executed: permission denied for uid %u ",
	    geteuid());
	RUN(&run, "wspipe", "./secret");
	assert_memory_equal(run.err, expected, strlen(expected));
	assert_string_equal(run.err + strlen(expected),
	    is_root ? "(mode 0700, owner uid 0)\n" : strchr(run.err + strlen(expected), '('));
	assert_int_equal(run.status, 78);
	run_clear(&run);

	snprintf(expected, sizeof(expected),
	    "wspipe: COMMAND 'd/sub/secret' can't be executed: permission denied for uid %u "
	    "in %s/d (mode "
	    "%04o, ",
	    geteuid(), place, (unsigned)mode);
	RUN(&run, "wspipe", "d/sub/secret");
	assert_memory_equal(run.err, expected, strlen(expected));
	run_clear(&run);
	if (is_root)
		assert_int_equal(seteuid(0), 0);
	assert_int_equal(chmod("d", 0755), 0);
	assert_int_equal(chmod(".", 0700), 0);
	assert_int_equal(remove("secret") + remove("d/sub/secret"), 0);
}

static void
workers_are_a_number_or_auto(void **state)
{
	static const struct {
		const char *argument;
		int64_t least;
		int64_t most;
	} rows[] = {
	    {"--workers=1", 1, 1},
	    {"--workers=256", 256, 256},
	    {"--workers=auto", 1, 256},
	};
	struct run run;

	(void)state;
	for (size_t i = 0; i < UTIL_LEN(rows); i++) {
		RUN(&run, "wspipe", (char *)rows[i].argument, "hello");
		assert_run(&run);
		assert_in_range(run.options.server.workers, rows[i].least, rows[i].most);
		run_clear(&run);
	}
	RUN(&run, "wspipe", "hello");
	assert_int_equal(run.options.server.workers, 1);
	run_clear(&run);
	RUN(&run, "websocketd", "--workers=2", "hello");
	assert_int_equal(run.options.server.workers, 2);
	run_clear(&run);
}

static void
values_that_do_not_fit_are_refused(void **state)
{
	static const struct failure rows[] = {
	    {{"wspipe", "--workers=0", "hello"}, 64,
		"wspipe: --workers must be 'auto' or a number from 1 to 256, not '0'\n", NULL},
	    {{"wspipe", "--workers=257", "hello"}, 64,
		"wspipe: --workers must be 'auto' or a number from 1 to 256, not '257'\n",
		NULL},
	    {{"wspipe", "--workers=abc", "hello"}, 64,
		"wspipe: --workers must be 'auto' or a number from 1 to 256, not 'abc'\n",
		NULL},
	    {{"wspipe", "--unixsocket=", "hello"}, 64,
		"wspipe: --unixsocket must be a file name, not ''\n", NULL},
	    {{"wspipe", "--unixsocket-mode=1000", "hello"}, 64,
		"wspipe: --unixsocket-mode must be an octal number from 1 to 777, not '1000'\n",
		NULL},
	    {{"wspipe", "--unixsocket-mode=8", "hello"}, 64,
		"wspipe: --unixsocket-mode must be an octal number from 1 to 777, not '8'\n",
		NULL},
	    {{"wspipe", "--unixsocket-mode=", "hello"}, 64,
		"wspipe: --unixsocket-mode must be an octal number from 1 to 777, not ''\n",
		NULL},
	    {{"wspipe", "--redirport=80", "--port=80", "hello"}, 64,
		"wspipe: --redirport and --port must differ: choose another --redirport\n",
		NULL},
	    {{"wspipe", "--unixsocket-owner=a", "hello"}, 64,
		"wspipe: --unixsocket-owner needs --unixsocket=PATH: add it, or leave out "
		"--unixsocket-owner\n",
		NULL},
	    {{"wspipe", "--port=65536", "hello"}, 64,
		"wspipe: --port must be a number from 0 to 65535, not '65536'\n", NULL},
	    {{"wspipe", "--port=", "hello"}, 64,
		"wspipe: --port must be a number from 0 to 65535, not ''\n", NULL},
	    {{"wspipe", "--port", "--binary", "hello"}, 64,
		"wspipe: --port must be a number from 0 to 65535, not '--binary'\n", NULL},
	    {{"wspipe", "--maxforks=-1", "hello"}, 64,
		"wspipe: --maxforks must be a number from 0 to 2147483647, not '-1'\n", NULL},
	    {{"wspipe", "--maxframesize=9223372036854775808", "hello"}, 64,
		"wspipe: --maxframesize must be a number from 0 to 9223372036854775807, or a "
		"size such as 512k, 10m or 1g, not '9223372036854775808'\n",
		NULL},
	    {{"wspipe", "--maxframesize=-1", "hello"}, 64,
		"wspipe: --maxframesize must be a number from 0 to 9223372036854775807, or a "
		"size such as 512k, 10m or 1g, not '-1'\n",
		NULL},
	    {{"wspipe", "--closems=3600001", "hello"}, 64,
		"wspipe: --closems must be a number from 0 to 3600000, or a time such as "
		"500ms, 2s, 5m or 1h, not '3600001'\n",
		NULL},
	    {{"wspipe", "--pingms=86400001", "hello"}, 64,
		"wspipe: --pingms must be a number from 0 to 86400000, or a time such as "
		"500ms, 2s, 5m or 1h, not '86400001'\n",
		NULL},
	    {{"wspipe", "--binary=maybe", "hello"}, 64,
		"wspipe: --binary must be true or false, not 'maybe'\n", NULL},
	    {{"wspipe", "--binary=", "hello"}, 64,
		"wspipe: --binary must be true or false, not ''\n", NULL},
	    {{"wspipe", "--loglevel=ACCESS", "hello"}, 64,
		"wspipe: --loglevel must be debug, trace, access, info, warn, error, fatal or "
		"none, "
		"not 'ACCESS'\n",
		NULL},
	    {{"wspipe", "--log-format=compat", "hello"}, 64,
		"wspipe: --log-format must be text or json, not 'compat'\n", NULL},
	    {{"wspipe", "--compat=other", "hello"}, 64,
		"wspipe: --compat must be 'websocketd', not 'other'\n", NULL},
	    {{"wspipe", "--address=", "hello"}, 64,
		"wspipe: --address must be an address or '*' for all interfaces, not ''\n",
		NULL},
	    {{"wspipe", "--address=127.0.0.1:80", "hello"}, 64,
		"wspipe: --address must be an address without a port, not '127.0.0.1:80'; set "
		"the port with --port\n",
		NULL},
	    {{"wspipe", "--address=[::1]:80", "hello"}, 64,
		"wspipe: --address must be an address without a port, such as [::1], not "
		"'[::1]:80'; set the port with --port\n",
		NULL},
	    {{"wspipe", "--address=[", "hello"}, 64,
		"wspipe: --address must be an address without a port, such as [::1], not '['; "
		"set the port with --port\n",
		NULL},
	    {{"wspipe", "--host=a:80", "hello"}, 64,
		"wspipe: --host must be a host name without a port, not 'a:80'\n", NULL},
	    {{"wspipe", "--host=a.", "hello"}, 64,
		"wspipe: --host must be a host name without a port, not 'a.'\n", NULL},
	    {{"wspipe", "--host=*", "hello"}, 64,
		"wspipe: --host must be a host name, not '*'; to accept any Host, listen with "
		"--address, or use a proxy that sets Host\n",
		NULL},
	    {{"wspipe", "--host=", "hello"}, 64,
		"wspipe: --host must be a host name without a port, not ''\n", NULL},
	    {{"wspipe", "--origin=", "hello"}, 64,
		"wspipe: --origin must be a list of origins or 'any', not ''\n", NULL},
	    {{"wspipe", "--origin= , ", "hello"}, 64,
		"wspipe: --origin must be a list of origins or 'any', not ' , '\n", NULL},
	    {{"wspipe", "--header-ws=A: %{REMOTE_ADDR}", "hello"}, 64,
		"wspipe: --header-ws: the only variable is %{UNIQUE_ID}\n", NULL},
	    {{"wspipe", "--header-ws=A: %{UNIQUE_ID} %{UNIQUE_ID", "hello"}, 64,
		"wspipe: --header-ws: the only variable is %{UNIQUE_ID}\n", NULL},
	    {{"wspipe", "--header=A: %{UNIQUE_ID}", "hello"}, 64,
		"wspipe: --header: only --header-ws can contain a variable such as "
		"%{UNIQUE_ID}\n",
		NULL},
	    {{"wspipe", "--header-http=A: %{", "hello"}, 64,
		"wspipe: --header-http: only --header-ws can contain a variable such as "
		"%{UNIQUE_ID}\n",
		NULL},
	    {{"wspipe", "--passenv=A,+B", "hello"}, 64,
		"wspipe: --passenv must be variable names separated by commas, with one '+' "
		"before all of them to add to the default, not 'A,+B'\n",
		NULL},
	    {{"wspipe", "--passenv=A=b", "hello"}, 64,
		"wspipe: --passenv must be variable names separated by commas, not 'A=b'\n",
		NULL},
	    {{"wspipe", "--subprotocol=a b", "hello"}, 64,
		"wspipe: --subprotocol must be names of letters, digits and !#$%&'*+-.^_`|~ "
		"separated by commas, not 'a b'\n",
		NULL},
	    {{"wspipe", "--subprotocol=a,b,a", "hello"}, 64,
		"wspipe: --subprotocol: each name can only be listed once\n", NULL},
	    {{"wspipe", "--deflate=window=8", "hello"}, 64,
		"wspipe: --deflate: window must be a number from 9 to 15, not '8'\n", NULL},
	    {{"wspipe", "--deflate=window=16", "hello"}, 64,
		"wspipe: --deflate: window must be a number from 9 to 15, not '16'\n", NULL},
	    {{"wspipe", "--deflate=level=0", "hello"}, 64,
		"wspipe: --deflate: level must be a number from 1 to 9, not '0'\n", NULL},
	    {{"wspipe", "--deflate=level=", "hello"}, 64,
		"wspipe: --deflate: level must be a number from 1 to 9, not ''\n", NULL},
	    {{"wspipe", "--deflate=window=9,min=-1", "hello"}, 64,
		"wspipe: --deflate: min must be a number from 0 to 1048576, or a size such as "
		"512k, 10m or 1g, not '-1'\n",
		NULL},
	    {{"wspipe", "--deflate=takeover=maybe", "hello"}, 64,
		"wspipe: --deflate: takeover must be yes or no, not 'maybe'\n", NULL},
	    {{"wspipe", "--deflate=takeover", "hello"}, 64,
		"wspipe: --deflate: takeover must be yes or no, not ''\n", NULL},
	    {{"wspipe", "--deflate=best", "hello"}, 64,
		"wspipe: --deflate must be true, false, or a list of window=BITS, level=N, "
		"takeover=yes|no and min=BYTES separated by commas, not 'best'\n",
		NULL},
	    {{"wspipe", "--deflate=", "hello"}, 64,
		"wspipe: --deflate must be true, false, or a list of window=BITS, level=N, "
		"takeover=yes|no and min=BYTES separated by commas, not ''\n",
		NULL},
	    {{"wspipe", "--header=X", "hello"}, 64,
		"wspipe: --header must be \"Name: value\", not 'X'\n", NULL},
	    {{"wspipe", "--header-ws=: x", "hello"}, 64,
		"wspipe: --header-ws must be \"Name: value\" with a name of letters, digits "
		"and !#$%&'*+-.^_`|~, not ': x'\n",
		NULL},
	    {{"wspipe", "--header=A b: x", "hello"}, 64,
		"wspipe: --header must be \"Name: value\" with a name of letters, digits and "
		"!#$%&'*+-.^_`|~, not 'A b: x'\n",
		NULL},
	    {{"wspipe", "--header-http=A: x\r\nB: y", "hello"}, 64,
		"wspipe: --header-http must be \"Name: value\" without control characters, not "
		"'A: x??B: y'\n",
		NULL},
	    {{"wspipe", "--header=A: x\x7f", "hello"}, 64,
		"wspipe: --header must be \"Name: value\" without control characters, not 'A: "
		"x?'\n",
		NULL},
	    {{"wspipe", "--header=content-length: 5", "hello"}, 64,
		"wspipe: --header: wspipe sets Content-Length itself; it can't be overridden\n",
		NULL},
	    {{"wspipe", "--dir="}, 64, "wspipe: --dir must be a directory, not ''\n", NULL},
	    {{"wspipe", "--staticdir="}, 64,
		"wspipe: --staticdir must be a directory, not ''\n", NULL},
	};

	(void)state;
	assert_failures(rows, UTIL_LEN(rows));
}

static void
mcp_servers_that_make_no_sense_are_refused(void **state)
{
	static const struct failure rows[] = {
	    {{"wspipe", "--mcp", "--dir=/", NULL}, 64,
		"wspipe: --mcp needs a program as COMMAND, not --dir or a socket; several MCP "
		"servers need a section of --config each\n",
		NULL},
	    {{"wspipe", "--mcp", "--shared", "hello", NULL}, 64,
		"wspipe: --mcp and --shared can't be combined: with --mcp, clients of version "
		"2026-07-28 share one program, others have one for each session\n",
		NULL},
	    {{"wspipe", "--mcp", "--framing=json", "hello", NULL}, 64,
		"wspipe: --mcp needs --framing=lines: an MCP server over stdio reads and "
		"writes "
		"a message per line\n",
		NULL},
	    {{"wspipe", "--mcp", "--passstderr", "hello", NULL}, 64,
		"wspipe: --mcp and --passstderr can't be combined: clients expect messages of "
		"MCP "
		"only\n",
		NULL},
	    {{"wspipe", "--mcp", "--invalid-utf8=close", "hello", NULL}, 64,
		"wspipe: --mcp and --invalid-utf8 can't be combined: MCP is always UTF-8\n",
		NULL},
	    {{"wspipe", "--mcp-idle=1s", "hello", NULL}, 64,
		"wspipe: --mcp-idle needs --mcp: add it, or leave out --mcp-idle\n", NULL},
	};

	(void)state;
	assert_failures(rows, UTIL_LEN(rows));
}

static void
shared_programs_that_make_no_sense_are_refused(void **state)
{
	static const struct failure rows[] = {
	    {{"wspipe", "--shared", "--dir=/", NULL}, 64,
		"wspipe: --shared needs a COMMAND, the one program for all clients; give one, "
		"or leave out --shared\n",
		NULL},
	    {{"wspipe", "--shared", "tcp:localhost:1", NULL}, 64,
		"wspipe: --shared needs a COMMAND, the one program for all clients; give one, "
		"or leave out --shared\n",
		NULL},
	    {{"wspipe", "--shared", "--framing=lsp", "hello", NULL}, 64,
		"wspipe: --shared and --framing=lsp can't be combined: an editor needs a "
		"server "
		"of its own; leave out --shared\n",
		NULL},
	    {{"wspipe", "--shared", "--framing-in=json", "hello", NULL}, 64,
		"wspipe: --shared needs --framing=json in both directions or in neither: use "
		"--framing for both\n",
		NULL},
	    {{"wspipe", "--shared=addressed", "--framing=nul", "hello", NULL}, 64,
		"wspipe: --shared=addressed needs --framing=lines or --framing=json: use one "
		"of them\n",
		NULL},
	    {{"wspipe", "--shared", "--events", "hello", NULL}, 64,
		"wspipe: --events needs --shared=addressed or --framing=json: a broadcast does "
		"not name clients; use one of them, or leave out --events\n",
		NULL},
	    {{"wspipe", "--shared", "--passstderr", "hello", NULL}, 64,
		"wspipe: --shared and --passstderr can't be combined: the stderr of a shared "
		"program goes to the log; leave out --passstderr\n",
		NULL},
	    {{"wspipe", "--shared", "--invalid-utf8=close", "hello", NULL}, 64,
		"wspipe: --shared and --invalid-utf8=close can't be combined: one line would "
		"close all sessions; use replace or binary\n",
		NULL},
	    {{"wspipe", "--history=3", "hello", NULL}, 64,
		"wspipe: --history needs --shared: add it, or leave out --history\n", NULL},
	    {{"wspipe", "--linger=forever", "hello", NULL}, 64,
		"wspipe: --linger needs --shared: add it, or leave out --linger\n", NULL},
	    {{"wspipe", "--linger=ever", "hello", NULL}, 64,
		"wspipe: --linger must be a time up to 24h, such as 500ms, 2s, 5m or 1h, or "
		"'forever', not 'ever'\n",
		NULL},
	    {{"wspipe", "--shared=all", "hello", NULL}, 64,
		"wspipe: --shared must be broadcast or addressed, not 'all'\n", NULL},
	    {{"wspipe", "--event-headers=Cookie", "hello", NULL}, 64,
		"wspipe: --event-headers needs --events and --framing-in=json: add them, or "
		"leave out --event-headers\n",
		NULL},
	};

	(void)state;
	assert_failures(rows, UTIL_LEN(rows));
}

static void
a_shared_program_has_its_own_defaults(void **state)
{
	struct run run;
	const struct options_endpoint *o = &run.options.endpoint;

	(void)state;
	RUN(&run, "wspipe", "--shared", "hello");
	assert_run(&run);
	assert_int_equal(o->shared.mode, SHARED_BROADCAST);
	assert_int_equal(o->to_program.newline, FRAMING_NEWLINE_SPACE);
	assert_int_equal(o->shared.members.queue_max, 1 << 20);
	assert_int_equal(o->shared.max_clients, 10000);
	run_clear(&run);
	RUN(&run, "wspipe", "--shared", "--framing=json", "--shared-start=always", "hello");
	assert_int_equal(o->shared.mode, SHARED_ADDRESSED);
	assert_int_equal(o->shared.linger_ms, SHARED_FOREVER);
	run_clear(&run);
	RUN(&run, "wspipe", "--shared=false", "--newline=space", "hello");
	assert_int_equal(o->shared.mode, SHARED_OFF);
	assert_int_equal(o->to_program.newline, FRAMING_NEWLINE_SPACE);
	run_clear(&run);
}

static void
framings_that_make_no_sense_are_refused(void **state)
{
#define MIXED                                                                                  \
	"wspipe: --binary means --framing=stream; it can't be combined with another framing: " \
	"leave out one of them\n"
#define RAW                                                                                    \
	"wspipe: --raw means --framing=text; it can't be combined with another framing: "      \
	"leave out one of them\n"
#define UTF8                                                                                   \
	"wspipe: --invalid-utf8 only applies to output that is sent as text, so not to "       \
	"--framing-out=stream, json, or length without --text: leave it out there\n"
	static const struct failure rows[] = {
	    {{"wspipe", "--raw", "--framing-in=nul", "hello"}, 64, RAW, NULL},
	    {{"wspipe", "--raw", "--framing-out=lines", "hello"}, 64, RAW, NULL},
	    {{"wspipe", "--raw", "--binary", "hello"}, 64, RAW, NULL},
	    {{"wspipe", "--framing=line", "hello"}, 64,
		"wspipe: --framing must be lines, stream, text, nul, length, json or lsp, not "
		"'line'\n",
		NULL},
	    {{"wspipe", "--newline=drop", "hello"}, 64,
		"wspipe: --newline must be pass, space or reject, not 'drop'\n", NULL},
	    {{"wspipe", "--invalid-utf8=drop", "hello"}, 64,
		"wspipe: --invalid-utf8 must be replace, binary or close, not 'drop'\n", NULL},
	    {{"wspipe", "--binary", "--framing=lines", "hello"}, 64, MIXED, NULL},
	    {{"wspipe", "--binary", "--framing-in=json", "hello"}, 64, MIXED, NULL},
	    {{"wspipe", "--binary", "--framing-out=lines", "hello"}, 64, MIXED, NULL},
	    {{"wspipe", "--framing=nul", "--newline=space", "hello"}, 64,
		"wspipe: --newline only applies to --framing-in=lines: use it, or leave out "
		"--newline\n",
		NULL},
	    {{"wspipe", "--framing-in=length", "--text", "hello"}, 64,
		"wspipe: --text only applies to --framing-out=length: use it, or leave out "
		"--text\n",
		NULL},
	    {{"wspipe", "--framing-out=json", "--events", "hello"}, 64,
		"wspipe: --events only applies to --framing-in=json and --shared=addressed: "
		"use one of them, or leave out --events\n",
		NULL},
	    {{"wspipe", "--passstderr", "--binary", "hello"}, 64,
		"wspipe: --binary and --passstderr can't be combined: leave out one of them\n",
		NULL},
	    {{"websocketd", "--passstderr", "--binary", "hello"}, 1,
		"please only specify one of --binary and --passstderr\n", NULL},
	    {{"wspipe", "--passstderr", "--framing=text", "hello"}, 64,
		"wspipe: --passstderr only applies to --framing-out=lines and "
		"--framing-out=json: use one of them, or leave out --passstderr\n",
		NULL},
	    {{"wspipe", "--pty", "--unbuffer", "hello"}, 64,
		"wspipe: --pty and --unbuffer can't be combined: a terminal is not buffered; "
		"leave out --unbuffer\n",
		NULL},
	    {{"wspipe", "--pty", "--passstderr", "hello"}, 64,
		"wspipe: --pty and --passstderr can't be combined: a terminal shows stderr "
		"too; leave out --passstderr\n",
		NULL},
	    {{"wspipe", "--pty", "--framing=lines", "hello"}, 64,
		"wspipe: --pty only allows --framing=stream and --framing=text: use one of "
		"them\n",
		NULL},
	    {{"wspipe", "--pty", "tcp:localhost:1"}, 64,
		"wspipe: --pty needs a program, not a socket: leave out --pty\n", NULL},
	    {{"wspipe", "--unbuffer", "tcp:localhost:1"}, 64,
		"wspipe: --unbuffer needs a program, not a socket: leave out --unbuffer\n",
		NULL},
	    {{"wspipe", "--readonly", "hello"}, 64,
		"wspipe: --readonly needs --pty: add it, or leave out --readonly\n", NULL},
	    {{"wspipe", "--prespawn-blind", "hello"}, 64,
		"wspipe: --prespawn-blind needs --prespawn=N: add it, or leave out "
		"--prespawn-blind\n",
		NULL},
	    {{"wspipe", "--term=vt100", "hello"}, 64,
		"wspipe: --term needs --pty: add it, or leave out --term\n", NULL},
	    {{"wspipe", "--pty", "--term=a/b", "hello"}, 64,
		"wspipe: --term must be the name of a terminal type such as xterm-256color, "
		"not "
		"'a/b'\n",
		NULL},
	    {{"wspipe", "--binary", "--invalid-utf8=close", "hello"}, 64, UTF8, NULL},
	    {{"wspipe", "--framing=length", "--invalid-utf8=close", "hello"}, 64, UTF8, NULL},
	    {{"wspipe", "--framing=json", "--invalid-utf8=binary", "hello"}, 64, UTF8, NULL},
	    {{"wspipe", "--passstderr", "--invalid-utf8=binary", "hello"}, 64,
		"wspipe: --invalid-utf8=binary and --passstderr can't be combined: leave out "
		"one of them\n",
		NULL},
	};

	(void)state;
	assert_failures(rows, UTIL_LEN(rows));
}

static void
tls_has_its_files_and_its_port(void **state)
{
	struct run run;

	(void)state;
	RUN(&run, "wspipe", "--sslkey", "k1", "--sslcert=c1", "--ssl", "--sslcert=c2",
	    "--sslkey=k2", "hello");
	assert_run(&run);
	assert_true(run.options.listener.ssl);
	ASSERT_LIST(&run.options.listener.sslcert, "c1", "c2");
	ASSERT_LIST(&run.options.listener.sslkey, "k1", "k2");
	assert_null(run.options.listener.sslca);
	assert_int_equal(run.options.listener.port, 8443);
	run_clear(&run);

	RUN(&run, "wspipe", "--port=1", "--ssl", "--sslcert=c", "--sslkey=k", "--sslca=ca",
	    "--sslcrl=crl", "--strict-sni", "hello");
	assert_run(&run);
	assert_string_equal(run.options.listener.sslca, "ca");
	assert_string_equal(run.options.listener.sslcrl, "crl");
	assert_true(run.options.listener.strict_sni);
	assert_int_equal(run.options.listener.port, 1);
	run_clear(&run);

	RUN(&run, "wspipe", "--no-core-dumps", "hello");
	assert_run(&run);
	assert_true(run.options.server.no_core_dumps);
	run_clear(&run);

	RUN(&run, "wspipe", "--ssl", "--ssl=false", "hello");
	assert_run(&run);
	assert_false(run.options.listener.ssl);
	assert_int_equal(run.options.listener.port, 8080);
	run_clear(&run);

	/* What comes after the command is the command's. */
	RUN(&run, "wspipe", "hello", "--ssl");
	assert_run(&run);
	assert_int_equal(run.options.listener.port, 8080);
	run_clear(&run);

	/* websocketd takes one file of each, the last one. */
	RUN(&run, "websocketd", "--ssl", "--sslcert=c1", "--sslcert=c2",
	    "--sslkey=", "--sslkey=k", "hello");
	assert_run(&run);
	ASSERT_LIST(&run.options.listener.sslcert, "c2");
	ASSERT_LIST(&run.options.listener.sslkey, "k");
	assert_int_equal(run.options.listener.port, 443);
	run_clear(&run);
}

#define NEEDS_SSL                                                                              \
	"wspipe: --sslcert, --sslkey and --sslca need --ssl: add it, or leave them out\n"
#define NEEDS_FILES                                                                            \
	"wspipe: --ssl needs a certificate and its key: give --sslcert=FILE and "              \
	"--sslkey=FILE\n"

#define NEEDS_CA "wspipe: --sslcrl needs --sslca=FILE: add it, or leave out --sslcrl\n"

static void
tls_options_go_together(void **state)
{
	static const struct failure rows[] = {
	    {{"wspipe", "--ssl", "hello"}, 64, NEEDS_FILES, NULL},
	    {{"wspipe", "--ssl", "--sslcert=c", "hello"}, 64, NEEDS_FILES, NULL},
	    {{"wspipe", "--ssl", "--sslkey=k", "hello"}, 64, NEEDS_FILES, NULL},
	    {{"wspipe", "--ssl", "--sslca=ca", "hello"}, 64, NEEDS_FILES, NULL},
	    {{"wspipe", "--sslcert=c", "hello"}, 64, NEEDS_SSL, NULL},
	    {{"wspipe", "--sslkey=k", "hello"}, 64, NEEDS_SSL, NULL},
	    {{"wspipe", "--sslca=ca", "hello"}, 64, NEEDS_SSL, NULL},
	    {{"wspipe", "--sslcert=", "hello"}, 64,
		"wspipe: --sslcert must be a file name, not ''\n", NULL},
	    {{"wspipe", "--sslca=", "hello"}, 64,
		"wspipe: --sslca must be a file name, not ''\n", NULL},
	    {{"wspipe", "--sslcrl=", "hello"}, 64,
		"wspipe: --sslcrl must be a file name, not ''\n", NULL},
	    {{"wspipe", "--ssl", "--sslcert=c", "--sslkey=k", "--sslcrl=crl", "hello"}, 64,
		NEEDS_CA, NULL},
	    {{"wspipe", "--sslcrl=crl", "hello"}, 64, NEEDS_CA, NULL},
	    {{"websocketd", "--sslcrl=crl", "hello"}, 1, &NEEDS_CA[sizeof("wspipe: ") - 1],
		NULL},
	    {{"wspipe", "--strict-sni", "hello"}, 64,
		"wspipe: --strict-sni needs --ssl: add it, or leave out --strict-sni\n", NULL},
	    {{"wspipe", "--ssl=maybe", "hello"}, 64,
		"wspipe: --ssl must be true or false, not 'maybe'\n", NULL},
	    {{"websocketd", "--ssl", "hello"}, 1,
		"please specify both --sslcert and --sslkey when requesting --ssl\n", NULL},
	    {{"websocketd", "--sslca=ca", "hello"}, 1,
		"you should not be using --ssl* flags when there is no --ssl option\n", NULL},
	};
	struct run run;

	(void)state;
	assert_failures(rows, UTIL_LEN(rows));
	RUN(&run, "wspipe", "--ssl", "--sslcert=c", "--sslkey=k", "--sslcert=d", "hello");
	assert_int_equal(run.status, 64);
	assert_string_equal(run.err, "wspipe: each --sslcert needs its --sslkey, in the same "
				     "order: there are 2 and 1\n");
	run_clear(&run);
}

static void
options_that_make_no_sense_are_refused(void **state)
{
	static const struct failure rows[] = {
	    {{"wspipe"}, 64,
		"Usage: wspipe [OPTION]... COMMAND [ARGUMENT]...\n"
		"       wspipe [OPTION]... tcp:HOST:PORT | unix:PATH\n"
		"       wspipe [OPTION]... --dir=DIR\n"
		"       wspipe [OPTION]... --staticdir=DIR\n"
		"       wspipe [OPTION]... --config=FILE\n"
		"       wspipe [OPTION]... --connect=URL [COMMAND [ARGUMENT]...]\n"
		"Try 'wspipe --help' for more information.\n",
		NULL},
	    {{"wspipe", "--port=1"}, 64,
		"wspipe: nothing to serve: give a COMMAND, --dir=DIR, --staticdir=DIR or "
		"--cgidir=DIR; "
		"'wspipe --help' "
		"shows how\n",
		NULL},
	    {{"wspipe", "--"}, 64,
		"wspipe: nothing to serve: give a COMMAND, --dir=DIR, --staticdir=DIR or "
		"--cgidir=DIR; "
		"'wspipe --help' "
		"shows how\n",
		NULL},
	    {{"wspipe", "--dir=d", "hello"}, 64,
		"wspipe: COMMAND and --dir can't be combined: leave out one of them\n", NULL},
	    {{"wspipe", "--dir=nowhere"}, 78,
		"wspipe: --dir 'nowhere' can't be used: No such file or directory; give a "
		"directory that "
		"exists and can be entered\n",
		NULL},
	    {{"wspipe", "--dir=here"}, 78,
		"wspipe: --dir 'here' can't be used: Not a directory; give a directory that "
		"exists and "
		"can be entered\n",
		NULL},
	    {{"wspipe", "--staticdir=here", "hello"}, 78,
		"wspipe: --staticdir 'here' can't be used: Not a directory; give a directory "
		"that exists "
		"and can be entered\n",
		NULL},
	    {{"wspipe", "nosuch"}, 78,
		"wspipe: COMMAND 'nosuch' is not on PATH: install it, or write ./nosuch for a "
		"file here\n",
		NULL},
	    {{"wspipe", "./nosuch"}, 78,
		"wspipe: COMMAND './nosuch' can't be used: No such file or directory; give the "
		"path of a "
		"program\n",
		NULL},
	    {{"wspipe", "plain"}, 78,
		"wspipe: COMMAND 'plain' can't be executed: make it executable with chmod +x\n",
		NULL},
	    {{"wspipe", "bin/plain"}, 78,
		"wspipe: COMMAND 'bin/plain' can't be executed: make it executable with chmod "
		"+x\n",
		NULL},
	    {{"wspipe", "./d"}, 78,
		"wspipe: COMMAND './d' is a directory: give the path of a program, or use "
		"--dir=./d to serve the programs in it\n",
		NULL},
	    {{"wspipe", "d"}, 78,
		"wspipe: COMMAND 'd' is a directory: give the path of a program, or use "
		"--dir=d to serve the programs in it\n",
		NULL},
	    {{"wspipe", "."}, 78,
		"wspipe: COMMAND '.' is a directory: give the path of a program, or use "
		"--dir=. to serve the programs in it\n",
		NULL},
	    {{"wspipe", "/dev/null"}, 78,
		"wspipe: COMMAND '/dev/null' can't be used: Not a regular file; give the path "
		"of a program\n",
		NULL},
	    {{"wspipe", "--require-subprotocol", "hello"}, 64,
		"wspipe: --require-subprotocol needs --subprotocol=LIST: add it, or leave out "
		"--require-subprotocol\n",
		NULL},
	    {{"wspipe", "--subprotocol=a", "--header-ws=sec-websocket-protocol: a", "hello"},
		64,
		"wspipe: --header-ws 'sec-websocket-protocol: a' and --subprotocol can't be "
		"combined: leave out the header\n",
		NULL},
	};

	(void)state;
	assert_failures(rows, UTIL_LEN(rows));
}

/* Static files and programs in one directory would emit the text of the programs. */
static void
directories_that_overlap_are_refused(void **state)
{
	static char *const pairs[][2] = {
	    {"d", "to-d"}, {"d", "d/sub"}, {"d/sub", "d"}, {"d", "/"}};
	struct run run;
	char expected[3 * PATH_MAX];

	(void)state;
	for (size_t i = 0; i < 2 * UTIL_LEN(pairs); i++) {
		char *const *pair = pairs[i / 2];
		char *name = (char *)(i % 2 == 0 ? "--dir" : "--cgidir");
		char *dir = realpath(pair[0], NULL);
		char *staticdir = realpath(pair[1], NULL);

		snprintf(expected, sizeof(expected),
		    "wspipe: %s '%s' and --staticdir '%s' overlap, so anyone could download "
		    "the programs' source: use two directories, neither inside the other\n",
		    name, dir, staticdir);
		RUN(&run, "wspipe", name, pair[0], "--staticdir", pair[1]);
		assert_string_equal(run.err, expected);
		assert_int_equal(run.status, 78);
		run_clear(&run);
		RUN(&run, "websocketd", name, pair[0], "--staticdir", pair[1]);
		assert_string_equal(run.err, expected + strlen("wspipe: "));
		assert_int_equal(run.status, 1);
		run_clear(&run);
		free(dir);
		free(staticdir);
	}
	snprintf(expected, sizeof(expected),
	    "wspipe: COMMAND 's/inside' is inside --staticdir '%s/s', so anyone could download "
	    "its source: move it elsewhere\n",
	    place);
	RUN(&run, "wspipe", "--staticdir=s", "s/inside");
	assert_string_equal(run.err, expected);
	assert_int_equal(run.status, 78);
	run_clear(&run);

	/* A name that only begins alike is another directory. */
	assert_int_equal(mkdir("s2", 0755), 0);
	RUN(&run, "wspipe", "--staticdir=s", "--dir=s2");
	assert_run(&run);
	run_clear(&run);
	rmdir("s2");
}

static void
compat_says_what_websocketd_says(void **state)
{
	static const struct failure rows[] = {
	    {{"websocketd"}, 1,
		"Usage: websocketd [OPTION]... COMMAND [ARGUMENT]...\n"
		"       websocketd [OPTION]... --dir=DIR\n"
		"       websocketd [OPTION]... --staticdir=DIR\n"
		"Try 'websocketd --help' for more information.\n",
		"Command line arguments are missing.\n"},
	    {{"websocketd", "--port=1"}, 1,
		"Please specify COMMAND or provide --dir, --staticdir or --cgidir argument.\n",
		NULL},
	    {{"wspipe", "--compat=websocketd"}, 1,
		"Please specify COMMAND or provide --dir, --staticdir or --cgidir argument.\n",
		NULL},
	    {{"websocketd", "--dir=d", "hello"}, 1,
		"ambiguous: provided COMMAND and --dir argument, please only specify one\n",
		NULL},
	    {{"websocketd", "nosuch"}, 1,
		"unable to locate specified COMMAND 'nosuch' in OS path\n", NULL},
	    {{"websocketd", "bin/plain"}, 1,
		"unable to locate specified COMMAND 'bin/plain' in OS path\n", NULL},
	    {{"websocketd", "--dir=nowhere"}, 1, "could not find your script dir 'nowhere'\n",
		NULL},
	    {{"websocketd", "--dir=here"}, 1,
		"did you mean to specify COMMAND instead of --dir 'here'?\n", NULL},
	    {{"websocketd", "--staticdir=here", "hello"}, 1,
		"your static dir 'here' is not pointing to an accessible directory\n", NULL},
	    {{"websocketd", "--loglevel=ACCESS", "hello"}, 1, "",
		"Incorrect loglevel flag 'ACCESS'. Use --help to see allowed values.\n"},
	    {{"websocketd", "--nosuch=1", "hello"}, 2,
		"flag provided but not defined: -nosuch\n", NULL},
	    {{"websocketd", "-prot", "hello"}, 2, "flag provided but not defined: -prot\n",
		NULL},
	    {{"websocketd", "---port", "hello"}, 2, "bad flag syntax: ---port\n", NULL},
	    {{"websocketd", "--port"}, 2, "flag needs an argument: -port\n", NULL},
	    {{"websocketd", "--binary=maybe", "hello"}, 2,
		"invalid boolean value \"maybe\" for -binary: parse error\n", NULL},
	    {{"websocketd", "--port=x", "hello"}, 2,
		"invalid value \"x\" for flag -port: parse error\n", NULL},
	    {{"websocketd", "--redirport=", "hello"}, 2,
		"invalid value \"\" for flag -redirport: parse error\n", NULL},
	    {{"websocketd", "--port=65536", "hello"}, 2,
		"invalid value \"65536\" for flag -port: must be a number from 0 to 65535\n",
		NULL},
	    {{"websocketd", "--maxframesize=9223372036854775808", "hello"}, 2,
		"invalid value \"9223372036854775808\" for flag -maxframesize: value out of "
		"range\n",
		NULL},
	    {{"websocketd", "--maxforks=--5", "hello"}, 2,
		"invalid value \"--5\" for flag -maxforks: parse error\n", NULL},
	};

	(void)state;
	assert_failures(rows, UTIL_LEN(rows));
}

static void
help_fits_the_terminal(void **state)
{
	struct run run;
	char *line, *rest;

	(void)state;
	RUN(&run, "wspipe", "--help", "--nosuch");
	assert_int_equal(run.result, OPTIONS_EXIT);
	assert_int_equal(run.status, 0);
	assert_string_equal(run.err, "");
	assert_memory_equal(run.out, "Usage: wspipe ", 14);
	assert_non_null(strstr(run.out, "8080, or 8443 with TLS)"));
	assert_non_null(strstr(run.out, "man wspipe"));
	assert_non_null(strstr(run.out, "--help=all"));
	for (line = strtok_r(run.out, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest))
		assert_true(strlen(line) < 80);
	run_clear(&run);

	/* websocketd writes it to stderr. */
	RUN(&run, "websocketd", "-h");
	assert_int_equal(run.status, 0);
	assert_string_equal(run.out, "");
	assert_memory_equal(run.err, "Usage: websocketd ", 18);
	assert_non_null(strstr(run.err, "80, or 443 with TLS)"));
	run_clear(&run);
}

static void
each_group_has_its_help(void **state)
{
	const struct option_row *help = option_find(SPAN("help"));
	size_t headings = 0, groups = 0;
	struct run run;

	(void)state;
	while (help->choices[OPTIONS_HELP_GROUPS + groups])
		groups++;
	for (size_t i = 0; i < option_row_count; i++) {
		const char *heading = option_rows[i].heading;
		char word[64];

		if (!heading)
			continue;
		headings++;
		assert_true(headings <= groups);
		snprintf(word, sizeof(word), "--help=%s",
		    help->choices[OPTIONS_HELP_GROUPS + headings - 1]);
		RUN(&run, "wspipe", word);
		assert_int_equal(run.status, 0);
		assert_memory_equal(run.out, heading, strlen(heading));
		run_clear(&run);
	}
	assert_int_equal(headings, groups);
	RUN(&run, "wspipe", "--help=nonsense");
	assert_int_equal(run.status, 64);
	assert_memory_equal(
	    run.err, "wspipe: --help must be overview, all, listening, tls, ", 54);
	run_clear(&run);
}

static void
version_is_one_line_on_stdout(void **state)
{
	struct run run;

	(void)state;
	RUN(&run, "wspipe", "--version");
	assert_int_equal(run.result, OPTIONS_EXIT);
	assert_int_equal(run.status, 0);
	/* A second line reports a part that the build has not. */
	assert_memory_equal(run.out, "wspipe " VERSION " (BSD-2-Clause)\n",
	    sizeof("wspipe " VERSION " (BSD-2-Clause)\n") - 1);
	assert_string_equal(run.err, "");
	run_clear(&run);

	RUN(&run, "websocketd", "--version", "nosuch");
	assert_int_equal(run.status, 0);
	assert_string_equal(run.out, "websocketd 0.5.0 (wspipe " VERSION ")\n");
	run_clear(&run);
}

static void
license_is_the_file(void **state)
{
	const char *source = getenv("top_srcdir");
	char path[PATH_MAX], text[8192];
	struct run run;
	size_t len;
	FILE *file;

	(void)state;
	if (!source)
		skip();
	snprintf(path, sizeof(path), "%s/LICENSE", source);
	file = fopen(path, "r");
	assert_non_null(file);
	len = fread(text, 1, sizeof(text) - 1, file);
	fclose(file);
	text[len] = '\0';
	RUN(&run, "wspipe", "--license");
	assert_int_equal(run.result, OPTIONS_EXIT);
	assert_int_equal(run.status, 0);
	assert_memory_equal(run.out, text, len);
	run_clear(&run);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
	    cmocka_unit_test(defaults_are_wspipes),
	    cmocka_unit_test(defaults_of_compat_are_websocketds),
	    cmocka_unit_test(compat_that_comes_late_counts_from_the_start),
	    cmocka_unit_test(compat_opens_the_origin_only_without_a_policy),
	    cmocka_unit_test(options_are_written_in_four_ways),
	    cmocka_unit_test(booleans_take_a_value_only_after_equals),
	    cmocka_unit_test(parsing_stops_at_the_command),
	    cmocka_unit_test(repeatable_options_add_up),
	    cmocka_unit_test(headers_are_kept_with_one_blank),
	    cmocka_unit_test(lists_are_split_at_commas_and_the_last_one_wins),
	    cmocka_unit_test(numbers_reach_to_their_limits),
	    cmocka_unit_test(numbers_that_have_always_been_in_one_unit_accept_others),
	    cmocka_unit_test(workers_are_a_number_or_auto),
	    cmocka_unit_test(unix_socket_replaces_tcp_when_alone),
	    cmocka_unit_test(deflate_takes_a_value_or_none),
	    cmocka_unit_test(subprotocols_are_a_list_of_tokens),
	    cmocka_unit_test(words_are_chosen_from_their_list),
	    cmocka_unit_test(framings_are_worked_out),
	    cmocka_unit_test(framings_that_make_no_sense_are_refused),
	    cmocka_unit_test(mcp_servers_that_make_no_sense_are_refused),
	    cmocka_unit_test(shared_programs_that_make_no_sense_are_refused),
	    cmocka_unit_test(a_shared_program_has_its_own_defaults),
	    cmocka_unit_test(directories_become_absolute),
	    cmocka_unit_test(command_is_found_as_a_shell_would),
	    cmocka_unit_test(words_that_are_no_options_are_refused),
	    cmocka_unit_test(devconsole_takes_a_value_or_none),
	    cmocka_unit_test(times_and_sizes_have_units),
	    cmocka_unit_test(options_that_do_nothing_alone_are_refused),
	    cmocka_unit_test(each_need_is_an_option_or_a_program),
	    cmocka_unit_test(rates_have_a_time_and_a_burst),
	    cmocka_unit_test(confinement_has_numbers_that_may_be_missing),
	    cmocka_unit_test(options_after_the_command_are_noticed),
	    cmocka_unit_test(command_in_one_word_is_explained),
	    cmocka_unit_test(denied_command_is_explained),
	    cmocka_unit_test(values_that_do_not_fit_are_refused),
	    cmocka_unit_test(tls_has_its_files_and_its_port),
	    cmocka_unit_test(tls_options_go_together),
	    cmocka_unit_test(options_that_make_no_sense_are_refused),
	    cmocka_unit_test(directories_that_overlap_are_refused),
	    cmocka_unit_test(compat_says_what_websocketd_says),
	    cmocka_unit_test(help_fits_the_terminal),
	    cmocka_unit_test(each_group_has_its_help),
	    cmocka_unit_test(version_is_one_line_on_stdout),
	    cmocka_unit_test(license_is_the_file),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
