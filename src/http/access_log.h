/* SPDX-License-Identifier: BSD-2-Clause */
/* Logs requests. */
#ifndef HTTP_ACCESS_LOG_H
#define HTTP_ACCESS_LOG_H

#include "http/client.h"
#include "http/request.h"

/*
 * Logs EVENT: "reply", "rejected" or "aborted". REQUEST may have no head. USER is the
 * authenticated user, or NULL. STATUS is 0 if none was sent; REASON may be NULL.
 */
void access_log_write(const char *event, const struct client *client,
    const struct request *request, const char *user, int status, const char *reason);

#endif
