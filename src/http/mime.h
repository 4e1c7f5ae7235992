/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Media types of static files, by file name extension only: contents are never sniffed, so that
 * an uploaded file can't become a page.
 */
#ifndef HTTP_MIME_H
#define HTTP_MIME_H

enum { MIME_TYPE_MAX = 160 }; /* bytes of a type with its charset, including the NUL */

/*
 * Loads media types from TEXT, in the format of /etc/mime.types, for all later calls. Takes
 * TEXT, which must be allocated. The types override the built-in ones, and the first type of an
 * extension counts. Malformed lines are ignored. NULL: only the built-in types.
 */
void mime_load_take(char *text);

/* Returns the Content-Type of a file called NAME; application/octet-stream for an unknown
 * extension. Text is UTF-8. */
void mime_type(const char *name, char type[MIME_TYPE_MAX]);

#endif
