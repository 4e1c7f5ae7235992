/* SPDX-License-Identifier: BSD-2-Clause */
/* Access rules for web pages that make a browser send requests. */
#ifndef SERVE_PAGE_H
#define SERVE_PAGE_H

#include "http/exchange.h"
#include "serve/reject.h"

/* Checks whether the page that caused a handshake may connect, by its Origin, which all
 * browsers send in handshakes. Returns false with the error response in *REJECT. */
bool page_may_connect(const struct endpoint *endpoint, const struct exchange *exchange,
    struct reject *reject) __attribute__((warn_unused_result));

/*
 * Checks the page that caused another request. For a GET that any page may cause, a browser
 * sends no Origin but Sec-Fetch-Site or Referer (Fetch Metadata); a browser that sends none of
 * them is not trusted. Returns false with the error response in *REJECT.
 */
bool page_may_request(const struct endpoint *endpoint, const struct exchange *exchange,
    struct reject *reject) __attribute__((warn_unused_result));

#endif
