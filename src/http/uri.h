/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Request targets (RFC 9112, section 3.2; RFC 3986): taking them apart and
 * decoding their path. Pure. A path is never cleaned: what is mended here could
 * mean something else to the file system.
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
	struct span authority; /* of the absolute-form; empty (data NULL) in the origin-form */
	struct span
	    path; /* still encoded, begins with '/' ("/" where the absolute-form has none) */
	struct span query; /* raw, after the '?'; empty when there is none */
	bool has_query;
};

/*
 * Takes a target apart. True for the origin-form ("/a?b") and the
 * absolute-form with http, https, ws or wss ("http://host/a?b", the scheme in any case). False
 * (answer 400) for the other forms, a fragment, a byte that no URI holds
 * (control, blank, above 0x7e), or an authority that uri_parse_authority()
 * refuses or that has user information.
 */
bool uri_split(struct span target, struct uri *out);

enum uri_path_result {
	URI_PATH_OK,
	/* The next two decode too, and a program may get them; but they name no file. */
	URI_PATH_ODD, /* an escaped '/', or a '\' */
	URI_PATH_UNCLEAN, /* a segment is "." or "..", or one that is not the last is empty */
	/* A broken escape, a control byte (below 0x20, 0x7f), or bytes that are not UTF-8. */
	URI_PATH_BAD,
};

/*
 * Decodes an encoded path once into OUT (at least path.len + 1 bytes), terminated. A last empty
 * segment ("/dir/") is all right. After URI_PATH_BAD, OUT holds no path.
 */
enum uri_path_result uri_decode_path(struct span path, char *out);

/* Removes empty and "." segments, and ".." with the segment before it, from the decoded PATH
 * (RFC 3986, section 5.2.4), in place; a '/' at its end stays. */
void uri_clean_path(char *path);

/* Appends a decoded path to OUT, escaped where RFC 3986, section 3.3, wants it. False without
 * memory. */
bool uri_put_path(struct buffer *out, const char *path) __attribute__((warn_unused_result));

/* The authority of a URI or of a Host field. */
struct uri_authority {
	struct span host; /* without the brackets of an IPv6 address */
	bool is_ipv6; /* it stood in brackets */
	bool is_ipv4; /* four decimal numbers */
	int port; /* 0 when none was given */
};

/*
 * Reads uri-host [":" port] (RFC 3986, section 3.2; RFC 9112, section 3.2).
 * False for what is not valid: an empty host, user information, a port outside
 * 1 to 65535 or with leading junk, a bad IPv6 address, a byte that no reg-name holds. An empty
 * port ("host:") counts as none.
 */
bool uri_parse_authority(struct span text, struct uri_authority *out);

#endif
