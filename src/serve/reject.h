/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Why a request is rejected: a status and one sentence, which goes to the log
 * and, for a client on this machine, into the body. It names the remedy.
 */
#ifndef SERVE_REJECT_H
#define SERVE_REJECT_H

#include "http/origin.h"
#include "http/request.h"
#include "serve/endpoint.h"

#include <stdbool.h>

/* Seconds after which there may be room for another program. */
#define REJECT_RETRY_LATER "Retry-After: 5\r\n"

struct reject {
	int status; /* 0: the request is accepted, and the rest is not set */
	const char *headers; /* NULL, or constant header lines */
	const char *reason; /* constant, or TEXT */
	char text[ORIGIN_REASON_MAX];
};

/* Each fills *REJECT and returns false, so that a check can end with it. */
bool reject_with(
    struct reject *reject, int status, const char *headers, const char *constant_reason);
bool reject_format(struct reject *reject, int status, const char *headers, const char *format,
    ...) __attribute__((format(printf, 4, 5)));

/* No slot is free for a program. */
bool reject_busy(struct reject *reject);

/* What endpoint_find() found at a path. True: a program. */
bool reject_unless_found(
    struct reject *reject, const struct endpoint *endpoint, enum endpoint_result result);

/*
 * PROGRAM can't be started because of an errno, and of OPTION unless that is NULL; without one
 * this looks into the file for what the errno does not say. 503 when it is for want of
 * something that may be free again.
 */
bool reject_start(struct reject *reject, const char *program, int error, const char *option);

/* A connection to the socket NAME failed. 504 when the time was over, 503 for want of something
 * that may be free again, else 502. */
bool reject_connect(
    struct reject *reject, const char *name, const struct connect_result *result);

#endif
