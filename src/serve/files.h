/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Static files: serves GET and HEAD for regular files below one directory, and index.html for a
 * path that ends with '/'. No directory listings, no hidden files (serve/beneath.h). A
 * precompressed variant next to the file (".br" or ".gz" appended to its name) is sent to
 * clients that accept it, unless it is older than the file.
 */
#ifndef SERVE_FILES_H
#define SERVE_FILES_H

#include "base/log.h"

struct exchange;

struct files {
	int root; /* from beneath_root(); -1: no static files */
	const char *root_path; /* borrowed: the real path of ROOT */
	const char *spa; /* borrowed: path served in place of missing files; NULL: none */
	char *headers; /* borrowed: additional header lines, each with CR LF */
	/* Constant: URL scheme for websocketd's access log lines, which contain the whole
	 * URL; NULL: normal log lines. */
	const char *compat_scheme;
};

/* Loads media types for all files from a file such as /etc/mime.types, at most 1 MiB. A missing
 * file is not an error; other problems are logged. */
void files_load_types(const char *path);

/* Returns false if FILES->spa is set but its file does not exist. */
bool files_has_spa(const struct files *files);

/* Logs a request in websocketd's format, as EVENT. SCRIPT is the CGI script, or NULL. */
void files_log_compat(const struct files *files, struct exchange *exchange,
    enum log_level level, struct span event, const char *script);

/* Responds to a request for the decoded PATH. An empty PATH is the directory itself, requested
 * without its trailing slash. */
void files_serve(const struct files *files, struct exchange *exchange, const char *path);

#endif
