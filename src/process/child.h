/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A running program and its three pipes, or its terminal, from its start until it is reaped.
 *
 * Three facts about a program's end come in any order: its stdout ends, it exits, and its user
 * wants it to end. The child leads its own process group, and all of the group ends with it:
 * the group is killed before the leader is reaped, as long as nobody else can have its number.
 *
 * child_end() begins the termination sequence (process/termination). If the program has exited,
 * and other groups of a terminal's session have not, the sequence goes on for them until it is
 * reaped.
 */
#ifndef PROCESS_CHILD_H
#define PROCESS_CHILD_H

#include "net/stream.h"
#include "process/children.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

enum {
	CHILD_STDERR_BATCH =
	    4 * 1024, /* bytes that one read of stderr takes at most: each may be a line */
	CHILD_GRACE_MS =
	    250, /* how long a dead program's group may go on writing to its stdout */
};

struct child;
/* on_written, on_stderr_read, on_exit and on_stuck may be NULL. */
struct child_handlers {
	void (*on_stdout)(void *arg); /* call child_read() once */
	void (*on_written)(void *arg); /* part of the queue to its stdin has left */
	void (*on_stderr)(
	    void *arg, const char *line, size_t len); /* a line, without its end */
	void (*on_stderr_read)(void *arg); /* the lines of one read are over */
	/* The program is dead: others may still write to its stdout.
	 * Not called if that has ended. */
	void (*on_exit)(void *arg);
	/* It runs after all of the termination sequence: nothing more can be done about it. */
	void (*on_stuck)(void *arg);
	/* Reaped; nothing of it is left. The last call; child_free() may follow. */
	void (*on_reaped)(void *arg);
};

/*
 * Starts a program. 0, or an errno, EDQUOT when too many run: nothing was started then and
 * *OUT is NULL. No handler is called before the return to the loop. Stdout is not read before
 * child_set_reading().
 */
int child_start(struct children *children, const struct spawn_command *command,
    const struct child_handlers *handlers, void *arg, struct child **out)
    __attribute__((warn_unused_result));

/* From now on events go to HANDLERS and ARG. It has not been used so far: nothing was written
 * to its stdin, nor read of its stdout. */
void child_adopt(struct child *child, const struct child_handlers *handlers, void *arg);

/* Asks the system whether it has exited, which a handler may report only later. */
bool child_has_exited(const struct child *child);

/* Kills it, and waits for its end for at most MS. True: on_reaped was called. */
bool child_kill(struct child *child, int ms) __attribute__((warn_unused_result));

/* What is known about it. */
struct child_facts {
	pid_t pid;
	bool dead;
	bool by_signal; /* once it is dead: how it ended */
	uint8_t value; /* the exit status, or the signal's number */
	bool stdout_ended;
	/* Bytes in its stdout once it is reaped; of a terminal, which does not know, more. */
	unsigned int left;
};
const struct child_facts *child_facts(const struct child *child);

/* Writes to its stdin (stream_writev()). When the program does not read any more, the bytes are
 * dropped. */
void child_write(struct child *child, const struct iovec *parts, int count);
/* As child_write() for all of BUFFER, which is empty afterwards. */
void child_write_take(struct child *child, struct buffer *buffer);
/* Bytes that wait to be written. */
size_t child_queued(const struct child *child);

void child_set_reading(struct child *child, bool on);

/* The same of stderr, which is read from the start. Once the program is reaped, its last lines
 * come in any case. */
void child_set_reading_stderr(struct child *child, bool on);

/*
 * One read of its stdout. STREAM_EOF: nothing comes any more (also when the program is dead,
 * the pipe is empty, and the grace time for others that hold it is over). Once it is reaped,
 * this never returns STREAM_AGAIN, and no event reports that the pipe is empty: a user that was
 * not reading by then reads on until STREAM_EOF. STREAM_FAILED is an end, too: what it wrote
 * last is lost.
 */
enum stream_result child_read(struct child *child, uint8_t *bytes, size_t capacity, size_t *n);

/* Changes the size of its terminal. */
void child_resize(struct child *child, struct pty_size size);

/* Its stdin ends after what was written. */
void child_end_input(struct child *child);

/* Begins the termination sequence; harmless when it has begun. */
void child_end(struct child *child);

/* The same from SIGINT on, with a terminal from SIGHUP on: its input is incomplete, and must
 * not look complete. */
void child_interrupt(struct child *child);

/* Frees it; only after on_reaped. Accepts NULL. */
void child_free(struct child *child);

#endif
