/* SPDX-License-Identifier: BSD-2-Clause */
/* Sends a file as the body of a response. */
#include "http/send_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct send_file {
	struct loop_deferred deferred; /* first: send_file_release() casts it back */
	struct exchange *exchange; /* borrowed */
	struct loop *loop; /* borrowed */
	struct loop_task turn;
	int fd; /* owned */
	off_t offset; /* offset of the next piece */
	int64_t left;
};

static void
send_file_release(struct loop_deferred *deferred)
{
	free(deferred);
}

static void
send_file_over(struct send_file *file)
{
	close(file->fd);
	loop_cancel(&file->turn);
	loop_defer_free(file->loop, &file->deferred, send_file_release);
}

/* Returns the number of bytes to send in this turn. */
static size_t
send_file_want(int64_t left)
{
	return left < LOOP_BATCH ? (size_t)left : LOOP_BATCH;
}

/* Reads a piece. Returns the error, or NULL. */
static const char *
send_file_read(int fd, struct loop *loop, off_t offset, int64_t left, struct span *piece)
{
	size_t want = send_file_want(left);
	ssize_t got;

	do {
		got = pread(fd, loop->in, want, offset);
	} while (got == -1 && errno == EINTR);
	if (got == -1)
		return strerror(errno);
	if (got == 0)
		return "the file was truncated while being sent";
	*piece = (struct span){(const char *)loop->in, (size_t)got};
	return NULL;
}

/*
 * Schedules the next piece, and has it read ahead. The kernel may be configured to read
 * megabytes ahead within one call; send_file_start() turns that off.
 */
static void
send_file_schedule(struct send_file *file)
{
	(void)posix_fadvise(file->fd, file->offset, LOOP_BATCH, POSIX_FADV_WILLNEED);
	/* If the kernel accepts all of it, the next piece is sent after the rest of the loop
	 * has run. */
	if (exchange_queued(file->exchange) <= BUFFER_LOW)
		loop_defer(file->loop, &file->turn);
}

static void
send_file_step(struct send_file *file)
{
	struct exchange *exchange = file->exchange;
	struct span piece = {0};
	const char *wrong = NULL;
	size_t sent =
	    exchange_send_file(exchange, file->fd, file->offset, send_file_want(file->left));

	/* With bytes queued, on_drained reports when the client's system accepts more. */
	if (sent == 0)
		wrong = send_file_read(file->fd, file->loop, file->offset, file->left, &piece);
	if (wrong) {
		send_file_over(file);
		exchange_abort(exchange, wrong);
		return;
	}
	if (sent == 0)
		exchange_write(exchange, piece.data, piece.len);
	sent += piece.len;
	file->offset += (off_t)sent;
	file->left -= (int64_t)sent;
	if (file->left == 0) {
		send_file_over(file);
		exchange_end(exchange);
		return;
	}
	send_file_schedule(file);
}

static void
send_file_on_turn(struct loop_task *task)
{
	send_file_step(LIST_ENTRY_OF(task, struct send_file, turn));
}

static void
send_file_on_drained(void *arg)
{
	struct send_file *file = arg;

	if (exchange_queued(file->exchange) <= BUFFER_LOW)
		loop_defer(file->loop, &file->turn);
}

static void
send_file_on_gone(void *arg)
{
	send_file_over(arg);
}

static const struct exchange_handlers send_file_handlers = {
    .on_drained = send_file_on_drained,
    .on_gone = send_file_on_gone,
};

/* Sends a file that needs more than one piece. */
static void
send_file_start(struct exchange *exchange, const struct reply *reply, int fd, off_t offset)
{
	struct send_file *file = calloc(1, sizeof(*file));

	if (!file) {
		close(fd);
		exchange_abort(exchange, "out of memory");
		return;
	}
	file->exchange = exchange;
	file->loop = exchange_loop(exchange);
	file->fd = fd;
	file->offset = offset;
	file->left = reply->length;
	loop_task_init(&file->turn, send_file_on_turn);
	exchange_set_handlers(exchange, &send_file_handlers, file);
	exchange_begin(exchange, reply, (struct span){0});
	(void)posix_fadvise(fd, 0, 0, POSIX_FADV_RANDOM);
	send_file_schedule(file);
}

void
send_file_take(struct exchange *exchange, const struct reply *reply, int fd, off_t offset)
{
	struct span piece = {0};
	const char *wrong = NULL;
	bool has_body = reply->length > 0 && !exchange_request(exchange)->is_head;

	if (has_body && reply->length <= LOOP_BATCH)
		wrong =
		    send_file_read(fd, exchange_loop(exchange), offset, reply->length, &piece);
	if (wrong) {
		close(fd);
		exchange_reply_status(exchange, 500, reply->fields, wrong);
	} else if (!has_body || piece.len == (uint64_t)reply->length) {
		close(fd);
		exchange_reply(exchange, reply, piece);
	} else {
		send_file_start(exchange, reply, fd, offset);
	}
}
