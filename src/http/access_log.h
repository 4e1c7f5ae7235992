/* SPDX-License-Identifier: BSD-2-Clause */
/* The lines of the log about requests. */
#ifndef HTTP_ACCESS_LOG_H
#define HTTP_ACCESS_LOG_H

#include "http/client.h"
#include "http/request.h"

/*
 * A line about EVENT: "reply", "rejected", "aborted". REQUEST may have no head. USER is the
 * authenticated one, or NULL. STATUS is 0 where none was sent; REASON may be NULL.
 */
void access_log_write(const char *event, const struct client *client,
    const struct request *request, const char *user, int status, const char *reason);

#endif
