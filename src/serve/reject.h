/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The reason why a request is rejected: a status and one sentence that names the remedy. The
 * sentence is logged and, for a client on this machine, sent in the body.
 */
#ifndef SERVE_REJECT_H
#define SERVE_REJECT_H

#include "http/origin.h"
#include "http/request.h"
#include "serve/endpoint.h"

#include <stdbool.h>

/* Header line of rejections that may be temporary. */
#define REJECT_RETRY_LATER "Retry-After: 5\r\n"

struct reject {
	int status; /* 0: the request is accepted, and the other fields are not set */
	const char *headers; /* constant header lines, or NULL */
	const char *reason; /* a constant string, or TEXT */
	char text[ORIGIN_REASON_MAX];
};

/* All functions fill *REJECT and return false, so that a check can end with one of them. */
bool reject_with(
    struct reject *reject, int status, const char *headers, const char *constant_reason);
bool reject_format(struct reject *reject, int status, const char *headers, const char *format,
    ...) __attribute__((format(printf, 4, 5)));

/* No slot for a program is free. */
bool reject_busy(struct reject *reject);

/* Converts a result of endpoint_find(). Returns true if a program was found. */
bool reject_unless_found(
    struct reject *reject, const struct endpoint *endpoint, enum endpoint_result result);

/*
 * PROGRAM can't be started because of ERROR, an errno, and OPTION unless that is NULL. Without
 * OPTION, inspects the file for details that the errno lacks. 503 if the missing resource may
 * become free again.
 */
bool reject_start(struct reject *reject, const char *program, int error, const char *option);

/* The connection to the socket NAME failed: 504 on a timeout, 503 if a missing resource may
 * become free again, otherwise 502. */
bool reject_connect(
    struct reject *reject, const char *name, const struct connect_result *result);

#endif
