/* SPDX-License-Identifier: BSD-2-Clause */
/* The rule about the web pages that may have a browser send requests. */
#ifndef SERVE_PAGE_H
#define SERVE_PAGE_H

#include "http/exchange.h"
#include "serve/reject.h"

/* Whether the page that a handshake comes from may have it sent: by its Origin, which all
 * browsers send then. False: *REJECT is the response; likewise below. */
bool page_may_connect(const struct endpoint *endpoint, const struct exchange *exchange,
    struct reject *reject) __attribute__((warn_unused_result));

/*
 * The same for other requests. A browser sends no Origin with a GET that any page may cause,
 * but Sec-Fetch-Site or the Referer (Fetch Metadata); one that sends none of them is not
 * trusted.
 */
bool page_may_request(const struct endpoint *endpoint, const struct exchange *exchange,
    struct reject *reject) __attribute__((warn_unused_result));

#endif
