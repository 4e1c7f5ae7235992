/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What websocketd prints at its command line and at startup, and its exit statuses: Go's flag
 * package, log lines and errors, to the letter. Other parts of compat mode are data where they
 * belong: defaults in the option table, lines of the log in base/log and session/session_log,
 * rules for the Origin in http/origin.
 */
#ifndef OPTIONS_COMPAT_H
#define OPTIONS_COMPAT_H

#include "net/listeners.h"
#include "options/table.h"

#include <stdio.h>

enum { COMPAT_TEXT_MAX = 512 };

/* Exit statuses. */
enum {
	COMPAT_NOTHING = 1, /* no arguments, a bad level, options that do not fit together */
	COMPAT_FLAG = 2, /* an option that is unknown or can't be read */
	COMPAT_NO_START = 3,
	COMPAT_CONFLICT = 4, /* the console with files */
};

/* Errors of combinations of options. */
#define COMPAT_NO_ARGUMENTS "Command line arguments are missing."
#define COMPAT_NO_COMMAND                                                                      \
	"Please specify COMMAND or provide --dir, --staticdir or --cgidir argument."
#define COMPAT_NO_PROGRAM "unable to locate specified COMMAND '%s' in OS path"
#define COMPAT_TWO_COMMANDS                                                                    \
	"ambiguous: provided COMMAND and --dir argument, please only specify one"
#define COMPAT_CONSOLE_FILES                                                                   \
	"Invalid parameters: --devconsole cannot be used with --staticdir. Pick one."
#define COMPAT_CONSOLE_CGI                                                                     \
	"Invalid parameters: --devconsole cannot be used with --cgidir. Pick one."
#define COMPAT_BINARY_STDERR "please only specify one of --binary and --passstderr"
#define COMPAT_NO_SSL "you should not be using --ssl* flags when there is no --ssl option"
#define COMPAT_NO_CERTIFICATE "please specify both --sslcert and --sslkey when requesting --ssl"

/* True when the program was started under websocketd's name. */
bool compat_is_websocketd(const char *path);

/* An option without its value, one without a name, an unknown one. Returns the status. */
int compat_report_option(FILE *err, const char *problem, struct span name);

/* A value that the type of ROW rejects for REASON. Returns the status. */
int compat_report_value(
    const struct option_row *row, const char *value, const char *reason, FILE *out, FILE *err);

/* Why a directory (of "dir", "staticdir" or "cgidir") can't be used, by errno. */
void compat_directory_error(char text[COMPAT_TEXT_MAX], const char *name, const char *path);

/* Why nothing can be listened on: errors of Go's net package. */
void compat_tcp_error(char text[COMPAT_TEXT_MAX], const struct options_listener *options,
    const struct listeners_error *error, int port);
void compat_unix_error(char text[COMPAT_TEXT_MAX], const char *path, int error);

/* Logs what is served; PORT is the one that is listened on. */
void compat_announce(const struct options *options, int port);

#endif
