/* SPDX-License-Identifier: BSD-2-Clause */
/* Whether the options make sense together and on this system. */
#include "config.h"

#include "options/check.h"
#include "options/command.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <unistd.h>

enum { COMPAT_STATUS = 1, MAX_MESSAGE = 1024 * 1024 };

/* Reports an error, in compat mode without our name as websocketd does; returns false. */
static bool __attribute__((format(printf, 5, 6))) refuse(const struct options *options,
    FILE *err, int *status, int native_status, const char *format, ...)
{
	va_list args;

	*status = options->compat ? COMPAT_STATUS : native_status;
	if (!options->compat)
		fputs("wspipe: ", err);
	va_start(args, format);
	vfprintf(err, format, args);
	va_end(args);
	fputc('\n', err);
	return false;
}

static bool
check_usage(const struct options *options, FILE *err, int *status)
{
	bool compat = options->compat;

	if (!options->command && !options->dir && !options->staticdir)
		return refuse(options, err, status, EX_USAGE, "%s",
		    compat ? "Please specify COMMAND or provide --dir, --staticdir or --cgidir "
			     "argument."
			   : "nothing to serve: give a COMMAND, --dir=DIR or --staticdir=DIR; "
			     "'wspipe --help' shows how");
	if (options->command && options->dir)
		return refuse(options, err, status, EX_USAGE, "%s",
		    compat ? "ambiguous: provided COMMAND and --dir argument, please only "
			     "specify one"
			   : "COMMAND and --dir can't be combined");
	return true;
}

/* The kind that a direction has: its own, that of both, or lines. */
static enum framing_kind
framing_of(int own, int both)
{
	if (own == 0)
		own = both;
	return own == 0 ? FRAMING_LINES : (enum framing_kind)(own - 1);
}

/* Sets the framing of both directions, and rejects options that would have no effect. */
static bool
check_framing(struct options *options, FILE *err, int *status)
{
	int both = options->framing;
	enum framing_kind in, out;
	const char *wrong = NULL;

	if (options->binary && both == 0)
		both = 1 + FRAMING_STREAM;
	if (options->raw && both == 0)
		both = 1 + FRAMING_TEXT;
	in = framing_of(options->framing_in, both);
	out = framing_of(options->framing_out, both);

	if (options->binary && options->passstderr)
		wrong = options->compat ? "please only specify one of --binary and --passstderr"
					: "--binary and --passstderr can't be combined";
	else if (options->binary && (in != FRAMING_STREAM || out != FRAMING_STREAM))
		wrong = "--binary means --framing=stream; it can't be combined with another "
			"framing";
	else if (options->raw && (in != FRAMING_TEXT || out != FRAMING_TEXT))
		wrong = "--raw means --framing=text; it can't be combined with another framing";
	else if (options->newline != FRAMING_NEWLINE_PASS && in != FRAMING_LINES)
		wrong = "--newline only applies to --framing-in=lines";
	else if (options->text && out != FRAMING_LENGTH)
		wrong = "--text only applies to --framing-out=length";
	else if (options->events && in != FRAMING_JSON)
		wrong = "--events only applies to --framing-in=json";
	else if (options->lsp_processid != OPTIONS_PROCESS_ID_KEEP && in != FRAMING_LSP)
		wrong = "--lsp-processid only applies to --framing-in=lsp";
	else if (options->passstderr && out != FRAMING_LINES && out != FRAMING_JSON)
		wrong =
		    "--passstderr only applies to --framing-out=lines and --framing-out=json";
	else if (options->invalid_utf8 != OPTIONS_REPLACE &&
		 (out == FRAMING_STREAM || out == FRAMING_JSON ||
		     (out == FRAMING_LENGTH && !options->text)))
		wrong = "--invalid-utf8 only applies to output that is sent as text, so not to "
			"--framing-out=stream, json, or length without --text";
	else if (options->invalid_utf8 == OPTIONS_BINARY && options->passstderr)
		wrong = "--invalid-utf8=binary and --passstderr can't be combined";
	if (wrong)
		return refuse(options, err, status, EX_USAGE, "%s", wrong);
	options->to_program = (struct framing){.kind = in,
	    .newline = options->newline,
	    .null_process_id = options->lsp_processid == OPTIONS_PROCESS_ID_NULL};
	/* Where a message is passed on in parts, its size costs nothing. */
	if (options->maxframesize != 0)
		options->max_message = options->maxframesize - 1;
	else if (framing_has_boundaries(&options->to_program))
		options->max_message = MAX_MESSAGE;
	options->from_program = (struct framing){.kind = out,
	    .text = options->text,
	    .max_record = (uint64_t)options->max_output_message};
	return true;
}

static bool
check_tls(const struct options *options, FILE *err, int *status)
{
	size_t certificates = options->sslcert.count;
	size_t keys = options->sslkey.count;

	if (!options->ssl && (certificates > 0 || keys > 0 || options->sslca))
		return refuse(options, err, status, EX_USAGE, "%s",
		    options->compat
			? "you should not be using --ssl* flags when there is no --ssl option"
			: "--sslcert, --sslkey and --sslca need --ssl: add it, or leave them "
			  "out");
	if (options->ssl && (certificates == 0 || keys == 0))
		return refuse(options, err, status, EX_USAGE, "%s",
		    options->compat
			? "please specify both --sslcert and --sslkey when requesting --ssl"
			: "--ssl needs a certificate and its key: give --sslcert=FILE and "
			  "--sslkey=FILE");
	if (options->strict_sni && !options->ssl)
		return refuse(options, err, status, EX_USAGE,
		    "--strict-sni needs --ssl: add it, or leave it out");
	if (options->sslcrl && !options->sslca)
		return refuse(options, err, status, EX_USAGE,
		    "--sslcrl needs --sslca: add it, or leave it out");
	if (certificates != keys)
		return refuse(options, err, status, EX_USAGE,
		    "each --sslcert needs its --sslkey, in the same order: there are %zu and "
		    "%zu",
		    certificates, keys);
	return true;
}

/* The response names one subprotocol, which only wspipe can choose. */
static bool
check_subprotocol(const struct options *options, FILE *err, int *status)
{
	static const char name[] = "Sec-WebSocket-Protocol:";
	const struct options_list *lists[] = {&options->header, &options->header_ws};

	if (options->require_subprotocol && options->subprotocol.count == 0)
		return refuse(options, err, status, EX_USAGE,
		    "--require-subprotocol needs --subprotocol=LIST");
	for (size_t i = 0; i < 2 && options->subprotocol.count > 0; i++) {
		for (size_t k = 0; k < lists[i]->count; k++) {
			if (strncasecmp(lists[i]->items[k], name, sizeof(name) - 1) == 0)
				return refuse(options, err, status, EX_USAGE,
				    "--%s '%s' and --subprotocol can't be combined: leave out "
				    "the header",
				    i == 0 ? "header" : "header-ws", lists[i]->items[k]);
		}
	}
	return true;
}

/* The real path of a directory that can be entered, which the caller frees; NULL with errno. */
static char *
resolve_directory(const char *path)
{
	char *resolved = realpath(path, NULL);
	struct stat st;
	int error = 0;

	if (!resolved)
		return NULL;
	if (stat(resolved, &st) == -1)
		error = errno;
	else if (!S_ISDIR(st.st_mode))
		error = ENOTDIR;
	else if (faccessat(AT_FDCWD, resolved, X_OK, AT_EACCESS) == -1)
		error = errno;
	if (error == 0)
		return resolved;
	free(resolved);
	errno = error;
	return NULL;
}

/* Makes *PATH, the value of the option NAME, absolute. */
static bool
check_directory(
    const struct options *options, char **path, const char *name, FILE *err, int *status)
{
	char *resolved;

	if (!*path)
		return true;
	resolved = resolve_directory(*path);
	if (resolved) {
		free(*path);
		*path = resolved;
		return true;
	}
	if (!options->compat)
		return refuse(options, err, status, EX_CONFIG,
		    "--%s '%s' can't be used: %s; give a directory that exists and can be "
		    "entered",
		    name, *path, strerror(errno));
	if (strcmp(name, "staticdir") == 0)
		return refuse(options, err, status, EX_CONFIG,
		    "your static dir '%s' is not pointing to an accessible directory", *path);
	if (errno == ENOTDIR)
		return refuse(options, err, status, EX_CONFIG,
		    "did you mean to specify COMMAND instead of --dir '%s'?", *path);
	return refuse(
	    options, err, status, EX_CONFIG, "could not find your script dir '%s'", *path);
}

/* True when PATH is DIRECTORY or below it; both are real paths. */
static bool
is_within(const char *path, const char *directory)
{
	size_t len = strlen(directory);

	if (strcmp(directory, "/") == 0)
		return true;
	return strncmp(path, directory, len) == 0 && (path[len] == '\0' || path[len] == '/');
}

static bool
check_command(struct options *options, FILE *err, int *status)
{
	char reason[OPTIONS_COMMAND_REASON_MAX];

	if (!options->command)
		return true;
	options->program = options_find_command(options->command[0], reason);
	if (options->program)
		return true;
	if (options->compat)
		return refuse(options, err, status, EX_CONFIG,
		    "unable to locate specified COMMAND '%s' in OS path", options->command[0]);
	return refuse(options, err, status, EX_CONFIG, "%s", reason);
}

bool
options_serve(const struct options *options, const char *path)
{
	char *resolved = options->staticdir ? realpath(path, NULL) : NULL;
	struct stat st;
	bool served = resolved && is_within(resolved, options->staticdir) &&
		      stat(resolved, &st) == 0 && S_ISREG(st.st_mode);

	free(resolved);
	return served;
}

/* What is executed must not be downloadable: the source of a program may contain secrets, and a
 * private key is one. */
static bool
check_overlap(const struct options *options, FILE *err, int *status)
{
	if (!options->staticdir)
		return true;
	for (size_t i = 0; i < options->sslkey.count; i++) {
		if (options_serve(options, options->sslkey.items[i]))
			return refuse(options, err, status, EX_CONFIG,
			    "--sslkey '%s' is inside --staticdir '%s', so anyone could "
			    "download it: move it elsewhere",
			    options->sslkey.items[i], options->staticdir);
	}
	if (options->dir && (is_within(options->dir, options->staticdir) ||
				is_within(options->staticdir, options->dir)))
		return refuse(options, err, status, EX_CONFIG,
		    "--dir '%s' and --staticdir '%s' overlap, so anyone could download the "
		    "programs' source: use two directories, neither inside the other",
		    options->dir, options->staticdir);
	if (options->program && options_serve(options, options->program))
		return refuse(options, err, status, EX_CONFIG,
		    "COMMAND '%s' is inside --staticdir '%s', so anyone could download its "
		    "source: move it elsewhere",
		    options->command[0], options->staticdir);
	return true;
}

bool
options_check(struct options *options, FILE *err, int *status)
{
	return check_usage(options, err, status) && check_tls(options, err, status) &&
	       check_subprotocol(options, err, status) && check_framing(options, err, status) &&
	       check_command(options, err, status) &&
	       check_directory(options, &options->dir, "dir", err, status) &&
	       check_directory(options, &options->staticdir, "staticdir", err, status) &&
	       check_overlap(options, err, status);
}
