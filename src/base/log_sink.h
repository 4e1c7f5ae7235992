/* SPDX-License-Identifier: BSD-2-Clause */
/* Where the log goes, without ever blocking the writer. Used by log alone. */
#ifndef BASE_LOG_SINK_H
#define BASE_LOG_SINK_H

#include <sys/types.h>

/* Writes go to FD, which is borrowed. It is standard error before the first call. errno
 * survives.
 */
void log_sink_set(int fd);

/* As write(2): -1 with EAGAIN if nobody reads what was written before, and less than LEN if
 * that is so from there on. */
ssize_t log_sink_write(const char *bytes, size_t len);

#endif
