/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Sends a file as the body of a response, in turns of at most LOOP_BATCH bytes, so that the
 * rest of the loop runs in between, however fast the client reads.
 */
#ifndef HTTP_SEND_FILE_H
#define HTTP_SEND_FILE_H

#include "http/exchange.h"

#include <sys/types.h>

/*
 * Ends the exchange with REPLY and as many bytes as its length says, from OFFSET on, of the
 * regular file FD. Takes FD. If the file turns out to be shorter, the client sees an incomplete
 * response.
 */
void send_file_take(struct exchange *exchange, const struct reply *reply, int fd, off_t offset);

#endif
