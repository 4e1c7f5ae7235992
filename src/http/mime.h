/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Media types of static files, by the name's ending alone: contents are never
 * sniffed, so what somebody can upload can't become a page.
 */
#ifndef HTTP_MIME_H
#define HTTP_MIME_H

/* The value of Content-Type for a file called NAME; application/octet-stream for an ending that
 * is not known. */
const char *mime_type(const char *name);

#endif
