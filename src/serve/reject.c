/* SPDX-License-Identifier: BSD-2-Clause */
/* The reason why a request is rejected. */
#include "serve/reject.h"

#include "process/diagnose.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

bool
reject_with(struct reject *reject, int status, const char *headers, const char *constant_reason)
{
	reject->status = status;
	reject->headers = headers;
	reject->reason = constant_reason;
	return false;
}

bool
reject_format(struct reject *reject, int status, const char *headers, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	/* cppcheck-suppress ctuuninitvar; filled here */
	vsnprintf(reject->text, sizeof(reject->text), format, args);
	va_end(args);
	return reject_with(reject, status, headers, reject->text);
}

bool
reject_busy(struct reject *reject)
{
	return reject_with(reject, 429, REJECT_RETRY_LATER, "--maxforks programs are running");
}

bool
reject_unless_found(
    struct reject *reject, const struct endpoint *endpoint, enum endpoint_result result)
{
	switch (result) {
	case ENDPOINT_OK:
		break;
	case ENDPOINT_MISSING:
		return reject_format(reject, 404, NULL, "no program in --dir=%s has this path",
		    endpoint->dir_path);
	case ENDPOINT_FORBIDDEN:
		return reject_with(reject, 403, NULL,
		    "the program at this path is not executable; run chmod +x on it");
	case ENDPOINT_NOMEM:
		return reject_with(reject, 503, REJECT_RETRY_LATER, "out of memory");
	}
	return true;
}

bool
reject_start(struct reject *reject, const char *program, int error, const char *option)
{
	char why[DIAGNOSE_MAX];

	switch (error) {
	case EDQUOT:
		return reject_busy(reject);
	case EAGAIN:
	case EMFILE:
	case ENFILE:
	case ENOMEM:
		return reject_format(reject, 503, REJECT_RETRY_LATER,
		    "can't start %s now: %s (%s)", program, strerror(error),
		    option ? option : "system limit");
	default:
		break;
	}
	if (option)
		return reject_format(reject, 500, NULL, "can't start %s: %s: %s", program,
		    option, strerror(error));
	if (!diagnose_program(program, error, why))
		snprintf(why, sizeof(why), "%s", strerror(error));
	return reject_format(
	    reject, error == EACCES ? 403 : 500, NULL, "can't start %s: %s", program, why);
}

bool
reject_connect(struct reject *reject, const char *name, const struct connect_result *result)
{
	switch (result->error) {
	case ETIMEDOUT:
		return reject_format(reject, 504, NULL,
		    "can't connect to %s: no response in time (--connect-timeout)", name);
	case EAGAIN:
	case EADDRNOTAVAIL:
	case EMFILE:
	case ENFILE:
	case ENOBUFS:
	case ENOMEM:
		return reject_format(reject, 503, REJECT_RETRY_LATER,
		    "can't connect to %s now: %s (system limit)", name, result->why);
	default:
		return reject_format(
		    reject, 502, NULL, "can't connect to %s: %s", name, result->why);
	}
}
