/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The parts of the load generator: load.c is what is asked of it and the messages themselves,
 * load_io.c the bytes of a connection, load_ws.c WebSocket, load_http.c requests for a file,
 * load_sessions.c what is about sessions and not about messages. One thread; any failure ends
 * the process and says why.
 */
#ifndef BENCH_LOAD_H
#define BENCH_LOAD_H

#include "corpus.h"

#include <openssl/ssl.h>
#include <stdbool.h>
#include <sys/types.h>
#include <zlib.h>

enum { LOAD_BATCH = 256 * 1024, LOAD_REPORT_MAX = 64, LOAD_WAIT_S = 20 };

/* What the command line says; see load.c. */
struct load_settings {
	const char *kind;
	const char *certificate; /* NULL without TLS */
	const char *text;
	bool ws;
	bool binary;
	bool deflate;
	bool get_first; /* a request for a file before the handshake, on the same connection */
	int port;
	size_t connections;
	size_t inflight;
	size_t size;
	uint64_t messages; /* of all connections; sessions with connect */
};

extern struct load_settings load_settings;
extern struct corpus load_corpus;

struct connection {
	int fd;
	SSL *ssl; /* owned; NULL without TLS */
	uint8_t *early; /* owned; what came behind the head of the handshake */
	size_t early_len;

	/* To be sent: UNSENT bytes of the image, which repeats, and behind it the queue. */
	size_t unsent;
	size_t sent_at; /* position within the image */
	uint8_t *queue; /* owned */
	size_t queue_at;
	size_t queue_len;
	size_t queue_room;
	uint64_t sent_count; /* messages; of those that are compressed one by one */
	z_stream deflate;

	/* The frame that comes in. */
	uint8_t header[10];
	size_t header_len;
	uint64_t frame_left;
	bool in_frame;
	bool frame_final;
	bool in_message;
	bool compressed;
	bool close_expected;
	bool close_came;
	z_stream inflate;

	/* What is to come, and how much of it did. */
	const uint8_t *expected; /* borrowed, or NUMBER or REPORT; a newline is behind it */
	size_t expected_len;
	size_t expected_at;
	uint64_t expected_index;
	uint8_t number[LOAD_REPORT_MAX];
	char report[LOAD_REPORT_MAX];
	size_t ended; /* messages that came whole since somebody set it to 0 */
	int64_t sent_ns; /* when the message left that is in flight; only with INFLIGHT 1 */
};

/* load.c */

void load_die(const char *what) __attribute__((noreturn)); /* with errno */
void load_fail(const char *what) __attribute__((noreturn));
int64_t load_now_ns(void);
void load_say(const char *word); /* to the one who measures */
void load_wait(void); /* until he answers */
void load_sample(int64_t since_ns);
void load_print_result(double seconds, uint64_t count);

/* Bytes of payload came; a message ended (not called without frames). */
void load_on_payload(struct connection *c, const uint8_t *bytes, size_t len);
void load_on_message_end(struct connection *c);

/* load_io.c */

/* Connects, with TLS and the handshake where they are asked for. The socket blocks, with a
 * deadline. */
void io_open(struct connection *c);
void io_unblock(struct connection *c);
/* -1: nothing for now; 0: the end. */
ssize_t io_read(struct connection *c, void *bytes, size_t len);
/* -1: no room for now. */
ssize_t io_write(struct connection *c, const void *bytes, size_t len);
void io_close(struct connection *c);
/* Reads once and gives it to load_on_payload(). False when nothing is there for now; an end
 * that is not expected is a failure. */
bool io_receive(struct connection *c);

/* load_ws.c */

/* Writes the masked frame of a message into TO, which has room for LEN + 14; returns its
 * length. */
size_t ws_frame(uint8_t *to, uint8_t first, const uint8_t *payload, size_t len);
/* Puts a frame, or a line where there are no frames, into the queue. */
void ws_queue(struct connection *c, const void *payload, size_t len);
void ws_queue_close(struct connection *c);
void ws_queue_compressed(struct connection *c, const uint8_t *payload, size_t len);
void ws_handshake(struct connection *c);
void ws_receive(struct connection *c, const uint8_t *bytes, size_t len);

/* load_http.c */

void http_get(struct connection *c); /* one request on a connection that blocks */
void http_run(void); /* a kind */

/* load_sessions.c: each is a kind. */

void sessions_connect(void);
void sessions_idle(void);
void sessions_slow_reader(void);
void sessions_slow_child(void);

#endif
