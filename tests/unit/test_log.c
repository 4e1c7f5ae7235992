/* SPDX-License-Identifier: BSD-2-Clause */
/* The log: the bytes of its lines, apart from the time at their front. */
#include "base/log.h"

#include "base/utf8.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#include <cmocka.h>

static int fds[2];
static char got[64 * 1024];
static size_t got_len;

static int
open_pipe(void **state)
{
	(void)state;
	return pipe(fds);
}

static int
close_pipe(void **state)
{
	(void)state;
	close(fds[0]);
	close(fds[1]);
	return 0;
}

/* What was written since the last call, terminated; a byte of our own makes sure that it does
 * not block. */
static char *
take(void)
{
	ssize_t n;

	assert_int_equal(write(fds[1], "", 1), 1);
	n = read(fds[0], got, sizeof(got));
	assert_true(n >= 1);
	got_len = (size_t)n - 1;
	assert_int_equal(got[got_len], '\0');
	assert_int_equal(strlen(got), got_len); /* no NUL of the line's own */
	return got;
}

/* Cuts what has the form of TIME off the front: 0 is a digit, A a letter. */
static char *
without_time(char *line, const char *time)
{
	for (; *time; time++, line++) {
		bool fits = *time == '0'   ? util_is_digit((unsigned char)*line)
			    : *time == 'A' ? util_is_alpha((unsigned char)*line)
					   : *time == *line;

		if (!fits)
			fail_msg("[%s] should be like [%s]", line, time);
	}
	return line;
}

#define TEXT_TIME "0000-00-00A00:00:00.000Z "
#define JSON_TIME "{\"time\":\"0000-00-00A00:00:00.000Z\","

static char *
take_compat(void)
{
	char *line = take();
	char *zone = strchr(line, '+') ? strchr(line, '+') : strchr(line + 15, '-');

	assert_non_null(zone);
	*zone = '+';
	return without_time(line, "AAA, 00 AAA 0000 00:00:00 +0000 | ");
}

static void
write_line(enum log_format format, uint64_t session, const char *message, const char *key,
    struct span value)
{
	log_setup(fds[1], format, LOG_DEBUG);
	assert_true(log_begin(LOG_ACCESS, "session", session, span_of(message)));
	log_text(key, value);
	log_number("exit", -3);
	log_end();
}

static void
test_text(void **state)
{
	(void)state;
	write_line(LOG_TEXT, 7, "close", "origin", SPAN("http://localhost:8080"));
	assert_string_equal(without_time(take(), TEXT_TIME),
	    "access session #7 close origin=http://localhost:8080 exit=-3\n");
	write_line(LOG_TEXT, 0, "close", "reason", SPAN("signal TERM"));
	assert_string_equal(without_time(take(), TEXT_TIME),
	    "access session close reason=\"signal TERM\" exit=-3\n");
	write_line(LOG_TEXT, UINT64_MAX, "close", "reason", SPAN(""));
	assert_string_equal(without_time(take(), TEXT_TIME),
	    "access session #18446744073709551615 close reason=\"\" exit=-3\n");
}

static void
test_json(void **state)
{
	(void)state;
	write_line(LOG_JSON, 7, "close", "reason", SPAN("it's \"so\""));
	assert_string_equal(without_time(take(), JSON_TIME),
	    "\"level\":\"access\",\"category\":\"session\",\"session\":7,\"message\":\"close\","
	    "\"reason\":\"it's \\\"so\\\"\",\"exit\":-3}\n");
	write_line(LOG_JSON, 0, "a \"b\"", "reason", SPAN(""));
	assert_string_equal(without_time(take(), JSON_TIME),
	    "\"level\":\"access\",\"category\":\"session\",\"message\":\"a "
	    "\\\"b\\\"\",\"reason\":\"\",\"exit\":-3}\n");
}

static void
test_compat(void **state)
{
	(void)state;
	write_line(LOG_COMPAT, 7, "CONNECT", "url", SPAN("http://a/b?it's"));
	assert_string_equal(take_compat(),
	    "ACCESS | session    | url:'http://a/b?it\\'s' exit:'-3' | CONNECT\n");
	write_line(LOG_COMPAT, 0, "CONNECT", "url", SPAN("a"));
	assert_string_equal(
	    take_compat(), "ACCESS | session    | url:'a' exit:'-3' | CONNECT\n");
	log_info("listening");
	assert_string_equal(take_compat(), "INFO   | server     |  | listening\n");
}

static void
test_levels(void **state)
{
	static const char *const names[] = {
	    "debug", "trace", "access", "info", "warn", "error", "fatal"};
	static const char *const compat_names[] = {
	    "DEBUG ", "TRACE ", "ACCESS", "INFO  ", "ERROR ", "ERROR ", "FATAL "};
	char wanted[64];

	(void)state;
	for (int lowest = LOG_DEBUG; lowest <= LOG_NONE; lowest++) {
		log_setup(fds[1], LOG_TEXT, (enum log_level)lowest);
		for (int level = LOG_DEBUG; level < LOG_NONE; level++) {
			bool shown = log_begin((enum log_level)level, "c", 0, SPAN("m"));

			assert_int_equal(shown, level >= lowest);
			assert_int_equal(log_shows((enum log_level)level), shown);
			if (!shown)
				continue;
			log_end();
			snprintf(wanted, sizeof(wanted), "%s c m\n", names[level]);
			assert_string_equal(without_time(take(), TEXT_TIME), wanted);
		}
		log_debug("d");
		assert_int_equal(take()[0] != '\0', lowest <= LOG_DEBUG);
		log_info("i");
		assert_int_equal(take()[0] != '\0', lowest <= LOG_INFO);
		log_warnx("w");
		assert_int_equal(take()[0] != '\0', lowest <= LOG_WARN);
		log_errorx("e");
		assert_int_equal(take()[0] != '\0', lowest <= LOG_ERROR);
	}
	log_setup(fds[1], LOG_COMPAT, LOG_DEBUG);
	for (int level = LOG_DEBUG; level < LOG_NONE; level++) {
		assert_true(log_begin((enum log_level)level, "c", 0, SPAN("m")));
		log_end();
		snprintf(
		    wanted, sizeof(wanted), "%s | c          |  | m\n", compat_names[level]);
		assert_string_equal(take_compat(), wanted);
	}
}

static void
test_server_lines_and_errno(void **state)
{
	(void)state;
	log_setup(fds[1], LOG_TEXT, LOG_DEBUG);
	errno = ENOENT;
	log_debug("%d %s", 1, "two");
	assert_string_equal(without_time(take(), TEXT_TIME), "debug server 1 two\n");
	log_info("%s", "a\nb");
	assert_string_equal(without_time(take(), TEXT_TIME), "info server a\\x0ab\n");
	log_warnx("%d program%s", 1, util_plural(1));
	assert_string_equal(without_time(take(), TEXT_TIME), "warn server 1 program\n");
	log_warn("%d program%s", 0, util_plural(0));
	assert_string_equal(without_time(take(), TEXT_TIME),
	    "warn server 0 programs: No such file or directory\n");
	log_errorx("no %s", "memory");
	assert_string_equal(without_time(take(), TEXT_TIME), "error server no memory\n");
	log_error("cannot open %s", "x");
	assert_string_equal(without_time(take(), TEXT_TIME),
	    "error server cannot open x: No such file or directory\n");
	assert_int_equal(errno, ENOENT);
	/* Nobody to tell when the log can't be written. */
	log_setup(-1, LOG_TEXT, LOG_DEBUG);
	log_error("lost");
	assert_int_equal(errno, ENOENT);
}

/* What a peer can send, as a value in each format. */
static void
test_hostile_values(void **state)
{
	static const struct {
		const char *value;
		size_t len;
		const char *text, *json, *compat;
	} rows[] = {
#define ROW(value, text, json, compat) {value, sizeof(value) - 1, text, json, compat}
	    ROW("a b", "\"a b\"", "\"a b\"", "'a b'"),
	    ROW("a=b", "\"a=b\"", "\"a=b\"", "'a=b'"),
	    ROW("a\nb", "\"a\\x0ab\"", "\"a\\u000ab\"", "'a\\x0ab'"),
	    ROW("\r\n", "\"\\x0d\\x0a\"", "\"\\u000d\\u000a\"", "'\\x0d\\x0a'"),
	    ROW("a\0b", "\"a\\x00b\"", "\"a\\u0000b\"", "'a\\x00b'"),
	    ROW("\0", "\"\\x00\"", "\"\\u0000\"", "'\\x00'"),
	    ROW("\x1b[2J", "\"\\x1b[2J\"", "\"\\u001b[2J\"", "'\\x1b[2J'"),
	    ROW("\x7f", "\"\\x7f\"", "\"\\u007f\"", "'\\x7f'"),
	    ROW("\t", "\"\\x09\"", "\"\\u0009\"", "'\\x09'"),
	    ROW("\\n", "\"\\\\n\"", "\"\\\\n\"", "'\\\\n'"),
	    ROW("\" x=\"", "\"\\\" x=\\\"\"", "\"\\\" x=\\\"\"", "'\" x=\"'"),
	    ROW("'", "\"'\"", "\"'\"", "'\\''"),
	    ROW("\xc3\xa4\xe2\x82\xac", "\"\xc3\xa4\xe2\x82\xac\"", "\"\xc3\xa4\xe2\x82\xac\"",
		"'\xc3\xa4\xe2\x82\xac'"),
	    /* C1: CSI is one of them. U+00A0 is the first behind. */
	    ROW("\xc2\x80\xc2\x9b\xc2\x9f", "\"\\x80\\x9b\\x9f\"", "\"\\u0080\\u009b\\u009f\"",
		"'\\x80\\x9b\\x9f'"),
	    ROW("\xc2\xa0", "\"\xc2\xa0\"", "\"\xc2\xa0\"", "'\xc2\xa0'"),
	    /* Bidirectional controls, line separators, and characters without a width. */
	    ROW("a\xe2\x80\xae"
		"b\xe2\x80\xa8",
		"\"a\\u202eb\\u2028\"", "\"a\\u202eb\\u2028\"", "'a\\u202eb\\u2028'"),
	    ROW("\xd8\x9c\xe2\x80\x8b\xe2\x80\x8f\xe2\x81\xa6\xe2\x81\xa9\xef\xbb\xbf",
		"\"\\u061c\\u200b\\u200f\\u2066\\u2069\\ufeff\"",
		"\"\\u061c\\u200b\\u200f\\u2066\\u2069\\ufeff\"",
		"'\\u061c\\u200b\\u200f\\u2066\\u2069\\ufeff'"),
	    /* Their neighbours. */
	    ROW("\xe2\x80\x90\xe2\x80\xaf\xe2\x81\xb0",
		"\"\xe2\x80\x90\xe2\x80\xaf\xe2\x81\xb0\"",
		"\"\xe2\x80\x90\xe2\x80\xaf\xe2\x81\xb0\"",
		"'\xe2\x80\x90\xe2\x80\xaf\xe2\x81\xb0'"),
	    /* What is not UTF-8. */
	    ROW("\xff"
		"a",
		"\"\\xffa\"", "\"\\u00ffa\"", "'\\xffa'"),
	    ROW("\x9b", "\"\\x9b\"", "\"\\u009b\"", "'\\x9b'"),
	    ROW("\xe2\x82", "\"\\xe2\\x82\"", "\"\\u00e2\\u0082\"", "'\\xe2\\x82'"),
	    ROW("\xc0\x8a", "\"\\xc0\\x8a\"", "\"\\u00c0\\u008a\"", "'\\xc0\\x8a'"),
	    ROW("\xed\xa0\x80", "\"\\xed\\xa0\\x80\"", "\"\\u00ed\\u00a0\\u0080\"",
		"'\\xed\\xa0\\x80'"),
#undef ROW
	};
	char wanted[256];

	(void)state;
	for (size_t i = 0; i < UTIL_LEN(rows); i++) {
		struct span value = {rows[i].value, rows[i].len};

		write_line(LOG_TEXT, 0, "m", "k", value);
		snprintf(
		    wanted, sizeof(wanted), "access session m k=%s exit=-3\n", rows[i].text);
		assert_string_equal(without_time(take(), TEXT_TIME), wanted);
		write_line(LOG_JSON, 0, "m", "k", value);
		snprintf(wanted, sizeof(wanted),
		    "\"level\":\"access\",\"category\":\"session\",\"message\":\"m\",\"k\":%s,"
		    "\"exit\":-3}\n",
		    rows[i].json);
		assert_string_equal(without_time(take(), JSON_TIME), wanted);
		write_line(LOG_COMPAT, 0, "m", "k", value);
		snprintf(wanted, sizeof(wanted), "ACCESS | session    | k:%s exit:'-3' | m\n",
		    rows[i].compat);
		assert_string_equal(take_compat(), wanted);
	}
}

static void
test_hostile_message(void **state)
{
	static const char message[] = "a\n\x1b[m\xff\\\"'\xc2\x9b";

	(void)state;
	write_line(LOG_TEXT, 0, message, "k", SPAN("v"));
	assert_string_equal(without_time(take(), TEXT_TIME),
	    "access session a\\x0a\\x1b[m\\xff\\\\\"'\\x9b k=v exit=-3\n");
	write_line(LOG_JSON, 0, message, "k", SPAN("v"));
	assert_string_equal(without_time(take(), JSON_TIME),
	    "\"level\":\"access\",\"category\":\"session\","
	    "\"message\":\"a\\u000a\\u001b[m\\u00ff\\\\\\\"'\\u009b\",\"k\":\"v\",\"exit\":-3}"
	    "\n");
	write_line(LOG_COMPAT, 0, message, "k", SPAN("v"));
	assert_string_equal(take_compat(),
	    "ACCESS | session    | k:'v' exit:'-3' | a\\x0a\\x1b[m\\xff\\\\\"'\\x9b\n");
}

/* Steps over a JSON string; NULL when it is none. */
static const char *
json_string(const char *p)
{
	if (*p++ != '"')
		return NULL;
	while (*p != '"') {
		if ((unsigned char)*p < 0x20)
			return NULL;
		if (*p++ != '\\')
			continue;
		if (*p == 'u') {
			for (int i = 1; i <= 4; i++) {
				if (util_hex_value((unsigned char)p[i]) < 0)
					return NULL;
			}
			p += 5;
		} else if (*p == '"' || *p == '\\') {
			p++;
		} else {
			return NULL;
		}
	}
	return p + 1;
}

/* True when TEXT is one flat JSON object of strings and whole numbers, and a newline. */
static bool
is_json_line(const char *text)
{
	const char *p = text;

	if (*p != '{')
		return false;
	do {
		p = json_string(p + 1);
		if (!p || *p++ != ':')
			return false;
		if (*p == '"') {
			p = json_string(p);
			if (!p)
				return false;
		} else {
			if (*p == '-')
				p++;
			if (!util_is_digit((unsigned char)*p))
				return false;
			while (util_is_digit((unsigned char)*p))
				p++;
		}
	} while (*p == ',');
	return strcmp(p, "}\n") == 0;
}

static void
check_long_line(enum log_format format, bool must_cut)
{
	static const char *const marks[] = {[LOG_TEXT] = " truncated=1\n",
	    [LOG_JSON] = ",\"truncated\":1}\n",
	    [LOG_COMPAT] = " truncated:'1' | "};
	const char *line = take();
	bool cut = strstr(line, marks[format]) != NULL;

	assert_true(got_len <= LOG_LINE_MAX);
	assert_ptr_equal(strchr(line, '\n'), line + got_len - 1);
	assert_true(utf8_valid((const uint8_t *)line, got_len));
	if (must_cut && !cut)
		fail_msg("not marked: %s", line);
	/* What is not marked is whole. */
	if (!cut && !strstr(line, "-9223372036854775808"))
		fail_msg("not whole: %s", line);
	if (format == LOG_JSON && !is_json_line(line))
		fail_msg("no JSON: %s", line);
}

/* A line with VALUE as its message, and one with VALUE as two fields. */
static void
check_long_value(enum log_format format, struct span value)
{
	log_setup(fds[1], format, LOG_DEBUG);
	assert_true(log_begin(LOG_INFO, "c", 1, value));
	log_text("k", SPAN("v"));
	log_number("n", INT64_MIN);
	log_end();
	check_long_line(format, value.len > LOG_LINE_MAX);
	assert_true(log_begin(LOG_INFO, "c", 1, SPAN("m")));
	log_text("k", value);
	log_text("k2", value);
	log_number("n", INT64_MIN);
	log_end();
	check_long_line(format, 2 * value.len > LOG_LINE_MAX);
}

/* Lines that end around the limit, of characters that take one, two, four, or six bytes there.
 */
static void
test_long_lines(void **state)
{
	static const char *const units[] = {
	    "a", "\"", "'", "\\", "\n", "\xc3\xa4", "\xff", "\xf0\x9f\x98\x80"};
	static const size_t widths[] = {1, 2, 4, 6};
	static char bytes[4 * LOG_LINE_MAX];

	(void)state;
	for (size_t u = 0; u < UTIL_LEN(units); u++) {
		size_t unit = strlen(units[u]);

		for (size_t i = 0; i < sizeof(bytes); i++)
			bytes[i] = units[u][i % unit];
		for (size_t w = 0; w < UTIL_LEN(widths); w++) {
			for (size_t to = LOG_LINE_MAX - 300; to < LOG_LINE_MAX + 20; to += 5) {
				struct span value = {bytes, to / widths[w] * unit};

				check_long_value(LOG_TEXT, value);
				check_long_value(LOG_JSON, value);
				check_long_value(LOG_COMPAT, value);
			}
		}
	}
}

/* The exact end of a line that is too long: what fits is there, whole characters only. */
static void
test_end_of_a_long_line(void **state)
{
	static char value[LOG_LINE_MAX];
	const char *line;

	(void)state;
	memset(value, 'a', sizeof(value));
	log_setup(fds[1], LOG_TEXT, LOG_DEBUG);
	assert_true(log_begin(LOG_INFO, "c", 0, SPAN("m")));
	log_text("k", (struct span){value, sizeof(value)});
	log_number("n", 1);
	log_end();
	line = take();
	assert_string_equal(line + got_len - strlen("aaa truncated=1\n"), "aaa truncated=1\n");
	assert_null(strstr(line, "n=1"));

	log_setup(fds[1], LOG_COMPAT, LOG_DEBUG);
	assert_true(log_begin(LOG_INFO, "c", 0, (struct span){value, sizeof(value)}));
	log_number("n", 1);
	log_end();
	line = take_compat();
	assert_int_equal(
	    strncmp(line, "INFO   | c          | n:'1' truncated:'1' | aaa", 46), 0);
	assert_int_equal(got_len, LOG_LINE_MAX);

	log_setup(fds[1], LOG_TEXT, LOG_DEBUG);
	value[sizeof(value) - 1] = '\0';
	errno = ENOENT;
	log_error("%s", value);
	line = take();
	assert_non_null(strstr(line, "aaa: No such file or directory truncated=1\n"));
}

/* Fields that no longer fit are left out whole, however many come. */
static void
test_many_fields(void **state)
{
	(void)state;
	for (int format = LOG_TEXT; format <= LOG_COMPAT; format++) {
		log_setup(fds[1], (enum log_format)format, LOG_DEBUG);
		assert_true(log_begin(LOG_INFO, "c", 1, SPAN("m")));
		for (int i = 0; i < 2000; i++)
			log_number("number", INT64_MIN);
		log_end();
		check_long_line((enum log_format)format, true);
	}
}

static void
test_lines_that_nobody_takes_are_counted(void **state)
{
	static char drained[1 << 20];
	size_t len = 0;
	ssize_t n;
	int lines = 0;

	(void)state;
	log_setup(fds[1], LOG_TEXT, LOG_DEBUG);
	for (int i = 0; i < 20000; i++)
		log_info("a line that nobody reads");
	assert_int_equal(fcntl(fds[0], F_SETFL, O_NONBLOCK), 0);
	while ((n = read(fds[0], drained + len, sizeof(drained) - len)) > 0)
		len += (size_t)n;
	for (size_t i = 0; i < len; i++)
		lines += drained[i] == '\n';
	assert_true(lines > 0);
	assert_true(lines < 20000);
	log_info("read again");
	n = read(fds[0], drained, sizeof(drained) - 1);
	assert_true(n > 0);
	drained[n] = '\0';
	assert_non_null(strstr(drained, " info server read again\n"));
	assert_non_null(strstr(drained, " (log reader blocked)\n"));
	log_info("and again");
	n = read(fds[0], drained, sizeof(drained) - 1);
	assert_true(n > 0);
	drained[n] = '\0';
	assert_null(strstr(drained, "dropped"));
	/* Whoever shares the pipe sees it block as before. */
	assert_int_equal(fcntl(fds[1], F_GETFL) & O_NONBLOCK, 0);
}

/* A file that may not grow, and then may. */
static void
test_lines_that_do_not_fit_into_a_file_are_counted(void **state)
{
	char path[] = "/tmp/wspipe-log-XXXXXX";
	int fd = mkstemp(path);
	struct rlimit before, none;
	char text[512];
	ssize_t n;

	(void)state;
	assert_true(fd != -1);
	unlink(path);
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
	none = before;
	none.rlim_cur = 0;
	signal(SIGXFSZ, SIG_IGN);
	log_setup(fd, LOG_TEXT, LOG_DEBUG);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &none), 0);
	log_info("does not fit");
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
	signal(SIGXFSZ, SIG_DFL);
	log_info("fits");
	n = pread(fd, text, sizeof(text) - 1, 0);
	assert_true(n > 0);
	text[n] = '\0';
	assert_null(strstr(text, "does not fit"));
	assert_non_null(strstr(text, " warn server 1 log line dropped (File too large)\n"));
	close(fd);
}

/* Writes more lines than FD holds, as a user who can't open it once more; it must come to its
 * end. */
static void
flood_as_nobody(int fd)
{
	if (setgid(65534) == -1 || setuid(65534) == -1)
		_exit(2);
	alarm(0);
	log_setup(fd, LOG_TEXT, LOG_DEBUG);
	for (int i = 0; i < 20000; i++)
		log_info("a line that nobody reads, %d", i);
	_exit(0);
}

static void
check_flood(int fd, int writers)
{
	pid_t pids[8];

	for (int i = 0; i < writers; i++) {
		pids[i] = fork();
		assert_true(pids[i] != -1);
		if (pids[i] == 0)
			flood_as_nobody(fd);
	}
	for (int i = 0; i < writers; i++) {
		int status = -1;

		assert_int_equal(waitpid(pids[i], &status, 0), pids[i]);
		assert_int_equal(status, 0);
	}
	/* Whoever shares it sees it block as before. */
	assert_int_equal(fcntl(fd, F_GETFL) & O_NONBLOCK, 0);
}

/* After su(1) it belongs to somebody else: a pipe, a named one, and a terminal that is halted.
 * Several processes write at the same time, as workers do. */
static void
test_what_belongs_to_another_user_does_not_block(void **state)
{
	char path[] = "/tmp/wspipe-log-XXXXXX";
	struct termios plain;
	int ends[2], fd, master, slave;

	(void)state;
	if (getuid() != 0)
		skip();
	assert_int_equal(pipe(ends), 0);
	check_flood(ends[1], 1);
	check_flood(ends[1], 8);
	close(ends[0]);
	close(ends[1]);

	assert_true(mkstemp(path) != -1);
	unlink(path);
	assert_int_equal(mkfifo(path, 0600), 0);
	fd = open(path, O_RDWR);
	unlink(path);
	assert_true(fd != -1);
	check_flood(fd, 1);
	close(fd);
	assert_int_equal(mkfifo(path, 0600), 0);
	fd = open(path, O_RDWR);
	unlink(path);
	check_flood(fd, 8);
	close(fd);

	master = posix_openpt(O_RDWR | O_NOCTTY);
	if (master == -1 || grantpt(master) == -1 || unlockpt(master) == -1)
		skip();
	slave = open(ptsname(master), O_RDWR | O_NOCTTY);
	assert_true(slave != -1);
	assert_int_equal(tcgetattr(slave, &plain), 0);
	assert_int_equal(tcflow(slave, TCOOFF), 0);
	check_flood(slave, 1);
	assert_int_equal(tcflow(slave, TCOON), 0);
	check_flood(slave, 4);
	close(slave);
	close(master);
}

/* What is dropped is counted, and told to whoever reads again. */
static void
test_dropped_lines_of_another_user_are_counted(void **state)
{
	static char drained[1 << 20];
	int ends[2], go[2], flooded[2];
	size_t len = 0;
	ssize_t n;
	pid_t pid;
	char byte;

	(void)state;
	if (getuid() != 0)
		skip();
	assert_int_equal(pipe(ends), 0);
	assert_int_equal(pipe(go), 0);
	assert_int_equal(pipe(flooded), 0);
	pid = fork();
	if (pid == 0) {
		if (setgid(65534) == -1 || setuid(65534) == -1)
			_exit(2);
		log_setup(ends[1], LOG_TEXT, LOG_DEBUG);
		for (int i = 0; i < 5000; i++)
			log_info("line %d", i);
		if (write(flooded[1], "x", 1) != 1 || read(go[0], &byte, 1) != 1)
			_exit(3);
		log_info("read again");
		_exit(0);
	}
	close(ends[1]);
	assert_int_equal(read(flooded[0], &byte, 1), 1);
	assert_int_equal(fcntl(ends[0], F_SETFL, O_NONBLOCK), 0);
	while ((n = read(ends[0], drained + len, sizeof(drained) - 1 - len)) > 0)
		len += (size_t)n;
	assert_int_equal(fcntl(ends[0], F_SETFL, 0), 0);
	assert_int_equal(write(go[1], "x", 1), 1);
	while ((n = read(ends[0], drained + len, sizeof(drained) - 1 - len)) > 0)
		len += (size_t)n;
	assert_int_equal(waitpid(pid, NULL, 0), pid);
	assert_non_null(strstr(drained, " info server read again\n"));
	assert_non_null(strstr(drained, " log lines dropped (log reader blocked)\n"));
	assert_non_null(strstr(drained, " warn server "));
	close(ends[0]);
	close(go[0]);
	close(go[1]);
	close(flooded[0]);
	close(flooded[1]);
}

/* The directory of a test's files; freed by the caller. */
static char *
make_directory(void)
{
	char *path = strdup("/tmp/wspipe-test-log-XXXXXX");

	assert_non_null(path);
	assert_non_null(mkdtemp(path));
	return path;
}

static void
assert_content(const char *path, const char *format, ...)
{
	char content[512] = "", wanted[512];
	FILE *file = fopen(path, "r");
	va_list args;

	assert_non_null(file);
	assert_true(fread(content, 1, sizeof(content) - 1, file) > 0);
	fclose(file);
	va_start(args, format);
	vsnprintf(wanted, sizeof(wanted), format, args);
	va_end(args);
	assert_string_equal(without_time(content, TEXT_TIME), wanted);
}

static void
test_a_file_is_appended_to_and_reopened(void **state)
{
	char *directory = make_directory();
	char path[64], old[64];

	(void)state;
	snprintf(path, sizeof(path), "%s/log", directory);
	snprintf(old, sizeof(old), "%s/old", directory);
	log_setup(fds[1], LOG_TEXT, LOG_DEBUG);
	assert_true(log_open(path));
	log_info("first");
	assert_int_equal(rename(path, old), 0);
	assert_true(log_reopen(path));
	log_info("second");
	assert_true(log_open(path));
	assert_content(old, "info server first\n");
	assert_content(path, "info server second\n");
	/* What can't be opened changes nothing. */
	assert_false(log_open("/nonexistent/log"));
	assert_int_equal(errno, ENOENT);
	assert_int_equal(unlink(path), 0);
	log_setup(fds[1], LOG_TEXT, LOG_DEBUG);
	log_info("third");
	assert_string_equal(without_time(take(), TEXT_TIME), "info server third\n");
	unlink(old);
	rmdir(directory);
	free(directory);
}

/* The journal's stream is known by its device and inode. */
static void
test_priorities(void **state)
{
	static const int priorities[] = {7, 7, 6, 6, 4, 3, 2};
	struct stat st;
	char stream[64];

	(void)state;
	assert_int_equal(fstat(fds[1], &st), 0);
	snprintf(stream, sizeof(stream), "%ju:%ju", (uintmax_t)st.st_dev, (uintmax_t)st.st_ino);
	setenv("JOURNAL_STREAM", stream, 1);
	for (int format = LOG_TEXT; format <= LOG_COMPAT; format++) {
		log_setup(fds[1], (enum log_format)format, LOG_DEBUG);
		for (int level = LOG_DEBUG; level < LOG_NONE; level++) {
			const char *line;

			assert_true(log_begin((enum log_level)level, "c", 0, SPAN("m")));
			log_end();
			line = take();
			assert_true(line[0] == '<' && line[1] == '0' + priorities[level] &&
				    line[2] == '>');
			assert_true(line[3] == (format == LOG_JSON ? '{' : line[3]));
		}
	}
	snprintf(
	    stream, sizeof(stream), "%ju:%ju", (uintmax_t)st.st_dev, (uintmax_t)st.st_ino + 1);
	setenv("JOURNAL_STREAM", stream, 1);
	log_setup(fds[1], LOG_TEXT, LOG_DEBUG);
	log_info("plain");
	assert_string_equal(without_time(take(), TEXT_TIME), "info server plain\n");
	unsetenv("JOURNAL_STREAM");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_text),
	    cmocka_unit_test(test_json),
	    cmocka_unit_test(test_compat),
	    cmocka_unit_test(test_levels),
	    cmocka_unit_test(test_server_lines_and_errno),
	    cmocka_unit_test(test_lines_that_nobody_takes_are_counted),
	    cmocka_unit_test(test_lines_that_do_not_fit_into_a_file_are_counted),
	    cmocka_unit_test(test_what_belongs_to_another_user_does_not_block),
	    cmocka_unit_test(test_dropped_lines_of_another_user_are_counted),
	    cmocka_unit_test(test_hostile_values),
	    cmocka_unit_test(test_hostile_message),
	    cmocka_unit_test(test_long_lines),
	    cmocka_unit_test(test_end_of_a_long_line),
	    cmocka_unit_test(test_many_fields),
	    cmocka_unit_test(test_a_file_is_appended_to_and_reopened),
	    cmocka_unit_test(test_priorities),
	};

	return cmocka_run_group_tests(tests, open_pipe, close_pipe);
}
