/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What websocketd prints on its command line and at startup, and its exit statuses: Go's flag
 * package, log lines and errors, verbatim. Other parts of compat mode are data where they
 * belong: defaults in the option table, log lines in base/log and session/session_log, Origin
 * rules in http/origin.
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
	COMPAT_FLAG = 2, /* an unknown or invalid option */
	COMPAT_NO_START = 3,
	COMPAT_CONFLICT = 4, /* the console together with files */
};

/* Errors for combinations of options. */
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

/* Returns true if the program was started under websocketd's name. */
bool compat_is_websocketd(const char *path);

/* Reports an option without its value, without a name, or unknown. Returns the exit status. */
int compat_report_option(FILE *err, const char *problem, struct span name);

/* Reports a value that the type of ROW rejects for REASON. Returns the exit status. */
int compat_report_value(
    const struct option_row *row, const char *value, const char *reason, FILE *out, FILE *err);

/* Describes why a directory (of "dir", "staticdir" or "cgidir") can't be used, according to
 * errno. */
void compat_directory_error(char text[COMPAT_TEXT_MAX], const char *name, const char *path);

/* Describes why listening failed, like the errors of Go's net package. */
void compat_tcp_error(char text[COMPAT_TEXT_MAX], const struct options_listener *options,
    const struct listeners_error *error, int port);
void compat_unix_error(char text[COMPAT_TEXT_MAX], const char *path, int error);

/* Logs what is served; PORT is the listening port. */
void compat_announce(const struct options *options, int port);

#endif
