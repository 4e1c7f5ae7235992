/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Splits request targets (RFC 9112, section 3.2; RFC 3986) and decodes their paths. Pure. Paths
 * are never repaired silently: the result could mean something else to the file system.
 */
#ifndef HTTP_URI_H
#define HTTP_URI_H

#include "base/buffer.h"
#include "base/util.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A target, as spans of it. */
struct uri {
	struct span authority; /* absolute-form only; empty (data NULL) in the origin-form */
	/* Still encoded; begins with '/' ("/" if missing in the absolute-form). */
	struct span path;
	struct span query; /* raw, after the '?'; empty if missing */
	bool has_query;
};

/*
 * Splits a target. Returns true for the origin-form ("/a?b") and the absolute-form with http,
 * https, ws or wss ("http://host/a?b", scheme case-insensitive). Returns false (respond with
 * 400) for the other forms, a fragment, a byte that is invalid in a URI (control, blank, above
 * 0x7e), or an authority that uri_parse_authority() rejects or that has user information.
 */
bool uri_split(struct span target, struct uri *out);

enum uri_path_result {
	URI_PATH_OK,
	/* The next two are decoded as well, and may be passed to a program, but never name a
	 * file. */
	URI_PATH_ODD, /* an escaped '/', or a '\' */
	URI_PATH_UNCLEAN, /* a segment is "." or "..", or one that is not the last is empty */
	/* A broken escape, a control byte (below 0x20, 0x7f), or bytes that are not UTF-8. */
	URI_PATH_BAD,
};

/*
 * Decodes an encoded path once into OUT (at least path.len + 1 bytes), NUL-terminated. An empty
 * last segment ("/dir/") is valid. After URI_PATH_BAD, OUT is undefined.
 */
enum uri_path_result uri_decode_path(struct span path, char *out);

/* Removes empty and "." segments, and ".." with the segment before it, from the decoded PATH in
 * place (RFC 3986, section 5.2.4); a trailing '/' stays. */
void uri_clean_path(char *path);

/* Appends a decoded path to OUT, escaped as RFC 3986, section 3.3, requires. Returns false if
 * memory runs out. */
bool uri_put_path(struct buffer *out, const char *path) __attribute__((warn_unused_result));

/* The authority of a URI or of a Host field. */
struct uri_authority {
	struct span host; /* without the brackets of an IPv6 address */
	bool is_ipv6; /* was in brackets */
	bool is_ipv4; /* four decimal numbers */
	int port; /* 0: missing */
};

/*
 * Parses uri-host [":" port] (RFC 3986, section 3.2; RFC 9112, section 3.2). Returns false for
 * an empty host, user information, a port outside 1 to 65535 or with leading junk, a bad IPv6
 * address, or a byte that is invalid in a reg-name. An empty port ("host:") counts as missing.
 */
bool uri_parse_authority(struct span text, struct uri_authority *out);

#endif
