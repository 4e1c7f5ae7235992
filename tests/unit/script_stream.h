/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A scripted stream: reads get what a test puts in, and what is written is kept. Two of them
 * may be connected.
 */
#ifndef TESTS_UNIT_SCRIPT_STREAM_H
#define TESTS_UNIT_SCRIPT_STREAM_H

#include "net/stream.h"

struct script_stream {
	struct stream stream; /* first */
	struct script_stream *other; /* what is written goes there; NULL: to WRITTEN */
	struct buffer incoming; /* to be read */
	struct buffer written;
	struct buffer queue; /* what was written beyond ROOM */
	size_t room; /* bytes that the other side still accepts */
	size_t read_max; /* bytes of one read */
	bool fails; /* each write */
	bool shut;
	bool ended; /* the end of the other one was read */
	bool freed;
};

void script_stream_init(struct script_stream *s);
void script_stream_clear(struct script_stream *s);

/* Calls on_readable while there is something to read, and it is read. False if nothing was. */
bool script_stream_turn(struct script_stream *s);

/* The other side accepts everything from now on: the queue leaves. */
void script_stream_drain(struct script_stream *s);

#endif
