/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A non-blocking stream of bytes with somebody on the other side: the interface above net/io.
 * Protocols use a stream and know nothing of sockets, pipes and TLS.
 *
 * Bytes are written immediately; what the other side does not accept yet is queued. Reads go
 * into the caller's memory. Backpressure is not reading: stream_set_reading(stream, false); the
 * death of the other side is still detected.
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
	STREAM_AGAIN, /* nothing for now */
	STREAM_EOF, /* the other side sends no more */
	STREAM_FAILED, /* stream_error() may give a reason */
};

enum stream_gone {
	STREAM_HALF_CLOSED, /* the other side sends no more; it may still read */
	/* It can't be written to, or the system can't wait for it; errno is the reason. */
	STREAM_LOST,
};

/* A handler may call anything, including stream_free(). None is called from inside a function
 * of this header. */
struct stream_handlers {
	void (*on_readable)(void *arg); /* call stream_read() once */
	/* Part of the queue has left, or all of it. May be NULL. */
	void (*on_drained)(void *arg);
	/* Called once: the other side is gone, detected while not reading or when writing the
	 * queue. Of one that has half-closed, the latter still reports the loss. */
	void (*on_gone)(void *arg, enum stream_gone reason);
};

/* The certificate of a client, verified; each a text, owned, or NULL without a certificate. */
struct stream_cert {
	char *subject; /* distinguished name as in RFC 2253 */
	char *serial; /* serial number in hexadecimal; also NULL where a proxy did not report it
		       */
};

/*
 * Whether the other side's system has something to confirm, and for how long nothing came from
 * it. One that is alive confirms within a round trip what is sent to it, or a probe of its
 * closed window, whether its program reads or not. {0} for anything but TCP.
 */
struct stream_contact {
	bool awaited;
	uint32_t silent_ms;
};

struct stream_facts {
	struct limit_slot *slot; /* its place within the limits of net/limit; may be NULL */
	struct sockaddr_in6 peer; /* address of the other side, of any family */
	char *peer_name; /* owned: its host name; NULL: unknown */
	bool anonymous; /* a proxy forwards a client without an address: PEER is the proxy's */
	bool secure; /* nobody in between can read or change what is sent (TLS) */
	bool downgraded; /* the other side speaks plain text where TLS was expected */
};

/* The contract of each is at the inline function of the same name. */
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

/* Embedded in an implementation, which sets it up. */
struct stream {
	const struct stream_ops *ops;
	const struct stream_handlers *handlers; /* borrowed */
	void *arg; /* borrowed: the handlers' */
	uint32_t progress_ms; /* the low bits of util_clock_ms(); see stream_progress_ms() */
	bool reading;
	bool last; /* an end follows what is written */
};

enum { STREAM_PARTS_MAX = 8 };

/* Hands the stream to another owner. */
static inline void
stream_set_handlers(struct stream *stream, const struct stream_handlers *handlers, void *arg)
{
	stream->handlers = handlers;
	stream->arg = arg;
}

/* One read of at most CAPACITY bytes. */
static inline enum stream_result
stream_read(struct stream *stream, uint8_t *bytes, size_t capacity, size_t *n)
{
	return stream->ops->read(stream, bytes, capacity, n);
}

/*
 * Writes all bytes of COUNT parts (at most STREAM_PARTS_MAX), now or later. False: the stream
 * has failed, or there is no memory for the queue; free it. After stream_shutdown() bytes are
 * dropped.
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

/* As stream_write() for all bytes of BUFFER, which is empty afterwards; they are not copied if
 * the queue is empty. */
__attribute__((warn_unused_result)) static inline bool
stream_write_take(struct stream *stream, struct buffer *buffer)
{
	return stream->ops->write_take(stream, buffer);
}

/* Sends at most LEN bytes of the regular file FD without copying them, and returns how many. 0:
 * that is not possible now, or never over this stream; use stream_write(). */
static inline size_t
stream_send_file(struct stream *stream, int fd, off_t offset, size_t len)
{
	return stream->ops->send_file ? stream->ops->send_file(stream, fd, offset, len) : 0;
}

/* As stream_write() followed by stream_shutdown(): if nothing is queued, in one segment. */
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

/* Bytes in the queue; after stream_shutdown() not 0 until the end has been sent. */
static inline size_t
stream_queued(const struct stream *stream)
{
	return stream->ops->queued(stream);
}

/* When bytes last left the queue, or it began (util_clock_ms()); meaningful while it is not
 * empty. */
static inline int64_t
stream_progress_ms(const struct stream *stream)
{
	int64_t now = util_clock_ms();

	return now - (uint32_t)((uint32_t)now - stream->progress_ms);
}

/* Bytes that left the queue and that the other side's system has not confirmed. */
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

/* Reading is off in a new stream. */
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

/* Writes no more: the other side gets an end once the queue is empty. */
static inline void
stream_shutdown(struct stream *stream)
{
	stream->ops->shutdown(stream);
}

/* Why the stream failed, if there is a better text than errno's; else NULL. Valid until the
 * next call. */
static inline const char *
stream_error(const struct stream *stream)
{
	return stream->ops->error(stream);
}

/* Closes and frees; the memory is freed once the stack is clear. Accepts NULL. */
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

/* The family is AF_UNSPEC if it is unknown. */
static inline void
stream_peer_address(const struct stream *stream, struct sockaddr_storage *out)
{
	memset(out, 0, sizeof(*out));
	memcpy(out, &stream->ops->facts(stream)->peer, sizeof(struct sockaddr_in6));
}

/* The address that the peer has connected to; it costs a system call. */
static inline void
stream_local_address(const struct stream *stream, struct sockaddr_storage *out)
{
	stream->ops->local_address(stream, out);
}

/* The host name of the peer's address, if it was looked up and has one, else NULL; borrowed. */
static inline const char *
stream_peer_name(const struct stream *stream)
{
	return stream->ops->facts(stream)->peer_name;
}

/* False without memory. stream_cert_clear() frees. */
__attribute__((warn_unused_result)) static inline bool
stream_client_cert(const struct stream *stream, struct stream_cert *out)
{
	return stream->ops->client_cert(stream, out);
}

/* What SUBJECT and SERIAL, which may be NULL, are; false without memory. OUT is to be cleared.
 */
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
