/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A file as the body of a response. It is sent in turns of at most LOOP_BATCH bytes, with
 * everything else in the loop between them, however fast the client reads.
 */
#ifndef HTTP_SEND_FILE_H
#define HTTP_SEND_FILE_H

#include "http/exchange.h"

#include <sys/types.h>

/*
 * Ends the exchange with REPLY and as many bytes as its length says, from OFFSET on, of the
 * regular file FD, which is taken. If the file turns out to be shorter, the client sees an
 * incomplete response.
 */
void send_file_take(struct exchange *exchange, const struct reply *reply, int fd, off_t offset);

#endif
