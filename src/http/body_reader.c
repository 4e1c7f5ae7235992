/* SPDX-License-Identifier: BSD-2-Clause */
/* Reads the body of a request. */
#include "http/body_reader.h"

#include <assert.h>
#include <string.h>

/* Converts received bytes for struct rate, which counts down remaining bytes. */
static uint64_t
body_reader_to_go(const struct body_reader *r)
{
	return UINT64_MAX - r->received;
}

void
body_reader_init(struct body_reader *r, const struct request *request, struct loop *loop,
    struct stream *stream, struct buffer *rest)
{
	*r = (struct body_reader){.loop = loop, .stream = stream, .rest = rest};
	body_init(&r->body, request->body, (uint64_t)request->length);
	r->done = request->body == BODY_NONE;
	r->continued = !request->expects_continue;
}

void
body_reader_set_wanted(struct body_reader *r, bool wanted)
{
	r->wanted = wanted;
	body_reader_arm(r);
	if (wanted)
		rate_start(&r->rate, body_reader_to_go(r), RATE_CREDIT_MS);
}

bool
body_reader_is_active(const struct body_reader *r)
{
	return r->wanted && !r->done;
}

bool
body_reader_is_pending(const struct body_reader *r)
{
	return body_reader_is_active(r) && buffer_len(r->rest) > 0;
}

void
body_reader_arm(struct body_reader *r)
{
	/* Pending bytes are read in this round or the next; until then, change nothing. */
	if (!body_reader_is_pending(r))
		stream_set_reading(r->stream, body_reader_is_active(r));
}

/* Decodes N bytes of the loop's buffer in place. */
static enum body_reader_result
body_reader_decode(struct body_reader *r, size_t n, struct span *content)
{
	uint8_t *in = r->loop->in;
	size_t used;
	enum body_result result = body_decode(&r->body, in, n, &used, &content->len);

	content->data = (const char *)in;
	r->received += used;
	r->continued = true;
	r->done = result == BODY_DONE;
	r->reason = result == BODY_BAD ? r->body.reason : "out of memory";
	if (result == BODY_BAD)
		return BODY_READER_BAD;
	return buffer_append(r->rest, in + used, n - used) ? BODY_READER_CONTENT
							   : BODY_READER_FAILED;
}

enum body_reader_result
body_reader_read(struct body_reader *r, struct span *content)
{
	size_t n = buffer_len(r->rest);

	if (n > 0) {
		assert(n <= LOOP_BATCH);
		memcpy(r->loop->in, buffer_data(r->rest), n);
		buffer_clear(r->rest);
		return body_reader_decode(r, n, content);
	}
	switch (stream_read(r->stream, r->loop->in, LOOP_BATCH, &n)) {
	case STREAM_OK:
		return body_reader_decode(r, n, content);
	case STREAM_AGAIN:
		return BODY_READER_AGAIN;
	case STREAM_EOF:
	case STREAM_FAILED:
		break;
	}
	r->reason = "the client disconnected within the request body";
	return BODY_READER_FAILED;
}

bool
body_reader_take_end(struct body_reader *r)
{
	bool end = r->done && r->wanted && !r->reported;

	r->reported |= end;
	return end;
}

bool
body_reader_is_slow(struct body_reader *r)
{
	return body_reader_is_active(r) && r->rate.due_ms <= util_clock_ms() &&
	       !rate_check(&r->rate, body_reader_to_go(r));
}
