/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The log: one line per event, written by a single write(2), in one of three formats.
 *
 *   text    2026-01-31T12:00:00.123Z access session #7 close code=1000 exit=0
 *   json {"time":"...","level":"access","category":"session","session":7,"message":"close",...}
 *   compat  Sat, 31 Jan 2026 12:00:00 +0000 | ACCESS | session    | code:'1000' | close
 *
 * Values may be hostile: control characters and bytes that are not UTF-8 are written as \xHH
 * (\u00HH in JSON); characters that change the text direction, separate lines or have no width
 * are written as \uHHHH. For journald, a line begins with its priority, such as <6>, which
 * journald removes. A line has at most LOG_LINE_MAX bytes; the rest is omitted and the line
 * gets truncated=1. For the caller, writing never fails and never blocks: if nobody reads the
 * log, lines are dropped and counted.
 */
#ifndef BASE_LOG_H
#define BASE_LOG_H

#include "base/log_line.h"
#include "base/util.h"

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/* In websocketd's order, which has no LOG_WARN: compat shows it as ERROR. A level includes
 * everything more severe. */
enum log_level {
	LOG_DEBUG,
	LOG_TRACE,
	LOG_ACCESS,
	LOG_INFO,
	LOG_WARN,
	LOG_ERROR,
	LOG_FATAL,
	LOG_NONE,
};

/* Names of the levels, NULL-terminated. */
extern const char *const log_level_names[];

/* Sets where lines are written. FD is borrowed. Before the first call: text to stderr, from
 * LOG_ACCESS. */
void log_setup(int fd, enum log_format format, enum log_level lowest);

/* Appends lines to the file PATH from now on; problems with it are also reported on standard
 * error. Returns false with errno, without a change. */
bool log_open(const char *path) __attribute__((warn_unused_result));

/* Reopens the current log file after it was renamed. Returns false after reporting the error;
 * the log continues in the old file. */
bool log_reopen(const char *path);

/* Changes the owner of PATH, the file of log_open(), so that this user can reopen it. Terminals
 * and the like are left unchanged, and so is a file reached by a symbolic link or with several
 * hard links. */
void log_give(const char *path, uid_t uid, gid_t gid);

/* Writes the lines of TEXT to standard error; if that is journald's, with error priority. */
void log_errors(const char *text);

/* Changes the log format and level. */
void log_change(enum log_format format, enum log_level lowest);

/* Adds the worker number to each line, except in compat format. 0: none. */
void log_set_worker(int number);

bool log_shows(enum log_level level);
bool log_is_json(void);

/*
 * Write a line with fields: log_begin(), any number of log_text()/log_number(), log_end().
 * log_begin() returns false if the level is not logged; the caller then skips the rest. SESSION
 * is the session's ID, 0 for none (compat lines only show fields). MESSAGE is borrowed until
 * log_end() and escaped like values; CATEGORY and the keys must be constants of the program.
 */
bool log_begin(enum log_level level, const char *category, uint64_t session,
    struct span message) __attribute__((warn_unused_result));
void log_text(const char *key, struct span value);
void log_number(const char *key, int64_t value);
void log_end(void);

/* Writes a line of category "server" without fields; ERROR is an errno whose text is appended,
 * or 0. Preserves errno. */
void log_server(enum log_level level, int error, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

#define log_debug(...) log_server(LOG_DEBUG, 0, __VA_ARGS__)
#define log_info(...) log_server(LOG_INFO, 0, __VA_ARGS__)
/* log_warn() and log_error() add the text of errno. */
#define log_warn(...) log_server(LOG_WARN, errno, __VA_ARGS__)
#define log_warnx(...) log_server(LOG_WARN, 0, __VA_ARGS__)
#define log_error(...) log_server(LOG_ERROR, errno, __VA_ARGS__)
#define log_errorx(...) log_server(LOG_ERROR, 0, __VA_ARGS__)

/*
 * Limits how many lines of stderr are logged: a burst, and then a number per second. Otherwise
 * one program that reports each of its messages would fill the disk and drown out all others.
 * Zeroed ({0}): initial state.
 */
enum {
	LOG_LIMIT_BURST = 200,
	LOG_LIMIT_PER_SECOND = 20,
	LOG_LIMIT_TEXT_MAX = 48, /* bytes of a report */
};

struct log_limit {
	int64_t since_ms; /* start of the period that LEFT applies to; 0: none yet */
	unsigned int left; /* lines that may still be logged */
	unsigned int suppressed; /* lines dropped since the last logged one */
};

/* Reports whether to log a line at NOW_MS; counts it if not. */
bool log_limit_allows(struct log_limit *limit, int64_t now_ms);

/* Formats the number of suppressed lines, to be logged before the next line of stderr, and
 * resets it. Returns false if there were none. */
bool log_limit_report(struct log_limit *limit, char text[LOG_LIMIT_TEXT_MAX]);

#endif
