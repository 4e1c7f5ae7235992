/* SPDX-License-Identifier: BSD-2-Clause */
/* A connection between two workers of a server: a Unix socket that carries frames in host byte
 * order. The other end is trusted. */
#ifndef BUS_LINK_H
#define BUS_LINK_H

#include "base/util.h"
#include "net/loop.h"

/* Frame header. The meaning of the fields is up to the user. */
struct link_head {
	uint32_t len; /* set by link_send() */
	uint8_t kind;
	uint8_t type;
	int16_t separator;
	bool cr;
};

enum { LINK_FRAME_MAX = 1 << 30 };

struct link;

/* Handlers may call everything, including link_free(). No handler is called from inside a
 * function of this header. */
struct link_handlers {
	/* BYTES is writable and followed by BATCH_SLACK readable bytes. */
	void (*on_frame)(void *arg, const struct link_head *head, uint8_t *bytes, size_t len);
	/* Queued bytes have been sent. */
	void (*on_drained)(void *arg);
	/* The other end has disconnected; all of its frames were delivered. Call
	 * link_free(). */
	void (*on_gone)(void *arg);
};

/* Creates a link. Takes ownership of FD, which must be non-blocking, even on failure. LOOP,
 * HANDLERS and ARG are borrowed. Returns NULL if out of memory. */
struct link *link_new_take(struct loop *loop, int fd, const struct link_handlers *handlers,
    void *arg) __attribute__((warn_unused_result));

/* Passes further frames to another user. */
void link_set_handlers(struct link *link, const struct link_handlers *handlers, void *arg);

/* Sends or queues a frame with LEN bytes, at most LINK_FRAME_MAX. If the link fails, on_gone()
 * is called from the loop. */
void link_send(struct link *link, struct link_head head, const void *bytes, size_t len);

/* Return the number of queued bytes, and when some of them were last sent (util_clock_ms()). */
size_t link_queued(const struct link *link);
int64_t link_progress_ms(const struct link *link);

/* Starts or stops reading, which is on at first. */
void link_set_reading(struct link *link, bool on);

/* link_free() closes the link immediately, link_finish() once queued bytes are sent. No handler
 * is called afterwards. Both accept NULL. */
void link_free(struct link *link);
void link_finish(struct link *link);

#endif
