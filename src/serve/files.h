/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Static files: GET and HEAD of a regular file below one directory, index.html
 * for a path that ends with '/'. No listings, no hidden files (serve/beneath.h). A variant of
 * the file next to it, with ".br" or ".gz" appended to its name, is sent to a client that
 * accepts it, unless it is older.
 */
#ifndef SERVE_FILES_H
#define SERVE_FILES_H

#include "base/log.h"

struct exchange;

struct files {
	int root; /* of beneath_root(); -1: there are no files */
	const char *root_path; /* borrowed: its real path */
	const char *spa; /* borrowed: the path to serve for those that do not exist; NULL: none
			  */
	char *headers; /* borrowed: further header lines, each with CR LF */
	const char *compat_scheme; /* constant: the lines of the log are websocketd's, which
				      have the whole URL; NULL: they are not */
};

/* Loads the media types of a file such as /etc/mime.types, at most 1 MiB, for all files. It is
 * no error when it does not exist; another problem is logged. */
void files_load_types(const char *path);

/* False: there is no file at the path for those that do not exist. */
bool files_has_spa(const struct files *files);

/* Logs a request as websocketd does, as EVENT; SCRIPT is the CGI script, or NULL. */
void files_log_compat(const struct files *files, struct exchange *exchange,
    enum log_level level, struct span event, const char *script);

/* Answers a request for the decoded PATH; an empty one is that of the directory, which lacks
 * its slash. */
void files_serve(const struct files *files, struct exchange *exchange, const char *path);

#endif
