/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A connection between two workers of a server: a Unix socket that carries frames, whose other
 * side is trusted. The byte order is the machine's.
 */
#ifndef BUS_LINK_H
#define BUS_LINK_H

#include "base/util.h"
#include "net/loop.h"

/* What is in a frame, for its user. */
struct link_head {
	uint32_t len; /* set by link_send() */
	uint8_t kind;
	uint8_t type;
	int16_t separator;
	bool cr;
};

enum { LINK_FRAME_MAX = 1 << 30 };

struct link;

/* A handler may call anything, including link_free(). None is called from inside a function of
 * this header. */
struct link_handlers {
	/* BYTES is writable, and BATCH_SLACK bytes after it are readable. */
	void (*on_frame)(void *arg, const struct link_head *head, uint8_t *bytes, size_t len);
	/* After all frames of one read. */
	void (*on_drained)(void *arg);
	/* The other side is gone, after all that it has sent; call link_free(). */
	void (*on_gone)(void *arg);
};

/* Takes FD, which is not blocking, even on failure. The others are borrowed. NULL without
 * memory. */
struct link *link_new_take(struct loop *loop, int fd, const struct link_handlers *handlers,
    void *arg) __attribute__((warn_unused_result));

/* Another user. */
void link_set_handlers(struct link *link, const struct link_handlers *handlers, void *arg);

/* Sends a frame with LEN bytes, at most LINK_FRAME_MAX, now or later. If the link fails,
 * on_gone() is called from the loop. */
void link_send(struct link *link, struct link_head head, const void *bytes, size_t len);

/* Bytes that wait, and when some of them last left (util_clock_ms()). */
size_t link_queued(const struct link *link);
int64_t link_progress_ms(const struct link *link);

/* On at first. */
void link_set_reading(struct link *link, bool on);

/* Closes it: at once, or once what waits has been sent. No handler is called any more. Both
 * accept NULL. */
void link_free(struct link *link);
void link_finish(struct link *link);

#endif
