/* SPDX-License-Identifier: BSD-2-Clause */
/* Writes a response. */
#include "http/body_writer.h"

#include <stdio.h>

enum {
	BODY_WRITER_SIZE_MAX = 24, /* bytes of the size line of a chunk */
};

void
body_writer_init(struct body_writer *w, struct stream *stream)
{
	*w = (struct body_writer){.stream = stream, .left = REPLY_LENGTH_UNKNOWN};
}

void
body_writer_start(
    struct body_writer *w, const struct request *request, const struct reply *reply)
{
	w->has_body = reply_has_body(reply->status) && !request->is_head;
	w->left = reply->length;
	w->chunked = reply->length < 0 && reply_has_body(reply->status) && request->head &&
		     head_minor(request->head) == 1;
}

bool
body_writer_is_delimited(const struct body_writer *w)
{
	return !w->has_body || w->chunked || w->left >= 0;
}

const char *
body_writer_connection(const struct body_writer *w, bool keep)
{
	if (w->chunked)
		return keep ? "Transfer-Encoding: chunked\r\n"
			    : "Transfer-Encoding: chunked\r\nConnection: close\r\n";
	return keep ? "" : "Connection: close\r\n";
}

bool
body_writer_write(struct body_writer *w, struct span head, struct span piece, bool last)
{
	char size[BODY_WRITER_SIZE_MAX];
	struct iovec parts[STREAM_PARTS_MAX] = {{(char *)(uintptr_t)head.data, head.len}};
	int count = head.len > 0;
	bool chunk = w->chunked && w->has_body && piece.len > 0;

	if (!w->has_body)
		piece.len = 0;
	if (w->left >= 0 && piece.len > (uint64_t)w->left) {
		w->excess = true;
		piece.len = (size_t)w->left;
	}
	if (w->left >= 0)
		w->left -= (int64_t)piece.len;
	if (chunk) {
		parts[count].iov_base = size;
		parts[count++].iov_len =
		    (size_t)snprintf(size, sizeof(size), "%zx\r\n", piece.len);
	}
	if (piece.len > 0)
		parts[count++] = (struct iovec){(char *)(uintptr_t)piece.data, piece.len};
	if (chunk)
		parts[count++] = (struct iovec){(char *)(uintptr_t) "\r\n", 2};
	if (last && w->chunked && w->has_body)
		parts[count++] = (struct iovec){(char *)(uintptr_t) "0\r\n\r\n", 5};
	for (int i = 0; i < count; i++)
		w->written += parts[i].iov_len;
	if (count == 0 || w->failed)
		return true;
	w->failed = !stream_writev(w->stream, parts, count);
	return !w->failed;
}

size_t
body_writer_send_file(struct body_writer *w, int fd, off_t offset, size_t len)
{
	size_t sent = 0;

	if (w->has_body && !w->failed && w->left >= (int64_t)len)
		sent = stream_send_file(w->stream, fd, offset, len);
	w->left -= (int64_t)sent;
	w->written += sent;
	return sent;
}

bool
body_writer_is_short(const struct body_writer *w)
{
	return w->has_body && w->left > 0;
}

/* Converts acknowledged bytes for struct rate, which counts down remaining bytes. */
static uint64_t
body_writer_to_go(uint64_t arrived)
{
	return UINT64_MAX - arrived;
}

void
body_writer_start_rate(struct body_writer *w)
{
	rate_start(&w->rate, body_writer_to_go(0), RATE_CREDIT_MS);
}

void
body_writer_resume_rate(struct body_writer *w)
{
	rate_start(&w->rate, body_writer_to_go(w->written), RATE_CREDIT_MS);
}

bool
body_writer_is_slow(struct body_writer *w)
{
	size_t pending = stream_queued(w->stream) + stream_unconfirmed(w->stream);

	if (pending == 0)
		body_writer_resume_rate(w);
	return w->rate.due_ms <= util_clock_ms() &&
	       !rate_check(&w->rate,
		   body_writer_to_go(w->written > pending ? w->written - pending : 0));
}
