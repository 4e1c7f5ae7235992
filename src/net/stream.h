/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A non-blocking byte stream to a peer: the interface above net/io. Protocols use streams and
 * know nothing about sockets, pipes or TLS. Bytes are written immediately; what the peer does
 * not accept yet is queued. Reads fill the caller's memory. Backpressure means not reading:
 * stream_set_reading(stream, false); the death of the peer is still detected.
 */
#ifndef NET_STREAM_H
#define NET_STREAM_H

#include "base/buffer.h"
#include "base/util.h"

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>

struct limit_slot;
struct stream;

enum stream_result {
	STREAM_OK, /* *n bytes, more than 0 */
	STREAM_AGAIN, /* no data yet */
	STREAM_EOF, /* the peer sends no more */
	STREAM_FAILED, /* stream_error() may have a reason */
};

enum stream_gone {
	STREAM_HALF_CLOSED, /* the peer sends no more, but may still read */
	/* Writing failed, or the kernel can't poll the descriptor; errno has the reason. */
	STREAM_LOST,
};

/* Handlers may call anything, including stream_free(). They are never called from inside a
 * function of this header. */
struct stream_handlers {
	void (*on_readable)(void *arg); /* call stream_read() once */
	/* Part or all of the queue was written. May be NULL. */
	void (*on_drained)(void *arg);
	/* Called once: the peer is gone, as detected while not reading or when writing the
	 * queue. After a half-close, a failing write is still reported. */
	void (*on_gone)(void *arg, enum stream_gone reason);
};

/* The verified certificate of a client; owned strings, NULL without a certificate. */
struct stream_cert {
	char *subject; /* distinguished name as in RFC 2253 */
	char *serial; /* serial number in hexadecimal; NULL also if a proxy did not report it */
};

/*
 * Reports whether the peer's system has anything to acknowledge, and for how long nothing was
 * received from it. A live system acknowledges data, or a probe of its closed window, within a
 * round trip, whether its program reads or not. {0} unless TCP.
 */
struct stream_contact {
	bool awaited;
	uint32_t silent_ms;
};

struct stream_facts {
	struct limit_slot *slot; /* slot in net/limit; may be NULL */
	struct sockaddr_in6 peer; /* address of the peer, of any family */
	char *peer_name; /* owned: host name of the peer; NULL: unknown */
	bool anonymous; /* a proxy forwards a client without an address; PEER is the proxy's */
	bool secure; /* protected by TLS */
	bool downgraded; /* the peer speaks plain text where TLS was expected */
};

/* See the inline function of the same name for each contract. */
struct stream_ops {
	enum stream_result (*read)(
	    struct stream *stream, uint8_t *bytes, size_t capacity, size_t *n);
	bool (*writev)(struct stream *stream, const struct iovec *parts, int count);
	bool (*write_take)(struct stream *stream, struct buffer *buffer);
	size_t (*send_file)(struct stream *stream, int fd, off_t offset, size_t len);
	size_t (*queued)(const struct stream *stream);
	size_t (*unconfirmed)(const struct stream *stream);
	struct stream_contact (*contact)(const struct stream *stream);
	void (*set_reading)(struct stream *stream, bool on);
	void (*shutdown)(struct stream *stream);
	const char *(*error)(const struct stream *stream);
	void (*free)(struct stream *stream);
	bool (*client_cert)(const struct stream *stream, struct stream_cert *out);
	void (*local_address)(const struct stream *stream, struct sockaddr_storage *out);
	const struct stream_facts *(*facts)(const struct stream *stream);
};

/* Embedded in an implementation, which initializes it. */
struct stream {
	const struct stream_ops *ops;
	const struct stream_handlers *handlers; /* borrowed */
	void *arg; /* borrowed: argument of the handlers */
	uint32_t progress_ms; /* the low bits of util_clock_ms(); see stream_progress_ms() */
	bool reading;
	bool last; /* the end follows the bytes being written */
};

enum { STREAM_PARTS_MAX = 8 };

/* Transfers the stream to another owner. */
static inline void
stream_set_handlers(struct stream *stream, const struct stream_handlers *handlers, void *arg)
{
	stream->handlers = handlers;
	stream->arg = arg;
}

/* Reads once, at most CAPACITY bytes. */
static inline enum stream_result
stream_read(struct stream *stream, uint8_t *bytes, size_t capacity, size_t *n)
{
	return stream->ops->read(stream, bytes, capacity, n);
}

/*
 * Writes all bytes of COUNT parts (at most STREAM_PARTS_MAX), now or later. Returns false if
 * the stream has failed or memory for the queue runs out; then free it. After
 * stream_shutdown(), bytes are dropped.
 */
__attribute__((warn_unused_result)) static inline bool
stream_writev(struct stream *stream, const struct iovec *parts, int count)
{
	return stream->ops->writev(stream, parts, count);
}

__attribute__((warn_unused_result)) static inline bool
stream_write(struct stream *stream, const void *bytes, size_t len)
{
	struct iovec part = {(void *)(uintptr_t)bytes, len};

	return len == 0 || stream->ops->writev(stream, &part, 1);
}

/* Like stream_write() for all bytes of BUFFER, which is emptied; they are not copied if the
 * queue is empty. */
__attribute__((warn_unused_result)) static inline bool
stream_write_take(struct stream *stream, struct buffer *buffer)
{
	return stream->ops->write_take(stream, buffer);
}

/* Sends at most LEN bytes of the regular file FD without copying them, and returns the number
 * sent. 0: not possible now, or never on this stream; use stream_write(). */
static inline size_t
stream_send_file(struct stream *stream, int fd, off_t offset, size_t len)
{
	return stream->ops->send_file ? stream->ops->send_file(stream, fd, offset, len) : 0;
}

/* Like stream_write() followed by stream_shutdown(), in one segment if nothing is queued. */
__attribute__((warn_unused_result)) static inline bool
stream_write_last(struct stream *stream, const void *bytes, size_t len)
{
	bool ok;

	stream->last = true;
	ok = stream_write(stream, bytes, len);
	if (ok)
		stream->ops->shutdown(stream);
	return ok;
}

/* Returns the bytes in the queue; after stream_shutdown(), not 0 until the end has been
 * sent. */
static inline size_t
stream_queued(const struct stream *stream)
{
	return stream->ops->queued(stream);
}

/* Returns when bytes last left the queue, or when it became non-empty (util_clock_ms()). Only
 * valid while the queue is not empty. */
static inline int64_t
stream_progress_ms(const struct stream *stream)
{
	int64_t now = util_clock_ms();

	return now - (uint32_t)((uint32_t)now - stream->progress_ms);
}

/* Returns the bytes that left the queue and were not acknowledged by the peer's system. */
static inline size_t
stream_unconfirmed(const struct stream *stream)
{
	return stream->ops->unconfirmed(stream);
}

static inline struct stream_contact
stream_contact(const struct stream *stream)
{
	return stream->ops->contact(stream);
}

/* Enables or disables reading; disabled in a new stream. */
static inline void
stream_set_reading(struct stream *stream, bool on)
{
	stream->ops->set_reading(stream, on);
}

static inline bool
stream_is_reading(const struct stream *stream)
{
	return stream->reading;
}

/* Ends writing: the peer gets the end once the queue is empty. */
static inline void
stream_shutdown(struct stream *stream)
{
	stream->ops->shutdown(stream);
}

/* Returns why the stream failed, if that is more specific than errno's text, else NULL. Valid
 * until the next call. */
static inline const char *
stream_error(const struct stream *stream)
{
	return stream->ops->error(stream);
}

/* Closes the stream; its memory is freed once the stack has unwound. Accepts NULL. */
static inline void
stream_free(struct stream *stream)
{
	if (stream)
		stream->ops->free(stream);
}

static inline bool
stream_is_secure(const struct stream *stream)
{
	return stream->ops->facts(stream)->secure;
}

static inline bool
stream_is_downgraded(const struct stream *stream)
{
	return stream->ops->facts(stream)->downgraded;
}

static inline bool
stream_is_anonymous(const struct stream *stream)
{
	return stream->ops->facts(stream)->anonymous;
}

/* Copies the peer's address; AF_UNSPEC if unknown. */
static inline void
stream_peer_address(const struct stream *stream, struct sockaddr_storage *out)
{
	memset(out, 0, sizeof(*out));
	memcpy(out, &stream->ops->facts(stream)->peer, sizeof(struct sockaddr_in6));
}

/* Copies the address that the peer connected to; costs a system call. */
static inline void
stream_local_address(const struct stream *stream, struct sockaddr_storage *out)
{
	stream->ops->local_address(stream, out);
}

/* Returns the host name of the peer's address if it was looked up and found, else NULL;
 * borrowed. */
static inline const char *
stream_peer_name(const struct stream *stream)
{
	return stream->ops->facts(stream)->peer_name;
}

/* Copies the client's certificate; stream_cert_clear() frees it. Returns false if memory runs
 * out. */
__attribute__((warn_unused_result)) static inline bool
stream_client_cert(const struct stream *stream, struct stream_cert *out)
{
	return stream->ops->client_cert(stream, out);
}

/* Sets *OUT to copies of SUBJECT and SERIAL, which may be NULL. Returns false if memory runs
 * out; clear OUT in both cases. */
static inline bool
stream_cert_copy(struct stream_cert *out, const char *subject, const char *serial)
{
	out->subject = subject ? strdup(subject) : NULL;
	out->serial = serial ? strdup(serial) : NULL;
	return (!subject || out->subject) && (!serial || out->serial);
}

static inline void
stream_cert_clear(struct stream_cert *cert)
{
	free(cert->subject);
	free(cert->serial);
	*cert = (struct stream_cert){0};
}

static inline struct limit_slot *
stream_slot(const struct stream *stream)
{
	return stream->ops->facts(stream)->slot;
}

#endif
