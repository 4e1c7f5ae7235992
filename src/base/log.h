/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The log: one line a fact, written with one write(2), in one of three formats.
 *
 *   text    2026-01-31T12:00:00.123Z access session #7 close code=1000 exit=0
 *   json {"time":"...","level":"access","category":"session","session":7,"message":"close",...}
 *   compat  Sat, 31 Jan 2026 12:00:00 +0000 | ACCESS | session    | code:'1000' | close
 *
 * Values may be hostile: controls, and bytes that are not UTF-8, are written as \xHH (\u00HH in
 * JSON), and characters that change the direction of text, separate lines or have no width as
 * \uHHHH. For journald, which removes it, a line begins with its priority, as <6>. A line never
 * grows beyond LOG_LINE_MAX bytes; what does not fit is left out and the line says truncated=1.
 * Writing never fails and never blocks as far as the caller can see: if nobody reads the log,
 * lines are dropped and counted.
 */
#ifndef BASE_LOG_H
#define BASE_LOG_H

#include "base/log_line.h"
#include "base/util.h"

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/* The order is websocketd's, which has no LOG_WARN: compat shows it as ERROR. A level shows
 * itself and everything more severe. */
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

/* Their names, NULL at the end. */
extern const char *const log_level_names[];

/* Where lines go from now on. FD is borrowed. Before the first call: text to stderr, from
 * LOG_ACCESS. */
void log_setup(int fd, enum log_format format, enum log_level lowest);

/* Lines are appended to the file PATH from now on; trouble with it is also reported on standard
 * error. False with errno: nothing has changed. */
bool log_open(const char *path) __attribute__((warn_unused_result));

/* The same for the file that is the log already, after it was renamed. False: that has been
 * reported, and the log goes on where it was. */
bool log_reopen(const char *path);

/* The file of log_open(), PATH, belongs to this user from now on, who can thus reopen it. A
 * terminal or the like is left alone, and so is a file that PATH is a link to. */
void log_give(const char *path, uid_t uid, gid_t gid);

/* Writes lines of TEXT to standard error, each as an error if that is journald's. */
void log_errors(const char *text);

/* Changes the format and the level of what is logged from now on. */
void log_change(enum log_format format, enum log_level lowest);

/* From now on each line names its worker, but for those of compat. 0: none does. */
void log_set_worker(int number);

bool log_shows(enum log_level level);
bool log_is_json(void);

/*
 * A line with fields: log_begin(), any number of log_text()/log_number(),
 * log_end(). log_begin() returns false when the level is not shown; the rest
 * is left out by the caller then. SESSION is the session's id, 0 for none (compat
 * lines show only what is added as a field).
 * MESSAGE is borrowed until log_end() and is escaped as values are; CATEGORY and
 * the keys are our own words.
 */
bool log_begin(enum log_level level, const char *category, uint64_t session,
    struct span message) __attribute__((warn_unused_result));
void log_text(const char *key, struct span value);
void log_number(const char *key, int64_t value);
void log_end(void);

/* A line of category "server" without fields; ERROR is an errno whose text is added, or 0.
 * errno survives. */
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
 * How many lines of stderr are logged: a burst, and then a number per second. One program that
 * reports each of its messages would fill the disk, and drown all others. Zero bytes ({0}) are
 * its beginning.
 */
enum {
	LOG_LIMIT_BURST = 200,
	LOG_LIMIT_PER_SECOND = 20,
	LOG_LIMIT_TEXT_MAX = 48, /* bytes of a report */
};

struct log_limit {
	int64_t since_ms; /* what LEFT counts; 0: nothing yet */
	unsigned int left; /* lines that may be logged */
	unsigned int suppressed; /* lines since the last one that was logged */
};

/* Whether a line at NOW_MS is logged; a line that is not is counted. */
bool log_limit_allows(struct log_limit *limit, int64_t now_ms);

/* What to log before such a line of stderr: how many were suppressed, from 0 again. False: none
 * were. */
bool log_limit_report(struct log_limit *limit, char text[LOG_LIMIT_TEXT_MAX]);

#endif
