/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Media types of static files, by the name's ending alone: contents are never
 * sniffed, so what somebody can upload can't become a page.
 */
#ifndef HTTP_MIME_H
#define HTTP_MIME_H

enum { MIME_TYPE_MAX = 160 }; /* bytes of a type with its charset, terminated */

/*
 * Loads TEXT, which has the form of /etc/mime.types and is taken (it was allocated), for all
 * later calls. Its types precede the built-in ones, its first type for an ending the others.
 * Malformed lines are ignored. NULL: only the built-in ones.
 */
void mime_load_take(char *text);

/* The value of Content-Type for a file called NAME; application/octet-stream for an ending that
 * is not known. Text is in UTF-8. */
void mime_type(const char *name, char type[MIME_TYPE_MAX]);

#endif
